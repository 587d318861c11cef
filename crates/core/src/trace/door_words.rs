//! What a server's own gate does, put into words.

use crate::address::{AddressSet, internet};
use crate::estate::server::{FirewallRule, Server, VnetRule};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::gate::Gate;
use crate::trace::step::{Stage, Step};

/// Rules that are named: an office may have hundreds.
const SHOWN_MAX: usize = 4;

pub(super) fn gate_step(estate: &Estate, id: &ResourceId, server: &Server, gate: &Gate) -> Step {
    let drop = |detail: String| Step::drop(Stage::Admit, Some(id), detail);
    match gate {
        Gate::Open(rules) => open_step(estate, id, rules),
        Gate::OpensItself => {
            let detail = "Azure's tool opens a public Single Server for a public target by itself";
            Step::pass(Stage::Admit, Some(id), detail).read(id, &server.public_pointer)
        }
        Gate::PublicDenied => drop("the server denies public network access".to_owned())
            .read(id, &server.public_pointer),
        Gate::RuleMissing { .. } => {
            drop("no VNet rule of the server names the copier's subnet".to_owned()).read(id, "")
        }
        Gate::ServiceEndpointMissing(rule) => {
            let detail =
                "the VNet rule has no effect: the subnet's service endpoint Microsoft.Sql is off";
            drop(detail.to_owned()).read(rule, "")
        }
        Gate::RuleNotReady(rule, state) => {
            let place = estate.locate(rule, "", "state");
            drop(format!("the VNet rule `{}` is in state {state}", rule.name())).read(rule, place)
        }
        Gate::OtherRegion(rule, location) => {
            let detail = format!(
                "the VNet rule has no effect: the network is in {location}, the server elsewhere"
            );
            drop(detail).read(rule, "")
        }
        Gate::Disputed(rule) => {
            let missing = Missing::other(
                format!(
                    "whether rule `{}` lets in a subnet whose service endpoint Microsoft.Sql is on",
                    rule.name()
                ),
                "documents disagree: add a VNet rule for the subnet, or probe",
            );
            Step::unknown(Stage::Admit, missing)
                .read(rule, estate.locate(rule, "", "startIpAddress"))
        }
        Gate::AddressNotAllowed(addresses) => {
            drop(format!("no firewall rule of the server holds {addresses}")).read(id, "")
        }
        Gate::FirewallRuleMissing => {
            drop("the server has no firewall rule at all".to_owned()).read(id, "")
        }
        Gate::Unknown(missing) => Step::unknown(Stage::Admit, missing.clone()),
        Gate::Unsure(gate, missing) => {
            let closed = gate_step(estate, id, server, gate);
            let detail = format!("{}; not observed: {}", closed.detail, missing.what);
            Step { detail, facts: closed.facts, ..Step::unknown(Stage::Admit, missing.clone()) }
        }
    }
}

/// The rules that let the caller in, with what each holds.
fn open_step(estate: &Estate, server: &ResourceId, rules: &[ResourceId]) -> Step {
    let detail = estate.words(|| match rules {
        [rule] => match estate.get::<VnetRule>(rule) {
            Ok(facts) => {
                format!("VNet rule `{}` lets subnet `{}` in", rule.name(), facts.subnet.name())
            }
            Err(_) => {
                format!("firewall rule {} lets {} in", named(estate, rule), whom(estate, rules))
            }
        },
        several => {
            let shown: Vec<String> =
                several.iter().take(SHOWN_MAX).map(|rule| named(estate, rule)).collect();
            let more = several.len().saturating_sub(SHOWN_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = shown.join(", ");
            format!("firewall rules {names}{more} together let {} in", whom(estate, rules))
        }
    });
    let step = Step::pass(Stage::Admit, Some(rules.first().unwrap_or(server)), detail);
    rules.iter().fold(step, |step, rule| step.read(rule, estate.locate(rule, "", "")))
}

/// A firewall rule with its range.
fn named(estate: &Estate, rule: &ResourceId) -> String {
    let Some(facts) = estate.find::<FirewallRule>(rule) else {
        return format!("`{}`", rule.name());
    };
    let range = match facts.start == facts.end {
        true => facts.start.to_string(),
        false => format!("{}-{}", facts.start, facts.end),
    };
    format!("`{}` ({range})", rule.name())
}

/// Whom firewall rules let in.
fn whom(estate: &Estate, rules: &[ResourceId]) -> &'static str {
    let facts = || rules.iter().filter_map(|rule| estate.find::<FirewallRule>(rule));
    let held = facts().fold(Default::default(), |all: AddressSet, one| all.union(&one.addresses()));
    match () {
        () if internet().is_within(&held) => "every address",
        () if facts().any(FirewallRule::is_all_of_azure) => "every address of Azure",
        () => "the copier",
    }
}
