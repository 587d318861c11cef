//! Rules for one file's text: header, width, size, words, paths of one machine, secrets.

use super::{Complaint, TextFile};

/// Files of more lines are read in pieces; from the second number on they have to be split.
const LINES_WARN: usize = 400;
const LINES_FAIL: usize = 700;

/// rustfmt holds code to 100 columns. It breaks neither comments nor string literals; these may go
/// a little further.
const COLUMNS_WARN: usize = 120;
const COLUMNS_FAIL: usize = 140;

/// A line with this marker is left alone by the rules of words, paths and secrets.
const ALLOWED: &str = "tidy: allow";

/// Words that tell a reader nothing or talk down to them. In string literals of the product.
const EMPTY_WORDS: [&str; 4] = ["something went wrong", "please ", "simply ", "oops"];

/// Names that say nothing about what a file knows.
const EMPTY_NAMES: [&str; 5] = ["utils.rs", "util.rs", "helpers.rs", "misc.rs", "common.rs"];

/// Beginnings of paths that exist on one machine only; a letter or digit has to follow.
const MACHINE_PATHS: [&str; 4] = ["/work/", "/tmp/", "/home/", "/root/"]; // tidy: allow

/// What a template leaves to be written.
const UNFINISHED: &str = concat!("TO", "DO ");

/// What only secrets look like.
const SECRETS: [&str; 4] = [" PRIVATE KEY-----", "AccountKey=", "SharedAccessKey=", "eyJ0eXAiOi"]; // tidy: allow

pub(super) fn check(file: &TextFile) -> Vec<Complaint> {
    let mut complaints = leaks(file);
    complaints.extend(unfinished(file));
    if file.path.ends_with(".rs") {
        complaints.extend(header(file));
        complaints.extend(name(file));
        complaints.extend(size(file));
        complaints.extend(width(file));
        complaints.extend(words(file));
    }
    complaints
}

fn header(file: &TextFile) -> Option<Complaint> {
    let what = "no `//!` first: say in one sentence what this file knows";
    (!file.text.starts_with("//!")).then(|| Complaint::failure(&file.path, what))
}

fn name(file: &TextFile) -> Option<Complaint> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let what = "an empty name: call it after what it knows";
    EMPTY_NAMES.contains(&name).then(|| Complaint::failure(&file.path, what))
}

fn size(file: &TextFile) -> Option<Complaint> {
    let what = |lines: usize| format!("{lines} lines: split it ({LINES_WARN} is long)");
    match file.text.lines().count() {
        lines if lines > LINES_FAIL => Some(Complaint::failure(&file.path, what(lines))),
        lines if lines > LINES_WARN => Some(Complaint::warning(&file.path, what(lines))),
        _ => None,
    }
}

fn width(file: &TextFile) -> Vec<Complaint> {
    let complain = |(place, line): (String, &str)| {
        let columns = line.chars().count();
        let what = format!("{columns} columns: break the line");
        (columns > COLUMNS_FAIL).then(|| Complaint::failure(place, what))
    };
    numbered(file).filter_map(complain).collect()
}

/// One warning for all lines that are wide but not too wide: each by itself is no news.
pub(super) fn wide_lines(files: &[TextFile]) -> Option<Complaint> {
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    let lines = sources.flat_map(|file| file.text.lines());
    let count = lines.filter(|line| line.chars().count() > COLUMNS_WARN).count();
    let what = format!("{count} lines of more than {COLUMNS_WARN} columns");
    (count > 0).then(|| Complaint::warning("*.rs", what))
}

fn words(file: &TextFile) -> Vec<Complaint> {
    if file.path.starts_with("xtask/") || file.path.contains("/tests/") {
        return Vec::new();
    }
    let product = file.text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
    let complain = |(place, line): (String, &str)| {
        let literals = literals(line).to_lowercase();
        let word = EMPTY_WORDS.iter().find(|word| literals.contains(**word))?;
        let what = format!("says {:?}: say what failed, why and what to do", word.trim());
        (!line.contains(ALLOWED)).then(|| Complaint::failure(place, what))
    };
    numbered(file).take(product).filter_map(complain).collect()
}

/// The parts of a line between double quotes, comments left out.
fn literals(line: &str) -> String {
    if line.trim_start().starts_with("//") {
        return String::new();
    }
    line.split('"').skip(1).step_by(2).collect::<Vec<_>>().join(" ")
}

