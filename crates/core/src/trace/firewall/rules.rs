//! What the network rules of an Azure Firewall do with a connection, for a whole set of senders.

use crate::address::{AddressSet, internet};
use crate::estate::firewall::{
    Collection, Ends, Firewall, FirewallPolicy, IpGroup, NetworkRule, RuleCollectionGroup,
};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::filter::{Match, Receiver, covers};
use crate::trace::tag::gateway_has_service;

/// Policies above each other; Azure takes two.
pub(super) const DEPTH_MAX: usize = 4;

/// The rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The firewall, or the group of a policy, that holds the rule.
    pub resource: ResourceId,
    /// Where it stands in that resource's body.
    pub pointer: String,
    /// Its collection.
    pub collection: String,
    /// The number of that.
    pub priority: u64,
    /// Whether what the collection's rules catch passes.
    pub allows: bool,
    /// Its name.
    pub rule: String,
}

/// What becomes of the senders.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// Senders that pass, with the rule that lets them.
    pub allowed: Vec<(AddressSet, Decider)>,
    /// Senders that are dropped, with the rule that drops them; `None` where no rule speaks of them.
    pub denied: Vec<(AddressSet, Option<Decider>)>,
    /// Senders whom a rule may or may not speak of, with what would tell.
    pub unknown: Vec<(AddressSet, Missing)>,
}

impl Ruling {
    /// Senders that are dropped.
    pub fn denied_senders(&self) -> AddressSet {
        all_of(&self.denied)
    }
}

/// Evaluates the rules of a firewall for TCP connections to a port.
///
/// # Errors
/// [`Missing`] when the rules were not observed in full.
pub fn decide(
    estate: &Estate,
    id: &ResourceId,
    senders: &AddressSet,
    (receiver, port): (&Receiver, u16),
) -> Result<Ruling, Missing> {
    let turns = turns(estate, id)?;
    let question = Question { estate, receiver, port };
    let [best, worst] = [true, false].map(|is_best| question.walk(&turns, senders, is_best));
    let mut open = all_of(&worst.denied).difference(&all_of(&best.denied));
    let mut unknown = Vec::new();
    for (part, missing) in question.doubts(&turns) {
        let part = part.intersection(&open);
        if !part.is_empty() {
            open = open.difference(&part);
            unknown.push((part, missing));
        }
    }
    Ok(Ruling { allowed: worst.allowed, denied: best.denied, unknown })
}

/// The rules of a firewall that let something pass, in their order.
///
/// # Errors
/// [`Missing`] when the rules were not observed in full.
pub fn allowing<'e>(
    estate: &'e Estate,
    id: &'e ResourceId,
) -> Result<Vec<&'e NetworkRule>, Missing> {
    let all = turns(estate, id)?.into_iter().flatten().map(|(_, _, collection)| collection);
    Ok(all.filter(|one| one.allows).flat_map(|one| &one.rules).collect())
}

fn all_of<T>(parts: &[(AddressSet, T)]) -> AddressSet {
    parts.iter().fold(AddressSet::default(), |all, (part, _)| all.union(part))
}

/// A collection with its turn in the policy and the resource that holds it.
type Placed<'e> = ((u64, u64), &'e ResourceId, &'e Collection);

/// The collections of a firewall in their order, those that have the same turn together: a parent's come before a policy's own.
fn turns<'e>(estate: &'e Estate, id: &'e ResourceId) -> Result<Vec<Vec<Placed<'e>>>, Missing> {
    let firewall = estate.get::<Firewall>(id)?;
    if firewall.is_failed {
        let what = format!("which rules firewall `{}` has since its last change failed", id.name());
        return Err(Missing::other(what, "repair it, and capture it again"));
    }
    let Some(mut policy_id) = firewall.policy.id(id, "firewallPolicy")? else {
        let own = firewall.collections.as_deref();
        let own = own.ok_or_else(|| Missing::field(id, "networkRuleCollections"))?;
        return Ok(in_order(own.iter().map(|one| ((0, one.priority), id, one)).collect()));
    };
    let mut levels = Vec::new();
    for _ in 0..DEPTH_MAX {
        let policy = estate.get::<FirewallPolicy>(policy_id)?;
        levels.push(in_order(collections(estate, policy_id, policy)?));
        match policy.base.id(policy_id, "basePolicy")? {
            Some(base) => policy_id = base,
            None => return Ok(levels.into_iter().rev().flatten().collect()),
        }
    }
    Err(Missing::field(policy_id, "basePolicy"))
}

