//! Files, folders and standard input into resources with their ages.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, Take};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use flexway_core::estate::{Input, Scanned, scan, scan_list};
use flexway_core::text::{decode, without_comments};
use serde::de::IgnoredAny;

use crate::exit::Failure;
use crate::output::{printable, remark};
use crate::text;

/// Largest file that is read: a capture of 10,000 networks has about 500 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Files of a folder: a capture has one file a resource type, or one a resource.
const FILES_MAX: usize = 100_000;

/// Folders inside folders.
const DEPTH_MAX: usize = 16;

/// Names of files that are read when they stand in a folder.
const EXTENSIONS: [&str; 4] = ["json", "jsonl", "ndjson", "tfstate"];

/// Endings of files that may be captures, and are not read when they stand in a folder.
const LIKE_CAPTURES: [&str; 6] = ["backup", "bak", "gz", "out", "txt", "zip"];

/// Files that were left out and are named.
const LEFT_OUT_SHOWN_MAX: usize = 5;

/// Standard input is what was asked for last.
const NEWEST: u64 = u64::MAX;

/// The resources that some paths hold, in their order; each input with its age in seconds since 1970.
pub(crate) fn scanned(paths: &[PathBuf]) -> Result<Vec<(u64, Scanned)>, Failure> {
    read(paths, &Parse { list: |name, file, window| scan_list(name, file, window), whole: scan })
}

/// Everything that some paths hold, in their order.
pub(crate) fn values(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let inputs = read(paths, &Parse { list: |_, _, _| Ok(None), whole: Input::parse })?;
    Ok(inputs.into_iter().map(|(_, input)| input).collect())
}

/// Reads a file of some name that is a list, through a window; `None` for others.
type ParseList<T> = fn(&str, &mut Take<&File>, &mut Vec<u8>) -> io::Result<Option<T>>;

/// What an input of some name gives.
struct Parse<T> {
    list: ParseList<T>,
    /// A whole text.
    whole: fn(&str, &str) -> Result<T, serde_json::Error>,
}

fn read<T: Send>(paths: &[PathBuf], parse: &Parse<T>) -> Result<Vec<(u64, T)>, Failure> {
    let (mut inputs, mut files) = (Vec::new(), Vec::new());
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            text::fill(std::io::stdin().lock(), &mut bytes, FILE_BYTES_MAX)
                .map_err(|why| Failure::failed("read the estate from standard input", why, ""))?;
            inputs.extend(parse_all(&std::mem::take(&mut files), parse)?);
            inputs.push((NEWEST, parse_bytes("-", &bytes, parse)?));
            continue;
        }
        let before = files.len();
        let mut listing = Listing::default();
        listing.add(path, 0)?;
        listing.tell();
        files.append(&mut listing.files);
        if files.len() == before {
            let (why, help) = match listing.empty.is_empty() {
                true => (
                    "the folder holds no .json file",
                    "put the JSON that `az ... show` and `az ... list` print into it",
                ),
                false => (
                    "every .json file in the folder is empty",
                    "capture again: a command that fails leaves an empty file behind",
                ),
            };
            return Err(Failure::failed(format!("read estate {}", path.display()), why, help));
        }
    }
    inputs.extend(parse_all(&files, parse)?);
    Ok(inputs)
}

/// Reads and parses files on all cores; the result is in their order.
fn parse_all<T: Send>(
    files: &[(u64, PathBuf)],
    parse: &Parse<T>,
) -> Result<Vec<(u64, T)>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(cores).max(1);
    let parts: Vec<Result<Vec<_>, Failure>> = std::thread::scope(|scope| {
        let parse_part = |part: &'_ [(u64, PathBuf)]| -> Result<Vec<(u64, T)>, Failure> {
            // Kept from file to file: freed memory of this size would make the allocator keep more of all that is freed.
            let mut window = Vec::new();
            let mut parse = |path| parse_file(path, &mut window, parse);
            part.iter().map(|(age, path)| Ok((*age, parse(path)?))).collect()
        };
        let started: Vec<_> =
            files.chunks(share).map(|part| scope.spawn(move || parse_part(part))).collect();
        let joined = started.into_iter().map(|one| one.join());
        joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut inputs = Vec::new();
    for part in parts {
        inputs.extend(part?);
    }
    Ok(inputs)
}

