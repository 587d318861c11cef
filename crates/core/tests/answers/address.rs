//! Sets of addresses are exact, and print as people write them.

use std::net::Ipv4Addr;

use flexway_core::address::AddressSet;
use ipnet::Ipv4Net;

fn set(texts: &[&str]) -> AddressSet {
    let networks: Vec<Ipv4Net> =
        texts.iter().map(|text| text.parse().expect("a network")).collect();
    AddressSet::of(&networks)
}

#[test]
fn algebra_is_exact_at_the_edges() {
    let whole = set(&["10.0.0.0/24"]);
    let half = set(&["10.0.0.128/25"]);
    assert_eq!(whole.difference(&half), set(&["10.0.0.0/25"]));
    assert_eq!(whole.difference(&half).union(&half), whole);
    assert_eq!(whole.intersection(&half), half);
    assert_eq!(AddressSet::all().difference(&AddressSet::all()), AddressSet::default());
    let top = set(&["255.255.255.255/32"]);
    assert!(!AddressSet::all().difference(&top).contains(Ipv4Addr::BROADCAST));
    assert_eq!(AddressSet::all().difference(&top).union(&top), AddressSet::all());
    let middle = set(&["10.0.0.64/26"]);
    assert_eq!(whole.difference(&middle), set(&["10.0.0.0/26", "10.0.0.128/25"]));
}

#[test]
fn sets_print_as_networks_or_by_their_ends() {
    assert_eq!(set(&["10.0.0.0/25", "10.0.0.128/25"]).to_string(), "10.0.0.0/24");
    assert_eq!(set(&["10.0.0.4/32"]).to_string(), "10.0.0.4");
    assert_eq!(
        set(&["10.0.0.4/30", "10.0.0.8/29", "10.0.1.0/24"]).to_string(),
        "10.0.0.4-10.0.0.15, 10.0.1.0/24"
    );
    assert_eq!(AddressSet::all().to_string(), "every address");
    assert!(set(&["10.1.0.0/16"]).is_private());
    assert!(!AddressSet::all().is_private());
}