fn unfinished(file: &TextFile) -> Vec<Complaint> {
    let is_ours = file.path.ends_with(".rs") || file.path.ends_with(".md");
    let lines = numbered(file).filter(|(_, line)| is_ours && line.contains(UNFINISHED));
    let complain = |(place, _)| Complaint::failure(place, "unfinished: write it, or file an issue");
    lines.map(complain).collect()
}

fn leaks(file: &TextFile) -> Vec<Complaint> {
    let complain = |(place, line): (String, &str)| {
        if line.contains(ALLOWED) {
            return None;
        }
        if let Some(path) = MACHINE_PATHS.iter().find(|path| names_below(line, path)) {
            let what = format!("a path of one machine ({path}...): name it another way");
            return Some(Complaint::failure(place, what));
        }
        let secret = SECRETS.iter().find(|secret| line.contains(**secret))?;
        Some(Complaint::failure(place, format!("looks like a secret ({secret})")))
    };
    numbered(file).filter_map(complain).collect()
}

/// Whether the line names something below this folder, which must stand at a path's beginning.
fn names_below(line: &str, folder: &str) -> bool {
    let is_name = |char: char| char.is_ascii_alphanumeric();
    line.match_indices(folder).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + folder.len()..].chars().next();
        let begins = !before.is_some_and(|char| is_name(char) || "._-})>/".contains(char));
        begins && after.is_some_and(is_name)
    })
}

fn numbered(file: &TextFile) -> impl Iterator<Item = (String, &str)> {
    let place = |index: usize| format!("{}:{}", file.path, index + 1);
    file.text.lines().enumerate().map(move |(index, line)| (place(index), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        check(&file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_file_is_left_alone() {
        let text = "//! Knows a thing.\nfn f() -> &'static str { \"read the zone: 403\" }\n";
        assert_eq!(complaints("crates/core/src/f.rs", text), Vec::<String>::new());
    }

    #[test]
    fn header_name_and_size_are_checked() {
        let found = complaints("crates/core/src/utils.rs", &"fn f() {}\n".repeat(701));
        assert_eq!(found.len(), 3, "{found:?}");
        let found = complaints("crates/core/src/f.rs", &format!("//! F.\n{}", "\n".repeat(400)));
        assert!(found[0].starts_with("warning:"), "{found:?}");
    }

    #[test]
    fn wide_lines_warn_and_very_wide_lines_fail() {
        let text = format!("//! {}\n//! {}\n", "x".repeat(120), "x".repeat(140));
        let found = complaints("crates/core/src/f.rs", &text);
        assert_eq!(found, ["error: crates/core/src/f.rs:2: 144 columns: break the line"]);
        let file = TextFile { path: "f.rs".to_owned(), text };
        let wide = wide_lines(&[file]).expect("a warning").to_string();
        assert_eq!(wide, "warning: *.rs: 2 lines of more than 120 columns");
    }

    #[test]
    fn empty_words_count_in_literals_of_the_product_only() {
        let text = |line: &str| format!("//! F.\n{line}\n");
        let found = |line: &str| complaints("crates/core/src/f.rs", &text(line)).len();
        assert_eq!(found("f(\"Something went wrong\")"), 1);
        assert_eq!(found("// please read"), 0);
        assert_eq!(found("#[cfg(test)]\nf(\"oops\")"), 0);
    }

    #[test]
    fn what_a_template_left_open_fails() {
        let text = format!("# dns/x\n\n{UNFINISHED}what is wrong\n");
        assert_eq!(complaints("docs/checks/dns/x.md", &text).len(), 1);
        assert_eq!(complaints("xtask/templates/page.md.in", &text).len(), 0);
    }

    #[test]
    fn machine_paths_and_secrets_fail_in_any_file() {
        for start in MACHINE_PATHS.iter().chain(&SECRETS) {
            assert_eq!(complaints("README.md", &format!("see {start}x9")).len(), 1, "{start}");
        }
        for line in ["cd /tmp", "x.org/work/a", "$base/tmp/a", "cd /tmp/x # tidy: allow"] {
            assert_eq!(complaints("README.md", line).len(), 0, "{line}");
        }
    }
}