fn collections<'e>(
    estate: &'e Estate,
    id: &ResourceId,
    policy: &FirewallPolicy,
) -> Result<Vec<Placed<'e>>, Missing> {
    let listed = policy.groups.as_ref();
    for group in listed.ok_or_else(|| Missing::field(id, "ruleCollectionGroups"))? {
        estate.get::<RuleCollectionGroup>(group)?;
    }
    let mut all = Vec::new();
    for (group_id, group) in estate.children::<RuleCollectionGroup>(id) {
        let content = group.content.as_ref();
        let (turn, own) = content.ok_or_else(|| Missing::field(group_id, "ruleCollections"))?;
        all.extend(own.iter().map(|one| ((*turn, one.priority), group_id, one)));
    }
    Ok(all)
}

fn in_order(mut all: Vec<Placed<'_>>) -> Vec<Vec<Placed<'_>>> {
    all.sort_by_key(|(turn, ..)| *turn);
    all.chunk_by(|(one, ..), (other, ..)| one == other).map(<[_]>::to_vec).collect()
}

/// Senders that a rule catches, surely and perhaps, with what would tell where those differ.
#[derive(Default)]
struct Caught {
    surely: AddressSet,
    perhaps: AddressSet,
    missing: Option<Missing>,
}

/// What became of the senders in one reading.
#[derive(Default)]
struct Walked {
    allowed: Vec<(AddressSet, Decider)>,
    denied: Vec<(AddressSet, Option<Decider>)>,
}

struct Question<'a> {
    estate: &'a Estate,
    receiver: &'a Receiver,
    port: u16,
}

