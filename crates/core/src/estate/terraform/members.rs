//! Entries of lists that Terraform writes as resources of their own: who is in an application group, a pool, or has a NAT address.

use serde_json::{Value, json};

use super::balancers::{self, BALANCER, NAT_RULES};
use super::fields::{Fields, referring, without_untold};
use crate::estate::merge;
use crate::id::ResourceId;

/// One entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// The resource that has the list.
    pub(super) owner: ResourceId,
    /// The address configuration of an interface that has it; `None` for all of them, and for lists of the resource itself.
    configuration: Option<String>,
    list: &'static str,
    /// What is in the list: a reference, or an unresolved value.
    entry: Value,
}

/// What a plan does to lists that its bodies leave out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memberships {
    /// Entries that are there afterwards.
    pub(crate) added: Vec<Member>,
    /// Entries that end.
    pub(crate) ended: Vec<Member>,
}

/// A Terraform type that is an entry of a list: the owner's attribute, the one of its address configuration, the list, the entry's
/// attribute.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const INTERFACE: &str = "network_interface_id";
const CONFIGURATION: &str = "ip_configuration_name";
const GROUPS: &str = "applicationSecurityGroups";
const POOLS: &str = "loadBalancerBackendAddressPools";
const RULES: &str = "loadBalancerInboundNatRules";
const GROUP: &str = "application_security_group_id";
const POOL: &str = "backend_address_pool_id";

#[rustfmt::skip]
const ROWS: [Row; 6] = [
    ("azurerm_network_interface_application_security_group_association", INTERFACE, "", GROUPS, GROUP),
    ("azurerm_network_interface_backend_address_pool_association", INTERFACE, CONFIGURATION, POOLS, POOL),
    ("azurerm_network_interface_nat_rule_association", INTERFACE, CONFIGURATION, RULES, "nat_rule_id"),
    ("azurerm_private_endpoint_application_security_group_association", "private_endpoint_id", "", GROUPS, GROUP),
    ("azurerm_nat_gateway_public_ip_association", "nat_gateway_id", "", "publicIpAddresses", "public_ip_address_id"),
    ("azurerm_nat_gateway_public_ip_prefix_association", "nat_gateway_id", "", "publicIpPrefixes", "public_ip_prefix_id"),
];

/// Lists of an address configuration that its own block does not tell.
const OF_CONFIGURATIONS: [&str; 4] =
    [GROUPS, POOLS, RULES, "applicationGatewayBackendAddressPools"];

/// The entry that an instance is; `None` for other types.
///
/// # Errors
/// The list, where the id of its owner is not known.
pub(super) fn member(kind: &str, fields: &Fields) -> Option<Result<Member, &'static str>> {
    if let Some(list) = balancers::list_of(kind) {
        let owner = fields.text(BALANCER).and_then(ResourceId::parse);
        let part = owner.and_then(|owner| {
            let (list, entry) = balancers::part(kind, &owner, fields)?;
            Some(Member { owner, configuration: None, list, entry })
        });
        return Some(part.ok_or(list));
    }
    let (_, owner, configuration, list, entry) = ROWS.into_iter().find(|(row, ..)| *row == kind)?;
    let Some(owner) = fields.text(owner).and_then(ResourceId::parse) else {
        return Some(Err(list));
    };
    let configuration = fields.text(configuration).map(str::to_owned);
    let entry = fields.get(entry).map_or_else(super::fields::not_told, referring);
    Some(Ok(Member { owner, configuration, list, entry }))
}

