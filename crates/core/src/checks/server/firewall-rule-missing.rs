//! A public server has no firewall rule that could let the copier in.

use crate::address::AddressSet;
use crate::change::{FLEXIBLE_API, SINGLE_API};
use crate::checks::{fixes, new_endpoint};
use crate::estate::server::FirewallRule;
use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::shell::quoted;
use crate::trace::door_rules;
use crate::trace::gate::Gate;
use crate::trace::route::Routed;
use crate::trace::{Leads, Path};

const WHY: &str =
    "a public server lets in only addresses that a firewall rule holds, and it sees public ones";

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (gate, unseen) = path.taken()?.gate.as_ref()?.as_known();
    match gate {
        Gate::FirewallRuleMissing => {}
        Gate::OpensItself => return unlisted(path),
        Gate::AddressNotAllowed(addresses) => {
            let is_behind = matches!(path.taken()?.route, Some(Routed::Elsewhere(..)));
            let mut rules = path.estate.children::<FirewallRule>(&path.to_id);
            // Behind a firewall: server/nat-address-not-allowed
            return match is_behind && rules.next().is_some() {
                true => None,
                false => not_held(path, addresses).map(|one| one.unless(unseen)),
            };
        }
        _ => return None,
    }
    let what = match path.estate.children::<FirewallRule>(&path.to_id).next() {
        None => "no firewall rule",
        Some(_) => "firewall rules only for addresses that no packet of the internet has",
    };
    let message = format!("server `{}` has {what}", path.to_id.name());
    let mut finding = Finding::blocks(message, format!("{WHY}{}", capture_first(path)));
    finding = finding.at(&path.to_id, "");
    finding.on_fallback = path.leads == Leads::Fallback;
    let know = fixes::know_public_address(path);
    let advice = format!("{know}, then add a firewall rule for its one public address");
    let finding = finding.fix(Fix::advice(advice));
    if path.start.is_none() {
        return Some(finding);
    }
    Some(with_other_ways(path, finding))
}

/// How the rules of the server are listed, where the estate holds none: no capture of the server tells of them.
fn capture_first(path: &Path) -> String {
    if path.estate.children::<FirewallRule>(&path.to_id).next().is_some() {
        return String::new();
    }
    let api = if path.to.kind == ServerKind::Single { SINGLE_API } else { FLEXIBLE_API };
    let url = format!("{}/firewallRules?api-version={api}", path.to_id);
    format!("; if its rules were not captured: `az rest --url {}`", quoted(&url))
}

/// Ways in that need no public address: the subnet's identity, and a private endpoint.
fn with_other_ways(path: &Path, mut finding: Finding) -> Finding {
    finding.fixes.extend(fixes::let_subnet_in(path));
    finding.fixes.extend(new_endpoint::nearby(path));
    finding
}

/// The public address that packets arrive with is known, and no rule holds it.
fn not_held(path: &Path, addresses: &AddressSet) -> Option<Finding> {
    let message = format!(
        "no firewall rule of server `{}` holds {addresses}, with which the copier's packets arrive",
        path.to_id.name()
    );
    let why = format!("{WHY}{}", capture_first(path));
    let mut finding = Finding::blocks(message, why).at(&path.to_id, "");
    finding.on_fallback = path.leads == Leads::Fallback;
    Some(with_other_ways(path, finding.fix(fixes::let_address_in(path, addresses))))
}

/// Azure's tool is said to open a public Single Server by itself; newer documents ask for a rule.
fn unlisted(path: &Path) -> Option<Finding> {
    let mut rules = door_rules::public_rules(path.estate, &path.to_id);
    if rules.any(|(_, rule)| rule.is_all_of_azure() || rule.is_everything()) {
        return None;
    }
    let message = format!(
        "no firewall rule of server `{}` is known to hold the address of `{}`",
        path.to_id.name(),
        path.from_id.name()
    );
    let why = "the guide says that the tool connects two public servers by itself; newer documents of the migration service want the \
               source to let the target's address in";
    let fix = format!(
        "if the tool is refused, add a firewall rule for the one public address of `{}`: resolve its name to know it",
        path.from_id.name()
    );
    Some(Finding::blocks(message, why).possible().at(&path.to_id, "").fix(Fix::advice(fix)))
}
