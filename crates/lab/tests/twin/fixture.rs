//! Estates for the tests, and what is seen in their twins.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flexway_core::estate::{Estate, Input, load};
use flexway_lab::twin::look::{self, Connected, Named, StandIn};
use flexway_lab::twin::{Place, Twin, blueprint, tools};
use serde_json::{Value, json};

/// What is never answered costs this much.
pub(crate) const LIMIT: Duration = Duration::from_millis(900);

/// Whether twins can be built; says by name what is skipped.
pub(crate) fn is_possible(test: &str) -> bool {
    tools::require().inspect_err(|why| eprintln!("{test} is skipped: failed to {why}")).is_ok()
}

/// The resources of a fixture.
pub(crate) fn resources(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/{name}.json"));
    let text = std::fs::read_to_string(path).expect("a fixture");
    serde_json::from_str(&text).expect("a list of resources")
}

/// The one resource whose id ends so.
pub(crate) fn named<'r>(resources: &'r mut [Value], suffix: &str) -> &'r mut Value {
    let mut found = resources
        .iter_mut()
        .filter(|one| one["id"].as_str().is_some_and(|id| id.ends_with(suffix)));
    found.next().unwrap_or_else(|| panic!("no resource ends with {suffix}"))
}

pub(crate) fn without(resources: &[Value], suffix: &str) -> Vec<Value> {
    let is_other = |one: &&Value| !one["id"].as_str().is_some_and(|id| id.ends_with(suffix));
    resources.iter().filter(is_other).cloned().collect()
}

pub(crate) fn estate(resources: &[Value]) -> Estate {
    let loaded = load(vec![Input { file: "fixture".to_owned(), json: json!(resources) }]);
    assert_eq!(loaded.problems, vec![]);
    loaded.estate
}

/// A twin with stand-ins for its servers, in a folder of its own.
pub(crate) struct Built {
    pub(crate) twin: Twin,
    pub(crate) servers: Vec<StandIn>,
    folder: PathBuf,
}

impl Built {
    pub(crate) fn new(resources: &[Value], copier: &str) -> Built {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("flexway-twin-test-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        let estate = estate(resources);
        let copier = estate.find_server(copier).ok();
        let blueprint = blueprint(&estate, copier.as_ref()).expect("a small estate");
        let twin = Twin::build(blueprint, &folder).expect("a twin");
        let mut servers = Vec::new();
        for place in twin.networks().blueprint.places.iter().filter(|place| place.runs) {
            let spot = twin.networks().spot(&place.namespace);
            servers.extend(place.is_server.then(|| spot.stand_in(5432).expect("a stand-in")));
        }
        Built { twin, servers, folder }
    }

    pub(crate) fn place(&self, name: &str) -> &Place {
        self.twin.networks().blueprint.place(name).expect("a place")
    }

    /// Asks for a server's name from a place, and connects to what it leads to.
    pub(crate) fn reach(&self, from: &str, host: &str) -> (Named, Option<Connected>) {
        let place = self.place(from);
        let (own, server) = (place.addresses[0], place.resolvers[0]);
        let name = format!("{host}.postgres.database.azure.com");
        let spot = self.twin.networks().spot(&place.namespace);
        let look = move || {
            let named = look::resolve(own, server, &name, LIMIT);
            let connected = match &named {
                Named::Addresses(found) => Some(look::connect(own, found[0], 5432, LIMIT)),
                _ => None,
            };
            (named, connected)
        };
        spot.run(look).expect("a namespace")
    }

    /// Names of the gates at which packets ended.
    pub(crate) fn dropped_by(&self) -> Vec<String> {
        let networks = self.twin.networks();
        let counted = networks.counters().expect("counters");
        let moved = counted.iter().filter(|(_, count)| **count > 0);
        let gates = moved.filter_map(|(name, _)| networks.blueprint.gates.get(name));
        gates.filter(|gate| gate.drops).map(|gate| gate.name.clone()).collect()
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        self.servers.clear();
        let process = self.twin.networks().process;
        let _ = process.end();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn at(text: &str) -> Named {
    Named::Addresses(vec![text.parse::<Ipv4Addr>().expect("an address")])
}
