//! Expressions and templates as cases: what Azure makes of them, and what is not known.

mod modules;

use flexway_core::estate::{Problem, load};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use crate::support::input;

const PREFIX: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template";

/// A resource that a template makes.
struct Found {
    id: ResourceId,
    body: Value,
}

/// What a template makes, in the order of ids.
fn deploy(mut template: Value, parameters: Option<Value>) -> (Vec<Found>, Vec<Problem>) {
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    template["$schema"] = json!(schema);
    let mut inputs = vec![input("t.json", template)];
    inputs.extend(parameters.map(|values| input("t.parameters.json", values)));
    let loaded = load(inputs);
    let found = |id: &ResourceId| {
        let body = loaded.estate.body(id).expect("a resource").into_owned();
        Found { id: id.clone(), body }
    };
    let mut deployed: Vec<Found> = loaded.estate.ids().map(found).collect();
    deployed.sort_by_key(|one| one.id.key());
    (deployed, loaded.problems)
}

/// The value of an expression, in a template with some parameters and variables.
fn value_of(expression: &str) -> Result<Value, String> {
    let template = json!({
        "functions": [{ "namespace": "__bicep", "members": {
            "label": {
                "parameters": [
                    { "name": "one", "type": "string" }, { "name": "two", "type": "string" },
                    { "name": "three", "type": "string", "nullable": true },
                ],
                "output": {
                    "type": "string",
                    "value": "[format('{0}-{1}-{2}', parameters('one'), parameters('two'), coalesce(parameters('three'), 'none'))]",
                },
            },
            "blind": { "parameters": [{ "name": "a" }], "output": { "value": "[parameters('name')]" } },
            "twice": {
                "parameters": [{ "name": "a" }],
                "output": { "value": "[and(__bicep.twice(parameters('a')), __bicep.twice(parameters('a')))]" },
            },
        } }],
        "parameters": {
            "Name": { "type": "string", "defaultValue": "Db" },
            "none": { "type": "string" },
            "maybe": { "type": "string", "nullable": true },
            "password": { "type": "securestring", "defaultValue": "never shown" },
            "location": { "type": "string", "defaultValue": "[resourceGroup().location]" },
        },
        "variables": {
            "net": { "prefix": "10.0.0.0/16", "Sub": ["a", "b"], "bad": "[reference('x').y]" },
            "indirect": "[variables('net').prefix]",
            "self": "[variables('other')]",
            "other": "[variables('self')]",
            "copy": [{ "name": "many", "count": 3, "input": "[concat('n', copyIndex('many', 1))]" }],
        },
        "resources": [{ "type": "A.B/c", "name": "x", "properties": { "value": expression } }],
    });
    let (deployed, problems) = deploy(template, None);
    match problems.first() {
        Some(problem) => Err(format!("{}: {}", problem.pointer, problem.message)),
        None => Ok(deployed[0].body["properties"]["value"].clone()),
    }
}

