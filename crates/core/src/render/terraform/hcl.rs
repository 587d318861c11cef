//! The syntax of Terraform's language: strings, values, and blocks with their equals signs in line,
//! as `terraform fmt` has them.

use serde_json::Value;

use crate::render::names;

/// Attributes of a block in order: name and written value.
pub(super) type Attributes = Vec<(String, String)>;

/// A block with attributes, then blocks inside.
pub(super) struct Block {
    /// What opens it, such as `resource "azurerm_subnet" "subnet"`.
    pub(super) head: String,
    /// Its attributes.
    pub(super) attributes: Attributes,
    /// Blocks inside it.
    pub(super) blocks: Vec<Block>,
}

impl Block {
    pub(super) fn new(head: impl Into<String>, attributes: Attributes) -> Block {
        Block { head: head.into(), attributes, blocks: Vec::new() }
    }

    pub(super) fn with(mut self, blocks: Vec<Block>) -> Block {
        self.blocks = blocks;
        self
    }

    /// The block as text, at a depth.
    pub(super) fn write(&self, depth: usize) -> String {
        let outer = "  ".repeat(depth);
        if self.attributes.is_empty() && self.blocks.is_empty() {
            return format!("{outer}{} {{}}\n", self.head);
        }
        let mut text = format!("{outer}{} {{\n{}", self.head, aligned(&self.attributes, depth + 1));
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 || !self.attributes.is_empty() {
                text.push('\n');
            }
            text.push_str(&block.write(depth + 1));
        }
        text + &outer + "}\n"
    }
}

pub(super) fn attribute(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// Lines `name = value`: the signs of neighbours stand under each other, unless a value has several lines.
fn aligned(attributes: &[(String, String)], depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let is_long = |entry: &(String, String)| entry.1.contains('\n');
    let mut text = String::new();
    for run in attributes.chunk_by(|one, other| !is_long(one) && !is_long(other)) {
        let width = run.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in run {
            let gap = " ".repeat(width - name.chars().count());
            text.push_str(&format!("{indent}{name}{gap} = {value}\n"));
        }
    }
    text
}

/// A JSON value in the language; `reference` may say that a string is the id of something declared.
pub(super) fn value(
    json: &Value,
    depth: usize,
    reference: &dyn Fn(&str) -> Option<String>,
) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match json {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => reference(text).unwrap_or_else(|| string(&names::canonical(text))),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> =
                items.iter().map(|item| value(item, depth, reference)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Array(items) => {
            let lines: Vec<String> = items
                .iter()
                .map(|item| format!("{inner}{}", value(item, depth + 1, reference)))
                .collect();
            format!("[\n{}\n{outer}]", lines.join(",\n"))
        }
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields: Attributes = fields
                .iter()
                .map(|(name, field)| (key(name), value(field, depth + 1, reference)))
                .collect();
            format!("{{\n{}{outer}}}", aligned(&fields, depth + 1))
        }
    }
}

/// A name in an object: bare where it can be.
fn key(name: &str) -> String {
    let mut letters = name.chars();
    let is_bare = letters.next().is_some_and(|one| one.is_ascii_alphabetic() || one == '_')
        && letters.all(|one| one.is_ascii_alphanumeric() || one == '_');
    if is_bare { name.to_owned() } else { string(name) }
}

/// A quoted string; nothing in it is a template.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if letters.peek() == Some(&'{') => {
                quoted.push(letter);
                quoted.push(letter);
            }
            other if other.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(other)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
