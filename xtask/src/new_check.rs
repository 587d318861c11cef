//! Scaffolds a check: its file, its page and its line in the registry, from `xtask/templates`.

use std::fs;
use std::path::Path;

use crate::chores::root;
use crate::process::Result;
use crate::tidy::{REGISTRY, is_fault_id};

/// New registry lines go above the line that holds this text.
const REGISTRY_MARK: &str = "new-check: above this line";

/// Makes `AREA/FAULT`; refuses to overwrite anything, and checks that before it writes anything.
pub(crate) fn run(id: &str) -> Result<()> {
    let (area, fault) = match id.split_once('/') {
        Some(parts) if is_fault_id(id) => parts,
        _ => {
            return Err(format!(
                "name a check {id:?}: use area/fault, such as dns/zone-not-linked"
            ));
        }
    };
    let module = fault.replace('-', "_");
    let fill = |template: &str| {
        let text = template.replace("{{id}}", id).replace("{{area}}", area);
        text.replace("{{fault}}", fault).replace("{{module}}", &module)
    };
    let check = format!("crates/core/src/checks/{area}/{module}.rs");
    let page = format!("docs/checks/{id}.md");
    let area_module = format!("crates/core/src/checks/{area}/mod.rs");
    for path in [&check, &page] {
        if root().join(path).exists() {
            return Err(format!("make {path}: it exists"));
        }
    }
    let line = fill(include_str!("../templates/registry-line.in"));
    let registry = insert_above(&read(REGISTRY)?, REGISTRY_MARK, &line)
        .ok_or(format!("change {REGISTRY}: no line with `{REGISTRY_MARK}`"))?;
    let modules = match root().join(&area_module).exists() {
        true => add_module(&read(&area_module)?, &module),
        false => format!("//! Checks of area `{area}`, one file a fault.\n\nmod {module};\n"),
    };
    write(&check, &fill(include_str!("../templates/check.rs.in")))?;
    write(&page, &fill(include_str!("../templates/page.md.in")))?;
    write(&area_module, &modules)?;
    write(REGISTRY, &registry)?;
    eprintln!(
        "next: write {page} (it is the test), then {check}; `cargo xtask test` tells the rest"
    );
    Ok(())
}

/// Puts `line` above the first line that holds `mark`.
fn insert_above(text: &str, mark: &str, line: &str) -> Option<String> {
    let place = text.find(mark)?;
    let start = text[..place].rfind('\n').map_or(0, |end| end + 1);
    Some(format!("{}{line}{}", &text[..start], &text[start..]))
}

/// Adds `mod name;` after the others; rustfmt puts it in its place.
fn add_module(text: &str, name: &str) -> String {
    let is_module = |line: &&str| line.contains("mod ") && line.ends_with(';');
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(is_module);
    let visibility = last.and_then(|last| lines[last].split("mod ").next()).unwrap_or("");
    let line = format!("{visibility}mod {name};");
    lines.insert(last.map_or(lines.len(), |last| last + 1), &line);
    lines.join("\n") + "\n"
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

    #[test]
    fn a_line_is_put_above_its_mark() {
        let text = "a\n  // mark\nb\n";
        assert_eq!(insert_above(text, "mark", "new\n").as_deref(), Some("a\nnew\n  // mark\nb\n"));
        assert_eq!(insert_above(text, "none", "new\n"), None);
    }

    #[test]
    fn a_module_joins_the_others() {
        let text = "//! Area.\n\npub(crate) mod a;\npub(crate) mod b;\n\nuse x;\n";
        let expected =
            "//! Area.\n\npub(crate) mod a;\npub(crate) mod b;\npub(crate) mod c;\n\nuse x;\n";
        assert_eq!(add_module(text, "c"), expected);
    }
}
