//! What Bicep makes of modules: deployments inside a deployment, whose outputs the others use.

use serde_json::{Value, json};

use super::{PREFIX, deploy};

/// What a module says of the network that it makes.
const NETWORK: &str =
    "reference(resourceId('Microsoft.Network/virtualNetworks', parameters('name')), '2023-11-01')";

/// A module that makes a network and puts out what others need.
fn network(group: Option<&str>) -> Value {
    let mut module = json!({
        "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "net-deploy",
        "properties": {
            "expressionEvaluationOptions": { "scope": "inner" }, "mode": "Incremental",
            "parameters": { "name": { "value": "hub" }, "tier": { "value": null } },
            "template": {
                "parameters": {
                    "name": { "type": "string" },
                    "tier": { "type": "string", "defaultValue": "db" },
                },
                "resources": [{
                    "type": "Microsoft.Network/virtualNetworks", "name": "[parameters('name')]",
                    "properties": {
                        "addressSpace": { "addressPrefixes": ["10.1.0.0/16"] },
                        "subnets": [
                            { "name": "[parameters('tier')]", "properties": { "addressPrefix": "10.1.0.0/24" } },
                        ],
                    },
                }],
                "outputs": {
                    "id": {
                        "type": "string",
                        "value": "[resourceId('Microsoft.Network/virtualNetworks', parameters('name'))]",
                    },
                    "first": {
                        "type": "string",
                        "value": format!("[{NETWORK}.subnets[0].id]"),
                    },
                    "space": {
                        "type": "array",
                        "value": format!("[{NETWORK}.addressSpace.addressPrefixes]"),
                    },
                    "guid": {
                        "type": "string",
                        "value": "[reference(resourceId('Microsoft.Network/virtualNetworks', parameters('name'))).resourceGuid]",
                    },
                    "names": { "type": "array", "copy": { "count": 2, "input": "[format('n{0}', copyIndex())]" } },
                    "key": { "type": "securestring", "value": "never shown" },
                    "off": { "condition": false, "type": "string", "value": "x" },
                },
            },
        },
    });
    if let Some(group) = group {
        module["resourceGroup"] = json!(group);
    }
    module
}

fn asking(value: &str) -> Value {
    json!({ "type": "A.B/c", "name": "asks", "properties": { "value": value } })
}

/// The value of an expression beside the module, or what was said of it.
fn value_of(resources: Value) -> Result<Value, String> {
    let (deployed, problems) = deploy(json!({ "resources": resources }), None);
    let asks = deployed.iter().find(|one| one.id.name() == "asks").expect("it is deployed");
    match problems.iter().find(|one| !one.message.contains("location")) {
        Some(problem) => Err(problem.message.clone()),
        None => Ok(asks.body["properties"]["value"].clone()),
    }
}

#[test]
fn outputs_of_modules_are_worked_out() {
    let id = |group: &str| {
        let prefix = PREFIX.replace("resourceGroups/template", &format!("resourceGroups/{group}"));
        format!("{prefix}/providers/Microsoft.Network/virtualNetworks/hub")
    };
    let by_id =
        "reference(resourceId('Microsoft.Resources/deployments', 'net-deploy'), '2022-09-01')";
    let cases = [
        ("outputs.id.value", json!(id("template"))),
        ("outputs.first.value", json!(format!("{}/subnets/db", id("template")))),
        ("outputs.names.value[1]", json!("n1")),
    ];
    for (member, expected) in cases {
        let named = json!({
            "net": network(None), "asks": asking(&format!("[reference('net').{member}]")),
        });
        assert_eq!(value_of(named), Ok(expected.clone()), "{member}");
        let listed = json!([asking(&format!("[{by_id}.{member}]")), network(None)]);
        assert_eq!(value_of(listed), Ok(expected), "{member}");
    }
    let elsewhere = "[reference(extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', \
        subscription().subscriptionId, 'rg-net'), 'Microsoft.Resources/deployments', 'net-deploy'), '2022-09-01').outputs.id.value]";
    let listed = json!([network(Some("rg-net")), asking(elsewhere)]);
    assert_eq!(value_of(listed), Ok(json!(id("rg-net"))));
    let full = "[reference('net', '2022-09-01', 'Full').properties.outputs.id.value]";
    assert_eq!(
        value_of(json!({ "net": network(None), "asks": asking(full) })),
        Ok(json!(id("template")))
    );
}

#[test]
fn modules_in_loops_are_told_apart() {
    let mut spokes = network(None);
    spokes["copy"] = json!({ "name": "spokes", "count": 2 });
    spokes["name"] = json!("[format('spoke-{0}', copyIndex())]");
    spokes["properties"]["parameters"]["name"]["value"] =
        json!("[format('vnet-{0}', copyIndex())]");
    for (value, expected) in [
        (
            "[last(split(reference(format('spokes[{0}]', 1)).outputs.id.value, '/'))]",
            json!("vnet-1"),
        ),
        (
            "[map(references('spokes'), lambda('s', last(split(lambdaVariables('s').outputs.id.value, '/'))))]",
            json!(["vnet-0", "vnet-1"]),
        ),
        (
            "[last(split(reference(resourceId('Microsoft.Resources/deployments', 'spoke-0')).outputs.id.value, '/'))]",
            json!("vnet-0"),
        ),
    ] {
        let resources = json!({ "spokes": spokes, "asks": asking(value) });
        assert_eq!(value_of(resources), Ok(expected), "{value}");
    }
}

#[test]
fn what_no_template_tells_of_a_reference_stays_open() {
    let mut off = network(None);
    off["condition"] = json!(false);
    let existing = json!({
        "type": "Microsoft.Network/virtualNetworks", "existing": true, "name": "old",
        "properties": { "subnets": [{ "name": "x" }] },
    });
    let plain = json!({
        "type": "Microsoft.Network/virtualNetworks", "name": "plain",
        "properties": { "subnets": [{ "name": "x" }], "enableDdosProtection": false },
    });
    let with = |value: &str| {
        json!({
            "net": network(None), "off": off, "existing": existing, "plain": plain, "asks": asking(value),
        })
    };
    for (value, expected) in [
        ("[reference('net').outputs.guid.value]", "`reference()` says of `hub`"),
        ("[reference('net').outputs.space.value]", "`reference()` says of `hub`"),
        ("[reference('net').outputs.off.value]", "no `off`"),
        ("[reference('off').outputs.id.value]", "`reference()` says of `off`"),
        ("[reference('existing').subnets[0].id]", "`reference()` says of `existing`"),
        ("[length(reference('plain').subnets)]", "`reference()` says of `plain`"),
        ("[empty(reference('plain').routeTable)]", "`reference()` says of `plain`"),
        ("[reference('nobody').outputs.x.value]", "`reference()` says of `nobody`"),
    ] {
        let said = value_of(with(value)).expect_err(value);
        assert!(said.contains(expected), "{value}: {said}");
    }
    assert_eq!(value_of(with("[reference('plain').enableDdosProtection]")), Ok(json!(false)));
    let secret = value_of(with("[reference('net').outputs.key.value]"));
    assert_eq!(secret, Ok(json!({ "$unresolved": "" })));
    let mut circle = network(None);
    circle["properties"]["parameters"]["name"]["value"] =
        json!("[reference('net').outputs.id.value]");
    let resources = json!({ "net": circle, "asks": asking("[reference('net').outputs.id.value]") });
    assert!(value_of(resources).is_err_and(|said| said.contains("refers to itself")));
}
