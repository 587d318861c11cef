//! Observations of the fixture `private-source`, and edits of it that they speak for or against.

use flexway_core::probes::{
    Destination, Moment, Observation, Place, Rung, RungReport, Symptom, Vantage,
};

pub(crate) const SOURCE: &str = "old-db.postgres.database.azure.com";

/// An observation from inside the target, up to a rung.
pub(crate) fn through(rung: Rung) -> Observation {
    let reports = Rung::ALL.into_iter().take_while(|one| *one <= rung);
    let vantage = Vantage {
        place: Place::Target,
        host: Some("new-db.postgres.database.azure.com".to_owned()),
        resource: None,
        address: None,
    };
    let to = Destination { host: SOURCE.to_owned(), port: 5432 };
    let mut seen = Observation::new(vantage, Moment(1_795_652_321), to);
    seen.rungs = reports.map(|one| RungReport::pass(one, "holds")).collect();
    seen
}

/// One that ends with a symptom.
pub(crate) fn blocked(symptom: Symptom) -> Observation {
    let mut seen = through(symptom.rung());
    seen.rungs.pop();
    seen.rungs.push(RungReport::fail(symptom.rung(), symptom, SOURCE, symptom.means()));
    seen
}

pub(crate) fn with_address(mut seen: Observation, address: &str) -> Observation {
    seen.addresses = vec![address.parse().expect("an address")];
    seen
}

pub(crate) const UNLINKED: &[&str] =
    &["delete privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link"];
pub(crate) const DENIED: &[&str] = &[
    r#"set networkSecurityGroups/source-nsg /properties/securityRules [{"name": "none", "properties": {
        "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*"}}]"#,
    r#"set subnets/endpoints /properties/privateEndpointNetworkPolicies "Enabled""#,
];
pub(crate) const OWN_DNS: &[&str] =
    &[r#"set virtualNetworks/target-net /properties/dhcpOptions {"dnsServers": ["10.20.2.9"]}"#];