/// Reads and parses a file.
fn parse_file<T>(path: &Path, window: &mut Vec<u8>, parse: &Parse<T>) -> Result<T, Failure> {
    let failed = |why: io::Error| {
        let help = match why.kind() {
            io::ErrorKind::InvalidData => "",
            _ => "check the path and that you may read it",
        };
        Failure::failed(format!("read estate {}", path.display()), why, help)
    };
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(failed)?;
    // What comes through a pipe cannot be read a second time.
    if file.metadata().map_err(failed)?.is_file() {
        let mut limited = (&file).take(FILE_BYTES_MAX);
        if let Some(found) = (parse.list)(&name, &mut limited, window).map_err(failed)? {
            return Ok(found);
        }
        file.rewind().map_err(failed)?;
    }
    text::fill(file, window, FILE_BYTES_MAX).map_err(failed)?;
    parse_bytes(&name, window, parse)
}

/// The files of a path.
#[derive(Default)]
struct Listing {
    /// Those to read, each with its age.
    files: Vec<(u64, PathBuf)>,
    /// Folders that were entered: a link may lead to one around it.
    folders: BTreeSet<PathBuf>,
    /// Files that may be captures, and are not read.
    others: Vec<PathBuf>,
    /// Files with names that begin with a dot: macOS lays such beside each file of a copy.
    hidden: Vec<PathBuf>,
    /// What a command that failed leaves behind.
    empty: Vec<PathBuf>,
}

impl Listing {
    fn add(&mut self, path: &Path, depth: usize) -> Result<(), Failure> {
        let failed = |why: std::io::Error| {
            let help = "check the path and that you may read it";
            Failure::failed(format!("read estate {}", path.display()), why, help)
        };
        let meta = std::fs::metadata(path).map_err(failed)?;
        if meta.is_dir() {
            return match self.folders.insert(path.canonicalize().map_err(failed)?) {
                true => self.add_folder(path, depth),
                false => Ok(()),
            };
        }
        if depth > 0 && meta.len() == 0 {
            self.empty.push(path.to_owned());
            return Ok(());
        }
        if meta.len() > FILE_BYTES_MAX {
            let why = format!("{} bytes are more than {FILE_BYTES_MAX}", meta.len());
            let what = format!("read estate {}", path.display());
            return Err(Failure::failed(what, why, "split the file"));
        }
        self.files.push((age(&meta), path.to_owned()));
        Ok(())
    }

    fn add_folder(&mut self, path: &Path, depth: usize) -> Result<(), Failure> {
        let what = || format!("read estate {}", path.display());
        let failed = |why: std::io::Error| {
            Failure::failed(what(), why, "check the path and that you may read it")
        };
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            entries.push(entry.map_err(failed)?.path());
        }
        entries.sort();
        for entry in entries {
            let has = |endings: &[&str]| {
                let own = entry.extension();
                own.is_some_and(|own| endings.iter().any(|one| own.eq_ignore_ascii_case(one)))
            };
            if entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                self.hidden.extend((has(&EXTENSIONS) && entry.is_file()).then_some(entry));
            } else if (has(&EXTENSIONS) && entry.is_file()) || (entry.is_dir() && depth < DEPTH_MAX)
            {
                if self.files.len() >= FILES_MAX {
                    let why = format!("it holds more than {FILES_MAX} files");
                    return Err(Failure::failed(what(), why, "give a smaller folder"));
                }
                self.add(&entry, depth + 1)?;
            } else if has(&LIKE_CAPTURES) && entry.is_file() {
                self.others.push(entry);
            }
        }
        Ok(())
    }

    /// Says what was left out.
    fn tell(&self) {
        let names = |paths: &[PathBuf]| {
            let shown = paths.iter().take(LEFT_OUT_SHOWN_MAX);
            let shown = shown.map(|path| printable(&path.display().to_string()));
            let more = paths.len().saturating_sub(LEFT_OUT_SHOWN_MAX);
            let more = (more > 0).then(|| format!("{more} more"));
            shown.chain(more).collect::<Vec<_>>().join(", ")
        };
        if !self.empty.is_empty() {
            remark(format_args!("warning: empty, and left out: {}", names(&self.empty)));
        }
        if !self.hidden.is_empty() {
            remark(format_args!("note: not read, since hidden: {}", names(&self.hidden)));
        }
        if !self.others.is_empty() {
            let endings = EXTENSIONS.map(|one| format!(".{one}")).join(", ");
            remark(format_args!(
                "note: not read, since of a folder only {endings} are: {}",
                names(&self.others)
            ));
        }
    }
}

