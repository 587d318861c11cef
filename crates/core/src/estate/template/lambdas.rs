//! Functions that take lambdas, and functions that a template defines itself.

use serde_json::{Map, Value, json};

use super::functions::{text, too_few, truth};
use super::parse::Expression;
use super::scope::{Known, Local, Scope, Why, check, field};
use crate::estate::unresolved::unresolved;

/// `lambda('name', ..., body)`.
struct Lambda<'e> {
    names: Vec<&'e str>,
    body: &'e Expression,
}

/// What an argument of the running function is; `None` outside of functions.
pub(super) fn argument(name: &str, locals: &[Local]) -> Option<Known> {
    let mut is_inside = false;
    for local in locals {
        if let Local::Argument { name: own, value } = local {
            is_inside = true;
            if own.eq_ignore_ascii_case(name) {
                return Some(check(value.clone()));
            }
        }
    }
    is_inside.then(|| Err(Why::because(format!("no parameter `{name}`"))))
}

impl Scope<'_> {
    /// Calls what takes a lambda, or what the template defines; `None` for any other function.
    pub(super) fn lambda_call(
        &self,
        name: &str,
        arguments: &[Expression],
        locals: &[Local],
    ) -> Option<Known> {
        let first = || self.evaluate(arguments.first().ok_or_else(|| too_few(name))?, locals);
        let lambda = |index: usize| lambda(name, arguments.get(index));
        let list = || match first()? {
            Value::Array(list) => Ok(list),
            _ => Err(Why::because(format!("`{name}` of something that is no list"))),
        };
        Some(match name {
            "lambdavariables" => first().and_then(|name| variable(&text(&name)?, locals)),
            "map" => list().and_then(|list| self.map(list, &lambda(1)?, locals)),
            "filter" => list().and_then(|list| self.filter(list, &lambda(1)?, locals)),
            "sort" => list().and_then(|list| self.sort(list, &lambda(1)?, locals)),
            "reduce" => list().and_then(|list| {
                let start = arguments.get(1).ok_or_else(|| too_few(name))?;
                self.reduce(list, self.evaluate(start, locals)?, &lambda(2)?, locals)
            }),
            "toobject" => list().and_then(|list| {
                let value = arguments.get(2).map(|_| lambda(2)).transpose()?;
                self.to_object(list, &lambda(1)?, value.as_ref(), locals)
            }),
            "groupby" => list().and_then(|list| self.group_by(list, &lambda(1)?, locals)),
            "mapvalues" => first().and_then(|value| self.map_values(value, &lambda(1)?, locals)),
            _ => return self.defined(name, arguments, locals),
        })
    }

    fn apply(&self, lambda: &Lambda, values: &[&Value], locals: &[Local]) -> Known {
        let pairs = lambda.names.iter().zip(values);
        let own = pairs
            .map(|(&name, &value)| Local::Variable { name: name.to_owned(), value: value.clone() });
        let inner: Vec<Local> = locals.iter().cloned().chain(own).collect();
        self.evaluate(lambda.body, &inner)
    }

    fn map(&self, list: Vec<Value>, lambda: &Lambda, locals: &[Local]) -> Known {
        let one = |(index, item): (usize, &Value)| {
            mark(self.apply(lambda, &[item, &json!(index)], locals))
        };
        Ok(list.iter().enumerate().map(one).collect())
    }

    fn filter(&self, list: Vec<Value>, lambda: &Lambda, locals: &[Local]) -> Known {
        let mut kept = Vec::new();
        for (index, item) in list.into_iter().enumerate() {
            if truth(&self.apply(lambda, &[&item, &json!(index)], locals)?)? {
                kept.push(item);
            }
        }
        Ok(Value::Array(kept))
    }

    /// By insertion: the order that a template gives need not be one.
    fn sort(&self, list: Vec<Value>, lambda: &Lambda, locals: &[Local]) -> Known {
        let mut sorted: Vec<Value> = Vec::new();
        for item in list {
            let mut place = sorted.len();
            while place > 0
                && truth(&self.apply(lambda, &[&item, &sorted[place - 1]], locals)?)?
                && !truth(&self.apply(lambda, &[&sorted[place - 1], &item], locals)?)?
            {
                place -= 1;
            }
            sorted.insert(place, item);
        }
        Ok(Value::Array(sorted))
    }

    fn reduce(&self, list: Vec<Value>, start: Value, lambda: &Lambda, locals: &[Local]) -> Known {
        let mut value = start;
        for (index, item) in list.iter().enumerate() {
            value = self.apply(lambda, &[&value, item, &json!(index)], locals)?;
        }
        Ok(value)
    }

    fn to_object(
        &self,
        list: Vec<Value>,
        key: &Lambda,
        value: Option<&Lambda>,
        locals: &[Local],
    ) -> Known {
        let mut fields = Map::new();
        for item in list {
            let key = text(&self.apply(key, &[&item], locals)?)?;
            let value = match value {
                Some(value) => mark(self.apply(value, &[&item], locals)),
                None => item,
            };
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }

    fn group_by(&self, list: Vec<Value>, key: &Lambda, locals: &[Local]) -> Known {
        let mut groups: Map<String, Value> = Map::new();
        for item in list {
            let key = text(&self.apply(key, &[&item], locals)?)?;
            let group = groups.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            group.as_array_mut().into_iter().for_each(|group| group.push(item.clone()));
        }
        Ok(Value::Object(groups))
    }

    fn map_values(&self, value: Value, lambda: &Lambda, locals: &[Local]) -> Known {
        let Value::Object(fields) = value else {
            return Err(Why::because("`mapValues` of something that is no object"));
        };
        let one = |(name, value)| (name, mark(self.apply(lambda, &[&value], locals)));
        Ok(Value::Object(fields.into_iter().map(one).collect()))
    }

    /// Calls `namespace.name(...)`, which the template defines: it sees its arguments, and nothing else.
    fn defined(&self, name: &str, arguments: &[Expression], locals: &[Local]) -> Option<Known> {
        let (namespace, own) = name.split_once('.')?;
        let spaces = self.template.get("functions").and_then(Value::as_array)?;
        let is_meant = |one: &&Value| {
            let known = field(Some(one), "namespace").and_then(Value::as_str);
            known.is_some_and(|known| known.eq_ignore_ascii_case(namespace))
        };
        let mut spaces = spaces.iter().filter(is_meant);
        let function = spaces.find_map(|one| field(field(Some(one), "members"), own))?;
        let parameters = field(Some(function), "parameters").and_then(Value::as_array);
        let names = parameters.into_iter().flatten().filter_map(|one| one.get("name")?.as_str());
        let value = |index: usize| match arguments.get(index) {
            Some(argument) => mark(self.evaluate(argument, locals)),
            None => Value::Null,
        };
        let own: Vec<Local> = names
            .enumerate()
            .map(|(index, name)| Local::Argument { name: name.to_owned(), value: value(index) })
            .collect();
        let output = field(field(Some(function), "output"), "value").unwrap_or(&Value::Null);
        Some(self.known(output, &own))
    }
}

