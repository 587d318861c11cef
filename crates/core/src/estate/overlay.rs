//! An estate as it will be after a plan: what the plan knows replaces, what it does not tell stays, what it deletes goes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json::Json;
use super::read::Standing;
use super::scan::inline_children;
use super::shapes::{below, with_properties};
use super::what_if::Planned;
use super::{Estate, Input, Loaded, Missing, Origin, Problem};
use super::{aftermath, merge, nested, template, terraform, what_if};
use crate::id::ResourceId;

/// Lays a Terraform plan, a result of what-if, or resources as they will be, over an estate. `problems` of the result are those of the
/// plan alone.
pub fn overlay(estate: &Estate, plan: Input) -> Loaded {
    let mut loaded = Loaded { estate: estate.clone(), ..Loaded::default() };
    let mut problems = Vec::new();
    let origin = Origin { file: plan.file.as_str().into(), pointer: String::new() };
    let planned = match steps(estate, &plan.json, &origin, &mut problems) {
        Some(planned) => planned,
        None => {
            let wanted = super::load(vec![plan]);
            problems.extend(wanted.problems);
            loaded.ignored_count = wanted.ignored_count;
            let is_placeless =
                |id: &ResourceId| id.as_str().starts_with(&template::unknown_group());
            if wanted.estate.ids().next().is_some() && wanted.estate.ids().all(is_placeless) {
                loaded.unplaced = Some(Missing::other(
                    "the resource group that a template goes to",
                    "give the result of `az deployment group what-if --no-pretty-print`",
                ));
            }
            wanted.estate.into_planned()
        }
    };
    if let Some(group) = torn_group(estate, &planned) {
        loaded.unplaced = Some(Missing::other(
            format!(
                "the subscription of resource group `{group}`, which several of the estate have"
            ),
            "plan with `subscription_id` in the configuration of the provider",
        ));
    }
    if planned.is_empty() && problems.is_empty() && loaded.unplaced.is_none() {
        problems.push(origin.problem("changes no Azure resource that decides here"));
    }
    let mut overlay = Overlay { estate: &mut loaded.estate, problems: &mut problems };
    overlay.apply(planned);
    loaded.problems = problems;
    loaded
}

/// Whether a JSON tells what will be: a Terraform plan, a result of what-if, or a template. A capture tells what is.
pub fn is_about_what_will_be(json: &Value) -> bool {
    let view = Json::from(json);
    let is_result = |view: &Json| what_if::is_result(view);
    terraform::is_plan(|name| json.get(name).is_some())
        || is_result(&view)
        || view.get("properties").is_some_and(is_result)
        || template::is_template(&view)
}

/// The steps of a plan; `None` for anything that holds resources instead.
fn steps(
    estate: &Estate,
    json: &Value,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Planned>> {
    let (object, view) = (json.as_object()?, Json::from(json));
    if terraform::is_plan(|name| object.contains_key(name)) {
        let mut planned = terraform::planned(object, &groups(estate), origin, problems);
        let emptied = terraform::emptied(object, (estate, &planned), origin, problems);
        planned.extend(emptied);
        terraform::say_deferred(object, origin, problems);
        terraform::say_unread(object, origin, problems);
        return Some(planned);
    }
    if what_if::is_result(&view) {
        return Some(what_if::planned(object, origin, problems));
    }
    view.get("properties").filter(|inner| what_if::is_result(inner))?;
    let inner = object.get("properties")?.as_object()?;
    Some(what_if::planned(inner, &below(origin, "properties"), problems))
}

/// The resource groups of the estate.
fn groups(estate: &Estate) -> terraform::Groups {
    let mut groups = terraform::Groups::new();
    for id in estate.ids().filter(|id| !id.resource_group().is_empty()) {
        let group = id.resource_group().to_ascii_lowercase();
        groups.entry(group).or_default().insert(id.subscription().to_ascii_lowercase());
    }
    groups
}

/// A group of the estate that a plan changes something in, without telling of which subscription.
fn torn_group(estate: &Estate, planned: &[Planned]) -> Option<String> {
    let mut placeless =
        planned.iter().map(|one| &one.id).filter(|id| id.subscription() == terraform::UNKNOWN);
    let first = placeless.next()?;
    let known = groups(estate);
    let mut named = std::iter::once(first).chain(placeless).map(ResourceId::resource_group);
    named.find(|group| known.contains_key(&group.to_ascii_lowercase())).map(str::to_owned)
}

struct Overlay<'e> {
    estate: &'e mut Estate,
    problems: &'e mut Vec<Problem>,
}

