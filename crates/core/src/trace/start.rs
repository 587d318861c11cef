//! Where a flow starts.

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::estate::endpoint::Interface;
use crate::estate::machine::VirtualMachine;
use crate::estate::network::Subnet;
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::route;

/// Whether an id is that of a network interface.
pub(super) fn is_interface(id: &ResourceId) -> bool {
    id.is_type("microsoft.network/networkinterfaces")
}

/// A machine on which nothing runs: its id, its facts, and its state.
pub type Stopped<'e> = (&'e ResourceId, &'e VirtualMachine, &'e str);

/// The machine of an interface, where it was captured in a state in which nothing runs there.
pub fn stopped<'e>(estate: &'e Estate, interface: &ResourceId) -> Option<Stopped<'e>> {
    let id = estate.find::<Interface>(interface)?.machine.as_ref()?;
    let machine = estate.find::<VirtualMachine>(id)?;
    Some((id, machine, machine.stopped()?))
}

/// Where a flow starts: a subnet, and the network that it is in; and the one machine there that sends, where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The network.
    pub vnet: ResourceId,
    /// The subnet.
    pub subnet: ResourceId,
    /// The network interface of a relay host; `None` for whatever else is in the subnet.
    pub interface: Option<ResourceId>,
}

impl Start {
    /// Anything in a subnet; `None` for an id that is no subnet's.
    pub fn in_subnet(subnet: &ResourceId) -> Option<Start> {
        Some(Start { vnet: subnet.parent()?, subnet: subnet.clone(), interface: None })
    }

    /// Where a client is that is no copier: the network interface of a machine, or whatever is in a subnet.
    pub fn of_client(estate: &Estate, client: &ResourceId) -> Option<Start> {
        match is_interface(client) {
            true => Start::at_interface(estate, client).ok(),
            false => Start::in_subnet(client),
        }
    }

    /// Where a copier is: a server, or the interface of a relay host. `None` for a server that is in no network.
    ///
    /// # Errors
    /// [`Missing`] when the server, the interface or the interface's subnet was not observed.
    pub fn of(estate: &Estate, copier: &ResourceId) -> Result<Option<Start>, Missing> {
        if is_interface(copier) {
            return Start::at_interface(estate, copier).map(Some);
        }
        let server = estate.get::<Server>(copier)?;
        Ok(server.delegated_subnet.as_ref().and_then(Start::in_subnet))
    }

    /// A relay host, by its network interface.
    ///
    /// # Errors
    /// [`Missing`] when the interface, or its subnet, was not observed.
    pub fn at_interface(estate: &Estate, id: &ResourceId) -> Result<Start, Missing> {
        let subnet = estate.get::<Interface>(id)?.subnet.as_ref();
        let start = subnet.and_then(Start::in_subnet);
        let start = start.ok_or_else(|| Missing::field(id, "subnet"))?;
        Ok(Start { interface: Some(id.clone()), ..start })
    }

    /// The facts of the relay host's interface.
    pub fn relay<'e>(&self, estate: &'e Estate) -> Option<&'e Interface> {
        self.interface.as_ref().and_then(|id| estate.find::<Interface>(id))
    }

    /// The relay host, where its machine was captured in a state in which nothing runs there.
    pub fn stopped<'e>(&self, estate: &'e Estate) -> Option<Stopped<'e>> {
        stopped(estate, self.interface.as_ref()?)
    }

    /// Addresses that packets may come from.
    ///
    /// # Errors
    /// [`Missing`] when the subnet, or the address of the relay host, was not observed.
    pub fn addresses(&self, estate: &Estate) -> Result<AddressSet, Missing> {
        let Some(id) = &self.interface else {
            return Ok(route::usable_addresses(estate.get::<Subnet>(&self.subnet)?));
        };
        let first = estate.get::<Interface>(id)?.addresses.first().copied();
        first.map(AddressSet::one).ok_or_else(|| Missing::field(id, "privateIPAddress"))
    }

    /// The same as a rule would name them: the whole subnet, or the one address.
    ///
    /// # Errors
    /// As above.
    pub fn networks(&self, estate: &Estate) -> Result<Vec<Ipv4Net>, Missing> {
        match self.interface {
            Some(_) => Ok(self.addresses(estate)?.networks()),
            None => Ok(estate.get::<Subnet>(&self.subnet)?.prefixes.clone()),
        }
    }
}
