//! Azure Firewalls, their policies and their rules as facts.

use std::net::Ipv4Addr;

use super::body::{Node, parse_network};
use super::filter::{port_range, range};
use super::gateway::{Frontend, frontend};
use super::network::is_tag;
use super::problem::Problems;
use super::reference::Reference;
use crate::address::{AddressSet, internet, private};
use crate::id::ResourceId;

/// An Azure Firewall in a network.
#[derive(Debug, Clone)]
pub struct Firewall {
    /// The private address that routes lead to; normally one.
    pub frontends: Vec<Frontend>,
    /// The public addresses that it gives to packets for the internet, any of them; `None` where it may give others, or none.
    pub addresses: Option<Vec<ResourceId>>,
    /// Whether it is stopped: it has no place in a network then.
    pub is_stopped: bool,
    /// Whether its last change failed: then what it says of itself may not be what it does.
    pub is_failed: bool,
    /// Whether it says which addresses it leaves as they are, in a place of its own.
    pub has_own_ranges: bool,
    /// Its policy.
    pub policy: Reference,
    /// Its DNS proxy where it has no policy; `None` where that cannot be read.
    pub proxy: Option<Proxy>,
    /// Network rules of its own, which count where it has no policy; `None` where they were not told or not read.
    pub collections: Option<Vec<Collection>>,
}

/// The policy of Azure Firewalls.
#[derive(Debug, Clone)]
pub struct FirewallPolicy {
    /// The policy whose rules come before its own.
    pub base: Reference,
    /// Its groups of rule collections; `None` where they were not told or not read.
    pub groups: Option<Vec<ResourceId>>,
    /// Which receivers see the real sender; `None` where it says nothing of it.
    pub translation: Option<Translation>,
    /// Whether it says something of DNS itself.
    pub has_dns_settings: bool,
    /// Its DNS proxy; `None` where that cannot be read.
    pub proxy: Option<Proxy>,
}

/// What an Azure Firewall does with questions to its private address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// It asks Azure, from its own network.
    AsksAzure,
    /// It asks servers that it lists: the only one; `None` where there are several, or one that cannot be read.
    AsksOthers(Option<Ipv4Addr>),
    /// It answers none, as firewalls do unless told otherwise.
    Off,
}

/// Azure's own resolver, which a list may name.
const AZURE_DNS: &str = "168.63.129.16";

impl Proxy {
    fn of(is_on: bool, servers: &[&str]) -> Proxy {
        match servers {
            _ if !is_on => Proxy::Off,
            [] | [AZURE_DNS] => Proxy::AsksAzure,
            [one] => Proxy::AsksOthers(one.parse().ok()),
            _ => Proxy::AsksOthers(None),
        }
    }
}

impl FirewallPolicy {
    /// Whether packets for every address of the internet surely get the firewall's address.
    pub fn translates_internet(&self) -> bool {
        // No document says what a policy takes over of this from its parent.
        self.base == Reference::None
            && self.translation.as_ref().is_none_or(|one| {
                one.kept.as_ref().is_some_and(|kept| !kept.overlaps(&internet())) && !one.learns
            })
    }
}

/// What a policy says of the addresses that packets come with behind the firewall.
#[derive(Debug, Clone)]
pub struct Translation {
    /// Receivers that see the real sender; all others see the firewall. `None` where the list could not be read.
    pub kept: Option<AddressSet>,
    /// Whether it may learn more of them.
    pub learns: bool,
}

/// Rule collections of a policy that have their turn together.
#[derive(Debug, Clone)]
pub struct RuleCollectionGroup {
    /// Its turn and its collections of network rules; `None` where a part could not be read.
    pub content: Option<(u64, Vec<Collection>)>,
}

/// Network rules that do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// Its turn: lower numbers come first.
    pub priority: u64,
    /// Whether what its rules catch passes.
    pub allows: bool,
    /// The rules.
    pub rules: Vec<NetworkRule>,
}

/// A network rule of an Azure Firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRule {
    /// Its name.
    pub name: String,
    /// Whether it surely speaks of TCP, or surely does not.
    pub is_tcp: Option<bool>,
    /// Ports of the receiver, first and last; `None` where they were not told or not read.
    pub ports: Option<Vec<(u16, u16)>>,
    /// Who sends.
    pub from: Ends,
    /// Who receives.
    pub to: Ends,
    /// Where it stands in the body.
    pub pointer: String,
}

/// One side of a network rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// Addresses that it names.
    pub addresses: AddressSet,
    /// IP groups that it names.
    pub groups: Vec<ResourceId>,
    /// Tags of services that it names, which stand for public addresses.
    pub tags: Vec<String>,
    /// Whether it may hold any address beside those: by a name, or by something that could not be read.
    pub is_open: bool,
}

/// A list of addresses that rules of firewalls name.
#[derive(Debug, Clone)]
pub struct IpGroup {
    /// The addresses; `None` where they were not told or not read.
    pub addresses: Option<AddressSet>,
}

