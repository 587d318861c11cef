//! What a repair may not do: kinds that the user forbids, and resources that locks hold.

use flexway_core::change::Change;
use flexway_core::plan::{self, Plan};
use flexway_core::repair::Policy;
use serde_json::{Value, json};

use crate::support;

/// The plan where no zone is linked to the copier's network, below locks of the group of the zones.
fn unlinked(forbidden: &[&str], level: Option<&str>) -> Plan {
    let mut resources = support::fixture("private-source");
    let link = "privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";
    support::edit(&mut resources, &format!("delete {link}"));
    if let Some(level) = level {
        let body = json!({ "type": "Microsoft.Authorization/locks", "properties": { "level": level },
            "id": "$dns/Microsoft.Authorization/locks/keep" });
        support::edit(&mut resources, &format!("add {body}"));
    }
    let estate = support::estate(&resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    plan::plan(&estate, &support::question(&estate), &policy)
}

fn kinds(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.kind).collect()
}

#[test]
fn what_is_forbidden_is_not_done() {
    assert_eq!(kinds(&unlinked(&[], None)), ["link-zone"]);
    let other = unlinked(&["link-zone"], None);
    assert!(!kinds(&other).contains(&"link-zone"));
    let none = unlinked(&["link-zone", "create-zone"], None);
    assert_eq!(kinds(&none), Vec::<&str>::new());
    let refusal = none.refusal.expect("a refusal");
    let title = "link zone `privatelink.postgres.database.azure.com` to network `target-net`";
    assert_eq!(refusal.why, format!("`--forbid link-zone` forbids what is needed: {title}"));
    assert_eq!(refusal.help, ["leave out `--forbid link-zone`"]);
    let relaxation = none.relaxation.expect("it could be mended");
    assert_eq!(relaxation.needs(), ["`--forbid link-zone`"]);
    assert_eq!(relaxation.changes[0].kind, "link-zone");
}

/// A zone group for a zone that nobody makes is refused by Azure; that the zone was not captured does not open anything.
#[test]
fn no_endpoint_is_attached_to_a_zone_that_is_not_there() {
    let mut resources = support::fixture("private-source");
    let zone = |name: &str| format!("$dns/Microsoft.Network/privateDnsZones/{name}");
    let wrong = zone("privatelink.postgresql.database.azure.com");
    let right = "privatelink.postgres.database.azure.com";
    let add = |id: String, properties: Value| {
        format!("add {}", json!({ "id": id, "properties": properties }))
    };
    let vnet = "$target/Microsoft.Network/virtualNetworks/target-net";
    for line in [
        "delete old-db-pe/privateDnsZoneGroups/default".to_owned(),
        format!("delete {right}/virtualNetworkLinks/source-link"),
        format!("delete {right}/virtualNetworkLinks/target-link"),
        format!("delete {right}/A/old-db"),
        format!("delete privateDnsZones/{right}"),
        add(wrong.clone(), json!({ "numberOfRecordSets": 2 })),
        add(
            format!("{wrong}/virtualNetworkLinks/link"),
            json!({ "virtualNetwork": { "id": vnet }, "virtualNetworkLinkState": "Completed" }),
        ),
        add(format!("{wrong}/A/old-db"), json!({ "aRecords": [{ "ipv4Address": "10.10.1.4" }] })),
    ] {
        support::edit(&mut resources, &line);
    }
    let estate = support::estate(&resources);
    let plan = |forbidden: &[&str]| {
        let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
        let policy = Policy { forbidden, ignores_locks: false };
        plan::plan(&estate, &support::question(&estate), &policy)
    };
    assert_eq!(kinds(&plan(&[])), ["create-zone", "attach-zone", "link-zone"]);
    assert_eq!(kinds(&plan(&["link-zone"])), Vec::<&str>::new());
}

