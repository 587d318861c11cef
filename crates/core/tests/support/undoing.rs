//! Takes the changes of a plan back.

use flexway_core::change::{Change, Edit, Listed};
use flexway_core::diagnose::{self, Question};
use flexway_core::estate::Estate;
use flexway_core::id::ResourceId;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

/// Applies the changes, then their inverses from the last to the first: the verdict is what it was.
/// False where a change has no inverse.
pub(crate) fn undo(
    estate: &Estate,
    question: &Question,
    changes: &[Change],
    before: Verdict,
) -> bool {
    let mut current = changes.iter().fold(estate.clone(), |estate, change| change.apply(&estate));
    for change in changes.iter().rev() {
        assert!(
            !change.az.is_empty() && change.az.iter().all(|line| line.starts_with("az ")),
            "{}",
            change.title
        );
        let Some(inverse) = &change.inverse else { return false };
        let id = ResourceId::parse(inverse.path.split('?').next().expect("a path"))
            .expect("a request names a resource");
        let edits = match inverse.method {
            // With the thing goes what Azure made for it, such as the record of a zone group.
            "DELETE" => change.edits.iter().filter_map(made).map(Edit::Remove).collect(),
            _ if let Some(listed) = change.edits.iter().find_map(led_elsewhere) => {
                let fields = Some(inverse.body["properties"].clone());
                vec![Edit::Listed(Listed { fields, ..listed.clone() })]
            }
            _ if current.resource(&id).is_none() => {
                let mut body = inverse.body.clone();
                if id.resource_type().ends_with("/virtualnetworklinks") {
                    body["properties"]["virtualNetworkLinkState"] = json!("Completed");
                }
                vec![Edit::Put(id, body)]
            }
            _ => {
                let mut fields = inverse.body["properties"].clone();
                if let Some(places) = current.body(&id).and_then(|body| given(&id, &body)) {
                    fields["ipConfigurations"] = places;
                }
                // A PUT takes away what it does not name.
                let sent = change.request.body["properties"].as_object();
                for name in sent.into_iter().flat_map(|sent| sent.keys()) {
                    if fields.get(name).is_none() {
                        fields[name] = Value::Null;
                    }
                }
                vec![Edit::Patch(id, fields)]
            }
        };
        let undo = Change { edits, ..change.clone() };
        current = undo.apply(&current);
    }
    let restored = changes.iter().filter_map(|change| change.inverse.as_ref()?.then.as_ref());
    for request in restored {
        let id = ResourceId::parse(request.path.split('?').next().expect("a path"));
        let edit = Edit::Put(id.expect("a request names a resource"), request.body.clone());
        current = Change { edits: vec![edit], ..changes[0].clone() }.apply(&current);
    }
    let titles: Vec<&str> = changes.iter().map(|change| change.title.as_str()).collect();
    assert_eq!(diagnose::check(&current, question).verdict, before, "undone: {titles:?}");
    true
}

/// The places of a firewall, whose addresses no request sets.
fn given(id: &ResourceId, body: &Value) -> Option<Value> {
    let is_firewall = id.is_type("microsoft.network/azurefirewalls");
    is_firewall.then(|| body["properties"]["ipConfigurations"].clone())
}

/// An element of a list that stays, with other fields.
fn led_elsewhere(edit: &Edit) -> Option<&Listed> {
    match edit {
        Edit::Listed(listed) if listed.fields.is_some() => Some(listed),
        _ => None,
    }
}

fn made(edit: &Edit) -> Option<ResourceId> {
    let makes_none =
        matches!(edit, Edit::Patch(..) | Edit::Remove(_) | Edit::Part(_) | Edit::Listed(_));
    (!makes_none).then(|| edit.resource().clone())
}
