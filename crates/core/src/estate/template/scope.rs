//! What the names in one template stand for: its parameters, variables, locals and place; and the evaluation of expressions in it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::functions;
use super::lambdas;
use super::limits::Limits;
use super::parse::{self, Expression};
use super::place::Place;
use crate::estate::unresolved::{unresolved, why_unresolved};

/// Repetitions of one loop: the limit of Azure Resource Manager.
pub(super) const COPIES_MAX: usize = 800;

/// Why a value is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It is a secret, which nothing here needs.
    Secret,
    /// A fragment that names what was not resolvable. Never holds a value.
    Because(String),
}

impl Why {
    pub(super) fn because(text: impl Into<String>) -> Why {
        Why::Because(text.into())
    }

    /// The reason as text; empty for a secret.
    pub(super) fn text(&self) -> &str {
        match self {
            Why::Secret => "",
            Why::Because(text) => text,
        }
    }

    fn of(text: &str) -> Why {
        if text.is_empty() { Why::Secret } else { Why::because(text) }
    }
}

/// A known value, or why it is not known.
pub(super) type Known = Result<Value, Why>;

/// What a name stands for at one place of a template.
#[derive(Debug, Clone)]
pub(super) enum Local {
    /// A running loop.
    Loop { name: String, index: usize },
    /// A variable of a lambda.
    Variable { name: String, value: Value },
    /// An argument of a function that the template defines.
    Argument { name: String, value: Value },
}

/// One deployment.
pub(super) struct Scope<'t> {
    /// The template.
    pub(super) template: &'t Map<String, Value>,
    /// Values given for its parameters, by lower-case name.
    pub(super) given: BTreeMap<String, Value>,
    /// What its functions say of where it is deployed to.
    pub(super) place: Place,
    /// Where its resources go: elsewhere than `place` in a nested deployment whose expressions are its parent's.
    pub(super) target: Place,
    /// Bounds, shared by all deployments of one file.
    pub(super) limits: &'t Limits,
    /// Values of parameters and variables, once they are known.
    cache: RefCell<BTreeMap<String, Known>>,
    /// Parameters and variables that are being evaluated.
    running: RefCell<Vec<String>>,
}

