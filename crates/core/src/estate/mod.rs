//! Everything observed of the network and the servers at one time. What was not observed is [`Missing`].

mod aftermath;
mod body;
pub mod dns;
mod effective;
mod elements;
pub mod endpoint;
pub mod filter;
mod find;
pub mod firewall;
pub mod forwarder;
pub mod gateway;
pub mod governance;
mod json;
mod keys;
mod kinds;
pub mod machine;
mod merge;
mod name_check;
mod nested;
pub mod network;
mod overlay;
mod packed;
mod pages;
mod problem;
mod read;
mod reads;
mod reference;
mod scan;
pub mod server;
pub(crate) mod shapes;
mod shared;
mod store;
mod template;
mod terraform;
pub(crate) mod unresolved;
mod unsettled;
mod what_if;

pub use keys::Key;
pub use kinds::{Facts, Kind};
pub use overlay::{is_about_what_will_be, overlay};
pub use packed::Body;
pub use problem::{Origin, Problem};
pub use read::{Input, Loaded, Replaced, Says, load, load_dated, settle};
pub use reads::{Reads, Writes};
pub use reference::Reference;
pub use scan::{Scanned, scan, scan_list};
pub use store::{Estate, Resource};
pub use unsettled::Unsettled;

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::id::ResourceId;
use crate::shell::quoted;

/// A map by ids, keys or texts.
pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;

/// A set of ids, keys or texts.
pub(crate) type Set<T> = HashSet<T, RandomState>;

/// A fact that the estate does not hold. It is never read as fine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Missing {
    /// What was not observed.
    pub what: String,
    /// The resource that would tell it.
    pub resource: Option<ResourceId>,
    /// What to capture or to probe.
    pub help: String,
}

/// What to do about a list of which a page was captured.
const REST_OF_LIST: &str =
    "a captured list of such goes on: capture the rest, or join its pages into one list";

impl Missing {
    /// A resource that another one refers to and that was not captured.
    pub fn resource(noun: &str, id: &ResourceId) -> Missing {
        Missing {
            what: format!("{noun} `{}`", id.name()),
            resource: Some(id.clone()),
            help: match id.name() == pages::NEXT_PAGE {
                true => REST_OF_LIST.to_owned(),
                false => format!(
                    "add the output of `az resource show --ids {}` to the estate",
                    quoted(id.as_str())
                ),
            },
        }
    }

    /// A field that a captured resource does not tell.
    pub fn field(id: &ResourceId, field: &str) -> Missing {
        Missing {
            what: format!("`{field}` of `{}`", id.name()),
            resource: Some(id.clone()),
            help: match id.name() == pages::NEXT_PAGE {
                true => REST_OF_LIST.to_owned(),
                false => {
                    format!("capture it again: `az resource show --ids {}`", quoted(id.as_str()))
                }
            },
        }
    }

    /// Something that no resource can tell.
    pub fn other(what: impl Into<String>, help: impl Into<String>) -> Missing {
        Missing { what: what.into(), resource: None, help: help.into() }
    }
}