pub(super) fn firewall(node: &Node, problems: &mut Problems) -> Firewall {
    let places = node.list("ipConfigurations", problems);
    let list = places.as_deref().unwrap_or_default();
    let frontends = list.iter().filter_map(|one| frontend(one, problems)).collect();
    let own_ranges = node.field("additionalProperties");
    let has_own_ranges =
        own_ranges.as_ref().is_some_and(|all| all.field("Network.SNAT.PrivateRanges").is_some());
    // With an interface for management, packets may be led elsewhere; ranges may be left as they are.
    let is_plain = !has_own_ranges && node.field("managementIpConfiguration").is_none();
    let mut public = |one: &Node| {
        let names = ["publicIPAddress.id", "publicIpAddress.id"];
        names.iter().find_map(|name| one.id(name, problems))
    };
    let addresses = places.as_ref().and_then(|all| all.iter().map(&mut public).collect());
    let is_of_hub = ["virtualHub", "hubIPAddresses"].iter().any(|one| node.field(one).is_some());
    Firewall {
        is_stopped: !is_of_hub && places.as_ref().is_some_and(Vec::is_empty),
        frontends,
        addresses: addresses.filter(|all: &Vec<_>| is_plain && !all.is_empty()),
        has_own_ranges,
        is_failed: node
            .text("provisioningState", problems)
            .is_some_and(|state| state.eq_ignore_ascii_case("failed")),
        policy: node.reference("firewallPolicy", problems),
        proxy: classic_proxy(own_ranges.as_ref()),
        collections: node.array("networkRuleCollections", problems).and_then(|all| {
            all.iter().map(|one| collection(one, Place::Firewall, problems)).collect()
        }),
    }
}

pub(super) fn firewall_policy(node: &Node, problems: &mut Problems) -> FirewallPolicy {
    let groups = node.array("ruleCollectionGroups", problems);
    FirewallPolicy {
        base: node.reference("basePolicy", problems),
        groups: groups.and_then(|all| all.iter().map(|one| one.id("id", problems)).collect()),
        translation: node.path("snat").and_then(|snat| translation(&snat, problems)),
        has_dns_settings: node.field("dnsSettings").is_some(),
        proxy: proxy(node, problems),
    }
}

/// That of a firewall without a policy, whose settings are texts.
fn classic_proxy(settings: Option<&Node>) -> Option<Proxy> {
    let Some(settings) = settings else { return Some(Proxy::Off) };
    if !settings.is_object() {
        return None;
    }
    let is_on = match settings.field("Network.DNS.EnableProxy") {
        None => false,
        Some(told) => told.as_str()?.to_ascii_lowercase().parse().ok()?,
    };
    let listed = match settings.field("Network.DNS.Servers") {
        None => "",
        Some(told) => told.as_str()?,
    };
    let servers = listed.split(',').map(str::trim).filter(|one| !one.is_empty());
    Some(Proxy::of(is_on, &servers.collect::<Vec<_>>()))
}

fn proxy(node: &Node, problems: &mut Problems) -> Option<Proxy> {
    if node.is_unresolved_at("dnsSettings") {
        return None;
    }
    let Some(settings) = node.path("dnsSettings") else { return Some(Proxy::Off) };
    if !settings.is_object() {
        return None;
    }
    let is_on = match settings.field("enableProxy") {
        None => false,
        Some(_) => settings.flag("enableProxy", problems)?,
    };
    let listed = match settings.field("servers") {
        None => Vec::new(),
        Some(_) => settings.array("servers", problems)?,
    };
    let servers: Option<Vec<&str>> = listed.iter().map(Node::as_str).collect();
    Some(Proxy::of(is_on, &servers?))
}

fn translation(snat: &Node, problems: &mut Problems) -> Option<Translation> {
    let learns = snat.text("autoLearnPrivateRanges", problems);
    let ranges = snat.field("privateRanges");
    if ranges.is_none() && learns.is_none() {
        return None;
    }
    let range = |one: &Node| match one.as_str()? {
        "IANAPrivateRanges" => Some(private()),
        text => addresses(text),
    };
    let kept = match ranges {
        None => Some(private()),
        // Of an empty list no document says whether it stands for none or for the usual ones.
        Some(_) => snat
            .array("privateRanges", problems)
            .filter(|all| !all.is_empty())
            .and_then(|all| all.iter().map(range).collect::<Option<Vec<_>>>())
            .map(|all| together(&all)),
    };
    let learns = learns.is_some_and(|word| !word.eq_ignore_ascii_case("disabled"));
    Some(Translation { kept, learns })
}

pub(super) fn ip_group(node: &Node, problems: &mut Problems) -> IpGroup {
    let told = node.array("ipAddresses", problems);
    let all: Option<Vec<_>> =
        told.and_then(|all| all.iter().map(|one| addresses(one.as_str()?)).collect());
    IpGroup { addresses: all.map(|all| together(&all)) }
}

