//! Ids of resources come apart into what they name.

use flexway_core::id::ResourceId;

const SUBNET: &str = "/subscriptions/S1/resourceGroups/Rg/providers/Microsoft.Network/virtualNetworks/Hub/subnets/App";

#[test]
fn parts_are_told_apart() {
    let id = ResourceId::parse(SUBNET).expect("an id");
    assert_eq!(id.name(), "App");
    assert_eq!(id.resource_type(), "microsoft.network/virtualnetworks/subnets");
    assert_eq!(id.resource_group(), "Rg");
    assert_eq!(id.subscription(), "S1");
    assert_eq!(id.name_at(0), "Hub");
    let parent = id.parent().expect("a parent");
    assert_eq!(parent.name(), "Hub");
    assert_eq!(parent.parent(), None);
    assert_eq!(parent.child("subnets", "app"), id);
    assert_eq!(
        parent.sibling("Microsoft.Network/privateEndpoints", "pe").as_str(),
        "/subscriptions/S1/resourceGroups/Rg/providers/Microsoft.Network/privateEndpoints/pe"
    );
}

#[test]
fn only_whole_ids_are_ids() {
    for text in ["", "/", "app", "/subscriptions/S", "/subscriptions/S/resourceGroups/G"] {
        assert_eq!(ResourceId::parse(text), None, "{text}");
    }
    assert_eq!(
        ResourceId::parse("/subscriptions/S/providers/Microsoft.Network/virtualNetworks"),
        None
    );
    assert_eq!(ResourceId::parse(&SUBNET.to_uppercase()), ResourceId::parse(SUBNET));
    assert_eq!(ResourceId::parse(&format!("{SUBNET}/")), ResourceId::parse(SUBNET));
}
