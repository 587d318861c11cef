//! Checks the rules of the house that neither rustfmt nor clippy knows.
//!
//! Failures are broken rules. Warnings are counted and shown, and do not fail: size and width are
//! guides until they become walls. A line that must break a rule of text ends with the marker
//! `tidy: allow`.

mod licences;
mod links;
mod pages;
mod text;

pub(crate) use pages::{REGISTRY, is_fault_id};

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::chores::root;
use crate::process::{GIT_LIMIT, Result, read};

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// File, and line where there is one, such as `src/main.rs:3`.
    place: String,
    what: String,
    is_warning: bool,
}

impl Complaint {
    fn failure(place: impl Into<String>, what: impl Into<String>) -> Complaint {
        Complaint { place: place.into(), what: what.into(), is_warning: false }
    }

    fn warning(place: impl Into<String>, what: impl Into<String>) -> Complaint {
        Complaint { is_warning: true, ..Complaint::failure(place, what) }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_warning { "warning" } else { "error" };
        write!(formatter, "{kind}: {}: {}", self.place, self.what)
    }
}

/// A text file of the project: its path from the top folder, with `/`, and its content.
pub(crate) struct TextFile {
    path: String,
    text: String,
}

/// Checks the whole project.
pub(crate) fn run() -> Result<()> {
    let files = text_files()?;
    let mut complaints: Vec<Complaint> = files.iter().flat_map(text::check).collect();
    complaints.extend(text::wide_lines(&files));
    complaints.extend(links::check(&files));
    complaints.extend(pages::check(&files));
    complaints.extend(licences::check()?);
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    match complaints.iter().filter(|complaint| !complaint.is_warning).count() {
        0 => {
            eprintln!("tidy: {} files, {} warnings", files.len(), complaints.len());
            Ok(())
        }
        count => Err(format!("find the house tidy: {count} rules broken, listed above")),
    }
}

/// All files that git tracks or would track, less those that are not text.
fn text_files() -> Result<Vec<TextFile>> {
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    command.current_dir(root());
    let listed = read(command, GIT_LIMIT)?;
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    Ok(paths.filter_map(text_file).collect())
}

fn text_file(path: &str) -> Option<TextFile> {
    let bytes = fs::read(root().join(PathBuf::from(path))).ok()?;
    Some(TextFile { path: path.to_owned(), text: String::from_utf8(bytes).ok()? })
}
