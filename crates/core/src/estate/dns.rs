//! Private DNS zones, their links and their records as facts.

use std::net::Ipv4Addr;

use super::Unsettled;
use super::body::Node;
use super::problem::Problems;
use crate::id::ResourceId;

/// A private DNS zone.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    /// `numberOfVirtualNetworkLinks`: how many links there are, whether they were captured or not.
    pub link_count: Option<u64>,
    /// `numberOfRecordSets`, the zone's own ones included.
    pub record_count: Option<u64>,
    /// Whether that field is there and could not be read.
    pub is_record_count_unreadable: bool,
}

/// A virtual network link of a zone.
#[derive(Debug, Clone)]
pub struct Link {
    /// The linked network.
    pub vnet: ResourceId,
    /// `virtualNetworkLinkState`, as written.
    pub state: Option<String>,
    /// `provisioningState`, where it is not yet or no longer as written.
    pub unsettled: Option<Unsettled>,
    /// Whether a name that the zone lacks is asked publicly (`resolutionPolicy: NxDomainRedirect`).
    pub redirects: bool,
    /// Prefix of its fields.
    pub fields: &'static str,
}

/// An A or CNAME record set.
#[derive(Debug, Clone)]
pub struct Record {
    /// Addresses of an A record set; `None` for a CNAME, and when they were not observed.
    pub addresses: Option<Vec<Ipv4Addr>>,
    /// What a CNAME points to, without a final dot.
    pub alias: Option<String>,
    /// Pointer of the addresses or of the alias.
    pub pointer: String,
}

pub(crate) fn zone(node: &Node, problems: &mut Problems) -> Zone {
    let counted = "numberOfRecordSets";
    let record_count = node.number(counted, problems);
    Zone {
        link_count: node.number("numberOfVirtualNetworkLinks", problems),
        record_count,
        is_record_count_unreadable: record_count.is_none() && node.field(counted).is_some(),
    }
}

pub(crate) fn link(node: &Node, problems: &mut Problems) -> Option<Link> {
    let Some(vnet) = node.id("virtualNetwork.id", problems) else {
        problems.add("", "virtual network link without virtualNetwork.id; it is left out");
        return None;
    };
    let policy = node.text("resolutionPolicy", problems).unwrap_or_default();
    Some(Link {
        vnet,
        state: node.text("virtualNetworkLinkState", problems),
        unsettled: Unsettled::read(node, problems),
        redirects: policy.eq_ignore_ascii_case("NxDomainRedirect"),
        fields: super::network::fields_of(node),
    })
}

pub(crate) fn record(node: &Node, problems: &mut Problems) -> Record {
    let fields = super::network::fields_of(node);
    let one = ["cnameRecord.cname", "CNAMERecord.cname"];
    let alias = one.iter().find_map(|path| node.text(path, problems));
    // ARM writes `aRecords`; az prints `aRecords` or, in older versions, `arecords`.
    let list = ["aRecords", "ARecords", "arecords"];
    let field = list.iter().find(|name| node.field(name).is_some()).unwrap_or(&"aRecords");
    let mut addresses = node.array(field, problems).map(|_| Vec::new());
    for entry in node.array(field, problems).unwrap_or_default() {
        match entry.text("ipv4Address", problems).map(|text| text.parse()) {
            Some(Ok(address)) => addresses.iter_mut().for_each(|list| list.push(address)),
            Some(Err(_)) | None => {
                let message =
                    "record without a readable ipv4Address; the set is read as not observed";
                problems.add(&entry.pointer(), message);
                addresses = None;
                break;
            }
        }
    }
    let pointer = match alias {
        Some(_) => format!("{fields}/cnameRecord/cname"),
        None => format!("{fields}/{field}"),
    };
    Record {
        addresses,
        alias: alias.map(|text| text.trim_end_matches('.').to_ascii_lowercase()),
        pointer,
    }
}
