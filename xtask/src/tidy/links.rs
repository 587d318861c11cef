//! Relative links in Markdown files must lead to a file of the project.

use std::collections::BTreeSet;

use super::{Complaint, TextFile};

pub(super) fn check(files: &[TextFile]) -> Vec<Complaint> {
    let known: BTreeSet<&str> = files.iter().flat_map(|file| prefixes(&file.path)).collect();
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| broken_links(page, &known)).collect()
}

/// A path and all folders that it lies in.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end]).chain([path])
}

fn broken_links(page: &TextFile, known: &BTreeSet<&str>) -> Vec<Complaint> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let links = page
        .text
        .lines()
        .enumerate()
        .flat_map(|(index, line)| targets(line).map(move |target| (index + 1, target)));
    links
        .filter(|(_, target)| !known.contains(resolve(folder, target).as_str()))
        .map(|(line, target)| {
            Complaint::failure(
                format!("{}:{line}", page.path),
                format!("link to {target}: no such file"),
            )
        })
        .collect()
}

/// Targets of `[text](target)` that lead to files: no web address, no place on the same page.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.match_indices("](").filter_map(|(start, _)| {
        let rest = &line[start + 2..];
        Some(&rest[..rest.find(')')?])
    });
    let files = ends.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains(':') && !target.contains(' '))
}

/// A path relative to a folder, as a path from the top.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_from_their_page() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [
            file(
                "README.md",
                "[a](docs/a.md#x) [b](docs/) [c](https://x.org) [d](#d) [e](gone.md)",
            ),
            file("docs/a.md", "[up](../README.md)\n[gone](./b.md)"),
        ];
        let found: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
        let expected = [
            "error: README.md:1: link to gone.md: no such file",
            "error: docs/a.md:2: link to ./b.md: no such file",
        ];
        assert_eq!(found, expected);
    }
}
