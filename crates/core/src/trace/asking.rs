//! Whom the copier's network asks for names, and whether that one can be reached.

use std::net::Ipv4Addr;

use super::filter::Service;
use super::leg::{Leg, Start, Walker};
use super::place::{self, Place};
use super::resolve;
use super::step::{Outcome, Stage, Step, Verdict};
use super::{Leads, Path};
use crate::estate::Missing;

/// Port of DNS servers.
const DNS_PORT: u16 = 53;

/// Whom a network asks.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    /// Azure's own resolver.
    Azure,
    /// A DNS server of the network's own; with what is not known of the way to it.
    Server(Ipv4Addr, Option<Missing>),
    /// None of its DNS servers can be reached.
    Nobody,
}

impl Path<'_> {
    /// Finds out whom the network asks: the first of its servers that answers. Says so where nobody does.
    ///
    /// # Errors
    /// [`Missing`] when the network or its list of DNS servers was not observed.
    pub(super) fn whom(&mut self, start: &Start) -> Result<Asked, Missing> {
        let servers = resolve::custom_servers(self.estate, &start.vnet)?;
        let mut first = None;
        for server in servers {
            let leg = self.way_to_resolver(start, server);
            // A server that no captured network holds may be reached by a way that was not captured either.
            if leg.verdict() != Verdict::Unreachable || leg.outward.is_some() {
                let is_open = leg.verdict() == Verdict::Reachable;
                let missing = leg.steps().find_map(|step| step.missing.clone());
                let unseen = || {
                    let what = format!("the way to DNS server {server}");
                    Missing::other(what, "capture the network that it stands in")
                };
                let missing = (!is_open).then(|| missing.unwrap_or_else(unseen));
                return Ok(Asked::Server(server, missing));
            }
            first = first.or(Some((server, leg)));
        }
        let Some((server, leg)) = first else { return Ok(Asked::Azure) };
        self.leads = Leads::Nowhere;
        let detail =
            format!("DNS server {server} of network `{}` cannot be reached", start.vnet.name());
        let mut step = Step::drop(Stage::Name, Some(&start.vnet), detail);
        let closed = leg.steps().find(|step| step.outcome == Outcome::Drop);
        step.facts.extend(closed.into_iter().flat_map(|step| step.facts.clone()));
        self.opening.push(step);
        self.dns_server = Some((server, leg));
        Ok(Asked::Nobody)
    }

    /// The way of questions to a DNS server.
    fn way_to_resolver(&self, start: &Start, server: Ipv4Addr) -> Leg {
        let walker = Walker {
            estate: self.estate,
            start,
            server_id: &self.to_id,
            server: &self.to,
            service: Service::udp(DNS_PORT),
        };
        match place::of(self.estate, &start.vnet, server) {
            Place::Here(machine) => walker.machine(&machine),
            Place::Claimed(_) | Place::Beyond => walker.beyond(server),
        }
    }
}
