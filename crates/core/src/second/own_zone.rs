//! The own zone of a VNet-injected server: what its records say of the server's address, and zones of its name linked in its place.

use serde_json::Value;

use super::address::address_of;
use super::door::delegated_subnet;
use super::forward::Rule;
use super::name::{Ask, FORWARDS, Name};
use super::verdict::Gate;
use super::world::{World, at, last_name, list, subnet_prefixes, text};
use super::zone::{Linked, Zone, covers, own_zone, record_sets, zones};

impl Ask<'_> {
    /// The alias of a VNet-injected server leads into its own zone, or into one of the same name that is linked instead.
    pub(super) fn injected(&self, zones: &[&Zone], depth: usize) -> Vec<Name> {
        let Some(own) = self.world.body(self.server).and_then(own_zone) else {
            return vec![Name::Unknown(Gate::unknown("the private DNS zone", self.server))];
        };
        let wanted = last_name(&own);
        let longest = zones
            .iter()
            .filter(|zone| covers(&zone.name, wanted))
            .max_by_key(|zone| (zone.name.len(), zone.key == own));
        vec![match longest {
            Some(zone) if zone.key == own && record_sets(self.world, &own) == (Some(0), 0) => {
                Name::Nothing(Gate::drop("name", &zone.key, Some("numberOfRecordSets")))
            }
            Some(zone) if zone.key == own => match self.world.body(&own) {
                Some(body) if !self.is_count_unreadable(body) => self.own_answer(&own),
                _ => Name::Unknown(Gate::unknown("the records", &own)),
            },
            Some(zone) if zone.name == wanted => match own_record(self.world, self.server) {
                Some((label, _)) => {
                    return self.in_zone(&format!("{label}.{wanted}"), zone, zones, depth);
                }
                None if record_sets(self.world, &zone.key).1 > 0 => {
                    Name::Unknown(Gate::unknown("the records", &own))
                }
                None => Name::Nothing(Gate::drop("name", &zone.key, None)),
            },
            Some(zone) => Name::Nothing(Gate::drop("name", &zone.key, None)),
            None => return self.injected_beyond((&own, wanted), depth),
        }]
    }

    /// The same where no zone here tells it: a rule may send the alias on.
    fn injected_beyond(&self, (own, wanted): (&str, &str), depth: usize) -> Vec<Name> {
        let unlinked = || Name::Nothing(Gate::drop("name", own, Some("virtualNetworkLinks")));
        let next = match self.rule(wanted) {
            Rule::None | Rule::Outside => return vec![unlinked()],
            Rule::Loses(gate) => return vec![Name::Nothing(gate)],
            Rule::Unknown(gate) | Rule::Leads(_, Some(gate)) => return vec![Name::Unknown(gate)],
            Rule::Leads(next, None) => next,
        };
        let all = zones(self.world, &next, self.server);
        let is_open = |zone: &Zone| zone.linked == Linked::Unknown && covers(&zone.name, wanted);
        if depth >= FORWARDS || all.iter().any(is_open) {
            return vec![Name::Unknown(Gate::unknown("what is answered for an alias in", &next))];
        }
        let sure: Vec<&Zone> = all.iter().filter(|zone| zone.linked == Linked::Yes).collect();
        Ask { network: &next, ..*self }.injected(&sure, depth + 1)
    }

    /// What an injected server's own zone answers, which holds something or does not say what.
    fn own_answer(&self, own: &str) -> Name {
        let (counted, captured) = record_sets(self.world, own);
        match (counted, leads(self.world, self.server)) {
            (None, _) => Name::Own,
            (Some(counted), _) if counted > captured => {
                Name::Unknown(Gate::unknown("the records", own))
            }
            (Some(_), Leads::Home) => Name::Own,
            (Some(_), Leads::Unread) => Name::Unknown(Gate::unknown("the addresses in", own)),
            (Some(_), Leads::Astray(label, all)) => Name::Record(all, format!("{own}/a/{label}")),
        }
    }

    fn is_count_unreadable(&self, zone: &Value) -> bool {
        at(zone, &["properties", "numberOfRecordSets"])
            .is_some_and(|count| !count.is_null() && count.as_u64().is_none())
    }
}

