//! Deployments inside deployments: where they go, and what the names in them stand for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::has_schema;
use super::place::Place;
use super::resource::Reader;
use super::scope::{Loop, Scope, Why, field};
use crate::estate::unresolved::unresolved;

impl Reader<'_> {
    /// A deployment inside this one.
    pub(super) fn nested(
        &mut self,
        scope: &Scope,
        fields: &Map<String, Value>,
        name: &str,
        pointer: &str,
        loops: &[Loop],
    ) {
        let properties = fields.get("properties");
        let Some(template) = field(properties, "template").and_then(Value::as_object) else {
            let message = "deploys a template that is not in this file; its resources are left out";
            self.doubt_all();
            return self.problem(pointer, message.to_owned());
        };
        let schema = template.get("$schema").and_then(Value::as_str);
        if !has_schema(schema, "deploymenttemplate") && !template.contains_key("resources") {
            return;
        }
        let place = match place_of(scope, fields, name, loops) {
            Ok(place) => place,
            Err(why) => {
                self.doubt_all();
                return self.left_out(pointer, "deployment whose place", &why);
            }
        };
        let inner_pointer = format!("{pointer}/properties/template");
        let evaluation = field(field(properties, "expressionEvaluationOptions"), "scope");
        let is_inner =
            evaluation.and_then(Value::as_str).is_some_and(|one| one.eq_ignore_ascii_case("inner"));
        if is_inner {
            let given = parameters_of(scope, field(properties, "parameters"), loops);
            let inner = Scope::new(template, given, place, self.limits);
            return self.deployment(&inner, template.get("resources"), &inner_pointer, &[]);
        }
        // Expressions of an outer-scoped template mean what they mean here, loops included.
        let outer = scope.aimed_at(place);
        self.deployment(&outer, template.get("resources"), &inner_pointer, loops);
    }
}

/// Where a nested deployment goes.
fn place_of(
    scope: &Scope,
    fields: &Map<String, Value>,
    name: &str,
    loops: &[Loop],
) -> Result<Place, Why> {
    let text = |field_name: &str, other: &str| match fields.get(field_name) {
        Some(value) => super::functions::text(&scope.known(value, loops)?),
        None => Ok(other.to_owned()),
    };
    Ok(Place {
        subscription: text("subscriptionId", &scope.target.subscription)?,
        group: text("resourceGroup", &scope.target.group)?,
        deployment: name.to_owned(),
    })
}

/// Values of the parameters of a nested deployment; those that are not known stay marked.
fn parameters_of(
    scope: &Scope,
    parameters: Option<&Value>,
    loops: &[Loop],
) -> BTreeMap<String, Value> {
    let fields = parameters.and_then(Value::as_object).into_iter().flatten();
    let value = |(name, one): (&String, &Value)| {
        let value = match one.get("value") {
            Some(value) => scope.resolve(value, loops),
            None => unresolved(&format!("parameter `{name}` comes from a key vault")),
        };
        (name.to_ascii_lowercase(), value)
    };
    fields.map(value).collect()
}
