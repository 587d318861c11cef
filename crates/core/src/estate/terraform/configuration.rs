//! The configuration part of a plan: which resource an attribute refers to whose value is known only after apply.

use std::cell::Cell;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::instance::{list, text};
use crate::estate::unresolved::unresolved;

/// The provider of Azure that a plan takes where nothing else is said.
pub(super) const USUAL: &str = "azurerm";

/// Variables and outputs followed from module to module.
const HOPS_MAX: usize = 16;

/// References followed for one plan: each attribute takes a few, and a plan has some thousand attributes.
const FOLLOWED_MAX: usize = 1_000_000;

/// References of one expression. A longer list is not that of an id.
const REFERENCES_MAX: usize = 64;

/// Beside the mark of an unresolved value: the address of the resource whose id it will be.
const REFERS: &str = "$refers";

/// The address of the resource whose id a value will be.
pub(super) fn refers_to(value: &Value) -> Option<&str> {
    value.get(REFERS)?.as_str()
}

/// The configuration, with the addresses of all instances of the plan.
pub(super) struct Configuration<'p> {
    root: Option<&'p Value>,
    addresses: BTreeSet<&'p str>,
    followed: Cell<usize>,
}

impl<'p> Configuration<'p> {
    pub(super) fn new(plan: &'p Map<String, Value>, addresses: Vec<&'p str>) -> Configuration<'p> {
        let root = plan.get("configuration").and_then(|one| one.get("root_module"));
        let addresses = addresses.into_iter().collect();
        Configuration { root, addresses, followed: Cell::new(0) }
    }

    /// Attributes with everything that is known only after apply put in as unresolved. What nobody configured is left out: the
    /// provider tells it afterwards.
    pub(super) fn filled(&self, address: &str, values: &Value, unknown: Option<&Value>) -> Value {
        let Some(unknown) = unknown else { return values.clone() };
        let (modules, written) = self.written(address);
        let place = Place { address, modules: &modules, is_configured: written.is_some() };
        let expressions = written.and_then(|written| written.get("expressions"));
        self.fill(&place, values, unknown, expressions, (0, 1))
    }

    /// The modules that a resource is in, and what is written of it.
    fn written(&self, address: &str) -> (Vec<String>, Option<&'p Value>) {
        let steps = split(address);
        let (modules, resource) = modules_of(&steps);
        let [kind, name, ..] = resource else { return (modules, None) };
        let name = name.split('[').next().unwrap_or(name);
        let is_it = |one: &&Value| text(one, "type") == *kind && text(one, "name") == name;
        let module = self.module(&modules);
        let written = module.and_then(|module| list(module.get("resources")).find(is_it));
        (modules, written)
    }

    /// The key of the provider that makes a resource, where it is not the usual one of the root: such as `azurerm.hub`, or
    /// `module.net:azurerm` of a provider that a module configures.
    pub(super) fn other_provider(&self, address: &str) -> Option<&'p str> {
        let key = text(self.written(address).1?, "provider_config_key");
        (!key.is_empty() && key != USUAL).then_some(key)
    }

    /// The module at a path of `module.name` steps.
    fn module(&self, modules: &[String]) -> Option<&'p Value> {
        let mut module = self.root?;
        for name in modules {
            let name = name.split('[').next().unwrap_or(name);
            module = module.get("module_calls")?.get(name)?.get("module")?;
        }
        Some(module)
    }

    /// `nth` is the position in a list of so many, when the expression is that of the whole list.
    fn fill(
        &self,
        place: &Place,
        value: &Value,
        unknown: &Value,
        expression: Option<&Value>,
        nth: (usize, usize),
    ) -> Value {
        match unknown {
            Value::Bool(true) if expression.is_none() && place.is_configured => Value::Null,
            Value::Bool(true) => {
                let mut mark = unresolved("it is known only after apply");
                if let Some(target) = expression.and_then(|one| self.target(place, one, nth)) {
                    mark[REFERS] = json!(target);
                }
                mark
            }
            Value::Object(fields) => {
                let mut filled = value.as_object().cloned().unwrap_or_default();
                for (name, unknown) in fields {
                    let inner = value.get(name).unwrap_or(&Value::Null);
                    let expression = expression.and_then(|one| one.get(name));
                    let inner = self.fill(place, inner, unknown, expression, (0, 1));
                    // Null would say that there is nothing.
                    match inner.is_null() && unknown.is_boolean() {
                        true => filled.remove(name),
                        false => filled.insert(name.clone(), inner),
                    };
                }
                Value::Object(filled)
            }
            Value::Array(items) => {
                let count = items.len().max(value.as_array().map_or(0, Vec::len));
                let element = |index: usize| {
                    let inner = value.get(index).unwrap_or(&Value::Null);
                    let unknown = items.get(index).unwrap_or(&Value::Null);
                    // Blocks have an expression each; a list of values has one for all.
                    match expression {
                        Some(Value::Array(blocks)) => {
                            self.fill(place, inner, unknown, blocks.get(index), (0, 1))
                        }
                        other => self.fill(place, inner, unknown, other, (index, count)),
                    }
                };
                (0..count).map(element).collect()
            }
            Value::Null | Value::Bool(false) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    /// The address of the one resource whose id an expression is.
    fn target(
        &self,
        place: &Place,
        expression: &Value,
        (index, count): (usize, usize),
    ) -> Option<String> {
        if let (Some(keyed), 1) = (self.keyed(place, expression), count) {
            return Some(keyed);
        }
        let targets = self.targets(place.modules, expression, 0);
        let target = (targets.len() == count).then(|| targets.into_iter().nth(index))???;
        // The expression may name the instance, or the resource and mean the instance with its own key.
        if self.addresses.contains(target.as_str()) {
            return Some(target);
        }
        let own = place.key().map(|key| format!("{target}{key}"));
        if let Some(own) = own.filter(|own| self.addresses.contains(own.as_str())) {
            return Some(own);
        }
        let start = format!("{target}[");
        let mut instances = self
            .addresses
            .range(start.as_str()..)
            .take_while(|address| address.starts_with(start.as_str()));
        match (instances.next(), instances.next()) {
            (Some(only), None) => Some((*only).to_owned()),
            _ => None,
        }
    }

    /// The instance with the own key that `a.b[each.key].id` means: Terraform lists `a.b` and `each.key`, and what is behind neither.
    fn keyed(&self, place: &Place, expression: &Value) -> Option<String> {
        let all: Vec<&str> = list(expression.get("references")).filter_map(Value::as_str).collect();
        let is_key = |one: &str| one == "each.key" || one == "count.index";
        let [one, other] = all.as_slice() else { return None };
        let resource = if is_key(other) { one } else { other };
        let steps = split(resource);
        let is_resource = matches!(steps.as_slice(), [kind, _] if kind.contains('_'));
        if !is_resource || is_key(one) == is_key(other) {
            return None;
        }
        let path: String = place.modules.iter().map(|name| format!("module.{name}.")).collect();
        let address = format!("{path}{resource}{}", place.key()?);
        self.addresses.contains(address.as_str()).then_some(address)
    }

    /// What an expression refers to, in its order: addresses of resources whose ids it takes; `None` for anything else.
    fn targets(&self, modules: &[String], expression: &Value, hops: usize) -> Vec<Option<String>> {
        let all: Vec<&str> = list(expression.get("references")).filter_map(Value::as_str).collect();
        if all.len() > REFERENCES_MAX {
            return vec![None];
        }
        // Terraform lists `a.b.id` and then `a.b`.
        let is_part = |one: &str| {
            let longer = |other: &&str| {
                other.strip_prefix(one).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            all.iter().any(longer)
        };
        let is_loop = |one: &str| one.starts_with("each.") || one.starts_with("count.");
        let whole = all.iter().filter(|one| !is_part(one) && !is_loop(one));
        whole.flat_map(|one| self.follow(modules, one, hops)).collect()
    }

    fn follow(&self, modules: &[String], reference: &str, hops: usize) -> Vec<Option<String>> {
        self.followed.set(self.followed.get() + 1);
        if hops >= HOPS_MAX || self.followed.get() > FOLLOWED_MAX {
            return vec![None];
        }
        let steps = split(reference);
        let words: Vec<&str> = steps.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["var", name, ..] => {
                let Some((call, around)) = modules.split_last() else { return vec![None] };
                let call = call.split('[').next().unwrap_or(call);
                let argument = self.module(around).and_then(|module| {
                    module.get("module_calls")?.get(call)?.get("expressions")?.get(*name)
                });
                argument.map_or(vec![None], |one| self.targets(around, one, hops + 1))
            }
            ["module", call, output, ..] => {
                let inner = [modules, &[(*call).to_owned()]].concat();
                let output = output.split('[').next().unwrap_or(output);
                let expression = self
                    .module(&inner)
                    .and_then(|module| module.get("outputs")?.get(output)?.get("expression"));
                expression.map_or(vec![None], |one| self.targets(&inner, one, hops + 1))
            }
            [kind, name, "id"] if kind.contains('_') => {
                let path: String = modules.iter().map(|name| format!("module.{name}.")).collect();
                vec![Some(format!("{path}{kind}.{name}"))]
            }
            _ => vec![None],
        }
    }
}

/// The instance whose attributes are being filled.
struct Place<'a> {
    address: &'a str,
    modules: &'a [String],
    is_configured: bool,
}

impl<'a> Place<'a> {
    /// The key of the instance, in its brackets.
    fn key(&self) -> Option<&'a str> {
        let at = self.address.rfind('[').filter(|_| self.address.ends_with(']'))?;
        Some(&self.address[at..])
    }
}

/// Module names at the start of an address, and the rest of it.
fn modules_of(steps: &[String]) -> (Vec<String>, &[String]) {
    let (mut modules, mut rest) = (Vec::new(), steps);
    while let [word, name, after @ ..] = rest {
        if word != "module" {
            break;
        }
        modules.push(name.clone());
        rest = after;
    }
    (modules, rest)
}

/// The steps of an address. Dots inside of brackets are part of a key.
fn split(address: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let (mut depth, mut is_quoted) = (0_usize, false);
    for letter in address.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth = depth.saturating_sub(1),
            '.' if depth == 0 && !is_quoted => {
                steps.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(step) = steps.last_mut() {
            step.push(letter);
        }
    }
    steps
}