/// The label and the address of an injected server's record in its own zone: the only one that leads into its subnet, where the zone
/// says that all were captured.
pub(super) fn own_record(world: &World, server: &str) -> Option<(String, u32)> {
    let zone = &world.body(server).and_then(own_zone)?;
    let home = delegated_subnet(world, server).ok().flatten()?;
    let home = subnet_prefixes(world.body(&home)?);
    let sets: Vec<(&str, &Value)> =
        ["a", "cname"].iter().flat_map(|kind| world.children(zone, kind)).collect();
    let counted = at(world.body(zone)?, &["properties", "numberOfRecordSets"])?.as_u64()?;
    let others = ["aaaa", "mx", "ptr", "srv", "txt"];
    let others: usize = others.iter().map(|kind| world.children(zone, kind).count()).sum();
    if counted > (sets.len() + others + 1) as u64 {
        return None;
    }
    let mut at_home = Vec::new();
    for (key, set) in sets {
        let entries = list(set, &["properties", "aRecords"])?;
        for entry in entries {
            let address = address_of(text(entry, &["ipv4Address"])?)?;
            if home.iter().any(|prefix| prefix.contains(address)) {
                at_home.push((key, address, entries.len()));
            }
        }
    }
    match at_home[..] {
        _ if matches!(leads(world, server), Leads::Unread) => None,
        [(key, address, 1)] => Some((last_name(key).to_owned(), address)),
        _ => None,
    }
}

/// Where the records of an injected server's own zone lead.
enum Leads {
    /// One of them into its subnet; or there is none, or the subnet does not tell its range.
    Home,
    /// Some cannot be read, and no other leads into the subnet; or one that is called like the server leads out of it.
    Unread,
    /// None into its subnet: the label of one, and all addresses.
    Astray(String, Vec<u32>),
}

fn leads(world: &World, server: &str) -> Leads {
    let zone = world.body(server).and_then(own_zone);
    let home = delegated_subnet(world, server).ok().flatten();
    let home = home.and_then(|home| world.body(&home)).map(subnet_prefixes);
    let (Some(zone), Some(home)) = (zone, home) else { return Leads::Home };
    let mut is_unread = world.children(&zone, "cname").next().is_some();
    let is_home = |one: &u32| home.iter().any(|prefix| prefix.contains(*one));
    let namesake =
        world.body(server).and_then(|body| text(body, &["properties", "fullyQualifiedDomainName"]));
    let namesake = namesake.and_then(|name| name.split('.').next());
    let (mut all, mut label, mut is_called_alike) = (Vec::new(), None, false);
    for (name, set) in world.children(&zone, "a") {
        let words = list(set, &["properties", "aRecords"]).into_iter().flatten();
        let words: Option<Vec<u32>> =
            words.map(|entry| address_of(text(entry, &["ipv4Address"])?)).collect();
        let is_hidden = list(set, &["properties", "aRecords"]).is_none() || words.is_none();
        is_unread |= is_hidden;
        let words = words.unwrap_or_default();
        let leads_out = is_hidden || !words.is_empty() && !words.iter().any(is_home);
        is_called_alike |= namesake.is_none_or(|own| own.eq_ignore_ascii_case(name)) && leads_out;
        all.extend(words);
        label.get_or_insert(name);
    }
    match label {
        _ if home.is_empty() => Leads::Home,
        // The service makes labels up: which of them is the server's nothing tells.
        _ if all.iter().any(is_home) && is_called_alike => Leads::Unread,
        _ if all.iter().any(is_home) => Leads::Home,
        _ if is_unread => Leads::Unread,
        Some(label) if !all.is_empty() => Leads::Astray(label.to_owned(), all),
        _ => Leads::Home,
    }
}