/// When the file was last written. A system that does not tell makes all files equally old.
fn age(meta: &std::fs::Metadata) -> u64 {
    let written = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    written.map_or(0, |time| time.as_secs())
}

/// Files that hold JSON in some packing: their first bytes, what they are, and what to do.
const PACKED: [(&[u8], &str, &str); 2] = [
    (&[0x1f, 0x8b], "it is compressed", "unpack it by `gunzip`"),
    (
        b"PK\x03\x04",
        "it is a plan in Terraform's own form, or another archive",
        "give what `terraform show -json PLAN` prints, or unpack it",
    ),
];

fn parse_bytes<T>(file: &str, bytes: &[u8], parse: &Parse<T>) -> Result<T, Failure> {
    let packed = PACKED.iter().find(|(start, ..)| bytes.starts_with(start));
    if let Some((_, why, help)) = packed {
        return Err(Failure::failed(format!("read estate {file}"), *why, *help));
    }
    let text = decode(bytes).map_err(|why| {
        let help = "PowerShell: `az ... | Out-File -Encoding utf8 FILE`";
        Failure::failed(format!("read estate {file}"), why, help)
    })?;
    if text.trim().is_empty() {
        let help = "an estate is the JSON that `az ... show` or `az ... list` prints";
        return Err(Failure::failed(format!("read estate {file}"), "it is empty", help));
    }
    let (parsed, text) = match (parse.whole)(file, &text) {
        Err(_) if let Some(plain) = without_comments(&text) => {
            ((parse.whole)(file, &plain), Cow::Owned(plain))
        }
        parsed => (parsed, text),
    };
    parsed.map_err(|why| {
        let failed = |why, help| Failure::failed(format!("read estate {file}"), why, help);
        let first = text.trim_start().lines().next().unwrap_or_default();
        match () {
            () if first.starts_with("ERROR: ") => {
                let why = format!("it holds az's own message: {}", printable(first));
                failed(why, "do what the message says, and capture it again")
            }
            () if first.starts_with("WARNING: ") => {
                let why = format!("it begins with az's own message: {}", printable(first));
                failed(
                    why,
                    "capture it again without `2>&1`: az writes its messages to standard error",
                )
            }
            () if let Some(line) = text_around(&text) => failed(
                format!("text stands around the JSON, in line {line}"),
                "capture it again with `2>/dev/null`, or with `--only-show-errors` of az",
            ),
            () if why.is_eof() => {
                failed(format!("it ends in the middle, in line {}", why.line()), "capture it again")
            }
            () => {
                let help = "it has to be JSON: `-o json` of az, not its table or YAML output";
                failed(why.to_string(), help)
            }
        }
    })
}

/// Places in a text that are tried as the start of its JSON: az writes a few lines of its own at most.
const STARTS_MAX: usize = 16;

/// The first line of what stands before or behind the JSON in a text, such as az's own messages; `None` where there is no such.
fn text_around(text: &str) -> Option<usize> {
    // JSON that is broken, such as with a bracket too many, is none.
    let is_plain = |text: &str| {
        let mut letters = text.trim_start().chars();
        match letters.next() {
            Some('[') => letters.next().is_some_and(char::is_alphabetic),
            Some('{' | '}' | ']' | ',') | None => false,
            Some(_) => true,
        }
    };
    let line_at = |at: usize| {
        let blank = text[at..].len() - text[at..].trim_start().len();
        text[..at + blank].matches('\n').count() + 1
    };
    // Where the values end that stand there; `None` for no value.
    let end = |at: usize| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<IgnoredAny>();
        let mut ends = None;
        while let Some(Ok(_)) = values.next() {
            ends = Some(at + values.byte_offset());
        }
        ends
    };
    if is_plain(text) {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let mut starts = starts.filter(|at| text[*at..].starts_with(['[', '{'])).take(STARTS_MAX);
        return starts.any(|at| end(at).is_some()).then(|| line_at(0));
    }
    end(0).filter(|at| is_plain(&text[*at..])).map(line_at)
}
