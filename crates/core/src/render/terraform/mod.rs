//! Plans as Terraform: new things by the azurerm provider, edits of things that exist by azapi,
//! deletions as commands.

mod azurerm;
mod hcl;

use serde_json::{Value, json};

use self::azurerm::Known;
use self::hcl::{Attributes, Block, attribute, string, value};
use super::names::{self, Symbols};
use super::{
    Address, Manner, address, depends, follows, head, is_new, manner, one_line, remarks, share_top,
};
use crate::change::{Change, Edit};
use crate::id::ResourceId;
use crate::plan::Plan;

/// The major version of the azurerm provider: 5 took Single Server away and renamed arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Azurerm {
    /// `~> 4.0`
    V4,
    /// `~> 5.0`
    V5,
}

/// How a change is written.
enum Form<'p> {
    /// A resource of azurerm, with the zone group that a later change attaches to it.
    Azurerm { known: Known, group: Option<&'p Change> },
    /// A resource of azapi.
    Azapi,
    /// Fields of something that exists.
    Update,
    /// A request, sent once.
    Action,
    /// A block of the endpoint that an earlier change makes.
    InEndpoint,
    /// Commands beside Terraform.
    Commands,
}

/// A change with its form and its address in the file.
struct Item<'p> {
    number: usize,
    change: &'p Change,
    address: Option<Address>,
    form: Form<'p>,
    /// Such as `azurerm_subnet.subnet`; empty for commands and blocks.
    label: String,
}

/// The plan as one file. Strings of the estate are escaped: nothing in them becomes a template.
pub fn text(plan: &Plan, version: Azurerm) -> String {
    let mut lines = head(plan);
    if plan.changes.is_empty() {
        return comment(&lines);
    }
    lines.extend(
        [
            "",
            "These resources stand beside yours. Where your own configuration holds rules, subnets or zone groups",
            "as blocks of their parent, move them there: Terraform would take them out again otherwise.",
        ]
        .map(str::to_owned),
    );
    let items = items(plan, version);
    let mut file = format!("{}\n{}", comment(&lines), settings(&items, version));
    for (index, item) in items.iter().enumerate() {
        file.push_str(&format!("\n{}", comment(&remarks(plan, item.number - 1))));
        file.push_str(&write(item, index, &items));
    }
    file
}

fn items(plan: &Plan, version: Azurerm) -> Vec<Item<'_>> {
    let mut symbols = Symbols::default();
    let mut items: Vec<Item> = Vec::new();
    for (index, change) in plan.changes.iter().enumerate() {
        let address = address(change);
        let form = form(change, address.as_ref(), &mut items, version);
        let kind = match &form {
            Form::Azurerm { known, .. } => known.name,
            Form::Azapi => "azapi_resource",
            Form::Update => "azapi_update_resource",
            Form::Action => "azapi_resource_action",
            Form::InEndpoint | Form::Commands => "",
        };
        let label = match (&address, kind) {
            (_, "") | (None, _) => String::new(),
            (Some(address), kind) => {
                format!("{kind}.{}", symbols.take(names::terraform(&address.id), "_"))
            }
        };
        items.push(Item { number: index + 1, change, address, form, label });
    }
    items
}

fn form<'p>(
    change: &'p Change,
    address: Option<&Address>,
    earlier: &mut [Item<'p>],
    version: Azurerm,
) -> Form<'p> {
    let Some(address) = address else { return Form::Commands };
    // The record that a zone group writes may be there before; the group of an endpoint that is made here is not.
    if change.request.method == "PUT"
        && address.id.resource_type() == "microsoft.network/privateendpoints/privatednszonegroups"
    {
        let parent = address.id.parent();
        let endpoint =
            earlier.iter_mut().find(|item| Some(&item.change.resource) == parent.as_ref());
        if let Some(Item { form: Form::Azurerm { group, .. }, .. }) = endpoint {
            *group = Some(change);
            return Form::InEndpoint;
        }
    }
    match (change.request.method, manner(change, address)) {
        ("DELETE", _) => return Form::Commands,
        ("PATCH", _) => return Form::Update,
        (_, Manner::Requested) => return Form::Action,
        (_, Manner::Declared) if !is_new(change) => return Form::Update,
        (_, Manner::Declared) => {}
    }
    match azurerm::known(&address.id, &change.request.body, version) {
        Some(known) => Form::Azurerm { known, group: None },
        None => Form::Azapi,
    }
}

