//! What networks list of the forwarding rulesets that are linked to them.

use serde_json::Value;

use super::super::world::{World, items_mut, list, reference};

const LISTS: &str = "microsoft.network/virtualnetworks/listdnsforwardingrulesets";

/// Whether an entry of such a list stands for a link.
fn is_by(entry: &Value, link: &str) -> bool {
    reference(entry, &["properties", "virtualNetworkLink", "id"]).as_deref() == Some(link)
}

impl World {
    /// The list of the network that a ruleset is linked to by a link.
    pub(in crate::second) fn listing_ruleset(&self, link: &str) -> Option<String> {
        let holds = |body: &Value| {
            let entries = list(body, &["properties", "value"]).unwrap_or(&[]);
            entries.iter().any(|entry| is_by(entry, link))
        };
        self.all(LISTS).find(|(_, body)| holds(body)).map(|(key, _)| key.to_owned())
    }

    /// Takes a link that is gone out of its network's list.
    pub(super) fn unlist_ruleset(&mut self, link: &str) {
        let Some(key) = self.listing_ruleset(link) else { return };
        self.edit(&key, |body| {
            if let Some(entries) = items_mut(body, "value") {
                entries.retain(|entry| !is_by(entry, link));
            }
        });
    }
}