impl<'t> Scope<'t> {
    pub(super) fn new(
        template: &'t Map<String, Value>,
        given: BTreeMap<String, Value>,
        place: Place,
        limits: &'t Limits,
    ) -> Scope<'t> {
        let (cache, running) = Default::default();
        Scope { template, given, target: place.clone(), place, limits, cache, running }
    }

    /// The same names, for resources that go to another place.
    pub(super) fn aimed_at(&self, target: Place) -> Scope<'t> {
        let same = Scope::new(self.template, self.given.clone(), self.place.clone(), self.limits);
        Scope { target, ..same }
    }

    /// A value with everything in it resolved; what cannot be resolved is marked in place.
    pub(super) fn resolve(&self, value: &Value, locals: &[Local]) -> Value {
        let resolved = self.limits.deeper(|| self.resolve_here(value, locals));
        resolved.unwrap_or_else(|why| unresolved(why.text()))
    }

    /// A value that has to be known itself; parts of it may not be.
    pub(super) fn known(&self, value: &Value, locals: &[Local]) -> Known {
        check(self.resolve(value, locals))
    }

    /// A field that has to be a known text.
    pub(super) fn known_text(
        &self,
        fields: &Map<String, Value>,
        name: &str,
        locals: &[Local],
    ) -> Result<String, Why> {
        let value = self.known(fields.get(name).unwrap_or(&Value::Null), locals)?;
        functions::text(&value)
    }

    fn resolve_here(&self, value: &Value, locals: &[Local]) -> Known {
        let resolved = match value {
            Value::String(text) => return self.text(text, locals),
            Value::Array(items) => items.iter().map(|item| self.resolve(item, locals)).collect(),
            Value::Object(fields) => self.object(fields, locals),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        };
        Ok(resolved)
    }

    fn text(&self, text: &str, locals: &[Local]) -> Known {
        let value = match parse::inside(text) {
            Some(inner) => self.evaluate(&parse::parse(inner).map_err(Why::Because)?, locals)?,
            None => Value::String(parse::plain(text).to_owned()),
        };
        self.limits.charge(&value)?;
        Ok(value)
    }

    fn object(&self, fields: &Map<String, Value>, locals: &[Local]) -> Value {
        let mut resolved = Map::new();
        for (name, value) in fields {
            if let (true, Some(copies)) = (name.eq_ignore_ascii_case("copy"), value.as_array()) {
                for copy in copies {
                    let (name, list) = self.copied_list(copy, locals);
                    resolved.insert(name, list);
                }
                continue;
            }
            let key = self.text(name, locals).ok().and_then(|key| Some(key.as_str()?.to_owned()));
            resolved.insert(key.unwrap_or_else(|| name.clone()), self.resolve(value, locals));
        }
        Value::Object(resolved)
    }

    /// The list that an entry of `copy` in a body or among variables makes, with its name.
    pub(super) fn copied_list(&self, copy: &Value, locals: &[Local]) -> (String, Value) {
        let name = copy.get("name").and_then(Value::as_str).unwrap_or("copy").to_owned();
        let count = match self.count(copy, locals) {
            Ok(count) => count,
            Err(why) => return (name, unresolved(why.text())),
        };
        let input = copy.get("input").unwrap_or(&Value::Null);
        let inner = |index| [locals, &[Local::Loop { name: name.clone(), index }]].concat();
        let list = (0..count).map(|index| self.resolve(input, &inner(index))).collect();
        (name, list)
    }

    /// Whether the condition of a resource or an output holds.
    pub(super) fn is_wanted(
        &self,
        fields: &Map<String, Value>,
        locals: &[Local],
    ) -> Result<bool, Why> {
        match fields.get("condition") {
            Some(condition) => functions::truth(&self.known(condition, locals)?),
            None => Ok(true),
        }
    }

    /// How often a loop runs.
    pub(super) fn count(&self, copy: &Value, locals: &[Local]) -> Result<usize, Why> {
        let count = self.known(copy.get("count").unwrap_or(&Value::Null), locals)?;
        match count.as_u64().map(usize::try_from) {
            Some(Ok(count)) if count <= COPIES_MAX => Ok(count),
            Some(_) => Err(Why::because(format!("loop of more than {COPIES_MAX} repetitions"))),
            None => Err(Why::because("loop whose count is not a number")),
        }
    }

    pub(super) fn evaluate(&self, expression: &Expression, locals: &[Local]) -> Known {
        let value = self.limits.deeper(|| match expression {
            Expression::Text(text) => Ok(Value::String(text.clone())),
            Expression::Number(number) => Ok(Value::from(*number)),
            Expression::Member(owner, key) => match self.referred(expression, locals) {
                Some(known) => known,
                None => {
                    let owner = self.evaluate(owner, locals)?;
                    functions::member(&owner, &self.evaluate(key, locals)?)
                }
            },
            Expression::Call(name, arguments) => self.call(name, arguments, locals),
        })?;
        self.limits.charge(&value)?;
        check(value)
    }

    /// Functions that look at the template, or do not look at all of their arguments; then all others.
    fn call(&self, name: &str, arguments: &[Expression], locals: &[Local]) -> Known {
        let argument = |index: usize| match arguments.get(index) {
            Some(expression) => self.evaluate(expression, locals),
            None => Err(Why::because(format!("`{name}` with too few arguments"))),
        };
        match name {
            "if" => {
                let branch = if functions::truth(&argument(0)?)? { 1 } else { 2 };
                argument(branch)
            }
            "and" => self.any_of(arguments, locals, false),
            "or" => self.any_of(arguments, locals, true),
            "coalesce" => {
                for index in 0..arguments.len() {
                    let value = argument(index)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            // What cannot be resolved stays one element of the list or object.
            "createarray" | "createobject" => {
                let mark = |known: Known| known.unwrap_or_else(|why| unresolved(why.text()));
                let values = (0..arguments.len()).map(|index| mark(argument(index))).collect();
                functions::call(name, values)
            }
            "parameters" => {
                let name = functions::text(&argument(0)?)?;
                match lambdas::argument(&name, locals) {
                    Some(known) => known,
                    None => self.named("parameter", &name),
                }
            }
            "variables" => self.named("variable", &functions::text(&argument(0)?)?),
            "copyindex" => {
                let values = (0..arguments.len()).map(argument).collect::<Result<Vec<_>, _>>()?;
                copy_index(&values, locals)
            }
            "reference" | "references" => self.reference(name, arguments, locals),
            _ if let Some(known) = self.lambda_call(name, arguments, locals) => known,
            _ => {
                let values = (0..arguments.len()).map(argument).collect::<Result<Vec<_>, _>>()?;
                match self.place.call(name, &values) {
                    Some(known) => known,
                    None => functions::call(name, values),
                }
            }
        }
    }

    /// `and`, `or`: one argument may decide although others are not known.
    fn any_of(&self, arguments: &[Expression], locals: &[Local], decides: bool) -> Known {
        let mut first_why = None;
        for expression in arguments {
            let known =
                self.evaluate(expression, locals).and_then(|value| functions::truth(&value));
            match known {
                Ok(truth) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(why) => first_why = first_why.or(Some(why)),
            }
        }
        first_why.map_or(Ok(Value::Bool(!decides)), Err)
    }

    /// The value of a parameter or variable.
    fn named(&self, kind: &str, name: &str) -> Known {
        self.once(format!("{kind} `{}`", name.to_ascii_lowercase()), || match kind {
            "parameter" => self.parameter(name),
            _ => self.variable(name),
        })
    }

    /// Works something out once; what it is called is said where it needs itself.
    pub(super) fn once(&self, name: String, work: impl FnOnce() -> Known) -> Known {
        if let Some(known) = self.cache.borrow().get(&name) {
            return known.clone();
        }
        if self.running.borrow().contains(&name) {
            return Err(Why::because(format!("{name} refers to itself")));
        }
        self.running.borrow_mut().push(name.clone());
        let known = work();
        self.running.borrow_mut().pop();
        self.cache.borrow_mut().insert(name, known.clone());
        known
    }

    fn parameter(&self, name: &str) -> Known {
        let definition = field(self.template.get("parameters"), name)
            .ok_or_else(|| Why::because(format!("no parameter `{name}`")))?;
        let shape = self.shape(definition);
        let kind = shape.get("type").and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
        if kind == "securestring" || kind == "secureobject" {
            return Err(Why::Secret);
        }
        // Azure takes a null for no value at all.
        let given = self.given.get(&name.to_ascii_lowercase());
        if let Some(value) = given.filter(|value| !value.is_null()) {
            return check(value.clone());
        }
        if let Some(default) = field(Some(definition), "defaultValue") {
            return self.known(default, &[]);
        }
        let is_nullable = |one: &Value| field(Some(one), "nullable") == Some(&Value::Bool(true));
        if is_nullable(definition) || is_nullable(shape) {
            return Ok(Value::Null);
        }
        Err(Why::because(format!("parameter `{name}` has no value")))
    }

    /// What a definition refers to by `$ref`, or the definition itself.
    fn shape<'d>(&'d self, definition: &'d Value) -> &'d Value {
        let reference = definition.get("$ref").and_then(Value::as_str);
        let name = reference.and_then(|text| text.strip_prefix("#/definitions/"));
        name.and_then(|name| self.template.get("definitions")?.get(name)).unwrap_or(definition)
    }

    fn variable(&self, name: &str) -> Known {
        let variables = self.template.get("variables");
        if let Some(value) = field(variables, name) {
            return self.known(value, &[]);
        }
        let copies = field(variables, "copy").and_then(Value::as_array);
        let is_meant = |copy: &&Value| {
            let known = copy.get("name").and_then(Value::as_str);
            known.is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        match copies.into_iter().flatten().find(is_meant) {
            Some(copy) => check(self.copied_list(copy, &[]).1),
            None => Err(Why::because(format!("no variable `{name}`"))),
        }
    }
}

/// A value, unless nothing is known of it.
pub(super) fn check(value: Value) -> Known {
    match why_unresolved(&value) {
        Some(why) => Err(Why::of(why)),
        None => Ok(value),
    }
}

/// A field of an object; names of templates have no case.
pub(super) fn field<'v>(object: Option<&'v Value>, name: &str) -> Option<&'v Value> {
    let fields = object?.as_object()?;
    let other_case = || {
        let found = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    };
    fields.get(name).or_else(other_case)
}

fn copy_index(arguments: &[Value], locals: &[Local]) -> Known {
    let (name, offset) = match arguments {
        [] => (None, 0),
        [Value::Number(offset)] => (None, offset.as_i64().unwrap_or(0)),
        [Value::String(name)] => (Some(name), 0),
        [Value::String(name), offset] => (Some(name), offset.as_i64().unwrap_or(0)),
        _ => return Err(Why::because("`copyIndex` of something that is not a loop")),
    };
    let is_meant =
        |own: &str| name.is_none_or(|name| name.is_empty() || name.eq_ignore_ascii_case(own));
    let index = |local: &Local| match local {
        Local::Loop { name, index } => is_meant(name).then_some(*index),
        Local::Variable { .. } | Local::Argument { .. } => None,
    };
    match locals.iter().rev().find_map(index) {
        Some(index) => Ok(Value::from(i64::try_from(index).unwrap_or(0).saturating_add(offset))),
        None => Err(Why::because("`copyIndex` outside of a loop")),
    }
}
