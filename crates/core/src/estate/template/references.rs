//! `reference()`: what a template itself tells of what its resources will say of themselves.

use serde_json::{Map, Value, json};

use super::deployment::template_of;
use super::functions::{member, text};
use super::parse::Expression;
use super::place;
use super::scope::{Known, Local, Scope, Why, field};
use crate::estate::endpoint::hide_records;
use crate::estate::nested;
use crate::estate::unresolved::unresolved;
use crate::id::ResourceId;

/// Type of a deployment inside a template.
pub(super) const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";

/// Parts of a resource that steer its deployment or are read apart.
const STEERING: [&str; 9] = [
    "apiVersion",
    "comments",
    "condition",
    "copy",
    "dependsOn",
    "existing",
    "metadata",
    "resources",
    "scope",
];

/// A resource of the template, once for each time that its loop runs.
struct Instance<'t> {
    /// Its symbolic name, or its position.
    step: String,
    fields: &'t Map<String, Value>,
    locals: Vec<Local>,
}

/// What a resource will say of itself.
enum Told {
    /// The outputs of a deployment, all of them.
    Outputs(Value),
    /// The body that the template gives a resource, to which Azure adds.
    Body(Value),
}

impl<'t> Scope<'t> {
    /// `reference(...)` and `references(...)` as a whole: only deployments tell all of it here.
    pub(super) fn reference(
        &self,
        name: &str,
        arguments: &[Expression],
        locals: &[Local],
    ) -> Known {
        let (subject, is_full) = self.subject(name, arguments, locals)?;
        let outputs = |one: &Instance| match self.told(one)? {
            Told::Outputs(outputs) if is_full => Ok(json!({ "properties": outputs })),
            Told::Outputs(outputs) => Ok(outputs),
            Told::Body(_) => Err(untold(&subject)),
        };
        if name == "reference" {
            return outputs(&self.instance(&subject)?);
        }
        let instances = self.instances().into_iter().flatten();
        let loops = instances.filter(|one| one.step.eq_ignore_ascii_case(&subject));
        let list: Vec<Value> = loops.map(|one| outputs(&one)).collect::<Result<_, _>>()?;
        if list.is_empty() { Err(untold(&subject)) } else { Ok(Value::Array(list)) }
    }

    /// `reference(...)` with the members behind it; `None` for any other expression.
    pub(super) fn referred(&self, expression: &Expression, locals: &[Local]) -> Option<Known> {
        let (mut base, mut keys) = (expression, Vec::new());
        while let Expression::Member(owner, key) = base {
            keys.push(&**key);
            base = owner;
        }
        match base {
            Expression::Call(name, arguments) if name == "reference" => {
                Some(self.members(arguments, &keys, locals))
            }
            _ => None,
        }
    }

    fn members(&self, arguments: &[Expression], keys: &[&Expression], locals: &[Local]) -> Known {
        let (subject, is_full) = self.subject("reference", arguments, locals)?;
        let (told, is_whole) = match self.told(&self.instance(&subject)?)? {
            Told::Outputs(outputs) if is_full => (json!({ "properties": outputs }), true),
            Told::Outputs(outputs) => (outputs, true),
            Told::Body(body) if is_full => (body, false),
            Told::Body(body) => {
                (field(Some(&body), "properties").cloned().unwrap_or_default(), false)
            }
        };
        let mut value = told;
        for key in keys.iter().rev() {
            let key = self.evaluate(key, locals)?;
            let is_told =
                is_whole || key.as_str().is_none_or(|name| field(Some(&value), name).is_some());
            value = if is_told { member(&value, &key)? } else { return Err(untold(&subject)) };
        }
        // Azure adds to lists and objects; a text or a number is what it was given.
        match value {
            Value::Array(_) | Value::Object(_) | Value::Null if !is_whole => Err(untold(&subject)),
            value => Ok(value),
        }
    }

