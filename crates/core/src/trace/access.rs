//! How servers can be reached, and the copier that has no network of its own.

use std::net::Ipv4Addr;

use super::door_rules;
use super::filter::Service;
use super::gate::Gate;
use super::leg::Way;
use super::step::{Stage, Step};
use super::{Leads, Path, endpoint, host, leg};
use crate::estate::server::{Migration, Server, ServerKind};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// How a server can be reached from outside itself, in the guide's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// At its public front door.
    Public,
    /// At its public front door and through private endpoints.
    PublicWithEndpoint,
    /// From inside networks only.
    Private,
}

impl Access {
    /// The word in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Access::Public => "public",
            Access::PublicWithEndpoint => "public-with-endpoint",
            Access::Private => "private",
        }
    }
}

pub(super) fn access(
    id: &ResourceId,
    server: &Server,
    has_endpoint: bool,
) -> Result<Access, Missing> {
    if server.is_subnet_unreadable {
        return Err(Missing::field(id, "network.delegatedSubnetResourceId"));
    }
    if server.delegated_subnet.is_some() {
        return Ok(Access::Private);
    }
    match server.public_access {
        None if server.kind == ServerKind::Host => Err(Missing::other(
            format!("the address of {id}"),
            "resolve the name, and give the address as source",
        )),
        None => Err(Missing::field(id, "publicNetworkAccess")),
        Some(false) => Ok(Access::Private),
        Some(true) if has_endpoint => Ok(Access::PublicWithEndpoint),
        Some(true) => Ok(Access::Public),
    }
}

/// How a server that copies can be reached: whether it may be is another matter, so public access denied is no privacy.
pub(super) fn copier_access(
    estate: &Estate,
    id: &ResourceId,
    server: &Server,
) -> Result<Access, Missing> {
    match (&server.delegated_subnet, server.public_access) {
        _ if server.is_subnet_unreadable => {
            Err(Missing::field(id, "network.delegatedSubnetResourceId"))
        }
        (Some(_), _) => Ok(Access::Private),
        (None, None) => Err(Missing::field(id, "network")),
        (None, Some(_)) if endpoint::of_server(estate, id, server).is_empty() => Ok(Access::Public),
        (None, Some(_)) => Ok(Access::PublicWithEndpoint),
    }
}

/// The copier of that migration stands elsewhere.
fn judged_from(migration: &ResourceId, runtime: &ResourceId) -> Missing {
    Missing::other(
        format!(
            "the path from runtime server `{}`, which migration `{}` names: that one copies",
            runtime.name(),
            migration.name()
        ),
        format!("ask for it with `--copier {runtime}`"),
    )
}

impl Path<'_> {
    /// The runtime server that a migration of this pair names, with the migration. A target with public access alone needs an endpoint
    /// first.
    pub fn runtime_named(&self) -> Option<(&ResourceId, &ResourceId)> {
        if self.from_access != Ok(Access::PublicWithEndpoint) {
            return None;
        }
        let mut migrations = self.estate.children::<Migration>(&self.from_id);
        migrations.find_map(|(id, one)| {
            let is_of_pair = one.source.as_ref().is_none_or(|source| *source == self.to_id);
            Some((id, one.runtime.as_ref().filter(|_| is_of_pair)?))
        })
    }

    /// A copier on a public server: Azure's tool supports public sources only.
    pub(super) fn walk_from_outside(&mut self) {
        if let Err(missing) = &self.from_access {
            self.leads = Leads::Unknown(missing.clone());
            return self.opening.push(Step::unknown(Stage::Mode, missing.clone()));
        }
        self.opening.extend(self.copier_step());
        let detail =
            "the copier runs on a server with public access, outside every network of the customer";
        let step = match (&self.to_access, self.runtime_named()) {
            (Ok(Access::Private), Some((migration, runtime))) => {
                Step::unknown(Stage::Mode, judged_from(migration, runtime))
            }
            (Ok(Access::Private), None) => Step::drop(
                Stage::Mode,
                Some(&self.from_id),
                "a copier outside the networks cannot reach a server without public access",
            ),
            (Ok(_), _) => Step::pass(Stage::Mode, Some(&self.from_id), detail),
            (Err(missing), _) => Step::unknown(Stage::Mode, missing.clone()),
        };
        let place = self.estate.locate(&self.from_id, "", "network");
        self.opening
            .push(step.read(&self.from_id, place).read(&self.to_id, &self.to.public_pointer));
        if !matches!(self.to_access, Ok(Access::Public | Access::PublicWithEndpoint)) {
            return;
        }
        let gate = match self.to.kind {
            ServerKind::Single => Gate::OpensItself,
            ServerKind::Host => Gate::Unknown(host::unseen_gate(&self.to_id, self.port)),
            ServerKind::Flexible => {
                let rules: Vec<_> = door_rules::public_rules(self.estate, &self.to_id).collect();
                match door_rules::openers(self.estate, &self.to_id, true) {
                    openers if !openers.is_empty() => Gate::Open(openers),
                    _ if rules.is_empty() => {
                        let rule = door_rules::FIREWALL_RULE;
                        let unread = door_rules::unread_rule(self.estate, &self.to_id, rule);
                        unread.map_or(Gate::FirewallRuleMissing, Gate::Unknown)
                    }
                    _ => Gate::Unknown(Missing::other(
                        format!("the public address of `{}`", self.from_id.name()),
                        "resolve its name and compare it with the server's firewall rules",
                    )),
                }
            }
        };
        let mut leg = leg::front_door(self.estate, &self.to_id, &self.to, gate);
        let address = self.server_name().parse::<Ipv4Addr>().ok();
        if let Some(address) = address.filter(|_| self.to.kind == ServerKind::Host) {
            leg.way = Way::Beyond(address);
            let steps = leg.enter_owner(self.estate, address, Service::tcp(self.port));
            leg.forward.splice(0..0, steps);
        }
        self.intended = Some(leg);
    }
}
