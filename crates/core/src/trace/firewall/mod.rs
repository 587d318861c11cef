//! An Azure Firewall that a route hands packets to: what its rules do with them, and whom they come from behind it.

pub mod onward;
mod premises;
pub mod rules;

use serde_json::Value;

use crate::address::{AddressSet, private};
use crate::estate::filter::Protocol;
use crate::estate::firewall::{Firewall, FirewallPolicy, RuleCollectionGroup};
use crate::estate::network::Vnet;
use crate::estate::{Estate, Missing, Reference};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::text::some_of;
use crate::trace::appliance;
use crate::trace::filter::Receiver;
use crate::trace::firewall::rules::{Decider, Ruling};
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::route::{Routed, UserRoute};
use crate::trace::route_words::decided_by;
use crate::trace::step::{Stage, Step};
use crate::trace::walk::End;
use crate::trace::words::hop_steps;

/// Words of a rule that are shown of each side.
const SHOWN_MAX: usize = 4;

/// The firewall that a route hands packets to.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The firewall.
    pub id: ResourceId,
    /// Its subnet.
    pub home: ResourceId,
    /// What its rules do.
    pub ruling: Result<Ruling, Missing>,
    /// Whom the packets come from behind it.
    pub sender: Result<Sender, Missing>,
}

/// Whom packets come from behind a firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// From whom they came before.
    Kept,
    /// From an address of the firewall's subnet, or a public one of its own.
    Replaced,
}

impl Guard {
    /// Whom the packets come from that it sends on, where it is known what it does with them.
    pub fn sends_on(&self) -> Option<Sender> {
        self.ruling.as_ref().ok()?;
        self.sender.as_ref().ok().copied()
    }

    /// What holds its rules: its policy, or the firewall itself.
    pub fn rules_in(&self, estate: &Estate) -> ResourceId {
        let policy = estate.find::<Firewall>(&self.id).and_then(|one| one.policy.to());
        policy.unwrap_or(&self.id).clone()
    }

    /// What is not known of it.
    pub(in crate::trace) fn missing(&self) -> Option<&Missing> {
        self.ruling.as_ref().err().or(self.sender.as_ref().err())
    }

    /// What its rules do with the senders, a step each for those that it drops, does not surely let pass, and lets pass.
    fn steps(&self, estate: &Estate, senders: &AddressSet, port: u16) -> Vec<Step> {
        let Ok(ruling) = &self.ruling else { return Vec::new() };
        let who = format!("Azure Firewall `{}`", self.id.name());
        let part_of = |part: &AddressSet| match senders.is_within(part) {
            true => "the packets".to_owned(),
            false => format!("packets from {part}"),
        };
        let dropped = ruling.denied.iter().map(|(part, decider)| {
            let whom = part_of(part);
            let detail = match decider {
                Some(decider) => format!("{who} denies {whom}: {}", decider.words()),
                None => format!(
                    "{who} denies {whom}: no network rule allows TCP to port {port} of the receiver, and what none allows is dropped"
                ),
            };
            let dropped_part = (!senders.is_within(part)).then(|| part.clone());
            let step = Step::drop(Stage::Hop, Some(&self.id), detail);
            self.read(estate, Step { dropped_part, ..step }, decider.as_ref())
        });
        let unknown =
            ruling.unknown.iter().map(|(_, missing)| Step::unknown(Stage::Hop, missing.clone()));
        let passed = ruling.allowed.iter().map(|(part, decider)| {
            let sends = match self.sender {
                Ok(Sender::Replaced) => " and sends them on from an address of its own (SNAT)",
                _ => "",
            };
            let detail = format!("{who} allows {}{sends}: {}", part_of(part), decider.words());
            self.read(estate, Step::pass(Stage::Hop, Some(&self.id), detail), Some(decider))
        });
        dropped.chain(unknown).chain(passed).collect()
    }

    fn read(&self, estate: &Estate, step: Step, decider: Option<&Decider>) -> Step {
        match decider {
            Some(decider) => {
                let rule = decider.says(estate);
                Step { rule, ..step }.read(&decider.resource, &decider.pointer)
            }
            None => step.read(&self.id, ""),
        }
    }
}

impl Decider {
    /// The rule and where to find it.
    pub fn words(&self) -> String {
        let (rule, collection, holder) = (&self.rule, &self.collection, self.resource.name());
        let holder = match self.resource.parent() {
            Some(policy) => format!("group `{holder}` of policy `{}`", policy.name()),
            None => format!("`{holder}`"),
        };
        format!("rule `{rule}` of collection `{collection}` in {holder}")
    }

