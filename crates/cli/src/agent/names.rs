//! When a static program has to ask for names by itself: the C library would load a module of the
//! machine, made for another C library, and a program that loads such a thing may crash.
//!
//! Source: glibc 2.36, nsswitch.conf(5); `files` and `dns` are built in since 2.34.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;

/// The services that need no module.
const BUILT_IN: [&str; 2] = ["files", "dns"];

/// The DNS server to ask for `host` in place of the C library; `None` where that can be asked.
pub(crate) fn server_instead(host: &str) -> Option<SocketAddr> {
    let is_safe =
        !loads_modules(&text("/etc/nsswitch.conf")) || is_listed(host, &text("/etc/hosts"));
    if is_safe {
        None
    } else {
        flexway_probe::name_servers(&text("/etc/resolv.conf")).first().copied()
    }
}

/// A file of the system; empty when there is none.
fn text(path: &str) -> String {
    /// Hosts files that block advertisements have a few megabytes.
    const BYTES_MAX: u64 = 1 << 24;
    let read = File::open(path).and_then(|file| io::read_to_string(file.take(BYTES_MAX)));
    read.unwrap_or_default()
}

/// Whether the line for hosts names another service than the built-in ones. Without a line it is
/// `files dns`; reactions such as `[NOTFOUND=return]` are no services.
fn loads_modules(nsswitch: &str) -> bool {
    let line = nsswitch.lines().find_map(|line| line.trim().strip_prefix("hosts:"));
    let words = line.unwrap_or_default().split('#').next().unwrap_or_default();
    let words = words.replace('[', " [").replace(']', "] ");
    let mut is_reaction = false;
    words.split_whitespace().any(|word| {
        let was_reaction = is_reaction || word.starts_with('[');
        is_reaction = was_reaction && !word.ends_with(']');
        !was_reaction && !BUILT_IN.contains(&word)
    })
}

/// Whether the hosts file knows the name. Everybody's first service is `files`.
fn is_listed(host: &str, hosts: &str) -> bool {
    let names = hosts.lines().filter_map(|line| line.split('#').next());
    { names }
        .any(|line| line.split_whitespace().skip(1).any(|name| name.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_that_are_built_in_are_left_to_the_c_library() {
        let table = [
            ("", false),
            ("passwd: files systemd\n", false),
            ("hosts: files dns # mdns\n", false),
            ("# hosts: resolve\nhosts:\tfiles [NOTFOUND=continue] dns\n", false),
            ("hosts: files [!UNAVAIL=return success = merge]dns", false),
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns\n", true),
            ("hosts: files resolve [!UNAVAIL=return] dns", true),
            ("hosts: files dns myhostname", true),
        ];
        for (text, expected) in table {
            assert_eq!(loads_modules(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_the_hosts_file_are_left_to_it() {
        let hosts =
            "127.0.0.1 localhost\n# 10.0.0.4 a.example\n10.0.0.5\tB.example db # c.example\n";
        let table = [("localhost", true), ("a.example", false), ("b.example", true), ("DB", true)];
        for (name, expected) in table {
            assert_eq!(is_listed(name, hosts), expected, "{name}");
        }
        assert!(!is_listed("c.example", hosts) && !is_listed("10.0.0.5", hosts));
    }
}
