//! Takes away from a world what a mismatch does not need.

use serde_json::Value;

/// Deletes resources, rules, routes and references as long as `holds` says that the mismatch is
/// still there.
pub(crate) fn shrink(mut all: Vec<Value>, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    loop {
        let before = all.len() + places(&all).len();
        for index in (0..all.len()).rev() {
            let mut fewer = all.clone();
            fewer.remove(index);
            if holds(&fewer) {
                all = fewer;
            }
        }
        for (index, pointer, at) in places(&all).into_iter().rev() {
            let mut fewer = all.clone();
            match fewer[index].pointer_mut(&pointer) {
                Some(Value::Array(list)) if at < list.len() => {
                    list.remove(at);
                }
                Some(Value::Object(fields)) => {
                    let name = ["networkSecurityGroup", "routeTable", "serviceEndpoints"][at];
                    fields.remove(name);
                }
                _ => continue,
            }
            if holds(&fewer) {
                all = fewer;
            }
        }
        if all.len() + places(&all).len() == before {
            return all;
        }
    }
}

/// Entries of lists, and references of subnets, that might go.
fn places(all: &[Value]) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (index, body) in all.iter().enumerate() {
        for list in ["securityRules", "routes"] {
            let pointer = format!("/properties/{list}");
            let len = body.pointer(&pointer).and_then(Value::as_array).map_or(0, Vec::len);
            found.extend((0..len).map(|at| (index, pointer.clone(), at)));
        }
        for (at, name) in
            ["networkSecurityGroup", "routeTable", "serviceEndpoints"].iter().enumerate()
        {
            if body.pointer(&format!("/properties/{name}")).is_some() {
                found.push((index, "/properties".to_owned(), at));
            }
        }
    }
    found
}
