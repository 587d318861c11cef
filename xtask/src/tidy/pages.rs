//! Every fault and every validation of the registries has its page, and every page its line there.

use std::collections::BTreeSet;

use super::{Complaint, TextFile};

/// The list of all checks; `cargo xtask new-check` adds to it.
pub(crate) const REGISTRY: &str = "crates/core/src/checks/mod.rs";

/// The list of all validations of an assessment.
const VALIDATIONS: &str = "crates/core/src/assess/mod.rs";

pub(super) fn check(files: &[TextFile]) -> Vec<Complaint> {
    let mut found = compare(files, REGISTRY, "docs/checks/");
    found.extend(compare(files, VALIDATIONS, "docs/validations/"));
    found
}

/// Compares a registry with the pages of a folder, both ways.
fn compare(files: &[TextFile], place: &str, folder: &str) -> Vec<Complaint> {
    let Some(registry) = files.iter().find(|file| file.path == place) else {
        return vec![Complaint::warning(place, "no registry: pages are not compared with it")];
    };
    let ids: BTreeSet<&str> = fault_ids(&registry.text).collect();
    let pages: BTreeSet<&str> =
        files.iter().filter_map(|file| id_of_page(&file.path, folder)).collect();
    let without_page = ids
        .difference(&pages)
        .map(|id| Complaint::failure(place, format!("{id} has no page {folder}{id}.md")));
    let without_id = pages
        .difference(&ids)
        .map(|id| Complaint::failure(format!("{folder}{id}.md"), format!("no {id} in {place}")));
    without_page.chain(without_id).collect()
}

/// String literals of the form `area/fault`, in code.
fn fault_ids(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split('"').skip(1).step_by(2)).filter(|literal| is_fault_id(literal))
}

/// Whether a text is `area/fault`: lower case letters and digits, words of the fault by hyphens.
pub(crate) fn is_fault_id(text: &str) -> bool {
    let is_word = |word: &str| {
        let is_plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
        !word.is_empty() && word.chars().all(is_plain)
    };
    text.split_once('/').is_some_and(|(area, fault)| is_word(area) && fault.split('-').all(is_word))
}

fn id_of_page<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let id = path.strip_prefix(folder)?.strip_suffix(".md")?;
    is_fault_id(id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_and_pages_are_compared_both_ways() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let registry =
            "//! All.\nf(\"dns/zone-not-linked\");\n// \"dns/old\"\ng(\"dns/no-page\", \"x\");";
        let files = [
            file(REGISTRY, registry),
            file("docs/checks/dns/zone-not-linked.md", ""),
            file("docs/checks/dns/no-fault.md", ""),
            file("docs/checks/README.md", ""),
            file(VALIDATIONS, "f(\"server/same\");"),
            file("docs/validations/server/same.md", ""),
        ];
        let found: Vec<String> =
            check(&files).into_iter().map(|complaint| complaint.place).collect();
        assert_eq!(found, [REGISTRY, "docs/checks/dns/no-fault.md"]);
    }

    #[test]
    fn fault_ids_have_one_form() {
        assert!(is_fault_id("tls/version-below-12"));
        for wrong in ["dns", "dns/", "DNS/x", "dns/a--b", "dns/a/b", "a-b/c"] {
            assert!(!is_fault_id(wrong), "{wrong}");
        }
    }
}
