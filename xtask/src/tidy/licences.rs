//! Holds the dependencies to the lists of `deny.toml`: licences allowed, crates banned.
//!
//! cargo-deny does this and more; this check needs nothing but cargo, so that it runs everywhere.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use super::Complaint;
use crate::chores::{cargo, root};
use crate::process::{Result, read};

/// cargo may have to wait for another one that downloads.
const TREE_LIMIT: Duration = Duration::from_secs(300);

pub(super) fn check() -> Result<Vec<Complaint>> {
    let path = root().join("deny.toml");
    let rules = fs::read_to_string(&path).map_err(|error| format!("read deny.toml: {error}"))?;
    let allowed = list(&rules, "licenses", "allow");
    let banned = list(&rules, "bans", "deny");
    if allowed.is_empty() || banned.is_empty() {
        return Err("read deny.toml: no list `allow` in [licenses] or `deny` in [bans]".to_owned());
    }
    let crates = tree()?;
    Ok(crates.iter().flat_map(|line| complaints(line, &allowed, &banned)).collect())
}

/// `name version|licence expression` of every dependency on any system, in any role.
fn tree() -> Result<BTreeSet<String>> {
    let mut command: Command = cargo(&["tree", "--workspace", "--locked", "--target", "all"]);
    command.args([
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{l}",
    ]);
    let said = read(command, TREE_LIMIT)?;
    let is_foreign = |line: &&str| !line.is_empty() && !line.contains("(/");
    Ok(said.lines().filter(is_foreign).map(str::to_owned).collect())
}

fn complaints(line: &str, allowed: &[String], banned: &[String]) -> Vec<Complaint> {
    let (package, licence) = line.split_once('|').unwrap_or((line, ""));
    let name = package.split(' ').next().unwrap_or_default();
    let mut found = Vec::new();
    if banned.iter().any(|banned| banned == name) {
        let what = format!("{package} is banned: see [bans] in deny.toml");
        found.push(Complaint::failure("Cargo.lock", what));
    }
    if !is_allowed(licence, allowed) {
        let what = format!("{package}: licence {licence:?} is not among those of deny.toml");
        found.push(Complaint::failure("Cargo.lock", what));
    }
    found
}

/// Whether the expression can be met with allowed licences: one side of `OR`, both of `AND`.
///
/// Source: the SPDX specification, annex "licence expressions"; `/` is cargo's old form of `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
    let met = either(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn either(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed);
    }
    met
}

fn both(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = either(words, allowed);
        return words.next_if_eq(&")").is_some() && met;
    }
    let mut licence = words.next().unwrap_or_default().to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().unwrap_or_default());
    }
    allowed.contains(&licence)
}

/// The first string literal on each line of a list `key = [` in a section. Enough of TOML for our
/// own file.
fn list(rules: &str, section: &str, key: &str) -> Vec<String> {
    let header = format!("[{section}]");
    let in_section = rules.lines().skip_while(|line| *line != header).skip(1);
    let in_section = in_section.take_while(|line| !line.starts_with('['));
    let start = format!("{key} = [");
    let in_list = in_section.skip_while(|line| *line != start).skip(1);
    let in_list = in_list.take_while(|line| *line != "]");
    in_list.filter_map(|line| line.split('"').nth(1).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "(GPL-3.0 OR MIT) AND ISC",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT", "MIT MIT"] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn lists_are_read_from_their_section() {
        let rules = "[licenses]\nallow = [\n  \"MIT\",\n]\n\
                     [bans]\ndeny = [\n  { crate = \"ring\", reason = \"x\" },\n]\n";
        assert_eq!(list(rules, "licenses", "allow"), ["MIT"]);
        assert_eq!(list(rules, "bans", "deny"), ["ring"]);
    }

    #[test]
    fn a_banned_crate_with_a_foreign_licence_breaks_two_rules() {
        let found = complaints("ring 0.17.0|GPL-3.0", &["MIT".to_owned()], &["ring".to_owned()]);
        assert_eq!(found.len(), 2);
    }
}