fn lambda<'e>(function: &str, expression: Option<&'e Expression>) -> Result<Lambda<'e>, Why> {
    let wrong = || Why::because(format!("`{function}` without a lambda"));
    let Some(Expression::Call(name, parts)) = expression else { return Err(wrong()) };
    let (Some((body, names)), "lambda") = (parts.split_last(), name.as_str()) else {
        return Err(wrong());
    };
    let name = |one: &'e Expression| match one {
        Expression::Text(name) => Ok(name.as_str()),
        _ => Err(wrong()),
    };
    Ok(Lambda { names: names.iter().map(name).collect::<Result<_, _>>()?, body })
}

/// The innermost variable of a name.
fn variable(name: &str, locals: &[Local]) -> Known {
    let is_meant = |local: &Local| match local {
        Local::Variable { name: own, value } => {
            own.eq_ignore_ascii_case(name).then(|| check(value.clone()))
        }
        Local::Loop { .. } | Local::Argument { .. } => None,
    };
    let found = locals.iter().rev().find_map(is_meant);
    found.unwrap_or_else(|| Err(Why::because(format!("no lambda variable `{name}`"))))
}

/// What is not known stays one element.
fn mark(known: Known) -> Value {
    known.unwrap_or_else(|why| unresolved(why.text()))
}