/// The `terraform` block, and a `provider` block for each subscription.
fn settings(items: &[Item], version: Azurerm) -> String {
    let pin = |name: &str, source: &str, version: &str| {
        let fields = json!({ "source": source, "version": version });
        attribute(name, value(&fields, 2, &|_| None))
    };
    let uses = |word: &str| items.iter().any(|item| item.label.starts_with(word));
    let mut pins = Vec::new();
    if uses("azurerm_") {
        let wanted = match version {
            Azurerm::V4 => "~> 4.0",
            Azurerm::V5 => "~> 5.0",
        };
        pins.push(pin("azurerm", "hashicorp/azurerm", wanted));
    }
    if uses("azapi_") {
        pins.push(pin("azapi", "Azure/azapi", "~> 2.0"));
    }
    if pins.is_empty() {
        return String::new();
    }
    let required = Block::new("required_providers", pins);
    let least = vec![attribute("required_version", string(">= 1.5"))];
    let mut text = Block::new("terraform", least).with(vec![required]).write(0);
    for (index, subscription) in subscriptions(items).iter().enumerate() {
        let mut attributes = Attributes::new();
        if let Some(alias) = alias(index) {
            attributes.push(attribute("alias", string(&alias)));
        }
        attributes.push(attribute("subscription_id", string(subscription)));
        let block = Block::new("provider \"azurerm\"", attributes);
        text.push_str(&format!("\n{}", block.with(vec![Block::new("features", vec![])]).write(0)));
    }
    text
}

/// Subscriptions that azurerm works in, the one without an alias first.
fn subscriptions(items: &[Item]) -> Vec<String> {
    let mut all = Vec::new();
    for item in items.iter().filter(|item| matches!(item.form, Form::Azurerm { .. })) {
        let own = item.change.resource.subscription().to_ascii_lowercase();
        if !all.contains(&own) {
            all.push(own);
        }
    }
    all
}

fn alias(index: usize) -> Option<String> {
    (index > 0).then(|| format!("subscription_{}", index + 1))
}

