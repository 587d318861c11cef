//! The faults that configuration proves, each with the edit that causes it in a healthy world.

use crate::chance::Chance;
use crate::world::{Kind, World};
use crate::{doors, filters, names, ways};

/// One way to break a healthy world.
pub(crate) struct Injector {
    /// The fault that the diagnosis must name.
    pub(crate) fault: &'static str,
    /// The worlds that can have it.
    pub(crate) kinds: &'static [Kind],
    /// What it writes to: two injectors that write to one thing are not combined.
    pub(crate) slots: &'static [&'static str],
    /// Requests that put it right; zero where no request does.
    pub(crate) edits: usize,
    /// Breaks the world.
    pub(crate) apply: fn(&mut World, &mut Chance),
}

use Kind::{
    Injected, Machine, Office, PrivateFlexible, PrivateSingle, PublicFlexible, PublicSingle,
};

const ENDPOINT: &[Kind] = &[PrivateSingle, PrivateFlexible];
const DOOR: &[Kind] = &[PublicSingle];
const INJECTED: &[Kind] = &[Injected];
const NAMED: &[Kind] = &[PrivateSingle, PublicSingle, Injected, PrivateFlexible, PublicFlexible];
const JOINED: &[Kind] = &[PrivateSingle, PrivateFlexible, Injected, Machine];
const ALL: &[Kind] =
    &[PrivateSingle, PublicSingle, Injected, PrivateFlexible, PublicFlexible, Machine, Office];

const fn one(
    fault: &'static str,
    kinds: &'static [Kind],
    slots: &'static [&'static str],
    edits: usize,
    apply: fn(&mut World, &mut Chance),
) -> Injector {
    Injector { fault, kinds, slots, edits, apply }
}

