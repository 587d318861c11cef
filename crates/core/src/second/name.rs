//! The name: which address a network's resolver gives for a server.

use super::address::address_of;
use super::door::delegated_subnet;
use super::endpoint::{admitted, endpoints};
use super::verdict::{Gate, Tri};
use super::world::{World, at, last_name, list, reference, text, texts};

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
    /// Taking what was captured for all there is. More than one when something referred to was
    /// not captured.
    pub(super) captured: Vec<Name>,
    /// Why there is more than one.
    pub(super) open: Vec<Gate>,
    /// Other answers, should a link or record exist that nobody captured and nothing proves absent.
    pub(super) unproven: Vec<(Name, Gate)>,
}

/// Asks the resolver of a network for a server's name.
pub(super) fn resolve(world: &World, network: &str, server: &str) -> Names {
    let any =
        |why| Names { captured: vec![Name::Unknown(why)], open: Vec::new(), unproven: Vec::new() };
    let Some(body) = world.body(network) else {
        return any(Gate::unknown("the DNS servers", network));
    };
    let servers = texts(body, &["properties", "dhcpOptions", "dnsServers"]);
    if servers.iter().any(|one| *one != "168.63.129.16") {
        return any(Gate::unknown("the answers of the DNS servers", network));
    }
    let Some(name) =
        world.body(server).and_then(|body| text(body, &["properties", "fullyQualifiedDomainName"]))
    else {
        return any(Gate::unknown("the name", server));
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let zones = zones(world, network, server);
    let sure: Vec<&Zone> = zones.iter().filter(|zone| zone.linked == Linked::Yes).collect();
    // A network is linked to one zone of a name at most.
    let is_taken = |zone: &&Zone| sure.iter().any(|other| other.name == zone.name);
    let free = || zones.iter().filter(|zone| !is_taken(zone));
    let open = free().filter(|zone| zone.linked == Linked::Unknown);
    let weak = free().filter(|zone| zone.linked == Linked::Unproven);
    let ask = Ask { world, network, server };
    let mut names =
        Names { captured: ask.name(&name, &sure, 0), open: Vec::new(), unproven: Vec::new() };
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
        let others = ask.name(&name, &with, 0).into_iter();
        names.unproven.extend(others.map(|other| (other, why.clone())));
    }
    if names.captured.contains(&Name::Public) {
        let mut doubt = |what| {
            let why = Gate::unknown(what, &name);
            names.unproven.push((Name::Unknown(why.clone()), why));
        };
        if ask.has_doubtful_redirect(&sure) {
            doubt("all records in a zone that redirects");
        }
        // A zone that nobody captured may stand between a server with endpoints and its public
        // door.
        let is_known = zones.iter().any(|zone| zone.name == alias_of(&name).1);
        if ask.has_endpoints() != Tri::No && !is_known {
            doubt("zones for the alias");
        }
    }
    names.captured.dedup();
    names.unproven.retain(|(name, _)| !names.captured.contains(name));
    names
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Linked {
    Yes,
    No,
    /// No link was captured, or one that is not complete, and no count proves that there is none.
    Unproven,
    /// The link or the zone is referred to, and what decides was not captured.
    Unknown,
}

struct Zone {
    key: String,
    name: String,
    linked: Linked,
    redirects: bool,
    /// Whether anything of the zone was captured, or it is only referred to.
    observed: bool,
}

const ZONES: &str = "/providers/microsoft.network/privatednszones/";

/// Every zone of which something is known.
fn zones(world: &World, network: &str, server: &str) -> Vec<Zone> {
    let mut keys: Vec<String> = Vec::new();
    for kind in ["", "/virtualnetworklinks", "/a", "/cname"] {
        for (key, _) in world.all(&format!("microsoft.network/privatednszones{kind}")) {
            let end = key.find(ZONES).map_or(0, |start| start + ZONES.len());
            let len = key[end..].find('/').unwrap_or(key.len() - end);
            keys.push(key[..end + len].to_owned());
        }
    }
    keys.extend(referred_zones(world, server));
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(|key| zone(world, network, key)).collect()
}

/// Zones that the server, or one of its private endpoints, names.
fn referred_zones(world: &World, server: &str) -> Vec<String> {
    let own = world.body(server).and_then(own_zone);
    let mut found: Vec<String> = own.into_iter().collect();
    for (key, body) in world.all("microsoft.network/privateendpoints/privatednszonegroups") {
        let endpoint = key.split("/privatednszonegroups/").next().unwrap_or("");
        let listed = admitted(world, server);
        let leads_here =
            endpoints(world, server).iter().any(|one| one.key == endpoint && one.leads_here)
                || listed.entries.iter().any(|(of, _)| of.as_deref() == Some(endpoint));
        if leads_here {
            for config in list(body, &["properties", "privateDnsZoneConfigs"]).unwrap_or(&[]) {
                found.extend(reference(config, &["properties", "privateDnsZoneId"]));
            }
        }
    }
    found
}

fn own_zone(body: &serde_json::Value) -> Option<String> {
    let old = ["properties", "privateDnsZoneArguments", "privateDnsZoneArmResourceId"];
    reference(body, &["properties", "network", "privateDnsZoneArmResourceId"])
        .or_else(|| reference(body, &old))
}

fn zone(world: &World, network: &str, key: String) -> Zone {
    let (mut linked, mut redirects, mut count) = (None, false, 0);
    for (_, link) in world.children(&key, "virtualnetworklinks") {
        count += 1;
        let of = reference(link, &["properties", "virtualNetwork", "id"]);
        if of.is_none() {
            linked = linked.or(Some(Linked::Unknown));
        }
        if of.as_deref() != Some(network) {
            continue;
        }
        redirects = text(link, &["properties", "resolutionPolicy"])
            .is_some_and(|word| word.eq_ignore_ascii_case("NxDomainRedirect"));
        linked = Some(match text(link, &["properties", "virtualNetworkLinkState"]) {
            Some(word) if word.eq_ignore_ascii_case("Completed") => Linked::Yes,
            Some(_) => Linked::Unproven,
            None => Linked::Unknown,
        });
    }
    let links = world
        .body(&key)
        .map(|body| at(body, &["properties", "numberOfVirtualNetworkLinks"])?.as_u64());
    let observed = links.is_some()
        || ["virtualnetworklinks", "a", "cname"]
            .iter()
            .any(|kind| world.children(&key, kind).next().is_some());
    let otherwise = match links {
        Some(Some(number)) if number <= count => Linked::No,
        Some(_) => Linked::Unproven,
        None if observed => Linked::Unproven,
        None => Linked::Unknown,
    };
    let name = last_name(&key).to_owned();
    Zone { key, name, linked: linked.unwrap_or(otherwise), redirects, observed }
}

/// Aliases that are followed before giving up; real chains have three.
const ALIASES: usize = 8;

struct Ask<'w> {
    world: &'w World,
    network: &'w str,
    server: &'w str,
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

    fn in_zone(&self, name: &str, zone: &Zone, zones: &[&Zone], depth: usize) -> Vec<Name> {
        let label = match name.strip_suffix(&zone.name).unwrap_or("").trim_end_matches('.') {
            "" => "@",
            label => label,
        };
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
                    let all = entries
                        .iter()
                        .filter_map(|entry| address_of(text(entry, &["ipv4Address"])?))
                        .collect();
                    vec![Name::Record(all, record)]
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
        if zone.redirects && zone.name.starts_with("privatelink.") {
            return vec![Name::Public];
        }
        vec![Name::Nothing(Gate::drop("name", &zone.key, Some(label)))]
    }

    /// What public DNS says: an alias for a server with private endpoints, and for a
    /// VNet-injected one.
    fn public(&self, name: &str, zones: &[&Zone], depth: usize) -> Vec<Name> {
        if let Some(gate) = self.forwarded(name) {
            return vec![Name::Unknown(gate)];
        }
        if depth > 0 {
            return vec![Name::Public];
        }
        match delegated_subnet(self.world, self.server) {
            Err(gate) => return vec![Name::Unknown(gate)],
            Ok(Some(_)) => return vec![self.injected(zones)],
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

    /// The alias of a VNet-injected server leads into its own zone.
    fn injected(&self, zones: &[&Zone]) -> Name {
        let Some(own) = self.world.body(self.server).and_then(own_zone) else {
            return Name::Unknown(Gate::unknown("the private DNS zone", self.server));
        };
        let wanted = last_name(&own);
        let longest = zones
            .iter()
            .filter(|zone| covers(&zone.name, wanted))
            .max_by_key(|zone| (zone.name.len(), zone.key == own));
        match longest {
            Some(zone) if zone.key == own => Name::Own,
            Some(zone) => Name::Nothing(Gate::drop("name", &zone.key, None)),
            None => Name::Nothing(Gate::drop("name", &own, Some("virtualNetworkLinks"))),
        }
    }

    fn has_endpoints(&self) -> Tri {
        let list = admitted(self.world, self.server);
        let leads_here = endpoints(self.world, self.server).iter().any(|one| one.leads_here);
        match (list.entries.is_empty(), list.observed, leads_here) {
            (false, _, _) | (true, false, true) => Tri::Yes,
            (true, true, false) => Tri::No,
            // Whether the alias outlives the server's side of an endpoint is not documented.
            (true, true, true) | (true, false, false) => Tri::Maybe,
        }
    }

    /// A forwarding rule of a ruleset linked to the network comes before public DNS.
    fn forwarded(&self, name: &str) -> Option<Gate> {
        let links = self.world.all("microsoft.network/dnsforwardingrulesets/virtualnetworklinks");
        for (key, link) in links {
            let of = reference(link, &["properties", "virtualNetwork", "id"]);
            if of.as_deref() != Some(self.network) {
                continue;
            }
            let ruleset = key.split("/virtualnetworklinks/").next().unwrap_or("");
            let acts = self.world.children(ruleset, "forwardingrules").any(|(_, rule)| {
                let domain = text(rule, &["properties", "domainName"]).unwrap_or("");
                let is_off = text(rule, &["properties", "forwardingRuleState"])
                    .is_some_and(|word| word.eq_ignore_ascii_case("Disabled"));
                !is_off && covers(&domain.trim_end_matches('.').to_ascii_lowercase(), name)
            });
            if acts {
                return Some(Gate::unknown("where a forwarding rule leads", ruleset));
            }
        }
        None
    }

    /// Whether a redirecting zone may hold records that were not captured.
    fn has_doubtful_redirect(&self, zones: &[&Zone]) -> bool {
        zones.iter().filter(|zone| zone.redirects && zone.name.starts_with("privatelink.")).any(
            |zone| {
                let sets = self
                    .world
                    .body(&zone.key)
                    .and_then(|body| at(body, &["properties", "numberOfRecordSets"])?.as_u64());
                let captured = ["a", "cname"]
                    .iter()
                    .map(|kind| self.world.children(&zone.key, kind).count() as u64)
                    .sum::<u64>();
                // The zone's own start-of-authority record is counted and not captured.
                sets.is_none_or(|sets| sets > captured + 1)
            },
        )
    }
}

/// The label and the zone of the alias that a server with private endpoints gets.
fn alias_of(name: &str) -> (&str, String) {
    let (label, suffix) = name.split_once('.').unwrap_or((name, ""));
    (label, format!("privatelink.{suffix}"))
}

fn covers(zone: &str, name: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
