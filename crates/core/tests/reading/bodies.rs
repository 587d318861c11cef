//! Bodies of resources are kept as they stand, small, and one field of them can be had alone.

use flexway_core::estate::network::Vnet;
use flexway_core::estate::{Body, Estate, load, scan, settle};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use crate::support::input;

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";

fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("an id")
}

/// The estate of a text.
fn read(text: &str) -> Estate {
    settle(vec![(0, scan("text.json", text).expect("JSON"))]).estate
}

/// The body of the network as it is kept.
fn kept(estate: &Estate) -> &Body {
    &estate.resource(&id(ID)).expect("the network").body
}

#[test]
fn a_text_and_a_value_read_alike() {
    let text = format!(
        r#"{{"id": "{ID}", "type": "x", "a": [1, -2, 0.5, true, null, "x", "\u0041\n"], "b\u0020c": {{"d": {{}}}}}}"#
    );
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let estates = [
        read(&text),
        read(&format!("[{text}]")),
        read(&format!("{{\"value\": [{text}]}}")),
        load(vec![input("value.json", value.clone())]).estate,
    ];
    for estate in &estates {
        assert_eq!(kept(estate).value().to_string(), value.to_string());
        assert_eq!(kept(estate).at("/b c/d"), Some(json!({})));
    }
}

#[test]
fn the_last_of_several_fields_counts() {
    let space = |prefix: &str| format!(r#""addressSpace": {{"addressPrefixes": ["{prefix}"]}}"#);
    let [one, two] = ["10.1.0.0/16", "10.2.0.0/16"].map(space);
    let text = format!(r#"{{"id": "{ID}", "properties": {{{one}, {two}}}, "a": 1, "a": "two"}}"#);
    for text in [text.clone(), format!("{{\"value\": [{text}]}}")] {
        let estate = read(&text);
        let vnet = estate.get::<Vnet>(&id(ID)).expect("the network");
        assert_eq!(format!("{:?}", vnet.space), "[10.2.0.0/16]");
        assert_eq!(kept(&estate).at("/a"), Some(json!("two")));
        assert_eq!(kept(&estate).value()["a"], json!("two"));
    }
}

#[test]
fn a_body_is_kept_as_it_was() {
    let rule = |number: u32| json!({ "name": format!("rule-{number}"), "priority": number });
    let rules: Vec<Value> = (0..1000).map(rule).collect();
    let properties = json!({ "rules": rules, "huge": u64::MAX, "virtualNetworkPeerings": "odd" });
    let body = json!({ "id": ID, "properties": properties });
    let estate = load(vec![input("body.json", body.clone())]).estate;
    let unread = estate.resource(&id(&format!("{ID}/virtualNetworkPeerings/unreadable")));
    let unread = &unread.expect("a half that may lead anywhere").body;
    for (body, kept) in [(body, kept(&estate)), (json!(null), unread)] {
        assert_eq!(*kept.value(), body);
        assert_eq!(*Body::from(body.clone()).value(), body);
        let rule = "/properties/rules/500";
        assert_eq!(kept.at(rule).as_ref(), body.pointer(rule));
        for pointer in ["", "/properties/huge", "/properties/huge/0", "/properties/rules/x", "/no"]
        {
            assert_eq!(kept.at(pointer).as_ref(), body.pointer(pointer), "{pointer}");
        }
    }
}

#[test]
fn a_list_of_rules_takes_a_fraction() {
    let rules: Vec<Value> = (0..100).map(|_| json!({ "access": "Allow" })).collect();
    let body = json!({ "id": ID, "type": "x", "rules": rules });
    let estate = load(vec![input("body.json", body.clone())]).estate;
    // It shows the bytes that are kept, with a comma between each two.
    let said = format!("{:?}", kept(&estate));
    assert!(said.starts_with("Body(Packed(["), "{said}");
    assert!(said.matches(',').count() * 5 < body.to_string().len(), "{said}");
}

/// A text within a text, as Terraform keeps some bodies, is read by itself and may be as deep as its file.
#[test]
fn a_body_may_be_deeper_than_a_file() {
    for levels in [100, 125, 126, 127, 200] {
        let deep = (0..levels).fold(json!("x"), |inner, _| json!([inner]));
        let body = json!({ "id": ID, "type": "x", "deep": deep });
        let estate = load(vec![input("body.json", body.clone())]).estate;
        assert_eq!(*kept(&estate).value(), body, "{levels}");
        assert_eq!(kept(&estate).at("/deep").as_ref(), body.get("deep"), "{levels}");
    }
}
