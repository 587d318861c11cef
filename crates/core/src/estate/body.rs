//! Reads fields of one ARM body wherever they stand: under `properties` as ARM returns them, or flattened as az prints them.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use super::json::Json;
use super::problem::Problems;
use super::reference::Reference;
use super::unresolved::MARK;
use crate::id::ResourceId;
use ipnet::Ipv4Net;

/// A JSON value at a place in a body.
pub(crate) struct Node<'a> {
    value: &'a Json<'a>,
    place: Place<'a>,
}

/// Where a value stands, from the body of the resource: written as a pointer only where somebody asks.
#[derive(Clone)]
struct Place<'a>(Option<Rc<(Place<'a>, Step<'a>)>>);

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    fn below(&self, step: Step<'a>) -> Place<'a> {
        Place(Some(Rc::new((self.clone(), step))))
    }

    fn write(&self, out: &mut String) {
        let Some(own) = &self.0 else { return };
        own.0.write(out);
        out.push('/');
        match own.1 {
            Step::Field(name) => out.push_str(name),
            Step::Item(index) => out.push_str(&index.to_string()),
        }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Json<'a>) -> Node<'a> {
        Node { value, place: Place(None) }
    }

    /// Pointer from the body of the resource.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.place.write(&mut pointer);
        pointer
    }

    /// Pointer of the field at `path`; its own where there is none.
    pub(crate) fn pointer_to(&self, path: &'a str) -> String {
        self.path(path).map_or_else(|| self.pointer(), |node| node.pointer())
    }

    /// Whether it stands below the `properties` of the body.
    pub(crate) fn is_under_properties(&self) -> bool {
        let (mut place, mut first) = (&self.place, None);
        while let Some(own) = &place.0 {
            (place, first) = (&own.0, Some(own.1));
        }
        matches!(first, Some(Step::Field("properties")))
    }

    /// Position in the list that it is an element of.
    pub(crate) fn index(&self) -> Option<usize> {
        match self.place.0.as_ref()?.1 {
            Step::Item(index) => Some(index),
            Step::Field(_) => None,
        }
    }

    /// The field `name`, under `properties` or beside it. Null counts as absent. Below something unresolved every field is there,
    /// and unresolved: none of them may count as absent.
    pub(crate) fn field(&self, name: &'a str) -> Option<Node<'a>> {
        let found = find(self.value, name)?;
        let place = match found.is_nested {
            true => self.place.below(Step::Field("properties")),
            false => self.place.clone(),
        };
        Some(Node { value: found.value, place: place.below(Step::Field(name)) })
    }

    /// Walks `a.b.c`.
    pub(crate) fn path(&self, path: &'a str) -> Option<Node<'a>> {
        let mut steps = path.split('.');
        let mut node = self.field(steps.next()?)?;
        for step in steps {
            node = node.field(step)?;
        }
        Some(node)
    }

    /// What [`path`](Self::path) leads to.
    fn value_at(&self, path: &str) -> Option<&'a Json<'a>> {
        path.split('.').try_fold(self.value, |value, step| Some(find(value, step)?.value))
    }

    /// The same; unresolved counts as absent.
    pub(crate) fn known_at(&self, path: &str) -> Option<&'a Json<'a>> {
        self.value_at(path).filter(|value| !is_unresolved(value))
    }

    /// The same. Where the way to it ends at something that has no fields, that is said, once for all fields below.
    fn read_at(&self, path: &'a str, problems: &mut Problems) -> Option<&'a Json<'a>> {
        if let Some(value) = self.value_at(path) {
            return Some(value).filter(|value| !is_unresolved(value));
        }
        let bends = path.match_indices('.').map(|(dot, _)| &path[..dot]);
        let has_no_fields = |above: &&str| {
            let value = self.known_at(above);
            value.is_some_and(|value| value.fields().is_none())
        };
        if let Some(above) = bends.into_iter().find(has_no_fields) {
            problems.add_once(&self.pointer_to(above), "is not an object; nothing is read of it");
        }
        None
    }

    /// Says of the field at `path` what it is not.
    fn complain(&self, path: &'a str, message: impl Into<String>, problems: &mut Problems) {
        problems.add(&self.pointer_to(path), message);
    }

    /// The elements of the array at `path`; `None` when there is no such field.
    pub(crate) fn array(&self, path: &'a str, problems: &mut Problems) -> Option<Vec<Node<'a>>> {
        let value = self.read_at(path, problems)?;
        let Some(items) = value.list() else {
            self.complain(path, "is not a list; it is read as not observed", problems);
            return None;
        };
        if items.is_empty() {
            return Some(Vec::new());
        }
        let place = self.path(path)?.place;
        let node = |(index, value)| Node { value, place: place.below(Step::Item(index)) };
        Some(items.iter().enumerate().map(node).collect())
    }

    /// The same where no such list is an empty one; `None` where it is there and cannot be read.
    pub(crate) fn list(&self, name: &'a str, problems: &mut Problems) -> Option<Vec<Node<'a>>> {
        match self.field(name) {
            None => Some(Vec::new()),
            Some(_) => self.array(name, problems),
        }
    }

    /// Whether the field at `path` is there and could not be resolved.
    pub(crate) fn is_unresolved_at(&self, path: &str) -> bool {
        self.value_at(path).is_some_and(is_unresolved)
    }

    /// Whether the input could not be resolved here; that was said when it was read.
    fn is_unresolved(&self) -> bool {
        is_unresolved(self.value)
    }

    /// Whether it has fields.
    pub(crate) fn is_object(&self) -> bool {
        self.value.fields().is_some()
    }

    pub(crate) fn as_str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text at `path`; an empty text counts as absent.
    pub(crate) fn text(&self, path: &'a str, problems: &mut Problems) -> Option<String> {
        self.borrowed_text(path, problems).map(Cow::into_owned)
    }

    /// The same, borrowed from the body.
    pub(crate) fn borrowed_text(
        &self,
        path: &'a str,
        problems: &mut Problems,
    ) -> Option<Cow<'a, str>> {
        match self.read_at(path, problems)? {
            Json::Text(text) if text.is_empty() => None,
            Json::Text(text) => Some(Cow::Borrowed(text)),
            Json::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => {
                self.complain(path, "is not a text; it is read as not observed", problems);
                None
            }
        }
    }

    /// A text, or a truth value as a text.
    pub(crate) fn word(&self, path: &'a str, problems: &mut Problems) -> Option<String> {
        match self.value_at(path)? {
            Json::Bool(flag) => Some(flag.to_string()),
            _ => self.text(path, problems),
        }
    }

    pub(crate) fn flag(&self, path: &'a str, problems: &mut Problems) -> Option<bool> {
        match self.read_at(path, problems)? {
            Json::Bool(flag) => Some(*flag),
            Json::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Json::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => {
                let message = "is neither true nor false; it is read as not observed";
                self.complain(path, message, problems);
                None
            }
        }
    }

    pub(crate) fn number(&self, path: &'a str, problems: &mut Problems) -> Option<u64> {
        let number = match self.read_at(path, problems)? {
            Json::Number(number) => number.as_u64(),
            Json::Text(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.complain(path, "is not a whole number; it is read as not observed", problems);
        }
        number
    }

    /// `Enabled` or `Disabled` at `path`.
    pub(crate) fn switch(&self, path: &'a str, problems: &mut Problems) -> Option<bool> {
        let text = self.borrowed_text(path, problems)?;
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("enabled") || is("disabled") {
            return Some(is("enabled"));
        }
        let message =
            format!("`{text}` is neither Enabled nor Disabled; it is read as not observed");
        self.complain(path, message, problems);
        None
    }

    /// The resource id at `path`.
    pub(crate) fn id(&self, path: &'a str, problems: &mut Problems) -> Option<ResourceId> {
        let value = self.read_at(path, problems)?;
        let text = value.as_str();
        if text == Some("") {
            return None;
        }
        let id = text.and_then(|text| problems.shared.id(text));
        if id.is_none() {
            self.complain(path, "is not a resource id; it is read as not observed", problems);
        }
        id
    }

    /// Texts of the array at `path`; absent gives an empty list.
    pub(crate) fn texts(&self, path: &'a str, problems: &mut Problems) -> Vec<String> {
        let mut texts = Vec::new();
        for node in self.array(path, problems).unwrap_or_default() {
            match node.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => problems.add(&node.pointer(), "is not a text; it is left out"),
            }
        }
        texts
    }

    /// Networks of the singular and the plural field: Azure uses either. IPv6 is left out: PostgreSQL on Azure is reached over IPv4.
    /// Empty, which reads as not observed, when one of them cannot be read.
    pub(crate) fn networks(
        &self,
        one: &'a str,
        many: &'a str,
        problems: &mut Problems,
    ) -> Vec<Ipv4Net> {
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
                    problems.add(&node.pointer(), message);
                    return Vec::new();
                }
            }
        }
        networks
    }

    /// Addresses of the array at `path`; `None` when there is no such list or one of them cannot be read.
    pub(crate) fn addresses(
        &self,
        path: &'a str,
        problems: &mut Problems,
    ) -> Option<Vec<Ipv4Addr>> {
        let mut addresses = Vec::new();
        for node in self.array(path, problems)? {
            match node.as_str().unwrap_or("").parse::<IpAddr>() {
                Ok(IpAddr::V4(address)) => addresses.push(address),
                Ok(IpAddr::V6(_)) => {}
                Err(_) => {
                    problems.add(
                        &node.pointer(),
                        "is not an address; the list is read as not observed",
                    );
                    return None;
                }
            }
        }
        Some(addresses)
    }

    /// What the object at `name` refers to by its `id`.
    pub(crate) fn reference(&self, name: &'a str, problems: &mut Problems) -> Reference {
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
                    &node.pointer(),
                    "names no resource; what it refers to counts as not observed",
                );
                Reference::Unreadable
            }
        }
    }
}

/// A field, and whether it stands under `properties`.
struct Found<'a> {
    value: &'a Json<'a>,
    is_nested: bool,
}

fn find<'a>(value: &'a Json<'a>, name: &str) -> Option<Found<'a>> {
    let properties = value.get("properties");
    let unresolved = [properties, Some(value)].into_iter().flatten().find(|one| is_unresolved(one));
    if let Some(value) = unresolved {
        return Some(Found { value, is_nested: false });
    }
    let nested = properties.and_then(|inner| inner.get(name));
    let value = nested.or_else(|| value.get(name)).filter(|value| !value.is_null())?;
    Some(Found { value, is_nested: nested.is_some() })
}

/// Whether nothing is known of a value: the mark stands alone.
fn is_unresolved(value: &Json) -> bool {
    matches!(value.fields().map(Vec::as_slice), Some([(name, _)]) if name == MARK)
}

/// `10.0.0.0/8`, or a single address.
pub(crate) fn parse_network(text: &str) -> Option<Ipv4Net> {
    if let Ok(network) = text.parse::<Ipv4Net>() {
        return Some(network.trunc());
    }
    Some(Ipv4Net::from(text.parse::<Ipv4Addr>().ok()?))
}