impl Question<'_> {
    /// The first rule that speaks of a sender decides. In the best reading whatever is open lets pass, in the worst it denies.
    fn walk(&self, turns: &[Vec<Placed>], senders: &AddressSet, is_best: bool) -> Walked {
        let (mut left, mut walked) = (senders.clone(), Walked::default());
        for turn in turns {
            let (mut all, later): (Vec<&Placed>, Vec<_>) =
                turn.iter().partition(|(.., one)| one.allows == is_best);
            all.extend(later);
            for (_, holder, collection) in all {
                for rule in &collection.rules {
                    let caught = self.caught(holder, rule);
                    let is_wide = collection.allows == is_best;
                    let part = if is_wide { caught.perhaps } else { caught.surely };
                    let part = part.intersection(&left);
                    if part.is_empty() {
                        continue;
                    }
                    left = left.difference(&part);
                    let decider = Decider {
                        resource: (*holder).clone(),
                        pointer: rule.pointer.clone(),
                        collection: collection.name.clone(),
                        priority: collection.priority,
                        allows: collection.allows,
                        rule: rule.name.clone(),
                    };
                    match collection.allows {
                        true => walked.allowed.push((part, decider)),
                        false => walked.denied.push((part, Some(decider))),
                    }
                }
            }
        }
        if !left.is_empty() {
            walked.denied.push((left, None));
        }
        walked
    }

    /// What is open of the rules, in their order, with whom it is open of.
    fn doubts(&self, turns: &[Vec<Placed>]) -> Vec<(AddressSet, Missing)> {
        let mut doubts = Vec::new();
        for (_, holder, collection) in turns.iter().flatten() {
            let all = collection.rules.iter().map(|rule| self.caught(holder, rule));
            let open =
                all.filter_map(|one| Some((one.perhaps.difference(&one.surely), one.missing?)));
            doubts.extend(open);
        }
        // Whom none of those speaks of, two collections of one turn do.
        let tied = turns.iter().filter(|turn| turn.iter().any(|(.., one)| one.allows));
        for turn in tied.filter(|turn| turn.iter().any(|(.., one)| !one.allows)) {
            let names: Vec<_> = turn.iter().map(|(.., one)| format!("`{}`", one.name)).collect();
            let what = format!(
                "which of the collections {} comes first: they have the same turn",
                names.join(", ")
            );
            doubts.push((AddressSet::all(), Missing::other(what, "capture the rules again")));
        }
        doubts
    }

    fn caught(&self, holder: &ResourceId, rule: &NetworkRule) -> Caught {
        let port = rule.ports.as_ref().map(|ports| covers(ports, self.port));
        if rule.is_tcp == Some(false) || port == Some(false) {
            return Caught::default();
        }
        let (sender, receiver) =
            (self.held(holder, rule, &rule.from), self.held(holder, rule, &rule.to));
        let everybody = match self.receiver {
            Receiver::Addresses(set, _) => set.clone(),
            Receiver::Gateway(..) => internet(),
        };
        // Tags stand for addresses of services, which are public ones.
        let held = |tag: &String| match self.receiver {
            Receiver::Gateway(region, is_flexible) => {
                gateway_has_service(region.as_deref(), *is_flexible, tag)
            }
            Receiver::Addresses(..) if everybody.is_private() => Match::No,
            Receiver::Addresses(..) => Match::Perhaps,
        };
        let by_tag: Vec<Match> = rule.to.tags.iter().map(held).collect();
        if !by_tag.iter().any(|one| *one != Match::No) && !receiver.perhaps.overlaps(&everybody) {
            return Caught::default();
        }
        let is_told = port.is_some() && rule.is_tcp.is_some();
        let is_held = by_tag.contains(&Match::Yes) || everybody.is_within(&receiver.surely);
        let is_sure = is_told && is_held;
        let has_tag = !rule.from.tags.is_empty();
        let perhaps = if has_tag { AddressSet::all() } else { sender.perhaps };
        let surely = if is_sure { sender.surely } else { AddressSet::default() };
        let missing = (perhaps != surely)
            .then(|| sender.missing.or(receiver.missing).unwrap_or_else(|| open(holder, rule)));
        Caught { surely, perhaps, missing }
    }

    /// The addresses of one side of a rule.
    fn held(&self, holder: &ResourceId, rule: &NetworkRule, ends: &Ends) -> Caught {
        let mut held = Caught { surely: ends.addresses.clone(), ..Caught::default() };
        let mut is_open = ends.is_open;
        for id in &ends.groups {
            let group = self.estate.get::<IpGroup>(id);
            let told = group.and_then(|group| {
                group.addresses.as_ref().ok_or_else(|| Missing::field(id, "ipAddresses"))
            });
            match told {
                Ok(addresses) => held.surely = held.surely.union(addresses),
                Err(missing) => {
                    is_open = true;
                    held.missing.get_or_insert(missing);
                }
            }
        }
        if ends.is_open {
            held.missing.get_or_insert_with(|| open(holder, rule));
        }
        held.perhaps = if is_open { AddressSet::all() } else { held.surely.clone() };
        held
    }
}

/// Whom a rule speaks of.
fn open(holder: &ResourceId, rule: &NetworkRule) -> Missing {
    let (name, holder) = (&rule.name, holder.as_str());
    Missing::other(
        format!("whether rule `{name}` of the firewall matches this connection"),
        format!(
            "look at it, `az resource show --ids {}`, and at the firewall's logs",
            quoted(holder)
        ),
    )
}
