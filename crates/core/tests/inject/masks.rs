//! Which fault hides which other one, and why: the whole of what is not reported when several faults meet.

use std::collections::BTreeMap;

use crate::world::Kind;

/// One fault hides another while both are there.
pub(crate) struct Mask {
    /// The fault that stays; an area ends with a slash.
    pub(crate) by: &'static str,
    /// What it hides; an area ends with a slash.
    pub(crate) hides: &'static [&'static str],
    /// The worlds where it does; all of them where none is named.
    pub(crate) kinds: &'static [Kind],
    /// What it never hides, of those.
    pub(crate) but: &'static [&'static str],
    /// The reason: why the hidden one decides nothing while the other one is there. Numbers are places in facts/azure-network.md.
    pub(crate) why: &'static str,
}

/// Whether a fault is of a list of faults and areas.
fn is_in(fault: &str, list: &[&str]) -> bool {
    list.iter().any(|one| fault == *one || one.ends_with('/') && fault.starts_with(one))
}

impl Mask {
    fn applies(&self, kind: Kind, by: &str, fault: &str) -> bool {
        let is_of_kind = self.kinds.is_empty() || self.kinds.contains(&kind);
        is_of_kind
            && by != fault
            && is_in(by, &[self.by])
            && is_in(fault, self.hides)
            && !is_in(fault, self.but)
    }
}

/// What is hidden among faults of a kind of worlds, and by which mask. Masks act in their order: what is hidden already hides nothing more.
pub(crate) fn hidden<'a>(kind: Kind, all: &[&'a str]) -> BTreeMap<&'a str, &'static Mask> {
    let mut hidden: BTreeMap<&str, &Mask> = BTreeMap::new();
    for mask in MASKS {
        let by: Vec<&str> = all.iter().copied().filter(|by| !hidden.contains_key(by)).collect();
        for fault in
            by.iter().copied().filter(|fault| by.iter().any(|by| mask.applies(kind, by, fault)))
        {
            hidden.insert(fault, mask);
        }
    }
    hidden
}

/// Of what lies on a way, all but what decides before one is made.
const fn no_way(by: &'static str, why: &'static str) -> Mask {
    let hides = &["dns/", "peering/", "route/", "filter/", "server/", "host/"];
    let but = &[
        "server/not-ready",
        "server/pooler-off",
        "host/not-listening",
        "dns/custom-server-unreachable",
        "dns/forwarding-rule-wrong",
        "dns/platform-dns-denied",
        "dns/public-suffix-zone-linked",
        "dns/zone-named-like-server",
    ];
    Mask { by, hides, kinds: &[Kind::PrivateSingle, Kind::PrivateFlexible], but, why }
}

const fn all(by: &'static str, hides: &'static [&'static str], why: &'static str) -> Mask {
    Mask { by, hides, kinds: &[], but: &[], why }
}

/// What links of the copier's network lead a name to, where it asks Azure's own resolver. Records count whoever asks.
const ANSWERS: &[&str] = &[
    "dns/zone-not-linked",
    "dns/link-in-progress",
    "dns/same-named-zone-linked",
    "dns/injected-source-zone-not-linked",
    "dns/public-suffix-zone-linked",
    "dns/zone-named-like-server",
];

/// Links of the copier's own network, and the way to Azure's own resolver.
const OWN: &[&str] = &[
    "dns/zone-not-linked",
    "dns/link-in-progress",
    "dns/same-named-zone-linked",
    "dns/platform-dns-denied",
];

pub(crate) const MASKS: &[Mask] = &[
    Mask {
        by: "mode/",
        hides: &["dns/", "peering/", "route/", "filter/", "endpoint/", "host/"],
        kinds: &[],
        but: &[],
        why: "a copier that stands in no network has no way to judge (1.4)",
    },
    all(
        "dns/custom-server-unreachable",
        ANSWERS,
        "the links of the server's network count, not those of the copier's (6.1)",
    ),
    all(
        "dns/custom-server-unreachable",
        &["dns/forwarding-rule-wrong", "dns/platform-dns-denied"],
        "rulesets and Azure's resolver are not asked where the network has its own servers (6.2)",
    ),
    all(
        "dns/forwarder-network-not-linked",
        OWN,
        "the links of the resolver's network count, not those of the copier's (DNS-07)",
    ),
    no_way(
        "server/public-off-no-endpoint",
        "there is no way at all; which one gets made decides what lies on it (FS-02)",
    ),
    no_way(
        "server/public-access-denied",
        "there is no way at all; which one gets made decides what lies on it (SS-01)",
    ),
    Mask {
        by: "server/public-access-denied",
        hides: &["server/"],
        kinds: &[Kind::PublicSingle],
        but: &["server/not-ready"],
        why: "a front door that refuses everybody asks nobody who he is (SS-01)",
    },
    all(
        "dns/zone-name-wrong",
        &["dns/forwarder-network-not-linked"],
        "no zone of the right name is there that could be linked (DNS-18)",
    ),
    all(
        "server/vnet-rule-missing",
        &["server/service-endpoint-missing"],
        "the page says so: a subnet without a rule has no use for the endpoint yet (SS-03)",
    ),
];