#[test]
fn a_read_only_lock_bars_what_it_holds() {
    let plan = unlinked(&[], Some("ReadOnly"));
    let in_locked =
        |change: &&Change| change.resource.resource_group().eq_ignore_ascii_case("rg-dns");
    assert_eq!(plan.changes.iter().filter(in_locked).count(), 0, "{:?}", kinds(&plan));
    assert_eq!(kinds(&plan), ["create-zone", "set-record", "link-zone"], "a zone of its own");
}

/// The lock comes first, then how to lift it, what is done meanwhile, and how to put it back.
#[test]
fn a_refusal_names_the_lock_and_how_to_lift_it() {
    let mut resources = support::fixture("private-source");
    for line in [
        "delete privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link".to_owned(),
        "delete source-net/virtualNetworkPeerings/to-target".to_owned(),
        "delete target-net/virtualNetworkPeerings/to-source".to_owned(),
        format!(
            "add {}",
            json!({ "id": "$dns/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com/\
            providers/Microsoft.Authorization/locks/keep", "type": "Microsoft.Authorization/locks",
            "properties": { "level": "ReadOnly" } })
        ),
        format!(
            "add {}",
            json!({ "id": "$target/Microsoft.Authorization/locks/all",
            "type": "Microsoft.Authorization/locks", "properties": { "level": "ReadOnly" } })
        ),
    ] {
        support::edit(&mut resources, &line);
    }
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
    let refusal = plan.refusal.clone().expect("a refusal");
    assert!(refusal.why.starts_with("lock `"), "{refusal}");
    for words in [
        "lock `keep` (ReadOnly) on zone `privatelink.postgres.database.azure.com` forbids",
        "lock `all` (ReadOnly) on resource group `rg-target` forbids",
    ] {
        assert!(refusal.why.contains(words), "{refusal}");
    }
    let position = |words: &str| refusal.help.iter().position(|line| line.contains(words));
    let order =
        ["az lock delete --ids ", "then link zone `privatelink", "az lock create --name keep"];
    let found: Vec<Option<usize>> = order.into_iter().map(position).collect();
    assert!(found.is_sorted() && found.iter().all(Option::is_some), "{refusal:#?}");
    assert!(position("--resource-group rg-target").is_some(), "{refusal:#?}");
    // A relay host is bound by no lock, but the plan is one step away.
    assert!(!refusal.to_string().contains("relay"), "{refusal}");
}

#[test]
fn a_lock_against_deletion_bars_no_addition() {
    assert_eq!(kinds(&unlinked(&[], Some("CanNotDelete"))), ["link-zone"]);
}

/// A source whose record is missing, or whose endpoint waits, and a lock on that endpoint alone.
fn locked_endpoint(edits: &[&str]) -> Plan {
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|line| support::edit(&mut resources, line));
    let lock = json!({ "type": "Microsoft.Authorization/locks", "properties": { "level": "ReadOnly" },
        "id": "$source/Microsoft.Network/privateEndpoints/old-db-pe/providers/Microsoft.Authorization/locks/keep" });
    support::edit(&mut resources, &format!("add {lock}"));
    let estate = support::estate(&resources);
    plan::plan(&estate, &support::question(&estate), &Policy::default())
}

/// An endpoint in place of the one that is locked costs more than the record by itself.
#[test]
fn where_a_lock_bars_the_usual_way_the_last_resort_is_weighed_too() {
    let plan = locked_endpoint(&[
        "delete privatelink.postgres.database.azure.com/A/old-db",
        "delete privateDnsZoneGroups/default",
        "delete source-net/virtualNetworkPeerings/to-target",
        "delete target-net/virtualNetworkPeerings/to-source",
    ]);
    assert_eq!(kinds(&plan), ["set-record", "create-peering", "create-peering"]);
}

/// The owner of the server approves a connection of it; the endpoint is told.
#[test]
fn a_lock_on_an_endpoint_does_not_bar_its_approval() {
    let waits = "set servers/old-db /properties/privateEndpointConnections/0/properties/\
        privateLinkServiceConnectionState/status \"Pending\"";
    assert_eq!(kinds(&locked_endpoint(&[waits])), ["approve-endpoint"]);
}