#[test]
fn expressions_have_the_values_that_azure_gives_them() {
    let cases = [
        ("plain", json!("plain")),
        ("[[escaped]", json!("[escaped]")),
        ("['it''s']", json!("it's")),
        ("[parameters('name')]", json!("Db")),
        ("[parameters('maybe')]", json!(null)),
        ("[concat('a', 1, true())]", json!("a1True")),
        ("[concat(createArray(1), createArray(2))]", json!([1, 2])),
        ("[format('{0}/{1}/{{x}}', 'a', 2)]", json!("a/2/{x}")),
        ("[variables('net').PREFIX]", json!("10.0.0.0/16")),
        ("[variables('net')['sub'][1]]", json!("b")),
        ("[variables('indirect')]", json!("10.0.0.0/16")),
        ("[variables('many')]", json!(["n1", "n2", "n3"])),
        ("[if(equals(1, 1), 'y', parameters('none'))]", json!("y")),
        ("[and(false(), equals(parameters('none'), 1))]", json!(false)),
        ("[or(not(false()), parameters('none'))]", json!(true)),
        ("[coalesce(null(), parameters('maybe'), 'x')]", json!("x")),
        ("[toUpper(toLower('Ab'))]", json!("AB")),
        ("[length(split('a,b;c', createArray(',', ';')))]", json!(3)),
        ("[join(skip(take(createArray('a','b','c'), 2), 1), '-')]", json!("b")),
        ("[first('abc')]", json!("a")),
        ("[last(createArray(1, 2))]", json!(2)),
        ("[substring('abcdef', 1, 2)]", json!("bc")),
        ("[indexOf('abC', 'c')]", json!(2)),
        ("[startsWith('ABc', 'ab')]", json!(true)),
        ("[contains(variables('net'), 'prefix')]", json!(true)),
        ("[empty('')]", json!(true)),
        ("[add(mul(2, 3), sub(div(9, 2), mod(7, 4)))]", json!(7)),
        ("[max(createArray(1, 3, 2))]", json!(3)),
        ("[range(2, 3)]", json!([2, 3, 4])),
        ("[json('{\"a\": [1]}').a[0]]", json!(1)),
        ("[union(createObject('a', 1), createObject('b', 2))]", json!({ "a": 1, "b": 2 })),
        ("[tryGet(variables('net'), 'nothing', 'more')]", json!(null)),
        ("[replace('a.b', '.', '-')]", json!("a-b")),
        ("[cidrSubnet('10.144.0.0/20', 24, 3)]", json!("10.144.3.0/24")),
        ("[cidrHost('10.144.3.0/24', 3)]", json!("10.144.3.4")),
        ("[parseCidr('10.144.0.0/20').broadcast]", json!("10.144.15.255")),
        ("[parseCidr('10.144.0.0/20').lastUsable]", json!("10.144.15.254")),
        ("[subscription().subscriptionId]", json!("00000000-0000-0000-0000-000000000000")),
        ("[resourceGroup().name]", json!("template")),
        ("[environment().suffixes.sqlServerHostname]", json!(".database.windows.net")),
        ("[resourceId('A.B/c/d', 'x', 'y')]", json!(format!("{PREFIX}/providers/A.B/c/x/d/y"))),
        (
            "[resourceId('S', 'g', 'A.B/c', 'x')]",
            json!("/subscriptions/S/resourceGroups/g/providers/A.B/c/x"),
        ),
        (
            "[subscriptionResourceId('A.B/c', 'x')]",
            json!("/subscriptions/00000000-0000-0000-0000-000000000000/providers/A.B/c/x"),
        ),
        ("[extensionResourceId('/x', 'A.B/c', 'y')]", json!("/x/providers/A.B/c/y")),
        (
            "[map(variables('many'), lambda('n', 'i', concat(lambdaVariables('N'), lambdaVariables('i'))))]",
            json!(["n10", "n21", "n32"]),
        ),
        (
            "[map(range(0, 2), lambda('a', map(range(0, 2), lambda('b', add(lambdaVariables('a'), lambdaVariables('b'))))))]",
            json!([[0, 1], [1, 2]]),
        ),
        (
            "[filter(range(0, 6), lambda('n', equals(mod(lambdaVariables('n'), 2), 0)))]",
            json!([0, 2, 4]),
        ),
        (
            "[sort(createArray(3, 1, 2, 1), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]",
            json!([1, 1, 2, 3]),
        ),
        ("[sort(createArray(1, 2), lambda('a', 'b', true()))]", json!([1, 2])),
        (
            "[reduce(range(1, 4), 10, lambda('sum', 'n', add(lambdaVariables('sum'), lambdaVariables('n'))))]",
            json!(20),
        ),
        (
            "[toObject(createArray('x', 'y'), lambda('k', lambdaVariables('k')), lambda('k', toUpper(lambdaVariables('k'))))]",
            json!({ "x": "X", "y": "Y" }),
        ),
        (
            "[groupBy(createArray('ab', 'ac', 'b'), lambda('t', first(lambdaVariables('t'))))]",
            json!({ "a": ["ab", "ac"], "b": ["b"] }),
        ),
        (
            "[mapValues(createObject('a', 1), lambda('n', add(lambdaVariables('n'), 1)))]",
            json!({ "a": 2 }),
        ),
        ("[__bicep.label('x', parameters('name'))]", json!("x-Db-none")),
    ];
    for (expression, expected) in cases {
        assert_eq!(value_of(expression), Ok(expected), "{expression}");
    }
    let unique = value_of("[uniqueString('a')]").expect("a placeholder");
    assert_eq!(unique.as_str().map(str::len), Some(13));
    assert_eq!(Ok(unique), value_of("[uniqueString(concat('a'))]"));
    assert_eq!(value_of("[guid('a')]").expect("one").as_str().map(str::len), Some(36));
}

