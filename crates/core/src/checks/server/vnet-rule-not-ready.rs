//! The VNet rule is there and not in force.

use crate::change::server;
use crate::checks::new_endpoint;
use crate::estate::server::VnetRule;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (gate, unseen) = path.taken()?.gate.as_ref()?.as_known();
    let (rule, state) = match gate {
        Gate::RuleNotReady(rule, state) => (rule, state.clone()),
        Gate::ServiceEndpointMissing(rule) => (rule, unready(path, rule)?),
        _ => return None,
    };
    let (name, server) = (rule.name(), path.to_id.name());
    let message = format!("VNet rule `{name}` of `{server}` is in state {state}");
    let why = "a VNet rule lets its subnet in once its state is Ready";
    let delete = server::delete_vnet_rule(rule, &state);
    let without = delete.apply(path.estate);
    let anew = Fix::of(vec![delete, server::add_vnet_rule(&without, &path.to_id, &start.subnet)]);
    let pointer = path.estate.locate(rule, "", "state");
    let mut finding = Finding::blocks(message, why).at(rule, pointer).unless(unseen);
    if server::may_become_ready(&state) {
        let wait = "wait until the rule's state is Ready, then capture and check again";
        finding.fixes.push(Fix::advice(wait));
    }
    finding.fixes.push(anew);
    finding.fixes.extend(new_endpoint::instead(path));
    finding.on_fallback = path.leads == Leads::Fallback;
    Some(finding)
}

/// The state of a rule, where it is another one than Ready.
fn unready(path: &Path, rule: &ResourceId) -> Option<String> {
    let state = path.estate.find::<VnetRule>(rule)?.state.clone()?;
    (!state.eq_ignore_ascii_case("ready")).then_some(state)
}
