//! A source that is a machine: in a network of Azure, beyond a gateway, or in the internet.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use super::asking::Asked;
use super::filter::Service;
use super::leg::{self, Machine, Walker};
use super::place::{self, Place};
use super::resolve::{self, Answer, Published};
use super::start::Start;
use super::step::{Stage, Step};
use super::{Leads, Path, route};
use crate::estate::network::Subnet;
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// Looks at the flow from a server's place to a machine that no server of the estate is.
///
/// # Errors
/// [`Missing`] when the copier's server was not observed.
pub fn path_to_host<'e>(
    estate: &'e Estate,
    from_id: &ResourceId,
    host: &str,
    port: u16,
) -> Result<Box<Path<'e>>, Missing> {
    let address = host.parse::<Ipv4Addr>().ok();
    let to = Server::outside(host, address);
    let to_id = ResourceId::outside(host);
    let mut path = Path::new(estate, from_id, (&to_id, Cow::Owned(to)), port, Vec::new())?;
    match path.start.clone() {
        Some(start) => path.walk_to_host(&start, address),
        None => path.walk_from_outside(),
    }
    Ok(path)
}

/// The subnet of which Azure keeps an address for itself, where a copier dials it there: no machine has it.
pub fn keeper(estate: &Estate, from_id: &ResourceId, address: Ipv4Addr) -> Option<ResourceId> {
    let start = Start::of(estate, from_id).ok()??;
    let place = place::of(estate, &start.vnet, address);
    let Place::Here(Machine { subnet, holder: None, .. }) = place else { return None };
    let usable = route::usable_addresses(estate.find::<Subnet>(&subnet)?);
    (!usable.contains(address)).then_some(subnet)
}

/// What no configuration of Azure tells about a machine.
pub(super) fn unseen_gate(host: &ResourceId, port: u16) -> Missing {
    Missing::other(
        format!(
            "whether PostgreSQL on {host} listens on port {port} and its pg_hba.conf lets the copier in"
        ),
        "probe it from the copier's place: `flexway probe`",
    )
}

impl Path<'_> {
    fn walk_to_host(&mut self, start: &Start, address: Option<Ipv4Addr>) {
        self.begin(start);
        let address = match address {
            Some(address) => {
                self.leads = Leads::Intended;
                Some(address)
            }
            None => self.ask_host_name(start),
        };
        let Some(address) = address else { return };
        if let Some(machine) = self.relay_itself(start, address) {
            self.intended = Some(leg::to_itself(machine.clone()));
            self.place = Some(Place::Here(machine));
            return;
        }
        let (to_id, server) = (self.to_id.clone(), self.to.clone());
        let walker = Walker {
            estate: self.estate,
            start,
            server_id: &to_id,
            server: &server,
            service: Service::tcp(self.port),
            part: None,
        };
        let place = place::of(self.estate, &start.vnet, address);
        self.intended = Some(match &place {
            Place::Here(machine) => walker.machine(machine),
            Place::Claimed(_) | Place::Beyond => walker.beyond(address),
        });
        self.place = Some(place);
    }

    /// The relay host, where it is dialled by itself: at one of its own addresses, or at that of loopback.
    fn relay_itself(&self, start: &Start, address: Ipv4Addr) -> Option<Machine> {
        let own = start.relay(self.estate)?;
        let is_own = address.is_loopback() || own.addresses.contains(&address);
        let (subnet, holder) = (start.subnet.clone(), start.interface.clone());
        is_own.then_some(Machine { address, subnet, holder })
    }

    /// Asks for the name of a machine: only private zones tell its address.
    fn ask_host_name(&mut self, start: &Start) -> Option<Ipv4Addr> {
        let name = self.server_name();
        let asked = self.whom(start);
        let resolution = match asked {
            Ok(Asked::Nobody) => return None,
            Ok(Asked::Server(_, Some(missing))) | Err(missing) => Err(missing),
            Ok(Asked::Azure) if self.is_kept_from_azure(start) => {
                self.leads = Leads::Nowhere;
                return None;
            }
            Ok(asked) => {
                let server = match asked {
                    Asked::Server(server, _) => Some(server),
                    Asked::Azure | Asked::Nobody => None,
                };
                let question = resolve::Question { start, server, name: &name, without: &[] };
                resolve::resolve(self.estate, question, Published::Address, None)
            }
        };
        let missing = match resolution {
            Ok(resolution) => match (&resolution.answer, &resolution.zone) {
                (Answer::Addresses(list), Some((zone, _))) if !list.is_empty() => {
                    let detail = format!("{name} resolves to {}", list[0]);
                    self.opening.push(Step::pass(Stage::Name, Some(zone), detail));
                    self.leads = Leads::Intended;
                    let first = list[0];
                    self.name = Some(resolution);
                    return Some(first);
                }
                (Answer::NoSuchName, Some((zone, _))) => {
                    let detail = format!("{name} does not exist in zone `{}`", zone.name());
                    self.opening.push(Step::drop(Stage::Name, Some(zone), detail));
                    self.leads = Leads::Nowhere;
                    self.name = Some(resolution);
                    return None;
                }
                (Answer::Unknown(missing), _) => missing.clone(),
                _ => {
                    self.name = Some(resolution);
                    self.unasked(&name)
                }
            },
            Err(missing) => missing,
        };
        self.leads = Leads::Unknown(missing.clone());
        self.opening.push(Step::unknown(Stage::Name, missing));
        None
    }

    /// The address of a machine's name that no linked zone knows.
    fn unasked(&self, name: &str) -> Missing {
        let by_zone = self.zone_of_machine().map(|zone| {
            format!(
                "; or link zone `{}`, which knows the name, to the copier's network",
                zone.name()
            )
        });
        Missing::other(
            format!("the address of {name}"),
            format!(
                "give it as `--source ADDRESS[:PORT]`: public DNS is not asked here{}",
                by_zone.unwrap_or_default()
            ),
        )
    }

    /// The address of a dialled machine, where it is known.
    pub fn host_address(&self) -> Option<Ipv4Addr> {
        match &self.intended.as_ref()?.way {
            super::leg::Way::Machine(machine) => Some(machine.address),
            super::leg::Way::Beyond(address) => Some(*address),
            _ => None,
        }
    }

    /// The machine at the end of the way, where it is one of Azure.
    pub fn machine(&self) -> Option<&Machine> {
        match self.place.as_ref()? {
            Place::Here(machine) => Some(machine),
            Place::Claimed(_) | Place::Beyond => None,
        }
    }
}
