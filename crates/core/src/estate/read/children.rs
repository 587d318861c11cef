//! What a parent tells of its children, against captures of the children themselves that are older or newer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Replaced, Settler, Source, Standing};
use crate::estate::json::Json;
use crate::estate::kinds::read_facts;
use crate::estate::nested::{self, Nested};
use crate::estate::packed::Body;
use crate::estate::shapes::{is_listing, with_properties};
use crate::estate::shared::Shared;
use crate::estate::unresolved::unresolved;
use crate::estate::{Facts, Origin, Resource};
use crate::id::ResourceId;

/// Fields of a record set that tell what it holds, in whatever form it was printed.
const CONTENTS: [&str; 5] = ["aRecords", "ARecords", "arecords", "cnameRecord", "CNAMERecord"];

impl Settler {
    pub(super) fn compare_with_parents(&mut self) {
        let mut sources = self.sources.values().map(|one| (one.age, one.standing.is_secondhand()));
        let first = sources.next();
        if sources.all(|one| Some(one) == first) {
            return;
        }
        self.compare_lists();
        self.compare_counts();
    }

    /// What Azure listed inside a parent is whole: a child that was captured before that, and is not in the list, is gone, and one that
    /// a template or Terraform tells of was not there. Of one that is in both the newer capture counts.
    fn compare_lists(&mut self) {
        let mut children: BTreeMap<ResourceId, Vec<ResourceId>> = BTreeMap::new();
        for (id, own) in &self.sources {
            let Some(parent) = nested::may_be_listed(id).then(|| id.parent()).flatten() else {
                continue;
            };
            let list = self.sources.get(&parent);
            let differs = |one: &Source| one.age != own.age || own.standing.is_secondhand();
            if list.is_some_and(|one| one.standing == Standing::Observed && differs(one)) {
                children.entry(parent).or_default().push(id.clone());
            }
        }
        for (parent, mut children) in children {
            children.sort();
            let (Some(source), Some(listing)) =
                (self.sources.get(&parent).copied(), self.resources.get(&parent).cloned())
            else {
                continue;
            };
            let body = listing.body.value();
            let mut lists = body.clone().into_owned();
            for id in children {
                let (Some(own), Some(told)) = (self.sources.get(&id), nested::told(&id, &body))
                else {
                    continue;
                };
                let is_newer = own.age > source.age;
                if !is_newer || own.standing.is_secondhand() {
                    self.end(&id, told, &listing.origin);
                } else if let (Some(element), Standing::Observed) = (told, own.standing) {
                    self.overrule(&id, element, (&mut lists, &listing.origin));
                }
            }
            if lists != *body {
                self.reread(parent, &lists, &listing.origin);
            }
        }
    }

    /// Takes out a child that counts less than the list of its parent, unless that says the same, or names the child alone.
    fn end(&mut self, id: &ResourceId, told: Option<&Value>, list: &Origin) {
        let Some(own) = self.resources.get(id) else { return };
        let is_kept =
            |one: &Value| is_listing(&Json::from(one)) || says_the_same(one, &own.body.value());
        if told.is_some_and(is_kept) {
            return;
        }
        let said = Replaced { is_gone: told.is_none(), ..Replaced::of(id, list, &own.origin) };
        self.loaded.replaced.push(said);
        self.resources.remove(id);
        self.sources.remove(id);
    }

    /// Lets the list of a parent say what a newer capture of the child does.
    fn overrule(&mut self, id: &ResourceId, told: &Value, list: (&mut Value, &Origin)) {
        let Some(own) = self.resources.get(id) else { return };
        let (body, (lists, origin)) = (own.body.value(), list);
        if !says_the_same(told, &body) {
            self.loaded.replaced.push(Replaced::of(id, &own.origin, origin));
            nested::reflect(lists, id, Nested::Is(&body));
        }
    }

