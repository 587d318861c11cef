//! What a plan makes, in place of something else or not: Azure has completed it once the plan is applied, with addresses of its own.

use flexway_core::estate::{Input, overlay};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::support::{causes, check, edit, estate, fixture};
use super::{SUBSCRIPTION, plan};

fn arm(group: &str, rest: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/{group}/providers/{rest}")
}

/// A plan that makes a resource, in place of another one where `is_there`.
fn made(kind: &str, is_there: bool, id: &str, after: &Value, mut unknown: Value) -> Input {
    let mut before = after.clone();
    before["id"] = json!(id);
    unknown["id"] = json!(true);
    match is_there {
        true => plan(kind, json!(["delete", "create"]), before, after.clone(), unknown),
        false => plan(kind, json!(["create"]), json!(null), after.clone(), unknown),
    }
}

/// The source's endpoint as azurerm writes it, with what only an apply tells.
fn endpoint(is_there: bool, has_group: bool) -> Input {
    let zone = "Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com";
    let group = json!({ "name": "default", "private_dns_zone_ids": [arm("rg-dns", zone)] });
    let subnet = "Microsoft.Network/virtualNetworks/source-net/subnets/endpoints";
    let server = "Microsoft.DBforPostgreSQL/servers/old-db";
    let after = json!({
        "name": "old-db-pe", "resource_group_name": "rg-source", "ip_configuration": [],
        "subnet_id": arm("rg-source", subnet),
        "private_dns_zone_group": if has_group { json!([group]) } else { json!([]) },
        "private_service_connection": [{ "name": "old-db-pe", "is_manual_connection": false,
            "private_connection_resource_id": arm("rg-source", server), "subresource_names": ["postgresqlServer"] }],
    });
    let unknown = json!({ "network_interface": true, "custom_dns_configs": true,
        "private_service_connection": [{ "private_ip_address": true }] });
    let id = arm("rg-source", "Microsoft.Network/privateEndpoints/old-db-pe");
    made("azurerm_private_endpoint", is_there, &id, &after, unknown)
}

fn after(edits: &[&str], plan: Input) -> (Verdict, Vec<String>) {
    let mut resources = fixture("private-source");
    edits.iter().for_each(|line| edit(&mut resources, line));
    let report = check(&overlay(&estate(&resources), plan).estate);
    (report.verdict, causes(&report).into_iter().map(str::to_owned).collect())
}

fn rules(allowed: &str) -> String {
    let rule = |name: &str, priority: u32, access: &str, to: &str| {
        json!({ "name": name, "properties": { "access": access, "direction": "Outbound", "priority": priority,
            "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": to,
            "destinationPortRange": "*" } })
    };
    let both = [rule("a", 200, "Allow", allowed), rule("b", 300, "Deny", "VirtualNetwork")];
    format!("set target-nsg /properties/securityRules {}", json!(both))
}

#[test]
fn an_endpoint_that_is_replaced_gets_another_address() {
    let no_group = "delete old-db-pe/privateDnsZoneGroups/default";
    let (verdict, causes) = after(&[no_group], endpoint(true, false));
    assert_eq!((verdict, causes), (Verdict::Undetermined, vec![]), "nobody keeps the record");
    let narrow = after(&[&rules("10.10.1.4/32")], endpoint(true, true));
    assert_eq!(narrow, (Verdict::Undetermined, vec![]), "a rule for the old address alone");
    let wide = after(&[&rules("10.10.1.0/24")], endpoint(true, true));
    assert_eq!(wide, (Verdict::Reachable, vec![]));
}

#[test]
fn an_endpoint_that_is_made_is_approved() {
    let none = [
        "delete old-db-pe/privateDnsZoneGroups/default",
        "delete old-db-pe",
        "delete old-db-pe.nic",
        "delete privatelink.postgres.database.azure.com/A/old-db",
        "set servers/old-db /properties/privateEndpointConnections []",
    ];
    assert_eq!(after(&none, endpoint(false, true)), (Verdict::Reachable, vec![]));
}

#[test]
fn endpoints_of_a_server_do_not_lead_to_its_successor() {
    let server = json!({ "name": "old-db", "resource_group_name": "rg-source", "sku_name": "GP_Gen5_4",
        "version": "11", "public_network_access_enabled": false, "ssl_enforcement_enabled": true });
    let id = arm("rg-source", "Microsoft.DBforPostgreSQL/servers/old-db");
    let plan = made("azurerm_postgresql_server", true, &id, &server, json!({ "fqdn": true }));
    let (verdict, causes) = after(&[], plan);
    assert_eq!((verdict, causes), (Verdict::Unreachable, vec!["endpoint/disconnected".to_owned()]));
}

#[test]
fn a_server_that_is_made_is_ready() {
    let subnet = "Microsoft.Network/virtualNetworks/target-net/subnets/postgres";
    let zone = "Microsoft.Network/privateDnsZones/new-db.private.postgres.database.azure.com";
    let server = json!({ "name": "new-db", "resource_group_name": "rg-target", "version": "16",
        "sku_name": "GP_Standard_D4ds_v5", "public_network_access_enabled": false,
        "delegated_subnet_id": arm("rg-target", subnet), "private_dns_zone_id": arm("rg-target", zone) });
    let id = arm("rg-target", "Microsoft.DBforPostgreSQL/flexibleServers/new-db");
    let kind = "azurerm_postgresql_flexible_server";
    let stopped = "set flexibleServers/new-db /properties/state \"Stopped\"";
    let answer = after(&[stopped], made(kind, true, &id, &server, json!({ "fqdn": true })));
    assert_eq!(answer, (Verdict::Reachable, vec![]), "the one that was stopped is gone");
    let mut resources = fixture("private-source");
    let plan = made(kind, false, &id, &server, json!({ "fqdn": true }));
    let question = super::support::question(&estate(&resources));
    edit(&mut resources, "delete flexibleServers/new-db");
    let report =
        flexway_core::diagnose::check(&overlay(&estate(&resources), plan).estate, &question);
    assert_eq!(report.verdict, Verdict::Reachable, "{:?}", report.missing);
}
