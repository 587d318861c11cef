//! Instances of one side of a state or plan, put together into ARM resources: one resource may be written in several places.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::bodies::{body_of, children_of};
use super::configuration::refers_to;
use super::fields::{Fields, NOT_TOLD, not_told};
use super::identity::{self, Surroundings};
use super::instance::{Instance, text};
use super::members::{self, Member, Memberships};
use super::subscription::Subscriptions;
use super::{network, service};
use crate::estate::unresolved::{each_unresolved, is_unresolved, unresolved, why_unresolved};
use crate::estate::{Origin, Problem, merge, nested};
use crate::id::ResourceId;

/// What may be bound to a subnet, with the attribute under which provider 5 and versions before 2 tell it.
pub(super) const BOUND: [(&str, &str); 3] = [
    ("networkSecurityGroup", "network_security_group_id"),
    ("routeTable", "route_table_id"),
    (NAT_GATEWAY, "nat_gateway_id"),
];

/// No list of a network tells what NAT gateway a subnet has.
const NAT_GATEWAY: &str = "natGateway";

/// Ids made of other ids that are not known either: a record in a zone, a rule of a server.
const IDS_DEEP_MAX: usize = 8;

/// What a state or plan says of one resource.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) body: Value,
    pub(super) pointer: String,
    /// Whether the resource itself is there, or only something that is bound to it.
    pub(super) is_owner: bool,
    /// Whether the plan makes it.
    pub(super) is_new: bool,
    /// Whether the plan makes it in place of another one.
    pub(super) is_replaced: bool,
}

/// One side.
pub(super) struct World<'w> {
    pub(super) pieces: BTreeMap<ResourceId, Piece>,
    /// Instances of types that decide nothing here.
    pub(super) ignored_count: usize,
    instances: &'w [Instance],
    by_address: BTreeMap<&'w str, usize>,
    subscriptions: &'w Subscriptions,
    ids: RefCell<BTreeMap<usize, Option<ResourceId>>>,
    depth: RefCell<usize>,
    /// Properties that are bound to subnets which are not known.
    unplaced: BTreeSet<&'static str>,
    /// Properties that a resource of its own binds.
    bound: BTreeSet<(ResourceId, &'static str)>,
    /// Properties of subnets that an attribute says are not there.
    told_none: BTreeSet<(ResourceId, &'static str)>,
    /// ARM types, in lower case, of instances that were left out.
    left_out: BTreeSet<String>,
    /// Entries of lists.
    members: Vec<Member>,
}

/// What surrounds one instance, whose provider may have a subscription of its own.
struct Around<'a> {
    world: &'a World<'a>,
    own: Option<&'a String>,
}

impl Surroundings for Around<'_> {
    fn id(&self, value: &Value) -> Option<String> {
        self.world.id(value)
    }

    fn subscription(&self, group: &str) -> String {
        self.own.cloned().unwrap_or_else(|| self.world.subscription(group))
    }
}

impl Surroundings for World<'_> {
    fn id(&self, value: &Value) -> Option<String> {
        if let Some(text) = value.as_str() {
            return text.starts_with('/').then(|| text.to_owned());
        }
        let index = *self.by_address.get(refers_to(value)?)?;
        Some(self.id_at(index)?.as_str().to_owned())
    }

    fn subscription(&self, group: &str) -> String {
        let known = self.subscriptions.by_group.get(&group.to_ascii_lowercase());
        known.unwrap_or(&self.subscriptions.other).clone()
    }
}

