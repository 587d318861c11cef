//! The name: which address a network's resolver gives for a server.

use super::address::address_of;
use super::door::delegated_subnet;
use super::endpoint::{admitted, attached, endpoints};
use super::forward::Rule;
use super::machine::Asked;
use super::outside::{is_for_everybody, is_published, published};
use super::seat::Spot;
use super::sender::Sender;
use super::verdict::{Fate, Gate, Tri};
use super::world::{World, last_name, list, tells_servers, text, texts};
use super::zone::{
    Linked, Zone, alias_of, covers, is_written, keeper, may_have_unlisted, own_zone, record_sets,
    zones,
};

/// What the resolver answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Name {
    /// No such name; the gate says whose word that is.
    Nothing(Gate),
    /// The public front door.
    Public,
    /// Addresses of a record, with the record's id.
    Record(Vec<u32>, String),
    /// The address of a VNet-injected server, somewhere in its subnet.
    Own,
    /// Whatever address that private endpoint has.
    Endpoint(String),
    /// The address of a private endpoint that was not captured.
    Unseen,
    /// Any answer, good or bad.
    Unknown(Gate),
    /// A good answer of which nothing more is known.
    Lost(Gate),
}

/// Answers that a resolver may give.
pub(super) struct Names {
    /// Whose they are.
    pub(super) asked: Asked,
    /// Taking what was captured for all there is. More than one when something referred to was
    /// not captured.
    pub(super) captured: Vec<Name>,
    /// Why there is more than one.
    pub(super) open: Vec<Gate>,
    /// Other answers, should a link or record exist that nobody captured and nothing proves absent.
    pub(super) unproven: Vec<(Name, Gate)>,
}

impl Names {
    fn nothing() -> Names {
        let (captured, open, unproven) = (Vec::new(), Vec::new(), Vec::new());
        Names { asked: Asked::Nobody, captured, open, unproven }
    }

    /// One answer, and no doubt about it.
    pub(super) fn sure(name: Name) -> Names {
        Names { captured: vec![name], ..Names::nothing() }
    }

    /// What a server further down the list may answer, where the first one may not be reached.
    pub(super) fn answer_behind(&self, ask: &[Gate]) -> Option<Name> {
        let is_open = matches!(self.asked, Asked::First(..)) && Fate::of(ask) == Fate::Open;
        let gate = ask.iter().find(|gate| matches!(gate, Gate::Unknown(_)))?;
        is_open.then(|| Name::Unknown(gate.clone()))
    }

    fn unknown(what: &str, of: &str) -> Names {
        Names::sure(Name::Unknown(Gate::unknown(what, of)))
    }
}

pub(super) const AZURE: &str = "168.63.129.16";

/// Asks whom a network asks for a server's name.
pub(super) fn resolve(world: &World, sender: &Sender, network: &str, server: &str) -> Names {
    let name = name_of(world, server);
    let name = name.as_deref();
    let unnamed = || Names::unknown("the name", server);
    let at =
        |network: &str| name.map_or_else(unnamed, |name| azure(world, network, server, name, 0));
    let is_published = name.is_some_and(is_published);
    by_list(world, sender, network, at, || is_published.then(|| published(world, server)))
}

/// A server's name; that which Azure's public cloud gives it, where its body does not tell.
pub(super) fn name_of(world: &World, server: &str) -> Option<String> {
    let told = text(world.body(server)?, &["properties", "fullyQualifiedDomainName"]);
    Some(told.map_or_else(
        || format!("{}.postgres.database.azure.com", last_name(server)),
        str::to_owned,
    ))
}

/// The same for the name of a machine, which only private zones tell.
pub(super) fn resolve_host(world: &World, sender: &Sender, network: &str, host: &str) -> Names {
    by_list(world, sender, network, |network| azure(world, network, "", host, 0), || None)
}

