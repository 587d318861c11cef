//! Deployments inside deployments: where they go, and what the names in them stand for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::has_schema;
use super::place::Place;
use super::resource::Reader;
use super::scope::{Local, Scope, Why, field};
use crate::estate::unresolved::unresolved;

impl Reader<'_> {
    /// A deployment inside this one.
    pub(super) fn nested<'t>(
        &mut self,
        scope: &Scope<'t>,
        fields: &'t Map<String, Value>,
        name: &str,
        pointer: &str,
        locals: &[Local],
    ) {
        let Some(template) = template_of(fields) else {
            let message = "deploys a template that is not in this file; its resources are left out";
            self.doubt_all();
            return self.problem(pointer, message.to_owned());
        };
        let schema = template.get("$schema").and_then(Value::as_str);
        if !has_schema(schema, "deploymenttemplate") && !template.contains_key("resources") {
            return;
        }
        match scope.inner(fields, template, name, locals) {
            Ok(inner) => {
                let pointer = format!("{pointer}/properties/template");
                let is_own = std::ptr::eq(template, inner.template);
                let locals = if is_own { &[] } else { locals };
                self.deployment(&inner, template.get("resources"), &pointer, locals);
            }
            Err(why) => {
                self.doubt_all();
                self.left_out(pointer, "deployment whose place", &why);
            }
        }
    }
}

/// The template of a nested deployment, where it stands in this file.
pub(super) fn template_of(fields: &Map<String, Value>) -> Option<&Map<String, Value>> {
    field(fields.get("properties"), "template")?.as_object()
}

impl<'t> Scope<'t> {
    /// What the names in the template of a nested deployment stand for.
    ///
    /// # Errors
    /// Where it goes is not known.
    pub(super) fn inner(
        &self,
        fields: &Map<String, Value>,
        template: &'t Map<String, Value>,
        name: &str,
        locals: &[Local],
    ) -> Result<Scope<'t>, Why> {
        let properties = fields.get("properties");
        let place = self.place_of(fields, name, locals)?;
        let evaluation = field(field(properties, "expressionEvaluationOptions"), "scope");
        let is_inner =
            evaluation.and_then(Value::as_str).is_some_and(|one| one.eq_ignore_ascii_case("inner"));
        if is_inner {
            let given = self.parameters_of(field(properties, "parameters"), locals);
            return Ok(Scope::new(template, given, place, self.limits));
        }
        // Expressions of an outer-scoped template mean what they mean here, loops included.
        Ok(self.aimed_at(place))
    }

    /// Where a nested deployment goes.
    pub(super) fn place_of(
        &self,
        fields: &Map<String, Value>,
        name: &str,
        locals: &[Local],
    ) -> Result<Place, Why> {
        let text = |field_name: &str, other: &str| match fields.get(field_name) {
            Some(value) => super::functions::text(&self.known(value, locals)?),
            None => Ok(other.to_owned()),
        };
        Ok(Place {
            subscription: text("subscriptionId", &self.target.subscription)?,
            group: text("resourceGroup", &self.target.group)?,
            deployment: name.to_owned(),
        })
    }

    /// Values of the parameters of a nested deployment; those that are not known stay marked.
    fn parameters_of(
        &self,
        parameters: Option<&Value>,
        locals: &[Local],
    ) -> BTreeMap<String, Value> {
        let fields = parameters.and_then(Value::as_object).into_iter().flatten();
        let value = |(name, one): (&String, &Value)| {
            let value = match one.get("value") {
                Some(value) => self.resolve(value, locals),
                None => unresolved(&format!("parameter `{name}` comes from a key vault")),
            };
            (name.to_ascii_lowercase(), value)
        };
        fields.map(value).collect()
    }
}