impl<'w> World<'w> {
    pub(super) fn new(
        instances: &'w [Instance],
        subscriptions: &'w Subscriptions,
        origin: &Origin,
        problems: &mut Vec<Problem>,
    ) -> World<'w> {
        let addresses = instances.iter().enumerate();
        let mut world = World {
            pieces: BTreeMap::new(),
            ignored_count: 0,
            by_address: addresses.map(|(index, one)| (one.address.as_str(), index)).collect(),
            instances,
            subscriptions,
            ids: RefCell::default(),
            depth: RefCell::default(),
            unplaced: BTreeSet::new(),
            bound: BTreeSet::new(),
            told_none: BTreeSet::new(),
            left_out: BTreeSet::new(),
            members: Vec::new(),
        };
        for (index, instance) in instances.iter().enumerate() {
            world.take(index, instance, origin, problems);
        }
        for (id, piece) in &mut world.pieces {
            nested::doubt(id, &mut piece.body, &world.left_out);
        }
        world
    }

    /// The id of an instance, once it is needed.
    fn id_at(&self, index: usize) -> Option<ResourceId> {
        if let Some(known) = self.ids.borrow().get(&index) {
            return known.clone();
        }
        if *self.depth.borrow() >= IDS_DEEP_MAX {
            return None;
        }
        *self.depth.borrow_mut() += 1;
        let id = self.instances.get(index).and_then(|one| self.id_of(one).ok());
        *self.depth.borrow_mut() -= 1;
        self.ids.borrow_mut().insert(index, id.clone());
        id
    }

    fn id_of(&self, instance: &Instance) -> Result<ResourceId, String> {
        match identity::kind_of(&instance.kind) {
            Some(kind) => {
                let own = self.subscriptions.by_address.get(&instance.address);
                identity::id_of(&kind, &instance.values, &Around { world: self, own })
            }
            None => self.azapi_id(&instance.values),
        }
    }

    fn azapi_id(&self, values: &Value) -> Result<ResourceId, String> {
        let told =
            ["id", "resource_id"].iter().find_map(|name| ResourceId::parse(text(values, name)));
        if let Some(id) = told {
            return Ok(id);
        }
        let parent = self.id(values.get("parent_id").unwrap_or(&Value::Null));
        let parent = parent.ok_or("parent_id")?;
        let kind = text(values, "type").split('@').next().unwrap_or("").to_owned();
        let name = text(values, "name");
        let is_child = ResourceId::parse(&parent).is_some_and(|id| {
            kind.to_ascii_lowercase().starts_with(&format!("{}/", id.resource_type()))
        });
        let last = kind.rsplit('/').next().unwrap_or("");
        let id = match is_child {
            true => format!("{parent}/{last}/{name}"),
            false => format!("{parent}/providers/{kind}/{name}"),
        };
        ResourceId::parse(&id).filter(|_| !name.is_empty()).ok_or_else(|| "type".to_owned())
    }

    fn take(
        &mut self,
        index: usize,
        instance: &Instance,
        origin: &Origin,
        problems: &mut Vec<Problem>,
    ) {
        let values = self.with_ids(&instance.values);
        let fields = Fields { values: &values, is_new: instance.is_new };
        let mut say = |message: String| {
            let pointer = format!("{}{}", origin.pointer, instance.pointer);
            problems.push(Problem { file: origin.file.to_string(), pointer, message });
        };
        if let Some((owner, property, bound)) = service::binding(&instance.kind, &fields) {
            let owner = values.get(owner).and_then(|one| ResourceId::parse(one.as_str()?));
            let Some(owner) = owner else {
                self.unplaced.insert(property);
                return say(format!(
                    "binds {property} to something whose id is not known before apply"
                ));
            };
            let body = json!({ "properties": { property: bound } });
            self.bound.insert((owner.clone(), property));
            return self.put(owner, body, instance, false);
        }
        match members::member(&instance.kind, &fields) {
            Some(Ok(member)) => {
                self.put(member.owner.clone(), json!({ "properties": {} }), instance, false);
                return self.members.push(member);
            }
            Some(Err(list)) => {
                return say(format!(
                    "adds to {list} of something whose id is not known before apply"
                ));
            }
            None => {}
        }
        if let Some(interfaces) = network::interfaces_of_machine(&instance.kind, &fields) {
            self.ignored_count += 1;
            let Some(machine) = self.id_at(index) else { return };
            for (number, interface) in interfaces.into_iter().enumerate() {
                let body = json!({ "properties": {
                    "virtualMachine": { "id": machine.as_str() }, "primary": number == 0 } });
                self.bound.insert((interface.clone(), "virtualMachine"));
                self.put(interface, body, instance, false);
            }
            return;
        }
        let is_azapi = matches!(instance.kind.as_str(), "azapi_resource" | "azapi_update_resource");
        if !identity::is_read(&instance.kind) && !is_azapi {
            self.ignored_count += 1;
            return;
        }
        let Some(id) = self.id_at(index) else {
            if let Some(kind) = identity::kind_of(&instance.kind) {
                self.left_out.insert(kind.arm.to_ascii_lowercase());
            }
            let attribute = self.id_of(instance).err().unwrap_or_default();
            return say(format!(
                "the id of `{}` is not known before apply, since `{attribute}` is not; it is left out",
                instance.address
            ));
        };
        let mut body = body_of(&instance.kind, &id, &fields);
        if is_azapi {
            nested::name_children(&id, &mut body);
        }
        each_unresolved(&body, "", &mut |place, why| {
            if why != NOT_TOLD {
                say(format!("{place} of `{}` is not known: {why}", id.name()));
            }
        });
        if instance.kind == "azurerm_subnet" {
            let is_none = |attribute: &str| {
                values.get(attribute).is_some_and(|one| one.is_null() || one.as_str() == Some(""))
            };
            let told = BOUND.iter().filter(|(_, attribute)| is_none(attribute));
            self.told_none.extend(told.map(|(property, _)| (id.clone(), *property)));
        }
        for (child, body) in children_of(&instance.kind, &id, &fields) {
            self.put(child, body, instance, true);
        }
        self.put(id, body, instance, instance.kind != "azapi_update_resource");
    }

    /// Attributes with the ids that references stand for.
    fn with_ids(&self, value: &Value) -> Value {
        match value {
            Value::Object(_) if is_unresolved(value) => self
                .id(value)
                .map_or_else(|| unresolved(why_unresolved(value).unwrap_or("")), Value::String),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(name, one)| (name.clone(), self.with_ids(one))).collect(),
            ),
            Value::Array(items) => items.iter().map(|one| self.with_ids(one)).collect(),
            other => other.clone(),
        }
    }

    fn put(&mut self, id: ResourceId, mut body: Value, instance: &Instance, is_owner: bool) {
        body["id"] = json!(id.as_str());
        body["name"] = json!(id.name());
        body["type"] = json!(id.resource_type());
        let piece = Piece {
            body,
            pointer: instance.pointer.clone(),
            is_owner,
            is_new: is_owner && instance.is_new,
            is_replaced: is_owner && instance.is_replaced,
        };
        match self.pieces.remove(&id) {
            Some(known) => {
                let (lower, upper) = if is_owner { (&piece, &known) } else { (&known, &piece) };
                let body = merge::united(&lower.body, &upper.body);
                let owner = if known.is_owner { &known } else { &piece };
                let merged = Piece { body, ..owner.clone() };
                self.pieces.insert(id, merged);
            }
            None => {
                self.pieces.insert(id, piece);
            }
        }
    }

    /// Takes off what a binding of `before` held and none holds any longer: attributes of the owner are older than the plan.
    pub(super) fn unbind(&mut self, before: &World) {
        for (id, property) in before.bound.difference(&self.bound) {
            let properties = self.pieces.get_mut(id).map(|piece| &mut piece.body["properties"]);
            if let Some(fields) = properties.and_then(Value::as_object_mut) {
                fields.remove(*property);
            }
        }
    }

    /// Lets pools and rules of load balancers tell who is joined with them.
    pub(super) fn join_members(&mut self) {
        members::join(&mut self.members);
    }

    /// Puts entries into the lists that they belong in.
    pub(super) fn take_members(&mut self) {
        for member in &self.members {
            if let Some(piece) = self.pieces.get_mut(&member.owner) {
                member.put_in(&mut piece.body);
            }
        }
    }

    /// What became of the entries in the lists of a resource.
    pub(super) fn memberships_since(&self, before: &World, id: &ResourceId) -> Memberships {
        let of = |all: &[Member]| -> Vec<Member> {
            all.iter().filter(|one| one.owner == *id).cloned().collect()
        };
        let added = of(&self.members);
        let ended = of(&before.members).into_iter().filter(|one| !added.contains(one)).collect();
        Memberships { added, ended }
    }

    /// Marks what may be bound to something new by a binding of which nobody knows yet to what.
    pub(super) fn mark_unplaced(&mut self) {
        const OWNERS: [&str; 2] =
            ["microsoft.network/virtualnetworks/subnets", "microsoft.network/networkinterfaces"];
        let is_owner = |id: &ResourceId| OWNERS.contains(&id.resource_type().as_str());
        for (_, piece) in self.pieces.iter_mut().filter(|(id, piece)| piece.is_new && is_owner(id))
        {
            for property in &self.unplaced {
                let place = &mut piece.body["properties"][*property];
                if place.is_null() {
                    *place = unresolved("what is bound to it is known only after apply");
                }
            }
        }
    }

    /// Marks what is bound to a subnet and is not told: neither a binding, nor an attribute, nor the network's own list speaks of it.
    /// A binding that `before` had has ended: the list of the network is older than that.
    pub(super) fn mark_untold(&mut self, before: &World) {
        let listed = self.listed_subnets();
        for (id, piece) in &mut self.pieces {
            let is_subnet = id.resource_type() == "microsoft.network/virtualnetworks/subnets";
            if !is_subnet || !piece.is_owner {
                continue;
            }
            for (property, _) in BOUND {
                let place = &mut piece.body["properties"];
                if place.get(property).is_some_and(|value| !value.is_null()) {
                    continue;
                }
                let was = before.pieces.get(id).map(|was| &was.body["properties"]);
                if was.is_some_and(|was| was.get(property).is_some_and(|value| !value.is_null())) {
                    continue;
                }
                let by_network = listed.get(id).map(|body| body["properties"].get(property));
                match by_network {
                    Some(Some(value)) => place[property] = value.clone(),
                    Some(None) if property != NAT_GATEWAY => {}
                    _ if self.told_none.contains(&(id.clone(), property)) => {}
                    _ if piece.is_new => {}
                    _ => place[property] = not_told(),
                }
            }
        }
    }

    /// Subnets as their networks list them.
    fn listed_subnets(&self) -> BTreeMap<ResourceId, Value> {
        let mut listed = BTreeMap::new();
        for piece in self.pieces.values() {
            let subnets = piece.body.pointer("/properties/subnets").and_then(Value::as_array);
            for subnet in subnets.into_iter().flatten() {
                if let Some(id) = ResourceId::parse(text(subnet, "id")) {
                    listed.insert(id, subnet.clone());
                }
            }
        }
        listed
    }
}