/// Asks the first DNS server of the sender's list, or of its network's; `azure` asks Azure's resolver from a network, `outside` one for
/// everybody, where what that one says is known.
fn by_list(
    world: &World,
    sender: &Sender,
    network: &str,
    azure: impl Fn(&str) -> Names,
    outside: impl Fn() -> Option<Name>,
) -> Names {
    let own: Vec<&str> = sender.dns.iter().map(String::as_str).collect();
    let body = world.body(network).filter(|body| tells_servers(body));
    let servers = match (own.is_empty(), body) {
        (false, _) => own,
        (true, Some(body)) => texts(body, &["properties", "dhcpOptions", "dnsServers"]),
        (true, None) => return Names::unknown("the DNS servers", network),
    };
    let first = match servers.first() {
        None => return Names { asked: Asked::Azure, ..azure(network) },
        Some(first) if *first == AZURE => return Names { asked: Asked::Azure, ..azure(network) },
        Some(first) => address_of(first),
    };
    let Some(spot) = first.map(|to| Spot::of(world, network, to)) else {
        return Names::unknown("the answers of the DNS servers", network);
    };
    let is_outside = spot.seat.is_none() && is_for_everybody(spot.to);
    let names = match (spot.resolver(), is_outside.then(outside).flatten()) {
        (Some(seat), _) => azure(seat),
        (None, Some(name)) => Names::sure(name),
        (None, None) => Names::unknown("the answers of the DNS servers", network),
    };
    let others = servers[1..].iter().map(|one| {
        let to = address_of(one).filter(|_| *one != AZURE)?;
        Some(Spot::of(world, network, to))
    });
    let asked = match servers.len() {
        1 => Asked::Server(spot),
        _ => Asked::First(spot, others.collect::<Option<Vec<Spot>>>().unwrap_or_default()),
    };
    Names { asked, ..names }
}

/// Resolvers that forward to each other before giving up; real chains have one.
pub(super) const FORWARDS: usize = 4;

/// Asks Azure's resolver from a network.
fn azure(world: &World, network: &str, server: &str, name: &str, depth: usize) -> Names {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let zones = zones(world, network, server);
    let sure: Vec<&Zone> = zones.iter().filter(|zone| zone.linked == Linked::Yes).collect();
    // A network is linked to one zone of a name at most.
    let is_taken = |zone: &&Zone| sure.iter().any(|other| other.name == zone.name);
    let free = || zones.iter().filter(|zone| !is_taken(zone));
    let open = free().filter(|zone| zone.linked == Linked::Unknown);
    let weak = free().filter(|zone| zone.linked == Linked::Unproven);
    let ask = Ask { world, network, server };
    if !zones.iter().any(|zone| zone.linked != Linked::No && covers(&zone.name, &name)) {
        match ask.rule(&name) {
            Rule::None => {}
            Rule::Loses(gate) => return Names::sure(Name::Nothing(gate)),
            Rule::Leads(next, unsure) if depth < FORWARDS => {
                let mut names = azure(world, &next, server, &name, depth + 1);
                // Where the question does not arrive there is no answer.
                names.captured.extend(
                    unsure.iter().map(|_| {
                        Name::Nothing(Gate::drop("name", network, Some("targetDnsServers")))
                    }),
                );
                names.open.extend(unsure);
                return names;
            }
            Rule::Leads(..) => return Names::unknown("the end of a chain of resolvers", network),
            Rule::Outside => return Names::sure(ask.outside(&name, &sure)),
            Rule::Unknown(gate) => return Names::sure(Name::Unknown(gate)),
        }
    }
    let mut names = Names { captured: ask.name(&name, &sure, 0), ..Names::nothing() };
    let is_public = delegated_subnet(world, server) == Ok(None);
    if is_public && ask.has_endpoints() == Tri::Maybe {
        names.open.push(Gate::unknown("whether public DNS has an alias", server));
    }
    for zone in open {
        let with: Vec<&Zone> = sure.iter().copied().chain([zone]).collect();
        names.captured.extend(ask.name(&name, &with, 0));
        names.open.push(Gate::unknown("the link to zone", &zone.key));
    }
    for zone in weak {
        let with: Vec<&Zone> = sure.iter().copied().chain([zone]).collect();
        let why = Gate::unknown("all links of zone", &zone.key);
        let mut others = ask.name(&name, &with, 0);
        // Beside one that a plan makes another one of its name may be linked, and say anything.
        if world.is_made(&zone.key) && others != names.captured {
            others = vec![Name::Unknown(why.clone())];
        }
        names.unproven.extend(others.into_iter().map(|other| (other, why.clone())));
    }
    let (label, zone) = alias_of(&name);
    let own = world.body(server).and_then(own_zone).map(|own| last_name(&own).to_owned());
    for asked in [Some(name.clone()), Some(format!("{label}.{zone}")), own].iter().flatten() {
        let is_zoned = sure.iter().any(|zone| covers(&zone.name, asked));
        if let Some(ruleset) = ask.loose_ruleset(asked).filter(|_| !is_zoned) {
            let why = Gate::unknown("all links", &ruleset);
            names.unproven.push((Name::Unknown(why.clone()), why));
        }
    }
    if names.captured.contains(&Name::Public) {
        let mut doubt = |what| {
            let why = Gate::unknown(what, &name);
            names.unproven.push((Name::Unknown(why.clone()), why));
        };
        if ask.has_endpoints() != Tri::No && ask.has_doubtful_redirect(&sure) {
            doubt("all records in a zone that redirects");
        }
        // A zone that nobody captured may stand between a server with endpoints and its public
        // door.
        let is_known = zones.iter().any(|zone| zone.name == alias_of(&name).1);
        if ask.has_endpoints() != Tri::No && !is_known {
            doubt("zones for the alias");
            if let Some(key) = attached(world, network, server) {
                let why = Gate::unknown("the zone group", &key);
                names.captured.push(Name::Unknown(why.clone()));
                names.open.push(why);
            }
        }
    }
    names.captured.dedup();
    names.unproven.retain(|(name, _)| !names.captured.contains(name));
    names
}

