//! Azure's own resolver: which rules keep a sender from it.

use super::filter::{End, Members, Place, Way, rule_end, rules};
use super::rule::{denies, destination_port, direction, protocol, turn};
use super::sender::Sender;
use super::verdict::{Gate, Tri};
use super::world::{World, text, texts};

/// Azure's own resolver is outside the groups unless a rule names its tag.
pub(super) fn resolver(world: &World, sender: &Sender, subnet: &str, from: End<'_>) -> Gate {
    let groups = sender.groups(world, subnet).into_iter();
    let gates = groups.map(|key| resolver_at(world, &key, sender, subnet, from));
    let mut worst = Gate::Pass;
    for gate in gates {
        worst = match (worst, gate) {
            (Gate::Drop(why), _) | (_, Gate::Drop(why)) => Gate::Drop(why),
            (Gate::Unknown(why), _) | (_, Gate::Unknown(why)) => Gate::Unknown(why),
            (Gate::Pass, Gate::Pass) => Gate::Pass,
        };
    }
    worst
}

/// The same at one group.
fn resolver_at(world: &World, key: &str, sender: &Sender, subnet: &str, from: End<'_>) -> Gate {
    let Some(rules) = rules(world, key) else { return Gate::Pass };
    let place = Place::of(subnet);
    for (name, rule) in rules {
        let tags = text(rule, &["properties", "destinationAddressPrefix"])
            .into_iter()
            .chain(texts(rule, &["properties", "destinationAddressPrefixes"]));
        let names_it = tags.into_iter().any(|tag| tag.eq_ignore_ascii_case("AzurePlatformDNS"));
        let matches = Tri::of(names_it)
            .and(direction(rule, Way::Outbound))
            .and(protocol(rule, &["udp"]))
            .and(destination_port(rule, 53))
            .and(rule_end(
                world,
                place,
                rule,
                "source",
                from,
                Members { of: &sender.members, one_network: true },
            ))
            .and(turn(rule));
        match (matches, denies(rule)) {
            (Tri::No, _) => {}
            (Tri::Yes, Some(true)) => return Gate::drop("name", key, Some(name)),
            (Tri::Yes, Some(false)) => return Gate::Pass,
            (Tri::Maybe, _) | (Tri::Yes, None) => {
                return Gate::unknown("whether a rule on AzurePlatformDNS acts", key);
            }
        }
    }
    Gate::Pass
}