fn write(item: &Item, index: usize, items: &[Item]) -> String {
    let (Some(address), body) = (&item.address, &item.change.request.body) else {
        return commands(item, index, items);
    };
    let reference = |text: &str| reference(text, item, items);
    let kind = string(&format!("{}@{}", names::spelled_type(&address.id), address.api));
    let mut attributes = vec![attribute("type", kind)];
    let mut blocks = Vec::new();
    match &item.form {
        Form::Commands => return commands(item, index, items),
        Form::InEndpoint => {
            return comment(&[
                "   The block private_dns_zone_group of the endpoint above.".to_owned()
            ]);
        }
        Form::Azurerm { known, group } => {
            attributes = azurerm::arguments(known, &address.id, body, &reference);
            let own = address.id.subscription().to_ascii_lowercase();
            let place = subscriptions(items).iter().position(|one| *one == own);
            if let Some(alias) = place.and_then(alias) {
                attributes.insert(0, attribute("provider", format!("azurerm.{alias}")));
            }
            let group = group.map(|change| (change.resource.name(), &change.request.body));
            blocks = azurerm::blocks(known, body, group, &reference);
        }
        Form::Azapi => {
            let parent = address.id.parent().map_or_else(
                || address.id.as_str().split("/providers/").next().unwrap_or("").to_owned(),
                |parent| parent.as_str().to_owned(),
            );
            let parent = reference(&parent).unwrap_or_else(|| string(&names::canonical(&parent)));
            attributes.push(attribute("parent_id", parent));
            attributes.push(attribute("name", string(address.id.name())));
            if let Some(location) = body.get("location") {
                attributes.push(attribute("location", value(location, 1, &reference)));
            }
            let properties = json!({ "properties": body["properties"] });
            attributes.push(attribute("body", value(&properties, 1, &reference)));
        }
        Form::Update => {
            attributes.push(attribute("resource_id", string(address.id.as_str())));
            let fields = changed_fields(item.change);
            attributes.push(attribute("body", value(&fields, 1, &reference)));
        }
        Form::Action => {
            attributes.push(attribute("resource_id", string(address.id.as_str())));
            attributes.push(attribute("method", string(item.change.request.method)));
            if !address.query.is_empty() {
                let query: serde_json::Map<String, Value> = address
                    .query
                    .iter()
                    .map(|(name, text)| (name.clone(), json!([text])))
                    .collect();
                let query = value(&Value::Object(query), 1, &reference);
                attributes.push(attribute("query_parameters", query));
            }
            if !body.is_null() {
                attributes.push(attribute("body", value(body, 1, &reference)));
            }
        }
    }
    let before = before(item, index, items);
    if !before.is_empty() {
        attributes.push(attribute("depends_on", format!("[{}]", before.join(", "))));
    }
    let (kind, label) = item.label.split_once('.').unwrap_or((&item.label, ""));
    Block::new(format!("resource \"{kind}\" \"{label}\""), attributes).with(blocks).write(0)
}

/// The reference to what has this id, when the file declares it.
fn reference(text: &str, own: &Item, items: &[Item]) -> Option<String> {
    let id = ResourceId::parse(text)?;
    let is_declared = |item: &&Item| matches!(item.form, Form::Azurerm { .. } | Form::Azapi);
    let item = items.iter().filter(is_declared).find(|item| item.change.resource == id);
    item.filter(|item| item.number != own.number).map(|item| format!("{}.id", item.label))
}

/// The last earlier change of the same network, group or zone, and what lends a gateway: Azure takes one at a time, and references would
/// not keep the order.
fn before<'i>(item: &Item, index: usize, items: &'i [Item]) -> Vec<&'i str> {
    let own = &item.change.resource;
    let earlier = || items[..index].iter().rev().filter(|one| !one.label.is_empty());
    let last = earlier().find(|one| share_top(&one.change.resource, own));
    let lender = earlier().find(|one| follows(item.change, one.change));
    let is_referred = |one: &Item| {
        depends(item.change, one.change) && matches!(one.form, Form::Azurerm { .. } | Form::Azapi)
    };
    let all = last.into_iter().chain(lender).filter(|one| !is_referred(one));
    all.map(|one| one.label.as_str()).collect()
}

/// What an edit changes: the fields alone where the change says which, else the whole body.
fn changed_fields(change: &Change) -> Value {
    let own = change.edits.iter().find_map(|edit| match edit {
        Edit::Patch(id, fields) if *id == change.resource => Some(fields),
        _ => None,
    });
    let properties = own.unwrap_or(&change.request.body["properties"]);
    json!({ "properties": properties })
}

/// A change that is made beside Terraform, and when.
fn commands(item: &Item, index: usize, items: &[Item]) -> String {
    let is_applied = |item: &Item| !item.label.is_empty();
    let when = match (items[..index].iter().any(is_applied), items[index..].iter().any(is_applied))
    {
        (false, true) => "before `terraform apply`",
        (true, false) => "after `terraform apply`",
        (false, false) => "now",
        (true, true) => {
            "between: `terraform apply` with `-target` of what stands above, this, `terraform apply`"
        }
    };
    let mut lines = vec![format!(
        "   Terraform deletes only what it manages. If it manages this, take it out there; else run, {when}:"
    )];
    lines.extend(item.change.az.iter().map(|line| one_line(&format!("   {line}"))));
    comment(&lines)
}

fn comment(lines: &[String]) -> String {
    lines.iter().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}