impl Overlay<'_> {
    fn apply(&mut self, planned: Vec<Planned>) {
        let kept: BTreeSet<ResourceId> =
            planned.iter().filter(|one| one.after.is_some()).map(|one| one.id.clone()).collect();
        // Parents first: their lists are then those in which their children are changed.
        let (gone, mut there): (Vec<Planned>, Vec<Planned>) =
            planned.into_iter().partition(|one| one.after.is_none());
        let made: Vec<ResourceId> =
            there.iter().filter(|one| one.is_made).map(|one| one.id.clone()).collect();
        there.sort_by(|one, two| one.id.cmp(&two.id));
        for one in there.iter().filter(|one| one.is_made && one.is_replaced) {
            aftermath::of_replacement(self.estate, &one.id, self.problems);
        }
        let mut new = Vec::new();
        for one in there {
            let listed = |body: Option<&Value>| {
                body.map(|body| nested::listed(&one.id, body)).unwrap_or_default()
            };
            let after = listed(one.after.as_ref());
            let ended = listed(one.before.as_ref()).into_iter().filter(|id| !after.contains(id));
            // A list that a plan does not tell stays as it is.
            let is_told = |id: &ResourceId| {
                one.after.as_ref().is_some_and(|body| nested::told(id, body).is_some())
            };
            let ended: Vec<ResourceId> =
                ended.filter(|id| !kept.contains(id) && is_told(id)).collect();
            if self.put(&one, &kept) {
                new.push(one.id.clone());
            }
            ended.iter().for_each(|id| self.remove(id));
        }
        for one in gone {
            self.remove(&one.id);
        }
        for id in new.iter().filter(|id| id.is_type("microsoft.network/privateendpoints")) {
            aftermath::of_new_endpoint(self.estate, id, self.problems);
        }
        aftermath::of_new_halves(self.estate, &made, self.problems);
        aftermath::of_new_children(self.estate, &made, self.problems);
    }

    fn remove(&mut self, id: &ResourceId) {
        aftermath::of_removal(self.estate, id, self.problems);
    }

    /// Puts what a plan knows of a resource in place; true where it was not there before.
    fn put(&mut self, one: &Planned, kept: &BTreeSet<ResourceId>) -> bool {
        let Some(after) = &one.after else { return false };
        let is_known = self.estate.resource(&one.id).is_some();
        let body = self.laid_over(&one.id, one.before.as_ref(), after, one.is_replaced);
        let body = match &one.memberships {
            Some(all) => {
                let known = self.estate.resource(&one.id).filter(|_| !one.is_replaced);
                let known = known.map(|known| with_properties(&known.body.value()));
                all.laid_over(known.as_ref(), body)
            }
            None => body,
        };
        let json = Json::from(after);
        let (origin, standing) = (&one.origin, Standing::Wanted);
        let children = inline_children(&one.id, &json, origin, standing, ResourceId::parse);
        for (id, child, origin) in children {
            if !kept.contains(&id) {
                let was = one.before.as_ref().and_then(|body| nested::told(&id, body)).flatten();
                let was = was.map(|was| match one.memberships {
                    // What Terraform told before and tells no more has ended.
                    Some(_) => was.clone(),
                    // A preview leaves out what only Azure tells.
                    None => nested::written(was),
                });
                let body = self.laid_over(&id, was.as_ref(), &child.to_value(), false);
                self.estate.put(&id, body, origin, self.problems);
            }
        }
        self.estate.put(&one.id, body, one.origin.clone(), self.problems);
        let is_new = !is_known && one.before.is_none();
        aftermath::of_putting(self.estate, &one.id, is_new, self.problems);
        is_new || !is_known && one.is_made
    }

    /// The body after the plan. What the plan makes anew has nothing of what was observed before.
    fn laid_over(
        &self,
        id: &ResourceId,
        before: Option<&Value>,
        after: &Value,
        is_replaced: bool,
    ) -> Value {
        let Some(known) = self.estate.resource(id).filter(|_| !is_replaced) else {
            return after.clone();
        };
        let mut lower = with_properties(&known.body.value());
        if let Some(before) = before {
            lower = merge::without_ended(&lower, before, after);
        }
        let tells = |name: &str| after.pointer(&format!("/properties/{name}")).is_some();
        if let (true, false, Some(fields)) =
            (tells("addressPrefix"), tells("addressPrefixes"), lower["properties"].as_object_mut())
        {
            fields.remove("addressPrefixes");
        }
        merge::laid_over(&lower, after)
    }
}

impl Estate {
    /// Every resource as one that will be as it is here.
    fn into_planned(self) -> Vec<Planned> {
        let ids: std::collections::BTreeSet<&ResourceId> = self.ids().collect();
        let planned = ids.into_iter().filter_map(|id| {
            let resource = self.resource(id)?;
            Some(Planned {
                id: id.clone(),
                before: None,
                after: Some(resource.body.value().into_owned()),
                origin: resource.origin.clone(),
                is_made: false,
                is_replaced: false,
                memberships: None,
            })
        });
        planned.collect()
    }
}
