//! ARM resource ids: compared without regard to case, shown as they were written.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The id of an Azure resource, such as
/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/N`.
///
/// Two ids are equal when they differ in letter case only (Azure answers with either case). Copies are cheap.
#[derive(Clone)]
pub struct ResourceId(Arc<Inner>);

struct Inner {
    text: Box<str>,
    /// Of the lower-case form: ids that differ are told apart by it.
    hash: u64,
    parent: Option<ResourceId>,
}

/// Bytes of an id at most. Azure's own stay below: names end at 260, and the deepest types have four.
const BYTES_MAX: usize = 2048;

impl ResourceId {
    /// Reads an id. `None` when the text does not have the form of one: it must start with `/subscriptions/`, name a
    /// provider, and pair every type with a name.
    pub fn parse(text: &str) -> Option<ResourceId> {
        const START: &str = "/subscriptions/";
        let trimmed = text.trim().trim_end_matches('/');
        let has_start =
            trimmed.get(..START.len()).is_some_and(|own| own.eq_ignore_ascii_case(START));
        if !has_start || trimmed.contains("//") || trimmed.len() > BYTES_MAX {
            return None;
        }
        let segments = trimmed[provider_start(trimmed)?..].split('/').count();
        if segments < 3 || segments.is_multiple_of(2) {
            return None;
        }
        Some(ResourceId::of(trimmed))
    }

    fn of(text: &str) -> ResourceId {
        let hash = hash_on(0xcbf2_9ce4_8422_2325, text);
        let cut = text.rmatch_indices('/').nth(1).map(|(at, _)| at);
        let parent = cut.and_then(|at| ResourceId::parse(&text[..at]));
        ResourceId(Arc::new(Inner { text: text.into(), hash, parent }))
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
        !self.0.text.starts_with('/')
    }

    /// The id as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The lower-case form under which the id is compared.
    pub fn key(&self) -> String {
        self.0.text.to_ascii_lowercase()
    }

    /// The last name in the id.
    pub fn name(&self) -> &str {
        self.0.text.rsplit('/').next().unwrap_or("")
    }

    /// The type in lower case, such as `microsoft.network/virtualnetworks/subnets`.
    pub fn resource_type(&self) -> String {
        self.type_words().collect::<Vec<_>>().join("/").to_ascii_lowercase()
    }

    /// Whether the type is this one, given in lower case.
    pub fn is_type(&self, kind: &str) -> bool {
        let mut words = self.type_words();
        kind.split('/').all(|one| words.next().is_some_and(|own| own.eq_ignore_ascii_case(one)))
            && words.next().is_none()
    }

    /// The provider and the types below it, as they were written.
    fn type_words(&self) -> impl Iterator<Item = &str> {
        let mut segments = self.tail().split('/');
        segments.next().into_iter().chain(segments.step_by(2))
    }

    /// What follows the last `/providers/`.
    fn tail(&self) -> &str {
        provider_start(&self.0.text).map_or("", |at| &self.0.text[at..])
    }

    /// The resource that this one is a child of; `None` for a top-level resource.
    pub fn parent(&self) -> Option<ResourceId> {
        self.0.parent.clone()
    }

    /// The same id, which shares this parent with others.
    pub(crate) fn with_parent(&self, parent: ResourceId) -> ResourceId {
        let (text, hash) = (self.0.text.clone(), self.0.hash);
        ResourceId(Arc::new(Inner { text, hash, parent: Some(parent) }))
    }

    /// The id of a child, such as `vnet.child("subnets", "app")`.
    pub fn child(&self, kind: &str, name: &str) -> ResourceId {
        let text = format!("{}/{kind}/{name}", self.0.text);
        if self.is_outside() || kind.contains('/') || name.contains('/') {
            return ResourceId::of(&text);
        }
        let hash = hash_on(self.0.hash, &text[self.0.text.len()..]);
        ResourceId(Arc::new(Inner { text: text.into(), hash, parent: Some(self.clone()) }))
    }

    /// A resource of another type in the same resource group, such as `vnet.sibling("Microsoft.Network/privateEndpoints", "pe")`.
    pub fn sibling(&self, kind: &str, name: &str) -> ResourceId {
        let group = match self.key().find(PROVIDERS) {
            Some(at) => &self.0.text[..at],
            None => &self.0.text,
        };
        ResourceId::of(&format!("{group}/providers/{kind}/{name}"))
    }

    /// The subscription's id.
    pub fn subscription(&self) -> &str {
        self.0.text.split('/').nth(2).unwrap_or("")
    }

    /// The resource group's name; empty for a resource outside any group.
    pub fn resource_group(&self) -> &str {
        let mut segments = self.0.text.split('/').skip(3);
        match segments.next() {
            Some(word) if word.eq_ignore_ascii_case("resourcegroups") => {
                segments.next().unwrap_or("")
            }
            _ => "",
        }
    }

    /// Everything that the resource stands below, itself included, in lower case: its parents, its group, its subscription.
    pub fn scopes(&self) -> Vec<String> {
        let mut scopes = vec![self.key()];
        let mut above = self.parent();
        while let Some(parent) = above {
            scopes.push(parent.key());
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
        self.scope_as_written().to_ascii_lowercase()
    }

    /// The same, as it is written.
    pub fn scope_as_written(&self) -> &str {
        let end = provider_start(&self.0.text).map_or(0, |at| at - PROVIDERS.len());
        &self.0.text[..end]
    }

    /// The nth name in the part after `/providers/`, counted from 0: of a subnet, 0 is the network and 1 the subnet.
    pub fn name_at(&self, index: usize) -> &str {
        self.tail().split('/').nth(2 + 2 * index).unwrap_or("")
    }
}

/// FNV-1a of a text in lower case, carried on from what stands before it.
fn hash_on(before: u64, text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    };
    text.bytes().fold(before, mix)
}

const PROVIDERS: &str = "/providers/";

/// Where the part after the last `/providers/` of an id starts.
fn provider_start(text: &str) -> Option<usize> {
    let is_it = |&(at, _): &(usize, &str)| {
        let word = text.get(at..at + PROVIDERS.len());
        word.is_some_and(|word| word.eq_ignore_ascii_case(PROVIDERS))
    };
    text.rmatch_indices('/').find(is_it).map(|(at, _)| at + PROVIDERS.len())
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.hash == other.0.hash && self.0.text.eq_ignore_ascii_case(&other.0.text)
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
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        let (own, other) = (self.0.text.as_bytes(), other.0.text.as_bytes());
        // Ids of one group share most of their text.
        let lower = |byte: &u8| byte.to_ascii_lowercase();
        let pairs = own.iter().zip(other).filter(|(one, two)| one != two);
        let mut orders = pairs.map(|(one, two)| lower(one).cmp(&lower(two)));
        let first = orders.find(|order| order.is_ne());
        first.unwrap_or_else(|| own.len().cmp(&other.len()))
    }
}
impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash.hash(state);
    }
}
impl fmt::Display for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.text)
    }
}
impl fmt::Debug for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.text)
    }
}
impl serde::Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_outside() {
            true => serializer.serialize_none(),
            false => serializer.serialize_str(&self.0.text),
        }
    }
}