/// Aliases that are followed before giving up; real chains have three.
const ALIASES: usize = 8;

/// Who asks, and for which server.
pub(super) struct Ask<'w> {
    pub(super) world: &'w World,
    pub(super) network: &'w str,
    pub(super) server: &'w str,
}

impl Ask<'_> {
    /// The answers for a name, given the zones that are linked. Several when it is not known which.
    fn name(&self, name: &str, zones: &[&Zone], depth: usize) -> Vec<Name> {
        let fits = |zone: &&&Zone| covers(&zone.name, name);
        let longest = zones.iter().filter(fits).map(|zone| zone.name.len()).max();
        let Some(longest) = longest else { return self.public(name, zones, depth) };
        zones
            .iter()
            .filter(fits)
            .filter(|zone| zone.name.len() == longest)
            .flat_map(|zone| self.in_zone(name, zone, zones, depth))
            .collect()
    }

    pub(super) fn in_zone(
        &self,
        name: &str,
        zone: &Zone,
        zones: &[&Zone],
        depth: usize,
    ) -> Vec<Name> {
        let label = match name.strip_suffix(&zone.name).unwrap_or("").trim_end_matches('.') {
            "" => "@",
            label => label,
        };
        // A wildcard stands for what has no record of its own, and never for the zone's own name.
        let has = |label: &str| {
            ["a", "cname"]
                .iter()
                .any(|kind| self.world.body(&format!("{}/{kind}/{label}", zone.key)).is_some())
        };
        let is_wild = label != "@" && !has(label) && has("*");
        let label = if is_wild { "*" } else { label };
        let record = format!("{}/a/{label}", zone.key);
        if let Some(body) = self.world.body(&record) {
            return match list(body, &["properties", "aRecords"]) {
                None => vec![Name::Unknown(Gate::unknown("the addresses", &record))],
                Some([]) => {
                    let nothing = Name::Nothing(Gate::drop("name", &record, Some("aRecords")));
                    // Azure does not say whether an empty set is redirected, too.
                    match zone.redirects && zone.name.starts_with("privatelink.") {
                        true => vec![nothing, Name::Public],
                        false => vec![nothing],
                    }
                }
                Some(entries) => {
                    let all: Option<Vec<u32>> = entries
                        .iter()
                        .map(|entry| address_of(text(entry, &["ipv4Address"])?))
                        .collect();
                    match all {
                        Some(all) => vec![Name::Record(all, record)],
                        None => vec![Name::Unknown(Gate::unknown("the addresses", &record))],
                    }
                }
            };
        }
        let alias = self
            .world
            .body(&format!("{}/cname/{label}", zone.key))
            .and_then(|body| text(body, &["properties", "cnameRecord", "cname"]));
        if let Some(alias) = alias.filter(|_| depth < ALIASES) {
            let alias = alias.trim_end_matches('.').to_ascii_lowercase();
            return self.name(&alias, zones, depth + 1);
        }
        if !zone.observed {
            return vec![Name::Unknown(Gate::unknown("the records", &zone.key))];
        }
        if let Some(keeper) = keeper(self.world, self.server, &zone.key) {
            return vec![Name::Endpoint(keeper)];
        }
        let (counted, captured) = record_sets(self.world, &zone.key);
        let is_whole = counted.is_some_and(|sets| sets <= captured);
        if !is_whole && is_written(self.world, &zone.key, label) {
            return vec![Name::Unknown(Gate::unknown("the addresses", &record))];
        }
        if zone.redirects && zone.name.starts_with("privatelink.") {
            return vec![Name::Public];
        }
        // A zone with records of which none is here was never listed.
        if captured == 0 && counted.is_some_and(|sets| sets > 0) {
            return vec![Name::Unknown(Gate::unknown("the records", &zone.key))];
        }
        vec![Name::Nothing(Gate::drop("name", &zone.key, Some(label)))]
    }

    /// What public DNS says: an alias for a server with private endpoints, and for a
    /// VNet-injected one.
    fn public(&self, name: &str, zones: &[&Zone], depth: usize) -> Vec<Name> {
        match self.rule(name) {
            Rule::None => {}
            Rule::Loses(gate) => return vec![Name::Nothing(gate)],
            Rule::Outside => return vec![self.outside(name, zones)],
            Rule::Unknown(gate) => return vec![Name::Unknown(gate)],
            Rule::Leads(network, unsure) if depth < FORWARDS => {
                let names = azure(self.world, &network, self.server, name, depth + 1);
                if names.open.is_empty() && names.unproven.is_empty() && unsure.is_none() {
                    return names.captured;
                }
                let gate = Gate::unknown("what is answered for an alias in", &network);
                return vec![Name::Unknown(gate)];
            }
            Rule::Leads(network, _) => {
                let gate = Gate::unknown("the end of a chain of resolvers", &network);
                return vec![Name::Unknown(gate)];
            }
        }
        if depth > 0 {
            return vec![self.behind_alias(name)];
        }
        match delegated_subnet(self.world, self.server) {
            Err(gate) => return vec![Name::Unknown(gate)],
            Ok(Some(_)) => return self.injected(zones, depth),
            Ok(None) => {}
        }
        let (label, zone) = alias_of(name);
        let alias = format!("{label}.{zone}");
        match self.has_endpoints() {
            Tri::No => vec![Name::Public],
            Tri::Yes => self.name(&alias, zones, depth + 1),
            Tri::Maybe => {
                let mut both = self.name(&alias, zones, depth + 1);
                both.push(Name::Public);
                both
            }
        }
    }

    pub(super) fn has_endpoints(&self) -> Tri {
        let list = admitted(self.world, self.server);
        let leads_here = endpoints(self.world, self.server).iter().any(|one| one.leads_here);
        match (list.entries.is_empty(), list.observed, leads_here) {
            (false, _, _) | (true, false, true) => Tri::Yes,
            (true, true, false) => Tri::No,
            (true, false, false) if !may_have_unlisted(self.world, self.server) => Tri::No,
            // Whether the alias outlives the server's side of an endpoint is not documented.
            (true, true, true) | (true, false, false) => Tri::Maybe,
        }
    }

    /// Whether a redirecting zone may hold records that were not captured.
    fn has_doubtful_redirect(&self, zones: &[&Zone]) -> bool {
        zones.iter().filter(|zone| zone.redirects && zone.name.starts_with("privatelink.")).any(
            |zone| {
                let (counted, captured) = record_sets(self.world, &zone.key);
                counted.is_none_or(|sets| sets > captured)
            },
        )
    }
}