    /// A zone counts its links and its record sets. Where more were captured than it counts, some of those that are older than the
    /// zone are gone: all of them, where as many are as new as the count, and nobody knows which otherwise. Those that Azure did not answer
    /// are no newer than what it did.
    fn compare_counts(&mut self) {
        let mut children: BTreeMap<(ResourceId, bool), Vec<(Source, ResourceId)>> = BTreeMap::new();
        for (id, own) in &self.sources {
            let kind = id.resource_type();
            let Some(kind) = kind.strip_prefix("microsoft.network/privatednszones/") else {
                continue;
            };
            // Each zone has one SOA record, which is rarely captured.
            if let (Some(zone), true) = (id.parent(), kind != "soa") {
                let key = (zone, kind == "virtualnetworklinks");
                children.entry(key).or_default().push((*own, id.clone()));
            }
        }
        for ((zone, are_links), mut children) in children {
            let (Some(source), Some(resource)) =
                (self.sources.get(&zone).copied(), self.resources.get(&zone).cloned())
            else {
                continue;
            };
            let Facts::Zone(facts) = &resource.facts else { continue };
            let count = match are_links {
                true => facts.link_count,
                false => facts.record_count.map(|count| count.saturating_sub(1)),
            };
            let is_full = |count: u64| count < children.len() as u64;
            let Some(count) = count.filter(|count| is_full(*count)) else { continue };
            let is_observed = source.standing == Standing::Observed;
            let is_older =
                |one: &Source| one.age < source.age || is_observed && one.standing.is_secondhand();
            let is_as_new = |one: &Source| one.age == source.age && !is_older(one);
            let as_new = children.iter().filter(|(one, _)| is_as_new(one)).count() as u64;
            children.retain(|(one, _)| is_older(one));
            children.sort_by(|(one, id), (other, next)| (one.age, id).cmp(&(other.age, next)));
            for (_, id) in children {
                match as_new == count && is_observed {
                    true => self.end(&id, None, &resource.origin),
                    false => self.doubt(&id, count),
                }
            }
        }
    }

    /// Marks a child of a zone as one that may be there no longer.
    fn doubt(&mut self, id: &ResourceId, count: u64) {
        let Some(own) = self.resources.get(id).cloned() else { return };
        let why = format!(
            "its zone counts {count} such, and more are given: whether it is there is not observed"
        );
        let mut body = with_properties(&own.body.value());
        if let Some(fields) = body["properties"].as_object_mut() {
            for field in CONTENTS {
                fields.entry(field).and_modify(|told| *told = unresolved(&why));
            }
            fields.insert("provisioningState".to_owned(), unresolved(&why));
        }
        self.reread(id.clone(), &body, &own.origin);
        self.problem(&own.origin, why);
    }

    /// Puts another body in place of one that was captured. What is wrong with its parts was said when they were read.
    fn reread(&mut self, id: ResourceId, body: &Value, origin: &Origin) {
        let (body, shared) = (Json::from(body), &mut Shared::default());
        let facts = read_facts(&id, &body, origin, shared, &mut Vec::new());
        let resource = Resource { body: Body::of_json(&body), origin: origin.clone(), facts };
        self.resources.insert(id, Arc::new(resource));
    }
}

/// Whether two captures of one resource have the same properties, in whichever form they were printed.
fn says_the_same(one: &Value, other: &Value) -> bool {
    with_properties(one).get("properties") == with_properties(other).get("properties")
}

/// References of a subnet whose absence says that there is none.
const BOUND: [&str; 2] = ["networkSecurityGroup", "routeTable"];

/// Whether two captures of a child cannot both be true: a field that both tell has two values, or a subnet is bound in one alone.
pub(super) fn contradicts(one: &Value, other: &Value) -> bool {
    let [one, other] = [one, other].map(with_properties);
    let fields = |body: &Value| body.get("properties").and_then(Value::as_object).cloned();
    let (Some(one), Some(other)) = (fields(&one), fields(&other)) else { return false };
    let is_bound = |fields: &serde_json::Map<String, Value>, name: &str| {
        fields.get(name).is_some_and(|one| !one.is_null())
    };
    let is_subnet = |fields: &serde_json::Map<String, Value>| {
        fields.contains_key("addressPrefix") || fields.contains_key("addressPrefixes")
    };
    let differs = |name: &&str| is_bound(&one, name) != is_bound(&other, name);
    is_subnet(&one) && is_subnet(&other) && BOUND.iter().any(differs)
        || one.iter().any(|(name, value)| other.get(name).is_some_and(|two| clash(value, two)))
}

/// Whether two values differ in a word, a number or a flag that both tell.
fn clash(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => !one.eq_ignore_ascii_case(other),
        (Value::Bool(_), Value::Bool(_)) | (Value::Number(_), Value::Number(_)) => one != other,
        (Value::Object(one), Value::Object(other)) => {
            one.iter().any(|(name, value)| other.get(name).is_some_and(|two| clash(value, two)))
        }
        _ => false,
    }
}