    /// What the rule says, and its turn: `deny, tcp, 10.1.0.0/24 -> any port 5432; priority 100 in a group of 200`.
    pub fn says(&self, estate: &Estate) -> Option<String> {
        if estate.is_brief() {
            return None;
        }
        let body = estate.body(&self.resource)?;
        let rule = body.pointer(&self.pointer)?;
        let rule = rule.get("properties").unwrap_or(rule);
        let words = |names: &[&str]| -> String {
            let fields = names.iter().filter_map(|name| rule.get(*name)?.as_array()).flatten();
            let all = fields.filter_map(Value::as_str).map(|one| match one {
                "*" => "any",
                one => one.rsplit('/').next().filter(|_| one.starts_with('/')).unwrap_or(one),
            });
            some_of(&all.collect::<Vec<_>>(), SHOWN_MAX)
        };
        let from = words(&["sourceAddresses", "sourceIpGroups"]);
        let to = words(&["destinationAddresses", "destinationIpGroups", "destinationFqdns"]);
        let protocols = words(&["ipProtocols", "protocols"]).to_ascii_lowercase();
        let (does, ports) =
            (if self.allows { "allow" } else { "deny" }, words(&["destinationPorts"]));
        let group = estate.find::<RuleCollectionGroup>(&self.resource);
        let group = group.and_then(|group| group.content.as_ref());
        let group = group.map_or(String::new(), |(turn, _)| format!(" in a group of {turn}"));
        let priority = self.priority;
        Some(format!(
            "{does}, {protocols}, {from} -> {to} port {ports}; priority {priority}{group}"
        ))
    }
}

impl Walker<'_> {
    /// The Azure Firewall that a route hands packets to, with what it does to those of a leg.
    pub(in crate::trace) fn guard(
        &self,
        leg: &Leg,
        near: &End,
        (routed, receiver): (&Routed, &Receiver),
    ) -> Option<Guard> {
        let Routed::Elsewhere(route, unled) = routed else { return None };
        let (id, _) = appliance::firewall_at(self.estate, near.id, &route.next_hop)?;
        let home = appliance::firewall_home(self.estate, near.id, &route.next_hop)?;
        let port = self.service.port;
        let ruling = match self.service.protocol {
            Protocol::Tcp => self
                .surely_led(leg, near, (routed, receiver))
                .and_then(|()| rules::decide(self.estate, id, &near.addresses, (receiver, port))),
            // Its rules are read for TCP alone.
            _ => Err(unled.clone()),
        };
        let sender = match (receiver, &leg.way) {
            (Receiver::Gateway(..), _) => match self.behind(&route.next_hop) {
                Some(_) => Ok(Sender::Replaced),
                None => Err(untold_address(id)),
            },
            (Receiver::Addresses(to, _), Way::Beyond(_)) if !to.is_private() => {
                Err(untold_address(id))
            }
            (Receiver::Addresses(to, _), Way::Beyond(address)) => {
                match premises::through_own_gateway(self.estate, home, *address) {
                    Some(_) => sender(self.estate, id, to),
                    None => Err(untold_way(id)),
                }
            }
            (Receiver::Addresses(to, _), way) => match (way, sender(self.estate, id, to)) {
                // It answers the sender itself, past the firewall.
                (Way::Endpoint(_), Ok(Sender::Kept)) => Err(bypass(id)),
                (_, sender) => sender,
            },
        };
        Some(Guard { id: id.clone(), home: home.clone(), ruling, sender })
    }

    /// Whether no other route than that of a user can take packets to private addresses: one of a peering may be longer.
    fn surely_led(
        &self,
        leg: &Leg,
        near: &End,
        (routed, receiver): (&Routed, &Receiver),
    ) -> Result<(), Missing> {
        let Receiver::Addresses(to, _) = receiver else { return Ok(()) };
        self.estate.get::<Vnet>(near.vnet)?;
        let far = match &leg.way {
            Way::Injected(subnet) => subnet.parent(),
            Way::Machine(machine) => machine.subnet.parent(),
            Way::Endpoint(view) => view.vnet().ok(),
            Way::Beyond(_) | Way::Public => None,
        };
        match far.and_then(|far| self.unsure_way((near, &far), (to, routed))) {
            Some(missing) => Err(missing),
            None => Ok(()),
        }
    }

    /// The steps of a route that leads to a firewall: to its network, and through its rules.
    pub(in crate::trace) fn guard_steps(
        &self,
        near: &End,
        route: &UserRoute,
        guard: &Guard,
    ) -> Vec<Step> {
        let led = |step: Step| decided_by(route, step);
        let led_to = format!(
            "route `{}` ({}) of table `{}` leads to {}",
            route.name,
            route.prefix,
            route.table.name(),
            appliance::name(self.estate, near.id, &route.next_hop).0
        );
        let mut steps = Vec::new();
        match guard.missing() {
            None => {
                steps.push(led(Step::pass(Stage::Route, Some(&route.table), led_to)));
                steps.extend(self.towards_hub(near, &guard.home));
            }
            Some(missing) => {
                let step = Step::unknown(Stage::Route, missing.clone());
                let detail = format!("{led_to}: {}", step.detail);
                steps.push(led(Step { resource: Some(route.table.clone()), detail, ..step }));
            }
        }
        let all = guard.steps(self.estate, &near.addresses, self.service.port);
        steps.extend(all);
        steps
    }

    /// The join with the network of a firewall; one that surely carries nothing makes it an appliance out of reach.
    fn towards_hub(&self, near: &End, home: &ResourceId) -> Vec<Step> {
        let Some(hub) = home.parent().filter(|hub| hub != near.vnet) else { return Vec::new() };
        let here = Shore { vnet: near.vnet, subnet: near.id, addresses: Some(&near.addresses) };
        let joined = hop::join(self.estate, here, Shore::of(&hub, home));
        sound_or_unknown(self.estate, &joined, (near.vnet, &hub))
    }
}

