//! Templates, states and plans that others wrote: each gives the resources that it holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flexway_core::estate::{Estate, load, overlay};
use serde_json::{Value, json};

use crate::support::{self, SUBSCRIPTION, input, parse};

/// A folder of recorded inputs, where it stands beside the project.
fn recorded(folder: &str) -> Option<PathBuf> {
    let path = support::root().join("../shared/estates").join(folder);
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// How many resources there are of each type.
fn counts(estate: &Estate) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for id in estate.ids() {
        let kind = id.resource_type();
        let short = kind.rsplit('/').next().unwrap_or("").to_owned();
        *counts.entry(short).or_insert(0) += 1;
    }
    counts
}

fn told(counts: &BTreeMap<String, usize>) -> String {
    let words: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    words.join(", ")
}

/// Values for parameters that have none, by name; whatever else is asked for gets its own name.
fn answers(template: &Value) -> Value {
    let mut given = serde_json::Map::new();
    for (name, definition) in template["parameters"].as_object().into_iter().flatten() {
        if definition.get("defaultValue").is_some() || definition["nullable"] == json!(true) {
            continue;
        }
        let network = format!(
            "{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/far"
        );
        let zone = format!(
            "{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/z"
        );
        let value = match (name.as_str(), definition["type"].as_str().unwrap_or("")) {
            ("addressPrefixes", _) => json!(["10.0.0.0/16"]),
            ("privateDnsZoneConfigs", _) => json!([{ "privateDnsZoneResourceId": zone }]),
            ("targetSubResource", _) => json!(["vault"]),
            (name, _) if name.to_ascii_lowercase().ends_with("resourceid") => json!(network),
            (name, _) if name.to_ascii_lowercase().contains("addressp") => json!("10.0.0.0/24"),
            (name, _) if name.to_ascii_lowercase().contains("addresssp") => json!("10.0.0.0/16"),
            (_, "int") => json!(1),
            (_, "array") => json!([]),
            (name, _) => json!(name),
        };
        given.insert(name.clone(), json!({ "value": value }));
    }
    json!({ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "parameters": given })
}

#[test]
fn recorded_templates_give_the_resources_that_they_deploy() {
    let Some(folder) = recorded("arm-templates") else { return };
    let expected = [
        ("avm-flexible-server.json", "advancedthreatprotectionsettings 1, flexibleservers 1"),
        ("avm-private-dns-zone-group.json", "privatednszonegroups 1"),
        ("avm-route-table.json", "routetables 1"),
        ("avm-virtual-network-link.json", "virtualnetworklinks 1"),
        ("avm-virtual-network-peering.json", "virtualnetworkpeerings 1"),
        ("avm-virtual-network.json", "virtualnetworks 1"),
        (
            "checkov-NSGRuleSSHAccessRestricted-NSGRulePortAccessRestricted-RULE-1Pass-1Fail.json",
            "networksecuritygroups 1, securityrules 1, subnets 1, virtualnetworks 1",
        ),
        ("checkov-PostgreSQLEncryptionEnabled-fail.json", "servers 1"),
        (
            "qs-backup-create-postgresqlflex-enable-protection.json",
            "backupinstances 1, backuppolicies 1, backupvaults 1, flexibleservers 1, roleassignments 2",
        ),
        (
            "qs-flexible-postgresql-with-vnet.json",
            "flexibleservers 1, privatednszones 1, subnets 1, virtualnetworklinks 1, virtualnetworks 1",
        ),
        (
            "qs-hub-and-spoke-sandbox.json",
            "networkinterfaces 1, networksecuritygroups 1, publicipaddresses 2, storageaccounts 1, subnets 5, \
             virtualmachines 1, virtualnetworkpeerings 4, virtualnetworks 3",
        ),
        (
            "qs-managed-postgresql-with-vnet.json",
            "firewallrules 2, servers 1, subnets 1, virtualnetworkrules 1, virtualnetworks 1",
        ),
        ("qs-nsg-dmz-in-vnet.json", "networksecuritygroups 3, subnets 3, virtualnetworks 1"),
        (
            "qs-private-dns-zone.json",
            "privatednszones 1, subnets 1, virtualnetworklinks 1, virtualnetworks 1",
        ),
        ("qs-private-endpoint.json", "privateendpoints 1, subnets 1, vaults 1, virtualnetworks 1"),
        ("qs-vnet-to-vnet-peering.json", "subnets 2, virtualnetworkpeerings 2, virtualnetworks 2"),
    ];
    for (name, expected) in expected {
        let template = parse(&folder.join(name));
        let given = input(&name.replace(".json", ".parameters.json"), answers(&template));
        let loaded = load(vec![given, input(name, template)]);
        assert_eq!(told(&counts(&loaded.estate)), expected, "{name}: {:#?}", loaded.problems);
        // What stays unresolved is what only a deployment tells.
        let is_known = |message: &str| {
            ["reference()", "resourceGroup().location", "tenant()", "tenantId", "list"]
                .iter()
                .any(|word| message.contains(word))
        };
        let odd: Vec<_> = loaded.problems.iter().filter(|one| !is_known(&one.message)).collect();
        assert!(odd.is_empty(), "{name}: {odd:#?}");
    }
}

#[test]
fn recorded_states_and_plans_give_the_resources_that_they_hold() {
    let (Some(states), Some(plans)) = (recorded("terraform-state"), recorded("terraform-plan"))
    else {
        return;
    };
    let expected = [
        (&states, "driftctl-azurerm_network_security_group.tfstate", "networksecuritygroups 2"),
        (&states, "driftctl-azurerm_private_dns_a_record.tfstate", "a 2"),
        (&states, "driftctl-azurerm_private_dns_cname_record.tfstate", "cname 2"),
        (&states, "driftctl-azurerm_private_dns_zone.tfstate", "privatednszones 1"),
        (&states, "inframap-azure.tfstate", "virtualnetworkpeerings 1, virtualnetworks 2"),
        (
            &plans,
            "provider_private-endpoint_application-gateway.json",
            "privateendpoints 1, publicipaddresses 1, subnets 2, virtualnetworks 1",
        ),
        (
            &plans,
            "stubbed-azurerm52-pe-postgresql.json",
            "flexibleservers 1, privateendpoints 1, subnets 1, virtualnetworks 1",
        ),
        (
            &plans,
            "stubbed-azurerm52-pe-private-dns-group.json",
            "flexibleservers 1, privatednszonegroups 1, privatednszones 1, privateendpoints 1, subnets 1, virtualnetworks 1",
        ),
        (
            &plans,
            "stubbed-azurerm52-vnet-peering.json",
            "subnets 2, virtualnetworkpeerings 2, virtualnetworks 2",
        ),
    ];
    for (folder, name, expected) in expected {
        let json = parse(&folder.join(name));
        let loaded = load(vec![input(name, json.clone())]);
        assert_eq!(told(&counts(&loaded.estate)), expected, "{name}: {:#?}", loaded.problems);
        let said = format!("{:?} {:?}", loaded.problems, loaded.estate);
        assert!(!said.contains("REDACTED"), "{name}: a password was taken along");
        overlay(&support::estate(&support::fixture("private-source")), input(name, json));
    }
}
