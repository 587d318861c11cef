//! What several changes let through is counted once.

use std::collections::BTreeSet;

use flexway_core::address::AddressSet;
use flexway_core::change::exposure::{End, Flows, count};
use flexway_core::change::{Change, peering, route, terms::Terms};
use flexway_core::estate::Estate;
use flexway_core::estate::network::{RouteTable, Vnet};
use flexway_core::repair::Cost;

use crate::support;

/// Sets of flows in a run.
const ROUNDS: u32 = 2_000;

/// Numbers below `bound`, the same in every run.
struct Chance(u32);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % bound
    }

    fn range(&mut self) -> (u32, u32) {
        let first = self.below(6);
        (first, first + self.below(4))
    }
}

#[test]
fn flows_are_counted_as_one_by_one() {
    let mut chance = Chance(1);
    for _ in 0..ROUNDS {
        let (mut flows, mut each) = (Vec::new(), BTreeSet::new());
        for _ in 0..1 + chance.below(5) {
            let (from, to, ports) = (chance.range(), chance.range(), chance.range());
            let end = |range| AddressSet::from_ranges(vec![range]).into();
            flows.push(Flows::new(end(from), end(to), (ports.0 as u16, ports.1 as u16)));
            for sender in from.0..=from.1 {
                for receiver in to.0..=to.1 {
                    each.extend((ports.0..=ports.1).map(|port| (sender, receiver, port)));
                }
            }
        }
        assert_eq!(count(&flows), each.len() as u128, "{flows:?}");
    }
}

#[test]
fn names_are_counted_once_too() {
    let flows =
        |sender, receiver| Flows::new(End::named(sender, 7), End::named(receiver, 3), (1, 2));
    assert_eq!(count(&[flows("a", "b"), flows("a", "b"), flows("a", "c")]), 7 * 3 * 2 * 2);
}

/// Two networks, and a route of the copier's subnet; then some edits.
fn with_route(route: &str, edits: &[&str]) -> Estate {
    let mut resources = support::fixture("private-source");
    let id = "$target/Microsoft.Network/routeTables/table";
    let properties = format!(r#"{{"routes": [{{"name": "one", "properties": {route}}}]}}"#);
    let table = format!(
        r#"add {{"id": "{id}", "type": "Microsoft.Network/routeTables", "properties": {properties}}}"#
    );
    let bound = format!(r#"set subnets/postgres /properties/routeTable {{"id": "{id}"}}"#);
    for line in [&*table, &*bound].iter().chain(edits) {
        support::edit(&mut resources, line);
    }
    support::estate(&resources)
}

/// What the copier's half of a new peering with the source's network lets through, in words.
fn half_of_peering(estate: &Estate) -> Vec<String> {
    let vnet = |name: &str| {
        estate.all::<Vnet>().map(|(id, _)| id).find(|id| id.name() == name).expect("a network")
    };
    let (target, source) = (vnet("target-net"), vnet("source-net"));
    let half = peering::create_half(estate, target, source, &Terms::default());
    half.exposure.iter().map(ToString::to_string).collect()
}

#[test]
fn what_a_peering_leads_past_an_appliance_is_told() {
    let hop = |prefix: &str, address: &str| {
        format!(
            r#"{{"addressPrefix": "{prefix}", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "{address}"}}"#
        )
    };
    let acts =
        "set source-net/subnets/endpoints /properties/privateEndpointNetworkPolicies \"Enabled\"";
    let kept = [
        r#"add {"id": "$target/Microsoft.Network/routeTables/table/routes/kept","#,
        r#""type": "Microsoft.Network/routeTables/routes", "properties": {"#,
        r#""addressPrefix": "10.10.0.0/16", "nextHopType": "VirtualAppliance","#,
        r#""nextHopIpAddress": "10.30.1.4"}}"#,
    ]
    .join(" ");
    let past = "what subnet `postgres` sends past 10.30.1.4";
    for (prefix, address, edits, is_past) in [
        // The peering's own route is longer than a default route, and an endpoint's than one for its network.
        ("0.0.0.0/0", "10.30.1.4", &[][..], true),
        ("10.10.0.0/16", "10.30.1.4", &[], true),
        ("10.10.0.0/16", "10.30.1.4", &[acts], false),
        ("10.40.0.0/16", "10.30.1.4", &[], false),
        // A route of the user that is as long stays in force.
        ("0.0.0.0/0", "10.30.1.4", &[acts, &*kept], false),
        // An appliance in the other network is reached by the peering.
        ("0.0.0.0/0", "10.10.9.9", &[], false),
    ] {
        let told = half_of_peering(&with_route(&hop(prefix, address), edits));
        assert_eq!(told.iter().any(|words| words == past), is_past, "{prefix}: {told:?}");
    }
}

#[test]
fn a_route_that_a_peering_passes_costs_no_more_flows() {
    let nowhere = r#"{"addressPrefix": "10.10.0.0/16", "nextHopType": "None"}"#;
    let estate = with_route(nowhere, &[]);
    let (table, _) = estate.all::<RouteTable>().next().expect("a table");
    let vnet =
        |name: &str| estate.all::<Vnet>().find(|(id, _)| id.name() == name).expect("a network").0;
    let (target, source) = (vnet("target-net"), vnet("source-net"));
    let half = |vnet, remote| peering::create_half(&estate, vnet, remote, &Terms::default());
    let halves = [half(target, source), half(source, target)];
    let route = route::delete(&estate, table, "one");
    let exposed = |changes: &[&Change]| Cost::of(changes.iter().copied()).exposed_flows;
    let [one, other] = &halves;
    assert!(exposed(&[&route]) > 0);
    assert_eq!(exposed(&[one, other, &route]), exposed(&[one, other]));
}