#[test]
fn what_is_not_known_is_said_and_never_guessed() {
    let cases = [
        ("[reference('x').y]", "`reference()`"),
        ("[parameters('none')]", "parameter `none` has no value"),
        ("[parameters('nobody')]", "no parameter `nobody`"),
        ("[parameters('location')]", "resourceGroup().location"),
        ("[variables('self')]", "refers to itself"),
        ("[variables('net').bad]", "`reference()`"),
        ("[equals(variables('net'), 1)]", "`reference()`"),
        ("[fancy('x')]", "function `fancy` is not known here"),
        ("[concat('a'", "closing"),
        ("[concat('a') 'b']", "goes on after its end"),
        ("[concat('a']", "no `,`"),
        ("[]", "ends too early"),
        ("[é()]", "`é`"),
        ("[range(0, 1000000)]", "more than 10000"),
        ("[cidrSubnet('10.0.0.0/8', 32, 4000000000000)]", "outside of its range"),
        ("[cidrSubnet('10.0.0.0/24', 16, 0)]", "outside of its range"),
        ("[cidrHost('10.0.0.0/30', 2)]", "outside of its range"),
        ("[div(1, 0)]", "without a result"),
        ("[substring('a', 2, 9)]", "beyond the end"),
        ("[if('x', 1, 2)]", "neither true nor false"),
        ("[copyIndex()]", "outside of a loop"),
        ("[variables('net').Sub[7]]", "no element 7"),
        ("[lambdaVariables('x')]", "no lambda variable `x`"),
        ("[map(range(0, 2), 'x')]", "`map` without a lambda"),
        ("[filter(range(0, 2), lambda('n', variables('net').bad))]", "`reference()`"),
        (
            "[map(createArray('a'), lambda('n', parameters('none')))]",
            "parameter `none` has no value",
        ),
        ("[__bicep.blind('x')]", "no parameter `name`"),
        ("[__bicep.twice('x')]", "levels deep"),
        ("[other.label('x')]", "function `other.label` is not known here"),
    ];
    for (expression, expected) in cases {
        match value_of(expression) {
            // A text without a closing bracket is a text.
            Ok(value) => assert_eq!(value, json!(expression), "{expression}"),
            Err(said) => {
                assert!(said.starts_with("/resources/0/properties/value"), "{said}");
                assert!(said.contains(expected), "{expression}: {said}");
            }
        }
    }
    let secret = value_of("[parameters('password')]").expect("a secret is no problem");
    assert_eq!(secret, json!({ "$unresolved": "" }));
}

#[test]
fn resources_get_their_ids_from_type_name_and_place() {
    let nested = |scope: &str, group: &str| {
        json!({
            "type": "Microsoft.Resources/deployments", "name": "inner", "resourceGroup": group,
            "properties": {
                "expressionEvaluationOptions": { "scope": scope },
                "parameters": { "n": { "value": "[parameters('n')]" } },
                "template": {
                    "parameters": { "n": { "type": "string", "defaultValue": "not this" } },
                    "resources": [{
                        "type": "A.B/c", "name": "[concat(parameters('n'), resourceGroup().name)]",
                    }],
                },
            },
        })
    };
    let template = json!({
        "parameters": { "n": { "type": "string" } },
        "resources": [
            {
                "type": "Microsoft.Network/virtualNetworks", "name": "net",
                "properties": { "subnets": [{ "name": "app", "properties": {} }] },
                "resources": [{ "type": "subnets", "name": "db", "properties": {} }],
            },
            {
                "type": "A.B/c/d", "name": "[format('x/{0}', copyIndex(1))]",
                "copy": { "name": "loop", "count": 2 },
            },
            { "type": "A.B/c", "name": "off", "condition": "[equals(1, 2)]" },
            { "type": "A.B/c", "name": "old", "existing": true },
            { "type": "A.B/c/d", "name": "too-short" },
            { "type": "A.B/locks", "name": "l", "scope": "[resourceId('A.B/c', 'x')]" },
            nested("inner", "rg-in"),
            nested("outer", "rg-out"),
        ],
    });
    let parameters = json!({ "parameters": { "N": { "value": "given" } } });
    let (deployed, problems) = deploy(template, Some(parameters));
    let ids: Vec<&str> = deployed.iter().map(|one| one.id.as_str()).collect();
    let other =
        |group: &str| PREFIX.replace("resourceGroups/template", &format!("resourceGroups/{group}"));
    let network = format!("{PREFIX}/providers/Microsoft.Network/virtualNetworks/net");
    assert_eq!(
        ids,
        [
            format!("{}/providers/A.B/c/givenrg-in", other("rg-in")),
            format!("{}/providers/A.B/c/giventemplate", other("rg-out")),
            format!("{PREFIX}/providers/A.B/c/x/d/1"),
            format!("{PREFIX}/providers/A.B/c/x/d/2"),
            format!("{PREFIX}/providers/A.B/c/x/providers/A.B/locks/l"),
            network.clone(),
            format!("{network}/subnets/app"),
            format!("{network}/subnets/db"),
        ]
    );
    let made = deployed.iter().find(|one| one.id.as_str() == network).expect("the network");
    let inline = &made.body["properties"]["subnets"][0]["id"];
    assert_eq!(inline, &format!("{network}/subnets/app"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].pointer, "/resources/4");
}

