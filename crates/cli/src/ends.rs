//! The ends of a flow as users name them, and the servers and machines that they mean.

use std::net::{Ipv4Addr, Ipv6Addr};

use flexway_core::diagnose::{Copier, Given, PORT, Question, Source};
use flexway_core::estate::Estate;
use flexway_core::estate::endpoint::Interface;
use flexway_core::id::ResourceId;
use flexway_core::probes::is_azure;
use flexway_core::trace;

use crate::exit::Failure;
use crate::output::remark;
use crate::secrets;

/// The ends of a flow as the user wrote them.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) copier: String,
    /// `None` where it stands with the source, or is PostgreSQL's own.
    pub(crate) port: Option<u16>,
}

impl Ends {
    /// Names of machines that the question has by an address or an interface.
    pub(crate) fn given(&self, question: &Question) -> Given {
        let source = self.source.rsplit_once(':').map_or(self.source.as_str(), |(host, _)| host);
        let is_other = |host: &String| !host.eq_ignore_ascii_case(source);
        let source = match &question.source {
            Source::Host(host) if is_other(host) => Some(source.to_owned()),
            Source::Host(_) | Source::Server(_) => None,
        };
        let copier = match &question.copier {
            Copier::Host(id) if !id.as_str().eq_ignore_ascii_case(&self.copier) => {
                Some(self.copier.clone())
            }
            _ => None,
        };
        Given { source, copier }
    }

    /// Finds the servers in the estate.
    pub(crate) fn find(&self, estate: &Estate) -> Result<Question, Failure> {
        for (end, text) in
            [("source", &self.source), ("target", &self.target), ("copier", &self.copier)]
        {
            secrets::refuse(&format!("read the {end}"), text)?;
        }
        let (source, port) = find_source(estate, &self.source, self.port)?;
        let target = estate.find_server_by_any_name(&self.target).map_err(|why| {
            Failure::failed(format!("find target `{}` in the estate", self.target), why, "")
        })?;
        let copier = match self.copier.as_str() {
            "target" => Copier::Target,
            "relay" => {
                if let Ok(host) = estate.find_host("relay") {
                    remark(format_args!(
                        "note: `relay` stands for a host outside the estate; for the machine of that name give `{host}`"
                    ));
                }
                Copier::Relay
            }
            place => match estate.find_server_by_any_name(place) {
                Ok(server) if server == target => Copier::Target,
                Ok(server) => Copier::Runtime(server),
                Err(no_server) => Copier::Host(estate.find_host(place).map_err(|no_host| {
                    let help = "give `target`, `relay`, or the id of a runtime server or a relay host in the estate";
                    let why = format!("{no_host}, and {no_server}");
                    Failure::failed(format!("find copier `{place}`"), why, help)
                })?),
            },
        };
        if let Source::Server(id) = &source
            && *id == target
        {
            let help = "name two different servers";
            return Err(Failure::usage(
                "check the flow",
                "source and target are the same server",
                help,
            ));
        }
        if let (Source::Server(id), Copier::Runtime(copier)) = (&source, &copier)
            && id == copier
        {
            let why = "no tool copies on the source: it is to be left as it is";
            let help = "give `target`, a runtime server or a relay host";
            return Err(Failure::usage("check the flow", why, help));
        }
        refuse_single_servers(&target, &copier)?;
        let question = Question { source, target, copier, port };
        refuse_address(estate, &question)?;
        Ok(question)
    }
}

/// Azure's tool moves from Single Servers, never to one, nor by means of one.
fn refuse_single_servers(target: &ResourceId, copier: &Copier) -> Result<(), Failure> {
    let is_single = |id: &ResourceId| id.is_type("microsoft.dbforpostgresql/servers");
    let (why, help) = match copier {
        Copier::Runtime(id) if is_single(id) => (
            format!("copier `{}` is a Single Server", id.name()),
            "name a flexible server inside a network",
        ),
        Copier::Target | Copier::Runtime(_) if is_single(target) => (
            format!("target `{}` is a Single Server: Azure's tool moves from those", target.name()),
            "swap source and target, or name a relay host as copier",
        ),
        _ => return Ok(()),
    };
    Err(Failure::usage("check the flow", why, help))
}

/// Addresses that no other machine has: none can be the source's.
fn refuse_address(estate: &Estate, question: &Question) -> Result<(), Failure> {
    let Source::Host(host) = &question.source else { return Ok(()) };
    let copies_by_itself = matches!(question.copier, Copier::Relay | Copier::Host(_));
    // What a name stands for, be it `localhost`, knows whoever asks for it.
    let Ok(address) = host.parse::<Ipv4Addr>() else { return Ok(()) };
    let is_reserved = matches!(address.octets(), [0 | 240.., ..]);
    let why = if address.is_loopback() {
        if copies_by_itself {
            return Ok(());
        }
        "the server that copies would dial itself".to_owned()
    } else if is_reserved || address.is_link_local() || address.is_multicast() {
        format!("no server can have {address}")
    } else if let Some(subnet) = trace::keeper(estate, &question.copier_id(), address) {
        format!("Azure keeps {address} of subnet `{}` for itself", subnet.name())
    } else {
        return Ok(());
    };
    let help = "give the name or the address that clients of the source dial";
    Err(Failure::usage(format!("read the source `{host}`"), why, help))
}