    /// What is asked for, and whether with all that stands around the properties.
    fn subject(
        &self,
        name: &str,
        arguments: &[Expression],
        locals: &[Local],
    ) -> Result<(String, bool), Why> {
        let argument = |index: usize| arguments.get(index).map(|one| self.evaluate(one, locals));
        let short = || Why::because(format!("`{name}` with too few arguments"));
        let subject = text(&argument(0).ok_or_else(short)??)?;
        let is_full = match argument(2) {
            Some(word) => text(&word?)?.eq_ignore_ascii_case("full"),
            None => false,
        };
        Ok((subject, is_full))
    }

    /// The resource of a symbolic name, an id or a name.
    fn instance(&self, subject: &str) -> Result<Instance<'t>, Why> {
        let is_named = self.template.get("resources").is_some_and(Value::is_object);
        let kind = ResourceId::parse(subject).map(|id| id.resource_type());
        let is_meant = |one: &Instance| {
            let written = one.fields.get("type").and_then(Value::as_str).unwrap_or("");
            match &kind {
                Some(kind) if !written.eq_ignore_ascii_case(kind) => false,
                Some(_) => self.ids(one).is_ok_and(|ids| {
                    ids.iter().any(|id| id.eq_ignore_ascii_case(subject.trim_end_matches('/')))
                }),
                None if is_named => one.called().eq_ignore_ascii_case(subject),
                None => {
                    let name = self.known_text(one.fields, "name", &one.locals);
                    name.is_ok_and(|name| name.eq_ignore_ascii_case(subject))
                }
            }
        };
        let mut meant = self.instances()?.into_iter().filter(is_meant);
        match (meant.next(), meant.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(untold(subject)),
        }
    }

    /// The resources of the template.
    fn instances(&self) -> Result<Vec<Instance<'t>>, Why> {
        let named: Vec<(String, &Value)> = match self.template.get("resources") {
            Some(Value::Array(list)) => {
                list.iter().enumerate().map(|(index, one)| (index.to_string(), one)).collect()
            }
            Some(Value::Object(fields)) => {
                fields.iter().map(|(name, one)| (name.clone(), one)).collect()
            }
            _ => Vec::new(),
        };
        let mut instances = Vec::new();
        for (step, one) in named {
            let Some(fields) = one.as_object() else { continue };
            let Some(copy) = fields.get("copy").filter(|copy| copy.is_object()) else {
                instances.push(Instance { step, fields, locals: Vec::new() });
                continue;
            };
            let name = copy.get("name").and_then(Value::as_str).unwrap_or("");
            // A loop of which nobody knows how often it runs has no instances that can be named.
            for index in 0..self.count(copy, &[]).unwrap_or(0) {
                self.limits.charge(&Value::Null)?;
                let locals = vec![Local::Loop { name: name.to_owned(), index }];
                instances.push(Instance { step: step.clone(), fields, locals });
            }
        }
        Ok(instances)
    }

    /// Ids by which others may call a resource: a deployment may go to a resource group or a subscription.
    fn ids(&self, one: &Instance) -> Result<Vec<String>, Why> {
        let (fields, locals) = (one.fields, one.locals.as_slice());
        let (kind, name) =
            (self.known_text(fields, "type", locals)?, self.known_text(fields, "name", locals)?);
        if !kind.eq_ignore_ascii_case(DEPLOYMENTS) {
            return Ok(vec![self.id_of(fields, &kind, &name, locals)?.as_str().to_owned()]);
        }
        let place = self.place_of(fields, &name, locals)?;
        let around = [place.group_id(), format!("/subscriptions/{}", place.subscription)];
        around.iter().map(|around| place::id(around, &kind, &name)).collect()
    }

    fn told(&self, one: &Instance<'t>) -> Result<Told, Why> {
        let (fields, locals) = (one.fields, one.locals.as_slice());
        let kind = self.known_text(fields, "type", locals)?;
        let is_existing = fields.get("existing") == Some(&Value::Bool(true));
        if is_existing || !self.is_wanted(fields, locals)? {
            return Err(untold(&one.called()));
        }
        let name = self.known_text(fields, "name", locals)?;
        let what = format!("`reference()` of `{}`", one.called());
        if kind.eq_ignore_ascii_case(DEPLOYMENTS) {
            return self.once(what, || self.outputs(fields, &name, locals)).map(Told::Outputs);
        }
        let body = self.once(what, || {
            let id = self.id_of(fields, &kind, &name, locals)?;
            Ok(self.body(fields, (&id, &kind), locals))
        });
        body.map(Told::Body)
    }

    /// What a nested deployment puts out.
    fn outputs(&self, fields: &'t Map<String, Value>, name: &str, locals: &[Local]) -> Known {
        let Some(template) = template_of(fields) else {
            return Err(Why::because(format!(
                "`{name}` deploys a template that is not in this file"
            )));
        };
        let scope = self.inner(fields, template, name, locals)?;
        let is_own = std::ptr::eq(template, scope.template);
        let locals = if is_own { &[] } else { locals };
        let mut outputs = Map::new();
        for (name, output) in
            template.get("outputs").and_then(Value::as_object).into_iter().flatten()
        {
            let Some(output) = output.as_object() else { continue };
            let value = match scope.is_wanted(output, locals) {
                Ok(true) => scope.output(output, locals),
                Ok(false) => continue,
                Err(why) => unresolved(why.text()),
            };
            outputs.insert(name.clone(), json!({ "value": value }));
        }
        Ok(json!({ "outputs": outputs }))
    }

    fn output(&self, output: &Map<String, Value>, locals: &[Local]) -> Value {
        let kind = output.get("type").and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
        if kind.starts_with("secure") {
            return unresolved(Why::Secret.text());
        }
        match output.get("copy") {
            Some(copy) => self.copied_list(copy, locals).1,
            None => self.resolve(output.get("value").unwrap_or(&Value::Null), locals),
        }
    }

    /// The body of a resource, as it would be sent.
    pub(super) fn body(
        &self,
        fields: &Map<String, Value>,
        (id, kind): (&ResourceId, &str),
        locals: &[Local],
    ) -> Value {
        let kept = fields.iter().filter(|(name, _)| !STEERING.contains(&name.as_str()));
        let mut body: Map<String, Value> =
            kept.map(|(name, value)| (name.clone(), self.resolve(value, locals))).collect();
        body.insert("id".to_owned(), json!(id.as_str()));
        body.insert("type".to_owned(), json!(kind));
        body.insert("name".to_owned(), json!(id.name()));
        let mut body = Value::Object(body);
        nested::name_children(id, &mut body);
        hide_records(id, &mut body);
        body
    }

    /// The id of a resource of this template.
    pub(super) fn id_of(
        &self,
        fields: &Map<String, Value>,
        kind: &str,
        name: &str,
        locals: &[Local],
    ) -> Result<ResourceId, Why> {
        let group = || self.target.group_id();
        let around = match fields.get("scope") {
            Some(written) => {
                let around = text(&self.known(written, locals)?)?;
                match around.starts_with("/subscriptions/") || around.is_empty() {
                    true => around,
                    // `Microsoft.Network/virtualNetworks/name`, in the same resource group.
                    false => format!("{}/providers/{}", group(), around.trim_start_matches('/')),
                }
            }
            None => group(),
        };
        let id = place::id(&around, kind, name)?;
        ResourceId::parse(&id).ok_or_else(|| Why::because("a name that cannot stand in an id"))
    }
}

impl Instance<'_> {
    /// `net`, or `net[2]` for one of a loop.
    fn called(&self) -> String {
        match self.locals.as_slice() {
            [Local::Loop { index, .. }] => format!("{}[{index}]", self.step),
            _ => self.step.clone(),
        }
    }
}

fn untold(subject: &str) -> Why {
    let name = subject.rsplit('/').next().unwrap_or(subject);
    Why::because(format!("what `reference()` says of `{name}` is not known before a deployment"))
}
