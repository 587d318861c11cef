//! The programs that set-up and tests need from the system, and how a Debian gets them.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{Result, capture, read};

/// A thing that must be on the machine, and the Debian package that brings it.
pub(super) struct Tool {
    /// For people.
    title: &'static str,
    package: &'static str,
    presence: Presence,
}

enum Presence {
    /// This command succeeds.
    Runs(&'static [&'static str]),
    /// This file exists.
    File(&'static str),
}

/// Needed to download and unpack.
pub(super) const FOR_SETUP: [Tool; 3] = [
    Tool { title: "npm", package: "npm", presence: Presence::Runs(&["npm", "--version"]) },
    Tool {
        title: "pip for python3",
        package: "python3-pip",
        presence: Presence::Runs(&["python3", "-m", "pip", "--version"]),
    },
    Tool { title: "tar", package: "tar", presence: Presence::Runs(&["tar", "--version"]) },
];

/// Needed by the servers and the tests: PostgreSQL 17's build reads the system's time zones,
/// certificates are made with openssl, and probes meet a pooler and a DNS server that are not ours.
pub(super) const FOR_TESTS: [Tool; 4] = [
    Tool {
        title: "time zones (/usr/share/zoneinfo)",
        package: "tzdata",
        presence: Presence::File("/usr/share/zoneinfo/UTC"),
    },
    Tool {
        title: "openssl",
        package: "openssl",
        presence: Presence::Runs(&["openssl", "version"]),
    },
    Tool {
        title: "pgbouncer",
        package: "pgbouncer",
        presence: Presence::File("/usr/sbin/pgbouncer"),
    },
    Tool { title: "unbound", package: "unbound", presence: Presence::File("/usr/sbin/unbound") },
];

/// Needed by twins of estates, beside unbound.
pub(super) const FOR_TWINS: [Tool; 2] = [
    Tool { title: "ip", package: "iproute2", presence: Presence::Runs(&["ip", "-Version"]) },
    Tool { title: "nft", package: "nftables", presence: Presence::Runs(&["nft", "--version"]) },
];

/// npm's first start on a cold disk takes seconds.
const LOOK_LIMIT: Duration = Duration::from_secs(60);

/// Debian's npm brings some 400 small packages: minutes.
pub(super) const APT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Makes sure that these tools are there: installs them where we may, else says what to install.
pub(super) fn require(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !tool.is_present()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let titles = missing.iter().map(|tool| tool.title).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let by_hand = format!("as root: apt-get install {}", packages.join(" "));
    if !may_install() {
        return Err(format!("find {titles}; install it ({by_hand}) and run this again"));
    }
    eprintln!("installing {} with apt-get: some minutes", packages.join(", "));
    let refused = |why| format!("{why}; install {titles} by hand and run this again");
    read(apt_get(&["update", "-qq"]), APT_LIMIT).map_err(refused)?;
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    read(apt_get(&[&install[..], &packages].concat()), APT_LIMIT).map_err(refused)?;
    match missing.iter().find(|tool| !tool.is_present()) {
        Some(tool) => Err(format!("find {} after installing {}", tool.title, tool.package)),
        None => Ok(()),
    }
}

impl Tool {
    fn is_present(&self) -> bool {
        match self.presence {
            Presence::File(path) => Path::new(path).exists(),
            Presence::Runs(words) => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]).current_dir(env::temp_dir());
                capture(command, LOOK_LIMIT).is_ok_and(|output| output.status.success())
            }
        }
    }
}

pub(super) fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether we may install packages of the system.
pub(super) fn may_install() -> bool {
    is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// /proc/self belongs to the effective user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