/// Every injector. A fault may have several.
pub(crate) const INJECTORS: &[Injector] = &[
    one("mode/private-source-public-target", JOINED_SERVERS, &["mode"], 0, doors::public_target),
    one("mode/runtime-server-missing", JOINED_SERVERS, &["mode"], 0, doors::endpoint_target),
    one("dns/zone-not-linked", ENDPOINT, &["link"], 1, names::unlink),
    one("dns/record-missing", ENDPOINT, &["record"], 1, names::drop_record),
    one("dns/record-missing", ENDPOINT, &["record"], 1, names::drop_record_and_group),
    one("dns/record-missing", ENDPOINT, &["record"], 1, names::empty_record),
    one("dns/record-stale", ENDPOINT, &["record"], 1, names::stale),
    one("dns/record-stale", ENDPOINT, &["record"], 1, doors::other_server),
    one(
        "dns/record-overwritten",
        ENDPOINT,
        &["record", "endpoint", "peering"],
        1,
        names::overwrite,
    ),
    one("dns/same-named-zone-linked", ENDPOINT, &["link", "record"], 1, names::other_zone),
    one(
        "dns/forwarder-network-not-linked",
        ENDPOINT,
        &["servers", "out", "ruleset"],
        1,
        names::hub_asks,
    ),
    one("dns/custom-server-unreachable", NAMED, &["servers"], 0, names::far_server),
    one("dns/forwarding-rule-wrong", NAMED, &["ruleset"], 1, names::ruleset),
    one("dns/public-suffix-zone-linked", DOOR, &["suffix"], 0, names::suffix_zone),
    one("dns/zone-named-like-server", DOOR, &["suffix"], 0, names::like_server),
    one("dns/injected-source-zone-not-linked", INJECTED, &["link"], 1, names::unlink),
    one("dns/public-name-shadowed", DOOR, ALONE, 1, names::shadow),
    one("dns/platform-dns-denied", NAMED, &["resolver"], 1, names::deny_resolver),
    one("dns/link-in-progress", ENDPOINT, &["link"], 0, names::in_progress),
    one("dns/zone-name-wrong", ENDPOINT, &["link", "record"], 3, names::wrong_zone),
    one("route/none", &[Office], &["line", "space"], 0, ways::no_way_out),
    one("route/blackhole", &[PrivateSingle, PrivateFlexible, Injected], &["route"], 1, ways::drop),
    one("route/blackhole", &[Office], &["route"], 0, ways::drop),
    one("route/appliance-dead", INJECTED, &["route", "peering"], 1, ways::dead_appliance),
    one("route/return-asymmetric", INJECTED, &["return"], 1, ways::drop_answers),
    one("route/gateway-propagation-off", &[Office], &["propagation"], 0, ways::keep_gateway_out),
    one("route/gateway-transit-off", &[Office], &["peering"], 0, ways::no_transit),
    one("route/gateway-transit-off", &[Office], &["peering"], 0, ways::no_remote_gateway),
    one("route/on-premises-overlap", &[Office], &["space"], 0, ways::claim_office),
    one("peering/missing", JOINED, &["peering"], 2, ways::no_peering),
    one("peering/missing", JOINED_SERVERS, &["peering"], 1, ways::one_half),
    one("peering/initiated", JOINED, &["peering"], 1, ways::initiated),
    one("peering/initiated", &[Office], &["peering"], 0, ways::hub_waits),
    one("peering/disconnected", &[Office], &["peering"], 0, ways::hub_lost),
    one("peering/disconnected", JOINED, &["peering"], 3, ways::disconnected),
    one("peering/access-off", JOINED, LAST_RULE, 2, ways::no_access),
    one("peering/not-transitive", JOINED, &["peering"], 2, ways::by_hub),
    one("peering/out-of-sync", JOINED, &["peering"], 1, ways::out_of_sync),
    one("peering/overlapping-spaces", ENDPOINT, &["peering"], 3, ways::overlap),
    one("peering/overlapping-spaces", &[Injected, Machine], &["peering"], 0, ways::overlap),
    one("peering/subnet-excluded", JOINED, &["peering"], 2, ways::other_subnets),
    one("peering/basic-load-balancer", &[Machine], &["in"], 0, ways::basic_balancer),
    one("filter/outbound-denied", SURE, &["out"], 1, filters::deny_out),
    one("filter/outbound-denied", SURE, &["out"], 1, filters::deny_half),
    one("filter/outbound-denied", UNSURE, &["out"], 0, filters::deny_out),
    one("filter/inbound-denied", INJECTED, &["in"], 1, filters::deny_in),
    one("filter/endpoint-subnet-denied", ENDPOINT, &["in"], 1, filters::deny_endpoint),
    one("filter/service-tag-mismatch", DOOR, &["out"], 1, filters::other_tag),
    one("filter/port-mismatch", JOINED, &["out"], 1, filters::other_port),
    one("filter/asg-on-delegated-subnet", INJECTED, &["in"], 1, filters::group_as_sender),
    one("filter/two-level-conflict", &[Machine], &["in"], 0, filters::interface_denies),
    one("endpoint/pending", ENDPOINT, &["endpoint"], 1, doors::pending),
    one("endpoint/rejected", ENDPOINT, &["endpoint"], 2, doors::rejected),
    one("endpoint/disconnected", ENDPOINT, &["endpoint"], 2, doors::unlisted),
    one("endpoint/wrong-server", ENDPOINT, &["endpoint", "record"], 2, doors::endpoint_of_other),
    one("server/firewall-rule-missing", &[PublicFlexible], &["door"], 0, doors::no_rule),
    one("server/vnet-rule-missing", DOOR, &["door"], 1, doors::no_vnet_rule),
    one("server/service-endpoint-missing", DOOR, &["service"], 1, doors::no_service_endpoint),
    one("server/vnet-rule-other-region", DOOR, &["region"], 5, doors::other_region),
    one("server/vnet-rule-not-ready", DOOR, &["door"], 2, doors::rule_going),
    one("server/vnet-rule-not-ready", DOOR, &["door"], 0, doors::rule_coming),
    one("server/public-access-denied", DOOR, &["access", "door"], 5, doors::public_off),
    one(
        "server/public-access-denied",
        &[PrivateSingle],
        &["endpoint", "record", "mode"],
        2,
        doors::no_endpoint,
    ),
    one(
        "server/public-off-no-endpoint",
        &[PrivateFlexible],
        &["endpoint", "record", "mode"],
        2,
        doors::no_endpoint,
    ),
    one("server/not-ready", NAMED, &["state"], 0, doors::source_stopped),
    one("server/not-ready", ALL, &["state"], 0, doors::target_stopped),
    one("server/pooler-off", &[Injected, PrivateFlexible], &["port"], 0, doors::pooler_off),
    one("host/not-listening", &[PrivateSingle, PublicSingle], &["port"], 0, doors::other_port),
];

/// Where two ways are broken, which one is meant is a guess: this one is combined with states only.
const ALONE: &[&str] = &[
    "out", "door", "service", "region", "access", "servers", "ruleset", "resolver", "suffix",
    "port",
];

/// The flag acts through the tag VirtualNetwork of the last rule of a group: where a rule or a route comes first, it is
/// not asked.
const LAST_RULE: &[&str] = &["peering", "out", "in", "route"];

/// Where a rule can be made that surely lets the flow out, and its verdict is known.
const SURE: &[Kind] = &[PrivateSingle, PublicSingle, Injected, PrivateFlexible];

/// Where none can, since no document says which tag holds flexible servers (2.7), or where nothing gets reachable.
const UNSURE: &[Kind] = &[PublicFlexible, Machine, Office];

const JOINED_SERVERS: &[Kind] = &[PrivateSingle, PrivateFlexible, Injected];