/// Lets pools and rules of load balancers tell the interfaces that are joined with them.
pub(super) fn join(members: &mut [Member]) {
    let joined: Vec<(Value, Value)> = members
        .iter()
        .filter(|one| [POOLS, RULES].contains(&one.list))
        .filter_map(|one| {
            let own = one.owner.child("ipConfigurations", one.configuration.as_deref()?);
            Some((one.entry.clone(), json!({ "id": own.as_str() })))
        })
        .collect();
    for member in members {
        let id = id_of(&member.entry);
        let mut own = joined.iter().filter(|(of, _)| id.is_some() && id_of(of) == id);
        let properties = &mut member.entry["properties"];
        match member.list {
            balancers::POOLS => {
                let Some(list) = properties["backendIPConfigurations"].as_array_mut() else {
                    continue;
                };
                let is_new = |one: &Value| list.iter().all(|known| id_of(known) != id_of(one));
                let new: Vec<Value> =
                    own.map(|(_, one)| one.clone()).filter(|one| is_new(one)).collect();
                list.extend(new);
            }
            NAT_RULES => {
                if let Some((_, one)) = own.next() {
                    properties["backendIPConfiguration"] = one.clone();
                }
            }
            _ => {}
        }
    }
}

/// The id of an entry, in lower case.
fn id_of(entry: &Value) -> Option<String> {
    entry.get("id").and_then(Value::as_str).map(str::to_ascii_lowercase)
}

impl Memberships {
    /// A body of the plan over the captured one: the lists that it leaves out are the captured ones, with what the plan does to them.
    pub(crate) fn laid_over(&self, captured: Option<&Value>, mut body: Value) -> Value {
        let known: Vec<&Value> = captured.into_iter().flat_map(configurations).collect();
        for one in configurations_mut(&mut body) {
            let is_it = |other: &&Value| other.get("name") == one.get("name");
            let Some(old) = known.iter().copied().find(is_it) else { continue };
            for list in OF_CONFIGURATIONS {
                let told = old.pointer(&format!("/properties/{list}")).or_else(|| old.get(list));
                if let Some(told) = told.filter(|_| one["properties"].get(list).is_none()) {
                    one["properties"][list] = told.clone();
                }
            }
        }
        self.ended.iter().for_each(|member| member.take_out(&mut body));
        self.added.iter().for_each(|member| member.put_in(&mut body));
        body
    }
}

impl Member {
    /// Adds the entry to the lists that it belongs in.
    pub(super) fn put_in(&self, body: &mut Value) {
        self.each_list(body, |list| {
            let id = id_of(&self.entry);
            let place = list.iter().position(|one| match &id {
                Some(_) => id_of(one) == id,
                None => *one == self.entry,
            });
            match place {
                None => list.push(self.entry.clone()),
                Some(_) if self.entry.get("properties").is_none() => {}
                Some(place) => {
                    list[place] = merge::united(&list[place], &without_untold(&self.entry));
                }
            }
        });
    }

    fn take_out(&self, body: &mut Value) {
        self.each_list(body, |list| list.retain(|one| id_of(one) != id_of(&self.entry)));
    }

    fn each_list(&self, body: &mut Value, change: impl Fn(&mut Vec<Value>)) {
        let edit = |holder: &mut Value| {
            let place = &mut holder["properties"][self.list];
            if !place.is_array() {
                *place = json!([]);
            }
            if let Some(list) = place.as_array_mut() {
                change(list);
            }
        };
        if self.owner.is_type("microsoft.network/networkinterfaces") {
            let is_meant = |one: &Value| {
                let name = one.get("name").and_then(Value::as_str);
                self.configuration.is_none() || self.configuration.as_deref() == name
            };
            configurations_mut(body).filter(|one| is_meant(one)).for_each(edit);
        } else {
            edit(body);
        }
    }
}

/// The address configurations of an interface.
fn configurations(body: &Value) -> impl Iterator<Item = &Value> {
    let listed = body.pointer("/properties/ipConfigurations");
    listed.and_then(Value::as_array).into_iter().flatten()
}

fn configurations_mut(body: &mut Value) -> impl Iterator<Item = &mut Value> {
    let listed = body.pointer_mut("/properties/ipConfigurations");
    listed.and_then(Value::as_array_mut).into_iter().flatten().filter(|one| one.is_object())
}
