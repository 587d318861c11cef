//! ARM templates: what they would deploy, as resources with ids. What a template does not tell is marked, never guessed.

mod cidr;
mod deployment;
mod functions;
mod lambdas;
mod limits;
mod lists;
mod parse;
mod place;
mod references;
mod resource;
mod scope;
mod texts;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json::Json;
use super::read::Found;
use super::{Origin, Problem};
use limits::Limits;
use place::Place;
use resource::Reader;
use scope::Scope;

/// Whether an object is an ARM template.
pub(crate) fn is_template(json: &Json) -> bool {
    has_schema(schema_of(json), "deploymenttemplate") && json.has("resources")
}

/// Whether an object is a file of parameters for a template. Those written by hand may leave out their schema.
pub(crate) fn is_parameters(json: &Json) -> bool {
    let is_valued = |one: &Json| one.has("value") || one.has("reference");
    let are_valued = || {
        let fields = json.get("parameters").and_then(Json::fields);
        fields.is_some_and(|all| !all.is_empty() && all.iter().all(|(_, one)| is_valued(one)))
    };
    has_schema(schema_of(json), "deploymentparameters")
        || schema_of(json).is_none() && !json.has("resources") && !json.has("id") && are_valued()
}

fn schema_of<'j>(json: &'j Json) -> Option<&'j str> {
    json.get("$schema")?.as_str()
}

fn has_schema(schema: Option<&str>, word: &str) -> bool {
    schema.is_some_and(|schema| schema.to_ascii_lowercase().contains(word))
}

/// The resources of a template. `parameters` is the file of parameters that goes with it.
pub(crate) fn read(
    template: &Map<String, Value>,
    parameters: Option<&Value>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Vec<Found> {
    let limits = Limits::new();
    let given = parameters.map_or_else(BTreeMap::new, |file| given(file.get("parameters")));
    let mut reader = Reader::new(template, origin, &limits, problems);
    let scope = Scope::new(template, given, Place::unknown(), &limits);
    reader.deployment(&scope, template.get("resources"), "", &[]);
    reader.finish()
}

/// Values of a file of parameters, by lower-case name. A reference to a key vault is a value that is not there.
fn given(parameters: Option<&Value>) -> BTreeMap<String, Value> {
    let fields = parameters.and_then(Value::as_object).into_iter().flatten();
    let value = |(name, one): (&String, &Value)| {
        Some((name.to_ascii_lowercase(), one.get("value")?.clone()))
    };
    fields.filter_map(value).collect()
}

/// Whether a text is an expression.
pub(crate) fn inside_expression(text: &str) -> bool {
    parse::inside(text).is_some_and(|inner| parse::parse(inner).is_ok())
}

/// The resource group in the ids of everything that a template does not place.
pub(crate) fn unknown_group() -> String {
    Place::unknown().group_id()
}
