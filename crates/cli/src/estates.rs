//! The network arguments shared by `check`, `trace` and `plan`: estates, the two servers, the copier's place.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use flexway_core::diagnose::{Copier, PORT, Question, Source};
use flexway_core::estate::server::Server;
use flexway_core::estate::{Estate, Input, Loaded, load};
use serde_json::Value;

use crate::exit::Failure;

/// Largest file that is read: a capture of 10,000 networks has about 500 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Files of a folder: a capture has one file a resource type, or one a resource.
const FILES_MAX: usize = 100_000;

/// Folders inside folders.
const DEPTH_MAX: usize = 16;

/// Problems of the input that are printed; the JSON has them all.
const PROBLEMS_SHOWN_MAX: usize = 10;

/// Which estate, and which flow in it.
#[derive(Args)]
pub(crate) struct FlowArgs {
    /// A file or folder of ARM JSON, or `-` for standard input; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) estate: Vec<PathBuf>,
    /// The source: an ARM resource id, the name of a server in the estate, or HOST[:PORT] outside Azure
    #[arg(long, value_name = "ID")]
    pub(crate) source: String,
    /// The target: an ARM resource id or the name of a server in the estate
    #[arg(long, value_name = "ID")]
    pub(crate) target: String,
    /// Where the copying process runs: `target` (Azure's tool), `relay` (a host that runs Flexway), or the id of a runtime server
    #[arg(long, value_name = "PLACE", default_value = "target")]
    pub(crate) copier: String,
    /// The source's port
    #[arg(long, value_name = "N", default_value_t = PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
}

/// An estate with the question asked of it.
pub(crate) struct Asked {
    pub(crate) loaded: Loaded,
    pub(crate) question: Question,
}

impl FlowArgs {
    /// Reads the estate and finds the servers in it.
    pub(crate) fn ask(&self) -> Result<Asked, Failure> {
        let loaded = read(&self.estate)?;
        let estate = &loaded.estate;
        let (source, port) = find_source(estate, &self.source, self.port)?;
        let target = estate.find_server(&self.target).map_err(|why| {
            Failure::failed(format!("find target `{}` in the estate", self.target), why, "")
        })?;
        let copier = match self.copier.as_str() {
            "target" => Copier::Target,
            "relay" => Copier::Relay,
            id => Copier::Runtime(estate.find_server(id).map_err(|why| {
                let help = "give `target`, `relay`, or the id of a runtime server in the estate";
                Failure::failed(format!("find copier `{id}`"), why, help)
            })?),
        };
        if let Source::Server(id) = &source
            && *id == target
        {
            let help = "name two different servers";
            return Err(Failure::usage(
                "check the flow",
                "source and target are the same server",
                help,
            ));
        }
        Ok(Asked { question: Question { source, target, copier, port }, loaded })
    }
}

fn find_source(estate: &Estate, text: &str, port: u16) -> Result<(Source, u16), Failure> {
    let why = match estate.find_server(text) {
        Ok(id) => return Ok((Source::Server(id), port)),
        Err(why) => why,
    };
    let by_name = estate.all::<Server>().find(|(_, server)| {
        server.fqdn.as_deref().is_some_and(|fqdn| fqdn.eq_ignore_ascii_case(text))
    });
    if let Some((id, _)) = by_name {
        return Ok((Source::Server(id.clone()), port));
    }
    let (host, given) = match text.rsplit_once(':') {
        Some((host, digits)) => match digits.parse::<u16>() {
            Ok(given) if given > 0 => (host, Some(given)),
            _ => {
                let what = format!("read the source `{text}`");
                return Err(Failure::usage(
                    what,
                    format!("`{digits}` is not a port"),
                    "give HOST:PORT",
                ));
            }
        },
        None => (text, None),
    };
    let is_host = !text.starts_with('/') && (text.contains('.') || given.is_some());
    match is_host {
        true => Ok((Source::Host(host.to_owned()), given.unwrap_or(port))),
        false => Err(Failure::failed(
            format!("find source `{text}` in the estate"),
            why,
            "give the whole ARM id, or HOST:PORT for a server outside Azure",
        )),
    }
}

/// Reads estates from files, folders and standard input, and says aloud what could not be read.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Loaded, Failure> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            let limited = std::io::stdin().lock().take(FILE_BYTES_MAX);
            { limited }
                .read_to_string(&mut text)
                .map_err(|why| Failure::failed("read the estate from standard input", why, ""))?;
            inputs.push(parse("-", &text)?);
            continue;
        }
        let before = inputs.len();
        read_path(path, 0, &mut inputs)?;
        if inputs.len() == before {
            return Err(Failure::failed(
                format!("read estate {}", path.display()),
                "the folder holds no .json file",
                "put the JSON that `az ... show` and `az ... list` print into it",
            ));
        }
    }
    let loaded = load(inputs);
    for problem in loaded.problems.iter().take(PROBLEMS_SHOWN_MAX) {
        eprintln!("warning: {}{}: {}", problem.file, pointer(&problem.pointer), problem.message);
    }
    if loaded.problems.len() > PROBLEMS_SHOWN_MAX {
        let more = loaded.problems.len() - PROBLEMS_SHOWN_MAX;
        eprintln!("warning: {more} more problems of the input; `--json` lists them all");
    }
    if !loaded.replaced.is_empty() {
        let count = loaded.replaced.len();
        eprintln!(
            "note: {count} resources were captured more than once; the last capture of each counts"
        );
    }
    if loaded.estate.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::failed(
            format!("read estate {}", names.join(", ")),
            "it holds no Azure resource",
            "an estate is the JSON that `az ... show`, `az ... list` or Azure Resource Graph prints, with ids",
        ));
    }
    Ok(loaded)
}

fn pointer(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("#{pointer}") }
}

fn read_path(path: &Path, depth: usize, inputs: &mut Vec<Input>) -> Result<(), Failure> {
    let failed = |why: std::io::Error| {
        let help = "check the path and that you may read it";
        Failure::failed(format!("read estate {}", path.display()), why, help)
    };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_dir() {
        if meta.len() > FILE_BYTES_MAX {
            let why = format!("{} bytes are more than {FILE_BYTES_MAX}", meta.len());
            return Err(Failure::failed(
                format!("read estate {}", path.display()),
                why,
                "split the file",
            ));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        inputs.push(parse(&path.display().to_string(), text.trim_start_matches('\u{feff}'))?);
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for entry in entries {
        let is_json =
            entry.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if (is_json && entry.is_file()) || (entry.is_dir() && depth < DEPTH_MAX) {
            if inputs.len() >= FILES_MAX {
                let why = format!("it holds more than {FILES_MAX} files");
                return Err(Failure::failed(
                    format!("read estate {}", path.display()),
                    why,
                    "give a smaller folder",
                ));
            }
            read_path(&entry, depth + 1, inputs)?;
        }
    }
    Ok(())
}

fn parse(file: &str, text: &str) -> Result<Input, Failure> {
    if text.trim().is_empty() {
        let help = "an estate is the JSON that `az ... show` or `az ... list` prints";
        return Err(Failure::failed(format!("read estate {file}"), "it is empty", help));
    }
    // One value, or one after the other, as line-wise exports write them.
    let values: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(text).into_iter().collect();
    let mut values = values.map_err(|why| {
        let help = "it has to be JSON: `-o json` of az, not its table or YAML output";
        Failure::failed(format!("read estate {file}"), why, help)
    })?;
    let json = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
    Ok(Input { file: file.to_owned(), json })
}
