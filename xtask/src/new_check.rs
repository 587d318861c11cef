//! Scaffolds a check: its file, its page and its line in the registry, from `xtask/templates`.

use std::fs;
use std::path::Path;

use crate::chores::root;
use crate::process::Result;
use crate::tidy::{REGISTRY, is_fault_id};

/// Makes the check `AREA/FAULT`. A fault that has its page and its place in the registry already
/// keeps them and gets the check.
pub(crate) fn run(id: &str) -> Result<()> {
    if !is_fault_id(id) {
        return Err(format!("name a check {id:?}: use area/fault, such as dns/zone-not-linked"));
    }
    let check = format!("crates/core/src/checks/{id}.rs");
    let page = format!("docs/checks/{id}.md");
    if root().join(&check).exists() {
        return Err(format!("make {check}: it exists"));
    }
    let registry = register(&read(REGISTRY)?, id)?;
    let fill = |template: &str| template.replace("{{id}}", id);
    write(&check, &fill(include_str!("../templates/check.rs.in")))?;
    if !root().join(&page).exists() {
        write(&page, &fill(include_str!("../templates/page.md.in")))?;
    }
    write(REGISTRY, &registry)?;
    eprintln!("made {check}, registered it in {REGISTRY}");
    eprintln!(
        "next: say in {page} what it is and how it looks, then write the check; `cargo xtask test` tells the rest"
    );
    Ok(())
}

/// The registry with the check in it: in place of the fault's line without a check, else after the
/// last line of its area, else at the end of the list.
fn register(text: &str, id: &str) -> Result<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let area = id.split_once('/').map_or(id, |(area, _)| area);
    let place = |beginning: String| lines.iter().rposition(|line| line.starts_with(&beginning));
    let without_check = place(format!("    \"{id}\";"));
    let of_area = place(format!("    \"{area}/"));
    let line = include_str!("../templates/registry-line.in").trim_end();
    let line = line.replace("{{id}}", id).replace("{{module}}", &module_name(text, id));
    match (without_check, of_area) {
        (Some(place), _) => lines[place] = &line,
        (None, Some(place)) => lines.insert(place + 1, &line),
        (None, None) => {
            let begin = lines.iter().position(|line| line.starts_with("registry! {"));
            let end = |begin| {
                lines.iter().skip(begin).position(|line| *line == "}").map(|end| begin + end)
            };
            let end =
                begin.and_then(end).ok_or(format!("find `registry! {{ ... }}` in {REGISTRY}"))?;
            lines.insert(end, &line);
            lines.insert(end, "");
        }
    }
    Ok(lines.join("\n") + "\n")
}

/// The fault's name as Rust has it, with its area where another check has that name.
fn module_name(text: &str, id: &str) -> String {
    let (_, fault) = id.split_once('/').unwrap_or(("", id));
    let short = fault.replace('-', "_");
    let is_taken = text.contains(&format!(" as {short};"));
    if is_taken { id.replace(['/', '-'], "_") } else { short }
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("read {path}: {error}"))
}

fn write(path: &str, text: &str) -> Result<()> {
    let full = root().join(path);
    fs::create_dir_all(full.parent().unwrap_or(Path::new(".")))
        .and_then(|()| fs::write(full, text))
        .map_err(|error| format!("write {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "macro {\n}\n\nregistry! {\n    \"dns/a\" in \"dns/a.rs\" as a;\n    \"dns/b\";\n\n    \"tls/c\";\n}\n";

    #[test]
    fn a_check_joins_its_fault_or_its_area_or_the_list() {
        let new = |id: &str| register(TEXT, id).expect("a registry");
        let line = |id: &str, module: &str| format!("    \"{id}\" in \"{id}.rs\" as {module};");
        let b = line("dns/b", "b");
        assert_eq!(new("dns/b"), TEXT.replace("    \"dns/b\";", &b));
        let z_z = format!("    \"dns/b\";\n{}", line("dns/z-z", "z_z"));
        assert_eq!(new("dns/z-z"), TEXT.replace("    \"dns/b\";", &z_z));
        let tls_a = format!("    \"tls/c\";\n{}", line("tls/a", "tls_a"));
        assert_eq!(new("tls/a"), TEXT.replace("    \"tls/c\";", &tls_a));
        let host = format!("    \"tls/c\";\n\n{}", line("host/x", "x"));
        assert_eq!(new("host/x"), TEXT.replace("    \"tls/c\";", &host));
        assert!(register("no list\n", "host/x").is_err());
    }
}
