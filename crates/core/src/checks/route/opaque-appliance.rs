//! A user-defined route hands the packets to an appliance that does not let them pass, or whose rules are not in the estate.

use crate::change::{Change, firewall};
use crate::checks::{fixes, joins};
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::appliance;
use crate::trace::firewall::Guard;
use crate::trace::firewall::rules::Ruling;
use crate::trace::leg::Way;
use crate::trace::route::{Routed, UserRoute};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.taken()?;
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let NextHop::Appliance(_) = &route.next_hop else { return None };
    match &leg.guard {
        Some(guard @ Guard { ruling: Ok(ruling), .. }) if !ruling.denied.is_empty() => {
            Some(denied(path, guard, ruling))
        }
        Some(Guard { ruling: Ok(ruling), sender: Ok(_), .. }) if ruling.unknown.is_empty() => None,
        _ => opaque(path, route, matches!(leg.way, Way::Public)),
    }
}

/// Its rules drop packets, or no rule speaks of them.
fn denied(path: &Path, guard: &Guard, ruling: &Ruling) -> Finding {
    let who = format!("Azure Firewall `{}`", guard.id.name());
    let (port, to) = (path.port, path.to_id.name());
    let is_whole = ruling.allowed.is_empty() && ruling.unknown.is_empty();
    let denied = ruling.denied_senders().to_string();
    let from = if is_whole { String::new() } else { format!(" from {denied}") };
    let (message, at) = match ruling.denied.iter().find_map(|(_, rule)| rule.as_ref()) {
        Some(rule) => (
            format!("{who} denies port {port} of `{to}`: {}", rule.words()),
            (rule.resource.clone(), rule.pointer.clone()),
        ),
        None => (
            format!("no network rule of {who} lets packets{from} to port {port} of `{to}` pass"),
            (guard.rules_in(path.estate), String::new()),
        ),
    };
    let whom = if is_whole { "the copier".to_owned() } else { denied };
    let why = format!(
        "the first rule that matches decides, and what none matches is dropped: that is what becomes of packets from {whom}"
    );
    let finding = Finding::blocks(message, why).at(&at.0, at.1);
    // It would not have the packets if a peering were whole.
    let finding = if joins::is_beside_the_appliance(path) { finding.possible() } else { finding };
    match let_through(path, guard, ruling) {
        Some(change) => finding.fix(Fix::of(vec![change])),
        None => {
            let advice = format!(
                "add a network rule ahead of all that deny; let pass there: {}",
                flow(path)
            );
            finding.fix(Fix::advice(advice))
        }
    }
}

/// A rule for the denied packets, ahead of what denies them; `None` where no number is free there.
fn let_through(path: &Path, guard: &Guard, ruling: &Ruling) -> Option<Change> {
    let denier = ruling.denied.iter().find_map(|(_, rule)| rule.as_ref());
    let flow = firewall::Flow {
        from: fixes::holding(path, &ruling.denied_senders())?,
        to: match path.taken()?.way {
            Way::Public => Err(fixes::service_tag(path)?),
            _ => Ok(fixes::receivers(path)?),
        },
        port: path.port,
    };
    let holder = guard.rules_in(path.estate);
    if holder == guard.id {
        return firewall::allow_in(path.estate, &holder, &flow, denier.map(|one| one.priority));
    }
    let group = denier.map(|one| &one.resource);
    let policy = group.map_or(Some(holder), ResourceId::parent)?;
    firewall::allow(path.estate, &policy, &flow, group)
}

/// What an appliance does is not known.
fn opaque(path: &Path, route: &UserRoute, is_public: bool) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (who, look) = appliance::name(path.estate, &start.subnet, &route.next_hop);
    let message = format!(
        "route `{}` ({}) sends packets to `{}` through {who}",
        route.name,
        route.prefix,
        path.to_id.name()
    );
    let why = format!(
        "an appliance filters by rules of its own; it must let port {} pass and return the answers the same way",
        path.port
    );
    let finding = Finding::blocks(message, why).possible();
    let advice = Fix::advice(format!("{look}; let pass there: {}", flow(path)));
    let mut finding = finding.at(&route.resource, route.pointer.clone()).fix(advice);
    // Past the appliance nobody inspects the flow: that is the second choice.
    if is_public {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    Some(finding)
}

fn flow(path: &Path) -> String {
    fixes::flow_words(path).unwrap_or_else(|| format!("the copier's packets to port {}", path.port))
}