pub(super) fn rule_collection_group(node: &Node, problems: &mut Problems) -> RuleCollectionGroup {
    let content = group_content(node, problems);
    if content.is_none() {
        let message = "group of rule collections that cannot be read; the rules of its policy count as not observed";
        problems.add("", message);
    }
    RuleCollectionGroup { content }
}

fn group_content(node: &Node, problems: &mut Problems) -> Option<(u64, Vec<Collection>)> {
    let mut collections = Vec::new();
    for one in &node.array("ruleCollections", problems)? {
        let kind = one.text("ruleCollectionType", problems)?;
        match kind.to_ascii_lowercase().as_str() {
            "firewallpolicyfilterrulecollection" => {
                collections.push(collection(one, Place::Policy, problems)?);
            }
            // About addresses of the firewall itself.
            "firewallpolicynatrulecollection" => {}
            _ => return None,
        }
    }
    Some((node.number("priority", problems)?, collections))
}

/// Where a rule stands, which decides how it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a firewall without a policy.
    Firewall,
    /// In a group of a policy.
    Policy,
}

/// A collection with its network rules. Those for applications are left out: they let HTTP and its like pass, which PostgreSQL is not.
fn collection(node: &Node, place: Place, problems: &mut Problems) -> Option<Collection> {
    let action = node.text("action.type", problems)?;
    let allows = action.eq_ignore_ascii_case("allow");
    if !allows && !action.eq_ignore_ascii_case("deny") {
        return None;
    }
    let mut rules = Vec::new();
    for one in &node.array("rules", problems)? {
        let kind = match place {
            Place::Firewall => "networkrule".to_owned(),
            Place::Policy => one.text("ruleType", problems)?.to_ascii_lowercase(),
        };
        match kind.as_str() {
            "networkrule" => rules.push(network_rule(one, place, problems)?),
            "applicationrule" => {}
            _ => return None,
        }
    }
    Some(Collection {
        name: node.text("name", problems).unwrap_or_default(),
        priority: node.number("priority", problems)?,
        allows,
        rules,
    })
}

fn network_rule(node: &Node, place: Place, problems: &mut Problems) -> Option<NetworkRule> {
    let protocols = match place {
        Place::Firewall => "protocols",
        Place::Policy => "ipProtocols",
    };
    let is_one_of =
        |word: &&str, all: &[&str]| all.iter().any(|one| word.eq_ignore_ascii_case(one));
    let protocols: Option<Vec<&str>> =
        node.array(protocols, problems)?.iter().map(Node::as_str).collect();
    let ports = node.array("destinationPorts", problems);
    Some(NetworkRule {
        name: node.text("name", problems).unwrap_or_default(),
        is_tcp: match protocols? {
            all if all.iter().any(|word| is_one_of(word, &["tcp", "any"])) => Some(true),
            all if all.iter().all(|word| is_one_of(word, &["udp", "icmp"])) => Some(false),
            _ => None,
        },
        ports: ports.and_then(|all| all.iter().map(|one| port_range(one.as_str()?)).collect()),
        from: ends(node, ["sourceAddresses", "sourceIpGroups"], None, problems)?,
        to: ends(
            node,
            ["destinationAddresses", "destinationIpGroups"],
            Some("destinationFqdns"),
            problems,
        )?,
        pointer: node.pointer(),
    })
}

fn ends(
    node: &Node,
    [listed, groups]: [&'static str; 2],
    names: Option<&'static str>,
    problems: &mut Problems,
) -> Option<Ends> {
    let (listed, groups) = (node.list(listed, problems)?, node.list(groups, problems)?);
    let names = names.map_or(Some(Vec::new()), |names| node.list(names, problems))?;
    let mut known = Vec::new();
    let (mut tags, mut is_open) = (Vec::new(), !names.is_empty());
    for one in &listed {
        match (one.as_str(), one.as_str().and_then(addresses)) {
            (_, Some(set)) => known.push(set),
            (Some(word), None) if is_tag(word) => tags.push(word.to_owned()),
            (_, None) => is_open = true,
        }
    }
    let (ids, mut named) = (groups.len(), Vec::new());
    named.extend(groups.iter().filter_map(Node::as_str).filter_map(ResourceId::parse));
    is_open |= named.len() < ids || listed.is_empty() && ids == 0;
    Some(Ends { addresses: together(&known), groups: named, tags, is_open })
}

/// `*`, an address, a network, or a range.
fn addresses(text: &str) -> Option<AddressSet> {
    let text = text.trim();
    if text == "*" {
        return Some(AddressSet::all());
    }
    parse_network(text).map(|net| AddressSet::of([&net])).or_else(|| range(text))
}

fn together(all: &[AddressSet]) -> AddressSet {
    let ranges = all.iter().flat_map(AddressSet::ranges);
    AddressSet::from_ranges(ranges.map(|(first, last)| (first.into(), last.into())).collect())
}