#[test]
fn hostile_templates_end_with_a_message() {
    let many: serde_json::Map<String, Value> = (0..200)
        .map(|n| {
            (
                format!("v{n}"),
                json!(format!("[createArray(variables('v{0}'), variables('v{0}'))]", n + 1)),
            )
        })
        .collect();
    let doubled: serde_json::Map<String, Value> = (0..60)
        .map(|n| {
            (
                format!("v{n}"),
                json!(format!("[concat(variables('v{0}'), variables('v{0}'))]", n + 1)),
            )
        })
        .chain([("v60".to_owned(), json!("xxxxxxxxxxxxxxxx"))])
        .collect();
    let deep = format!("[{}1{}]", "not(".repeat(5000), ")".repeat(5000));
    let chain = format!("[variables('v0'){}]", "[0]".repeat(5000));
    for (variables, name) in [
        (json!(many), json!("[variables('v0')]")),
        (json!(doubled), json!("[variables('v0')]")),
        (json!({}), json!(deep)),
        (json!({ "v0": [] }), json!(chain)),
    ] {
        let resources = json!([{ "type": "A.B/c", "name": name }]);
        let (deployed, problems) =
            deploy(json!({ "variables": variables, "resources": resources }), None);
        assert!(deployed.is_empty() && problems.len() == 1, "{problems:?}");
    }
    for count in [json!(1_000_000_000), json!(-1), json!("[variables('x')]"), json!(null)] {
        let copy = json!({ "name": "loop", "count": count });
        let resources = json!([{ "type": "A.B/c", "name": "[string(copyIndex())]", "copy": copy }]);
        let (deployed, problems) = deploy(json!({ "resources": resources }), None);
        assert!(deployed.is_empty() && problems.len() == 1, "{problems:?}");
    }
    // A chain that is evaluated from its end: each step finds the one before done, and is one level deeper.
    let chain: serde_json::Map<String, Value> = (0..20_000)
        .map(|n| (format!("v{n}"), json!(format!("[createArray(variables('v{}'))]", n + 1))))
        .collect();
    let uses = (0..20_000).rev().map(|n| {
        let value = format!("[variables('v{n}')]");
        json!({ "type": "A.B/c", "name": format!("r{n}"), "properties": { "value": value } })
    });
    let resources: Vec<Value> = uses.collect();
    let (_, problems) = deploy(json!({ "variables": chain, "resources": resources }), None);
    assert!(!problems.is_empty());
    let mut nest = json!([{ "type": "A.B/c", "name": "innermost" }]);
    for _ in 0..20 {
        nest = json!([{
            "type": "Microsoft.Resources/deployments", "name": "[string(copyIndex())]",
            "copy": { "name": "loop", "count": 800 },
            "properties": { "template": { "resources": nest } },
        }]);
    }
    let (_, problems) = deploy(json!({ "resources": nest }), None);
    assert!(!problems.is_empty());
}