/// The steps of a join between firewall and end: one that is not whole leaves open what passes.
fn sound_or_unknown(
    estate: &Estate,
    joined: &Joined,
    (near, far): (&ResourceId, &ResourceId),
) -> Vec<Step> {
    let steps = hop_steps(estate, joined, near, far);
    match joined {
        Joined::Same => Vec::new(),
        Joined::Peered { .. } | Joined::Unknown(_) => steps,
        Joined::Broken(..) | Joined::Apart { .. } => {
            let doubted = |step: Step| match &step.missing {
                Some(_) => step,
                None => Step {
                    detail: step.detail.clone(),
                    facts: step.facts.clone(),
                    ..Step::unknown(
                        Stage::Hop,
                        Missing::other(
                            step.detail,
                            "capture the peering again, or probe the path from the target: `flexway probe`",
                        ),
                    )
                },
            };
            steps.into_iter().map(doubted).collect()
        }
    }
}

/// Whom packets to private addresses come from behind a firewall, by what it or its policy says of addresses to leave as they are.
fn sender(estate: &Estate, id: &ResourceId, receivers: &AddressSet) -> Result<Sender, Missing> {
    let firewall = estate.get::<Firewall>(id)?;
    if firewall.has_own_ranges {
        return Err(Missing::field(id, "additionalProperties"));
    }
    // Without a word of it private receivers see the sender, and others that a network has the firewall.
    let usual = || match receivers.is_private() {
        true => Ok(Sender::Kept),
        false if !receivers.overlaps(&private()) => Ok(Sender::Replaced),
        false => Err(Missing::field(id, "firewallPolicy")),
    };
    let Some(policy_id) = firewall.policy.id(id, "firewallPolicy")? else { return usual() };
    let policy = estate.get::<FirewallPolicy>(policy_id)?;
    let untold = || Missing::field(policy_id, "snat");
    let (mut base, mut is_told) = (&policy.base, policy.translation.is_some());
    for _ in 0..rules::DEPTH_MAX {
        let Reference::To(id) = base else { break };
        let parent = estate.get::<FirewallPolicy>(id)?;
        is_told |= parent.translation.is_some();
        base = &parent.base;
    }
    match &policy.translation {
        _ if !is_told => usual(),
        // No document says what a policy takes over of this from its parent.
        Some(own) if policy.base == Reference::None => {
            let kept = own.kept.as_ref().ok_or_else(untold)?;
            match (receivers.is_within(kept), receivers.overlaps(kept)) {
                (true, _) => Ok(Sender::Kept),
                (false, false) if !own.learns => Ok(Sender::Replaced),
                (false, _) => Err(untold()),
            }
        }
        _ => Err(untold()),
    }
}

fn untold_address(id: &ResourceId) -> Missing {
    Missing::other(
        format!("the public address that Azure Firewall `{}` gives packets", id.name()),
        format!(
            "capture its subnet and its public addresses: `az network firewall show --ids {}`",
            quoted(id.as_str())
        ),
    )
}

fn untold_way(id: &ResourceId) -> Missing {
    Missing::other(
        format!(
            "the way behind Azure Firewall `{}`, out of the networks of Azure and back",
            id.name()
        ),
        "look at the effective routes of AzureFirewallSubnet and of GatewaySubnet, or probe the path from the target: `flexway probe`",
    )
}

fn bypass(id: &ResourceId) -> Missing {
    Missing::other(
        format!(
            "whether answers of the endpoint come back through Azure Firewall `{}`, which keeps the sender's address",
            id.name()
        ),
        format!(
            "see in its log AZFWNetworkRule (`az monitor diagnostic-settings list --resource {}`) what became of the packets, or \
             probe the path from the target: `flexway probe`",
            quoted(id.as_str())
        ),
    )
}
