//! The first rung: which resolver answers what, by way of which aliases, and what kind of address
//! comes out.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use flexway_core::probes::{ProbePlan, Rung, RungReport, Symptom};
use flexway_postgres::{ConnInfo, rungs};
use serde_json::json;

use crate::dns::{self, Answer};

/// Where Unix systems keep the DNS servers that they ask.
const RESOLVER_FILE: &str = "/etc/resolv.conf";
/// Servers that the C library takes from that file.
const SERVERS_MAX: usize = 3;
/// What is shown of the servers' own answers may not take long: the system has answered already.
const SHOW_TIME_MAX: Duration = Duration::from_secs(3);
const DNS_PORT: u16 = 53;

/// Resolves the host: the report, and the addresses to dial, none when the rung failed.
pub(crate) fn climb(
    plan: &ProbePlan,
    info: &ConnInfo,
    limit: Duration,
) -> (RungReport, Vec<SocketAddr>) {
    let (host, port) = (info.host(), info.port());
    if let Some(address) = info.address() {
        let detail = format!("{address} ({}) is given: nothing to resolve", class(address));
        return (RungReport::pass(Rung::Name, detail), vec![SocketAddr::new(address, port)]);
    }
    match plan.resolver {
        Some(server) => by_server(server, host, port, limit),
        None => by_system(host, port, limit),
    }
}

/// Asks the DNS server that the user names.
fn by_server(
    server: SocketAddr,
    host: &str,
    port: u16,
    limit: Duration,
) -> (RungReport, Vec<SocketAddr>) {
    let answer = dns::ask(server, host, limit);
    let symptom = match (&answer.code, answer.addresses.is_empty()) {
        (Ok(hickory_proto::op::ResponseCode::NoError), false) => None,
        (Ok(hickory_proto::op::ResponseCode::NoError), true) => Some(Symptom::NameWithoutAddress),
        (Ok(hickory_proto::op::ResponseCode::NXDomain), _) => Some(Symptom::NameUnknown),
        (Err(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), _) => {
            Some(Symptom::NameServerSilent)
        }
        (Ok(_) | Err(_), _) => Some(Symptom::NameServerFailed),
    };
    let mut report = match symptom {
        None => found(host, &answer.addresses, std::slice::from_ref(&answer)),
        Some(symptom) => {
            let detail = format!("{server} says of {host}: {}", answer.word());
            RungReport::fail(Rung::Name, symptom, host, detail)
        }
    };
    report.evidence.insert("resolver".to_owned(), json!(server.to_string()));
    report.evidence.insert("answers".to_owned(), json!([answer.to_json()]));
    (report, answer.addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
}

/// Asks as every program on this machine does, then the DNS servers of this machine one by one, to
/// show who said what.
fn by_system(host: &str, port: u16, limit: Duration) -> (RungReport, Vec<SocketAddr>) {
    let system = rungs::resolve(host, port, limit);
    let answers = ask_all(host, limit.min(SHOW_TIME_MAX));
    let (mut report, addresses) = match system {
        Ok(addresses) => {
            let mut list: Vec<IpAddr> = Vec::new();
            for address in addresses.iter().map(SocketAddr::ip) {
                if !list.contains(&address) {
                    list.push(address);
                }
            }
            (found(host, &list, &answers), list)
        }
        Err(error) => {
            let symptom = error.symptom.unwrap_or(Symptom::NameServerFailed);
            (RungReport::fail(Rung::Name, symptom, host, error.why), Vec::new())
        }
    };
    report.evidence.insert("resolver".to_owned(), json!("this machine"));
    let shown: Vec<_> = answers.iter().map(Answer::to_json).collect();
    report.evidence.insert("answers".to_owned(), json!(shown));
    (report, addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

fn ask_all(host: &str, limit: Duration) -> Vec<Answer> {
    let servers = name_servers(&fs::read_to_string(RESOLVER_FILE).unwrap_or_default());
    thread::scope(|scope| {
        let ask = |server| scope.spawn(move || dns::ask(server, host, limit));
        let started: Vec<_> = servers.into_iter().map(ask).collect();
        started.into_iter().filter_map(|one| one.join().ok()).collect()
    })
}

/// The DNS servers that the text of a `resolv.conf` names, as the C library takes them.
pub fn name_servers(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let address = |rest: &str| rest.split('%').next()?.trim().parse().ok();
    let servers = lines.filter_map(address).map(|ip| SocketAddr::new(ip, DNS_PORT));
    servers.take(SERVERS_MAX).collect()
}

fn found(host: &str, addresses: &[IpAddr], answers: &[Answer]) -> RungReport {
    let shown: Vec<String> =
        addresses.iter().map(|address| format!("{address} ({})", class(*address))).collect();
    let aliases = answers.iter().find(|answer| answer.names.len() > 1);
    let mut detail = format!("{host} is {}", shown.join(", "));
    if let Some(answer) = aliases {
        detail = format!("{detail}, by way of {}", answer.names[1..].join(", "));
    }
    let is_told = |answer: &Answer| addresses.iter().any(|one| answer.addresses.contains(one));
    let has_answers = answers.iter().any(|answer| answer.code.is_ok());
    let mut report = RungReport::pass(Rung::Name, String::new());
    let is_elsewhere = addresses.iter().any(|address| !address.is_loopback());
    if is_elsewhere && has_answers && !answers.iter().any(is_told) {
        detail.push_str(
            "; this machine's DNS servers answer otherwise, so its hosts file or a cache decides",
        );
    }
    let is_private_link = aliases
        .is_some_and(|answer| answer.names.iter().any(|name| name.contains(".privatelink.")));
    if is_private_link && addresses.iter().any(|address| class(*address) == "public") {
        detail.push_str("; the server has a private endpoint, and the name leads past it");
        report.faults =
            ["dns/zone-not-linked", "dns/custom-server-not-forwarding"].map(str::to_owned).to_vec();
    }
    let classes = addresses.iter().map(|one| json!({ "address": one, "class": class(*one) }));
    report.evidence.insert("addresses".to_owned(), classes.collect());
    report.detail = detail;
    report
}

/// What kind of address it is.
pub(crate) fn class(address: IpAddr) -> &'static str {
    match address {
        _ if address.is_loopback() => "this machine",
        _ if address.is_unspecified() || address.is_multicast() => "no host's",
        IpAddr::V4(four) if four.is_private() => "private",
        IpAddr::V4(four) if four.is_link_local() => "link-local",
        IpAddr::V4(four) if four.octets()[0] == 100 && (64..128).contains(&four.octets()[1]) => {
            "shared by a provider"
        }
        IpAddr::V6(six) if six.is_unique_local() => "private",
        IpAddr::V6(six) if six.is_unicast_link_local() => "link-local",
        IpAddr::V4(_) | IpAddr::V6(_) => "public",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_the_c_library_reads_them() {
        let text = "# note\nsearch corp.example\nnameserver 10.0.0.4\n nameserver\tfe80::1%eth0\n\
            nameserver x\nnameserver 10.0.0.5\nnameserver 10.0.0.6\n";
        let found: Vec<String> = name_servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.4:53", "[fe80::1]:53", "10.0.0.5:53"]);
    }

    #[test]
    fn addresses_have_a_class() {
        let table = [
            ("127.0.0.9", "this machine"),
            ("10.0.0.4", "private"),
            ("172.32.0.1", "public"),
            ("100.64.0.1", "shared by a provider"),
            ("100.128.0.1", "public"),
            ("169.254.0.1", "link-local"),
            ("fd00::1", "private"),
            ("2001:db8::1", "public"),
        ];
        for (address, expected) in table {
            assert_eq!(class(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
