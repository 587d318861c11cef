//! ARM resource ids: compared without regard to case, shown as they were written.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The id of an Azure resource, such as
/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/N`.
///
/// Two ids are equal when they differ in letter case only (Azure answers with either case).
#[derive(Clone)]
pub struct ResourceId {
    text: Arc<str>,
    /// The lower-case form; the same allocation as `text` where that is lower case already.
    key: Arc<str>,
}

impl ResourceId {
    /// Reads an id. `None` when the text does not have the form of one: it must start with `/subscriptions/`, name a
    /// provider, and pair every type with a name.
    pub fn parse(text: &str) -> Option<ResourceId> {
        let trimmed = text.trim().trim_end_matches('/');
        let key = trimmed.to_ascii_lowercase();
        if !key.starts_with("/subscriptions/") || trimmed.contains("//") {
            return None;
        }
        let tail = key.rsplit_once("/providers/")?.1;
        let segments = tail.split('/').count();
        if segments < 3 || segments.is_multiple_of(2) {
            return None;
        }
        Some(ResourceId::of(trimmed))
    }

    fn of(text: &str) -> ResourceId {
        let text: Arc<str> = text.into();
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let key = if is_lower { text.clone() } else { text.to_ascii_lowercase().into() };
        ResourceId { text, key }
    }

    /// Some id of a type.
    pub(crate) fn of_type(kind: &str) -> Option<ResourceId> {
        let (provider, types) = kind.split_once('/')?;
        let pairs: Vec<String> = types.split('/').map(|one| format!("{one}/x")).collect();
        ResourceId::parse(&format!(
            "/subscriptions/s/resourceGroups/g/providers/{provider}/{}",
            pairs.join("/")
        ))
    }

    /// Stands for a host that is no Azure resource. It is never in an estate, and null in JSON.
    pub(crate) fn outside(host: &str) -> ResourceId {
        ResourceId::of(host)
    }

    /// Whether it is no Azure resource.
    pub fn is_outside(&self) -> bool {
        !self.text.starts_with('/')
    }

    /// The id as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The lower-case form under which the id is compared.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The last name in the id.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or("")
    }

    /// The type in lower case, such as `microsoft.network/virtualnetworks/subnets`.
    pub fn resource_type(&self) -> String {
        let tail = self.key.rsplit_once("/providers/").map_or("", |(_, tail)| tail);
        let mut segments = tail.split('/');
        let mut words = vec![segments.next().unwrap_or("")];
        words.extend(segments.step_by(2));
        words.join("/")
    }

    /// The resource that this one is a child of; `None` for a top-level resource.
    pub fn parent(&self) -> Option<ResourceId> {
        let cut = self.text.rmatch_indices('/').nth(1)?.0;
        ResourceId::parse(&self.text[..cut])
    }

    /// The id of a child, such as `vnet.child("subnets", "app")`.
    pub fn child(&self, kind: &str, name: &str) -> ResourceId {
        ResourceId::of(&format!("{}/{kind}/{name}", self.text))
    }

    /// A resource of another type in the same resource group, such as `vnet.sibling("Microsoft.Network/privateEndpoints", "pe")`.
    pub fn sibling(&self, kind: &str, name: &str) -> ResourceId {
        let group = self.key.find("/providers/").map_or(&*self.text, |at| &self.text[..at]);
        ResourceId::of(&format!("{group}/providers/{kind}/{name}"))
    }

    /// The subscription's id.
    pub fn subscription(&self) -> &str {
        self.text.split('/').nth(2).unwrap_or("")
    }

    /// The resource group's name; empty for a resource outside any group.
    pub fn resource_group(&self) -> &str {
        let mut segments = self.text.split('/').skip(3);
        match segments.next() {
            Some(word) if word.eq_ignore_ascii_case("resourcegroups") => {
                segments.next().unwrap_or("")
            }
            _ => "",
        }
    }

    /// Everything that the resource stands below, itself included, in lower case: its parents, its group, its subscription.
    pub fn scopes(&self) -> Vec<String> {
        let mut scopes = vec![self.key.to_string()];
        let mut above = self.parent();
        while let Some(parent) = above {
            scopes.push(parent.key.to_string());
            above = parent.parent();
        }
        let subscription = format!("/subscriptions/{}", self.subscription().to_ascii_lowercase());
        let group = self.resource_group().to_ascii_lowercase();
        scopes.push(format!("{subscription}/resourcegroups/{group}"));
        scopes.push(subscription);
        scopes
    }

    /// What an extension resource, such as a lock, is about; in lower case.
    pub fn scope(&self) -> String {
        self.key.rfind("/providers/").map_or(String::new(), |at| self.key[..at].to_owned())
    }

    /// The nth name in the part after `/providers/`, counted from 0: of a subnet, 0 is the network and 1 the subnet.
    pub fn name_at(&self, index: usize) -> &str {
        let at = self.key.rfind("/providers/").map_or(0, |at| at + "/providers/".len());
        self.text[at..].split('/').nth(2 + 2 * index).unwrap_or("")
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for ResourceId {}
impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}
impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
impl fmt::Debug for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
impl serde::Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_outside() {
            true => serializer.serialize_none(),
            false => serializer.serialize_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
