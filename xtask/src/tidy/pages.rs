//! Every fault of the registry has its page under docs/checks, and every page its fault.

use std::collections::BTreeSet;

use super::{Complaint, TextFile};

/// The list of all checks; `cargo xtask new-check` adds to it.
pub(crate) const REGISTRY: &str = "crates/core/src/checks/mod.rs";

pub(super) fn check(files: &[TextFile]) -> Vec<Complaint> {
    let Some(registry) = files.iter().find(|file| file.path == REGISTRY) else {
        return vec![Complaint::warning(REGISTRY, "no registry: pages are not compared with it")];
    };
    let faults: BTreeSet<&str> = fault_ids(&registry.text).collect();
    let pages: BTreeSet<&str> = files.iter().filter_map(|file| fault_of_page(&file.path)).collect();
    let without_page = faults.difference(&pages).map(|fault| {
        Complaint::failure(REGISTRY, format!("{fault} has no page docs/checks/{fault}.md"))
    });
    let without_fault = pages.difference(&faults).map(|fault| {
        let place = format!("docs/checks/{fault}.md");
        Complaint::failure(place, format!("no fault {fault} in {REGISTRY}"))
    });
    without_page.chain(without_fault).collect()
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

fn fault_of_page(path: &str) -> Option<&str> {
    let fault = path.strip_prefix("docs/checks/")?.strip_suffix(".md")?;
    is_fault_id(fault).then_some(fault)
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