/// The port of the source, which may be given with its name or beside it.
fn one_port(own: Option<u16>, beside: Option<u16>) -> Result<u16, Failure> {
    match (own, beside) {
        (Some(own), Some(beside)) if own != beside => Err(Failure::usage(
            "read the source's port",
            format!("the source says {own}, `--port` says {beside}"),
            "give one of them",
        )),
        (own, beside) => Ok(own.or(beside).unwrap_or(PORT)),
    }
}

/// The port that stands with the name of a source.
pub(crate) fn own_port(source: &str) -> Option<u16> {
    source.rsplit_once(':')?.1.parse().ok().filter(|port| *port > 0)
}

fn find_source(estate: &Estate, text: &str, port: Option<u16>) -> Result<(Source, u16), Failure> {
    let why = match estate.find_server_by_any_name(text) {
        Ok(id) => return Ok((Source::Server(id), port.unwrap_or(PORT))),
        Err(why) => why,
    };
    if text.parse::<Ipv6Addr>().is_ok() || text.starts_with('[') {
        let help = "give its name or an IPv4 address";
        return Err(Failure::usage(
            format!("read the source `{text}`"),
            "only ways over IPv4 are checked",
            help,
        ));
    }
    let (host, given) = match text.rsplit_once(':') {
        Some((host, digits)) => match own_port(text) {
            Some(given) => (host, Some(given)),
            None => {
                let what = format!("read the source `{text}`");
                return Err(Failure::usage(
                    what,
                    format!("`{digits}` is not a port"),
                    "give HOST:PORT",
                ));
            }
        },
        None => (text, None),
    };
    if host.is_empty() {
        let what = format!("read the source `{text}`");
        return Err(Failure::usage(what, "it names no host", "give HOST:PORT"));
    }
    let port = one_port(given, port)?;
    match estate.find_server_by_any_name(host) {
        Ok(id) => return Ok((Source::Server(id), port)),
        // Nobody but Azure has such names: a server that the estate does not tell is no host elsewhere.
        Err(why) if is_azure(host) => {
            let help = "correct the name, or capture the server: `az postgres flexible-server list`, or of Single Servers \
                `az rest --url \"/subscriptions/<id>/providers/Microsoft.DBforPostgreSQL/servers?api-version=2017-12-01\"`";
            return Err(Failure::failed("find the source in the estate", why, help));
        }
        Err(_) => {}
    }
    let is_of_name = |one: char| one.is_alphanumeric() || ".-_".contains(one);
    if given.is_some() && !host.chars().all(is_of_name) {
        let why = format!("`{host}` is neither a name nor an address");
        return Err(Failure::usage(format!("read the source `{text}`"), why, "give HOST:PORT"));
    }
    let is_numeric = |host: &str| host.chars().all(|one| one.is_ascii_digit() || one == '.');
    if host.contains('.') && is_numeric(host) && host.parse::<Ipv4Addr>().is_err() {
        return Err(Failure::usage(
            format!("read the source `{text}`"),
            format!("`{host}` is no address"),
            "give HOST:PORT",
        ));
    }
    let address = host.parse::<Ipv4Addr>().ok();
    if let Some((id, endpoint)) = address.and_then(|address| estate.server_behind(address)) {
        remark(format_args!(
            "note: {host} is the address of private endpoint `{}`: checked as server `{}`, by its name",
            endpoint.name(),
            id.name()
        ));
        return Ok((Source::Server(id), port));
    }
    if address.is_none()
        && let Some((id, address)) = machine(estate, host)
    {
        remark(format_args!("note: `{host}` is the machine behind `{}`, at {address}", id.name()));
        return Ok((Source::Host(address.to_string()), port));
    }
    let is_host = host.chars().all(is_of_name) && (host.contains('.') || given.is_some());
    match is_host {
        true => Ok((Source::Host(host.to_owned()), port)),
        false => Err(Failure::failed(
            format!("find source `{text}` in the estate"),
            why,
            "give the whole ARM id, or HOST:PORT for a server outside Azure",
        )),
    }
}

/// The network interface of a machine that a user named, with its first address.
fn machine(estate: &Estate, text: &str) -> Option<(ResourceId, Ipv4Addr)> {
    let id = estate.find_host(text).ok()?;
    let address = *estate.get::<Interface>(&id).ok()?.addresses.first()?;
    Some((id, address))
}
