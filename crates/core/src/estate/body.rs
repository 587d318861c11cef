//! Reads fields of one ARM body wherever they stand: under `properties` as ARM returns them, or flattened as az prints them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::Missing;
use super::shared::Shared;
use super::unresolved::is_unresolved;
use crate::id::ResourceId;

/// Something in an input that could not be read, with where it stands. Nothing is dropped without one of these.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The file, or `-` for standard input.
    pub file: String,
    /// JSON pointer into that file.
    pub pointer: String,
    /// What is wrong with it, and what follows from that.
    pub message: String,
}

/// Where a body stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, or `-` for standard input.
    pub file: Arc<str>,
    /// JSON pointer of the body in that file.
    pub pointer: String,
}

impl Origin {
    /// Something that could not be read here.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_string(),
            pointer: self.pointer.clone(),
            message: message.into(),
        }
    }
}

/// A JSON object at a place, with the list that problems go to.
pub(crate) struct Node<'a> {
    value: &'a Value,
    /// Pointer from the body of the resource.
    pub(crate) pointer: String,
}

/// Collects problems of one resource, and knows what others said alike.
pub(crate) struct Problems<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) list: &'a mut Vec<Problem>,
    pub(crate) shared: &'a mut Shared,
}

impl Problems<'_> {
    pub(crate) fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.list.push(Problem {
            file: self.origin.file.to_string(),
            pointer: format!("{}{pointer}", self.origin.pointer),
            message: message.into(),
        });
    }
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Node<'a> {
        Node { value, pointer: String::new() }
    }

    /// The field `name`, under `properties` or beside it. Null counts as absent. Below something unresolved every field is there,
    /// and unresolved: none of them may count as absent.
    pub(crate) fn field(&self, name: &str) -> Option<Node<'a>> {
        let properties = self.value.get("properties").filter(|inner| is_unresolved(inner));
        if let Some(value) = properties.or(is_unresolved(self.value).then_some(self.value)) {
            return Some(Node { value, pointer: format!("{}/{name}", self.pointer) });
        }
        let nested = self.value.get("properties").and_then(|inner| inner.get(name));
        let (value, prefix) = match nested {
            Some(value) => (value, "/properties"),
            None => (self.value.get(name)?, ""),
        };
        if value.is_null() {
            return None;
        }
        Some(Node { value, pointer: format!("{}{prefix}/{name}", self.pointer) })
    }

    /// Walks `a.b.c`.
    pub(crate) fn path(&self, path: &str) -> Option<Node<'a>> {
        let mut steps = path.split('.');
        let mut node = self.field(steps.next()?)?;
        for step in steps {
            node = node.field(step)?;
        }
        Some(node)
    }

    /// The elements of the array at `path`; `None` when there is no such field.
    pub(crate) fn array(&self, path: &str, problems: &mut Problems) -> Option<Vec<Node<'a>>> {
        let node = self.path(path)?;
        let Some(items) = node.value.as_array() else {
            if node.is_unresolved() {
                return None;
            }
            problems.add(&node.pointer, "is not a list; it is read as not observed");
            return None;
        };
        let place = |index| format!("{}/{index}", node.pointer);
        Some(
            items
                .iter()
                .enumerate()
                .filter(|(_, value)| !value.is_null())
                .map(|(index, value)| Node { value, pointer: place(index) })
                .collect(),
        )
    }

    /// Whether the field at `path` is there and could not be resolved.
    pub(crate) fn is_unresolved_at(&self, path: &str) -> bool {
        self.path(path).is_some_and(|node| node.is_unresolved())
    }

    /// Whether the input could not be resolved here; that was said when it was read.
    fn is_unresolved(&self) -> bool {
        is_unresolved(self.value)
    }

    pub(crate) fn as_str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text at `path`; an empty text counts as absent.
    pub(crate) fn text(&self, path: &str, problems: &mut Problems) -> Option<String> {
        let node = self.path(path).filter(|node| !node.is_unresolved())?;
        match node.value {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                problems.add(&node.pointer, "is not a text; it is read as not observed");
                None
            }
        }
    }

    /// A text, or a truth value as a text.
    pub(crate) fn word(&self, path: &str, problems: &mut Problems) -> Option<String> {
        match self.path(path)?.value {
            Value::Bool(flag) => Some(flag.to_string()),
            _ => self.text(path, problems),
        }
    }

    pub(crate) fn flag(&self, path: &str, problems: &mut Problems) -> Option<bool> {
        let node = self.path(path).filter(|node| !node.is_unresolved())?;
        match node.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => {
                problems
                    .add(&node.pointer, "is neither true nor false; it is read as not observed");
                None
            }
        }
    }

    pub(crate) fn number(&self, path: &str, problems: &mut Problems) -> Option<u64> {
        let node = self.path(path).filter(|node| !node.is_unresolved())?;
        let number = node.value.as_u64().or_else(|| node.value.as_str()?.parse().ok());
        if number.is_none() {
            problems.add(&node.pointer, "is not a whole number; it is read as not observed");
        }
        number
    }

    /// `Enabled` or `Disabled` at `path`.
    pub(crate) fn switch(&self, path: &str, problems: &mut Problems) -> Option<bool> {
        let text = self.text(path, problems)?;
        match text.to_ascii_lowercase().as_str() {
            "enabled" => Some(true),
            "disabled" => Some(false),
            _ => {
                let pointer = self.path(path).map_or(String::new(), |node| node.pointer);
                problems.add(
                    &pointer,
                    format!("`{text}` is neither Enabled nor Disabled; it is read as not observed"),
                );
                None
            }
        }
    }

    /// The resource id at `path`.
    pub(crate) fn id(&self, path: &str, problems: &mut Problems) -> Option<ResourceId> {
        let node = self.path(path).filter(|node| !node.is_unresolved())?;
        let text = node.as_str().unwrap_or("");
        if text.is_empty() && node.value.is_string() {
            return None;
        }
        let id = ResourceId::parse(text).map(|id| problems.shared.id(id));
        if id.is_none() {
            problems.add(&node.pointer, "is not a resource id; it is read as not observed");
        }
        id
    }

    /// Texts of the array at `path`; absent gives an empty list.
    pub(crate) fn texts(&self, path: &str, problems: &mut Problems) -> Vec<String> {
        let mut texts = Vec::new();
        for node in self.array(path, problems).unwrap_or_default() {
            match node.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => problems.add(&node.pointer, "is not a text; it is left out"),
            }
        }
        texts
    }

    /// Networks of the singular and the plural field: Azure uses either. IPv6 is left out: PostgreSQL on Azure is reached over IPv4.
    /// Empty, which reads as not observed, when one of them cannot be read.
    pub(crate) fn networks(&self, one: &str, many: &str, problems: &mut Problems) -> Vec<Ipv4Net> {
        let mut nodes: Vec<Node> = self.array(many, problems).unwrap_or_default();
        if nodes.is_empty() {
            nodes.extend(self.path(one));
        }
        let mut networks = Vec::new();
        for node in nodes {
            let text = node.as_str().unwrap_or("");
            match parse_network(text) {
                Some(network) => networks.push(network),
                None if text.contains(':') => {}
                None if node.is_unresolved() => return Vec::new(),
                None => {
                    let message = format!(
                        "`{text}` is not an address prefix; the list is read as not observed"
                    );
                    problems.add(&node.pointer, message);
                    return Vec::new();
                }
            }
        }
        networks
    }

    /// Addresses of the array at `path`; `None` when there is no such list or one of them cannot be read.
    pub(crate) fn addresses(&self, path: &str, problems: &mut Problems) -> Option<Vec<Ipv4Addr>> {
        let mut addresses = Vec::new();
        for node in self.array(path, problems)? {
            match node.as_str().unwrap_or("").parse::<IpAddr>() {
                Ok(IpAddr::V4(address)) => addresses.push(address),
                Ok(IpAddr::V6(_)) => {}
                Err(_) => {
                    problems
                        .add(&node.pointer, "is not an address; the list is read as not observed");
                    return None;
                }
            }
        }
        Some(addresses)
    }

    /// What the object at `name` refers to by its `id`.
    pub(crate) fn reference(&self, name: &str, problems: &mut Problems) -> Reference {
        let Some(node) = self.field(name) else { return Reference::None };
        match node.id("id", problems) {
            Some(id) => Reference::To(id),
            None if node.is_unresolved()
                || node.field("id").is_some_and(|id| id.is_unresolved()) =>
            {
                Reference::Unreadable
            }
            None => {
                problems.add(
                    &node.pointer,
                    "names no resource; what it refers to counts as not observed",
                );
                Reference::Unreadable
            }
        }
    }
}

/// What a field refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Nothing: the field is not there.
    None,
    /// A resource.
    To(ResourceId),
    /// Something that could not be read.
    Unreadable,
}

impl Reference {
    /// The resource, where there is one that could be read.
    pub fn to(&self) -> Option<&ResourceId> {
        if let Reference::To(id) = self { Some(id) } else { None }
    }

    /// The resource; `None` when there is none.
    ///
    /// # Errors
    /// [`Missing`] when the reference could not be read.
    pub fn id(&self, owner: &ResourceId, field: &str) -> Result<Option<&ResourceId>, Missing> {
        match self {
            Reference::None => Ok(None),
            Reference::To(id) => Ok(Some(id)),
            Reference::Unreadable => Err(Missing::field(owner, field)),
        }
    }
}

/// `10.0.0.0/8`, or a single address.
pub(crate) fn parse_network(text: &str) -> Option<Ipv4Net> {
    if let Ok(network) = text.parse::<Ipv4Net>() {
        return Some(network.trunc());
    }
    Some(Ipv4Net::from(text.parse::<Ipv4Addr>().ok()?))
}
