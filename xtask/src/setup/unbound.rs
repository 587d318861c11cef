//! The DNS server of twins: Debian's unbound, unpacked into the cache and not installed, since its
//! package would start a resolver on the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use flexway_lab::twin::tools;

use super::{UNFINISHED, failed, open_folder, tools as system};
use crate::process::{Result, read};

/// Makes sure that the cache, or the system, has a working unbound.
pub(super) fn require(cache: &Path) -> Result<()> {
    if tools::find_unbound().is_ok() {
        return Ok(());
    }
    let by_hand = "install unbound by hand (apt-get install unbound) and run this again";
    eprintln!("unbound: fetching it from Debian");
    let work = cache.join(format!("{UNFINISHED}{}", std::process::id()));
    open_folder(&work)?;
    let done = unpack(&work, cache);
    fs::remove_dir_all(&work).map_err(failed("remove", &work))?;
    done.map_err(|why| format!("{why}; {by_hand}"))?;
    tools::find_unbound().map(drop).map_err(|why| format!("{why}; {by_hand}"))
}

fn unpack(work: &Path, cache: &Path) -> Result<()> {
    read(system::apt_get(&["update", "-qq"]), system::APT_LIMIT)?;
    let mut download = system::apt_get(&["download", "-qq", "unbound"]);
    // As root, apt fetches as another user, who may not write here.
    download.args(["-o", "APT::Sandbox::User=root"]).current_dir(work);
    read(download, system::APT_LIMIT)?;
    let files = fs::read_dir(work).map_err(failed("read", work))?.flatten();
    let mut packages = files.map(|file| file.path());
    let package = packages.next().ok_or("find the downloaded package")?;
    let mut fields = Command::new("dpkg-deb");
    fields.arg("-f").arg(&package).arg("Depends");
    let depends = read(fields, system::APT_LIMIT)?;
    let libraries = libraries(&depends);
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    read(system::apt_get(&[&install[..], &libraries].concat()), system::APT_LIMIT)?;
    let unpacked = work.join("unpacked");
    let mut extract = Command::new("dpkg-deb");
    extract.arg("-x").arg(&package).arg(&unpacked);
    read(extract, system::APT_LIMIT)?;
    let place = cache.join(tools::UNBOUND_FOLDER);
    open_folder(place.parent().unwrap_or(cache))?;
    if place.exists() {
        fs::remove_dir_all(&place).map_err(failed("remove", &place))?;
    }
    fs::rename(&unpacked, &place).map_err(failed("move the package to", &place))
}

/// The libraries among a package's dependencies, the first of alternatives, without versions.
fn libraries(depends: &str) -> Vec<&str> {
    let first = |one: &'_ str| one.trim().split([' ', '|', '(', ':']).next().unwrap_or("").len();
    let names = depends.trim().split(',').map(str::trim).map(|one| &one[..first(one)]);
    names.filter(|name| name.starts_with("lib")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_told_from_other_dependencies() {
        let depends = "adduser, lsb-base | sysvinit-utils, libc6 (>= 2.34), libssl3 (>= 3.0.0)\n";
        assert_eq!(libraries(depends), ["libc6", "libssl3"]);
    }
}
