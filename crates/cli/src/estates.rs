//! The network arguments shared by `check`, `trace` and `plan`: estates, the two servers, the copier's place.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use clap::Args;
use flexway_core::diagnose::{Copier, Given, PORT, Question, Source};
use flexway_core::estate::endpoint::Interface;
use flexway_core::estate::{Estate, Loaded, Problem, is_about_what_will_be, overlay, settle};
use flexway_core::id::ResourceId;
use flexway_core::trace;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::inputs;
use crate::output::{printable, remark};
use crate::secrets;

/// Problems of the input that are printed; the JSON has them all.
const PROBLEMS_SHOWN_MAX: usize = 10;

/// Resources with several captures that are named; the JSON has them all.
const REPLACED_SHOWN_MAX: usize = 5;

/// Which estate, and which flow in it.
#[derive(Args)]
pub(crate) struct FlowArgs {
    /// A file or folder of ARM JSON, ARM templates or Terraform states, or `-` for standard input; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) estate: Vec<PathBuf>,
    /// Judge the estate as it will be after this Terraform plan (`terraform show -json`) or `az deployment ... what-if` result; may
    /// be given several times
    #[arg(long, value_name = "PLAN.json")]
    pub(crate) after: Vec<PathBuf>,
    /// The source: the ARM resource id or the name of a server or a machine in the estate, or HOST[:PORT] anywhere
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) source: Option<String>,
    /// The target: an ARM resource id or the name of a server in the estate, fully qualified or not
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) target: Option<String>,
    /// Where the copying process runs: `target` (Azure's tool), the id or name of a runtime server, or that of a relay host: a
    /// machine, or its network interface. `relay` where that host is not in the estate; a machine with the name `relay` or `target`
    /// is given by its id
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
    /// The machines that were asked about, as the user named them.
    pub(crate) given: Given,
    /// Plans that were laid over the estate, in their order.
    pub(crate) after: Vec<String>,
}

impl Asked {
    /// Adds to a JSON answer what is to be known of the inputs; the plans under the name `after`.
    pub(crate) fn describe(&self, answer: &mut Value, after: &str) {
        answer["problems"] = json!(self.loaded.problems);
        answer["replaced"] = json!(self.loaded.replaced);
        answer[after] = json!(self.after);
    }
}

impl FlowArgs {
    /// Reads the estate and finds the servers in it.
    pub(crate) fn ask(&self) -> Result<Asked, Failure> {
        let (loaded, after) = self.load()?;
        let end = |end: &Option<String>| end.clone().unwrap_or_default();
        let ends = Ends {
            source: end(&self.source),
            target: end(&self.target),
            copier: self.copier.clone(),
            port: self.port,
        };
        let question = ends.find(&loaded.estate)?;
        Ok(Asked { given: ends.given(&question), question, loaded, after })
    }

    /// Reads the estate and lays the plans over it; their names beside it.
    pub(crate) fn load(&self) -> Result<(Loaded, Vec<String>), Failure> {
        let mut loaded = read(&self.estate)?;
        let after = lay_over(&mut loaded, &self.after)?;
        Ok((loaded, after))
    }
}

/// The ends of a flow as the user wrote them.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) copier: String,
    pub(crate) port: u16,
}

impl Ends {
    /// Names of machines that the question has by an address or an interface.
    fn given(&self, question: &Question) -> Given {
        let source = self.source.rsplit_once(':').map_or(self.source.as_str(), |(host, _)| host);
        let is_other = |host: &String| !host.eq_ignore_ascii_case(source);
        let source = match &question.source {
            Source::Host(host) if is_other(host) => Some(source.to_owned()),
            Source::Host(_) | Source::Server(_) => None,
        };
        let copier = match &question.copier {
            Copier::Host(id) if !id.as_str().eq_ignore_ascii_case(&self.copier) => {
                Some(self.copier.clone())
            }
            _ => None,
        };
        Given { source, copier }
    }

    /// Finds the servers in the estate.
    pub(crate) fn find(&self, estate: &Estate) -> Result<Question, Failure> {
        for (end, text) in
            [("source", &self.source), ("target", &self.target), ("copier", &self.copier)]
        {
            secrets::refuse(&format!("read the {end}"), text)?;
        }
        let (source, port) = find_source(estate, &self.source, self.port)?;
        let target = estate.find_server_by_any_name(&self.target).map_err(|why| {
            Failure::failed(format!("find target `{}` in the estate", self.target), why, "")
        })?;
        let copier = match self.copier.as_str() {
            "target" => Copier::Target,
            "relay" => {
                if let Ok(host) = estate.find_host("relay") {
                    remark(format_args!(
                        "note: `relay` stands for a host outside the estate; for the machine of that name give `{host}`"
                    ));
                }
                Copier::Relay
            }
            place => match estate.find_server_by_any_name(place) {
                Ok(server) if server == target => Copier::Target,
                Ok(server) => Copier::Runtime(server),
                Err(no_server) => Copier::Host(estate.find_host(place).map_err(|no_host| {
                    let help = "give `target`, `relay`, or the id of a runtime server or a relay host in the estate";
                    let why = format!("{no_host}, and {no_server}");
                    Failure::failed(format!("find copier `{place}`"), why, help)
                })?),
            },
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
        if let (Source::Server(id), Copier::Runtime(copier)) = (&source, &copier)
            && id == copier
        {
            let why = "no tool copies on the source: it is to be left as it is";
            let help = "give `target`, a runtime server or a relay host";
            return Err(Failure::usage("check the flow", why, help));
        }
        refuse_single_servers(&target, &copier)?;
        let question = Question { source, target, copier, port };
        refuse_address(estate, &question)?;
        Ok(question)
    }
}

/// Azure's tool moves from Single Servers, never to one, nor by means of one.
fn refuse_single_servers(target: &ResourceId, copier: &Copier) -> Result<(), Failure> {
    let is_single = |id: &ResourceId| id.is_type("microsoft.dbforpostgresql/servers");
    let (why, help) = match copier {
        Copier::Runtime(id) if is_single(id) => (
            format!("copier `{}` is a Single Server", id.name()),
            "name a flexible server inside a network",
        ),
        Copier::Target | Copier::Runtime(_) if is_single(target) => (
            format!("target `{}` is a Single Server: Azure's tool moves from those", target.name()),
            "swap source and target, or name a relay host as copier",
        ),
        _ => return Ok(()),
    };
    Err(Failure::usage("check the flow", why, help))
}

/// Addresses that no other machine has: none can be the source's.
fn refuse_address(estate: &Estate, question: &Question) -> Result<(), Failure> {
    let Source::Host(host) = &question.source else { return Ok(()) };
    let copies_by_itself = matches!(question.copier, Copier::Relay | Copier::Host(_));
    // What a name stands for, be it `localhost`, knows whoever asks for it.
    let Ok(address) = host.parse::<Ipv4Addr>() else { return Ok(()) };
    let is_reserved = matches!(address.octets(), [0 | 240.., ..]);
    let why = if address.is_loopback() {
        if copies_by_itself {
            return Ok(());
        }
        "the server that copies would dial itself".to_owned()
    } else if is_reserved || address.is_link_local() || address.is_multicast() {
        format!("no server can have {address}")
    } else if let Some(subnet) = trace::keeper(estate, &question.copier_id(), address) {
        format!("Azure keeps {address} of subnet `{}` for itself", subnet.name())
    } else {
        return Ok(());
    };
    let help = "give the name or the address that clients of the source dial";
    Err(Failure::usage(format!("read the source `{host}`"), why, help))
}

fn find_source(estate: &Estate, text: &str, port: u16) -> Result<(Source, u16), Failure> {
    let why = match estate.find_server_by_any_name(text) {
        Ok(id) => return Ok((Source::Server(id), port)),
        Err(why) => why,
    };
    if text.parse::<Ipv6Addr>().is_ok() || text.starts_with('[') {
        let help = "give its name or an IPv4 address";
        return Err(Failure::usage(
            format!("read the source `{text}`"),
            "only ways over IPv4 are checked",
            help,
        ));
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
    if let (Ok(id), Some(given)) = (estate.find_server_by_any_name(host), given) {
        return Ok((Source::Server(id), given));
    }
    let is_of_name = |one: char| one.is_alphanumeric() || ".-_".contains(one);
    if given.is_some() && !host.chars().all(is_of_name) {
        let why = format!("`{host}` is neither a name nor an address");
        return Err(Failure::usage(format!("read the source `{text}`"), why, "give HOST:PORT"));
    }
    let is_numeric = |host: &str| host.chars().all(|one| one.is_ascii_digit() || one == '.');
    if host.contains('.') && is_numeric(host) && host.parse::<Ipv4Addr>().is_err() {
        return Err(Failure::usage(
            format!("read the source `{text}`"),
            format!("`{host}` is no address"),
            "give HOST:PORT",
        ));
    }
    let address = host.parse::<Ipv4Addr>().ok();
    if let Some((id, endpoint)) = address.and_then(|address| estate.server_behind(address)) {
        remark(format_args!(
            "note: {host} is the address of private endpoint `{}`: checked as server `{}`, by its name",
            endpoint.name(),
            id.name()
        ));
        return Ok((Source::Server(id), given.unwrap_or(port)));
    }
    if address.is_none()
        && let Some((id, address)) = machine(estate, host)
    {
        remark(format_args!("note: `{host}` is the machine behind `{}`, at {address}", id.name()));
        return Ok((Source::Host(address.to_string()), given.unwrap_or(port)));
    }
    let is_host = host.chars().all(is_of_name) && (host.contains('.') || given.is_some());
    match is_host {
        true => Ok((Source::Host(host.to_owned()), given.unwrap_or(port))),
        false => Err(Failure::failed(
            format!("find source `{text}` in the estate"),
            why,
            "give the whole ARM id, or HOST:PORT for a server outside Azure",
        )),
    }
}

/// The network interface of a machine that a user named, with its first address.
fn machine(estate: &Estate, text: &str) -> Option<(ResourceId, Ipv4Addr)> {
    let id = estate.find_host(text).ok()?;
    let address = *estate.get::<Interface>(&id).ok()?.addresses.first()?;
    Some((id, address))
}

/// Reads estates from files, folders and standard input, and says aloud what could not be read.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Loaded, Failure> {
    let loaded = settle(inputs::scanned(paths)?);
    warn(&loaded.problems);
    tell_replaced(&loaded);
    if loaded.estate.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::failed(
            format!("read estate {}", names.join(", ")),
            "it holds no Azure resource",
            "an estate is the JSON that `az ... show`, `az ... list` or Azure Resource Graph prints, with ids (objects of \
             Azure PowerShell are others: `(Invoke-AzRestMethod -Path ID?api-version=VERSION).Content` is what ARM says); \
             or an ARM template, or a Terraform state",
        ));
    }
    Ok(loaded)
}

/// Lays plans over the estate, one after the other, and gives their names.
pub(crate) fn lay_over(loaded: &mut Loaded, paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for path in paths {
        for plan in inputs::values(std::slice::from_ref(path))? {
            let file = plan.file.clone();
            if let Some(error) = error_of(&plan.json) {
                let what = format!("lay {file} over the estate");
                let help = "mend the deployment until its preview succeeds, and give that";
                return Err(Failure::failed(what, format!("the preview failed: {error}"), help));
            }
            if !is_about_what_will_be(&plan.json) {
                let what = format!("lay {file} over the estate");
                let why = "it is neither a Terraform plan nor a `what-if` result";
                let help = "a capture is given with `--estate`; `terraform show -json` and `az deployment ... what-if \
                            --no-pretty-print` write what belongs here";
                return Err(Failure::failed(what, why, help));
            }
            let result = overlay(&loaded.estate, plan);
            warn(&result.problems);
            if let Some(untold) = result.unplaced {
                let why = format!("it does not tell {}", untold.what);
                let what = format!("lay {file} over the estate");
                return Err(Failure::failed(what, why, untold.help));
            }
            remark(format_args!("note: judged as it will be after {file}"));
            loaded.estate = result.estate;
            loaded.problems.extend(result.problems);
            names.push(file);
        }
    }
    Ok(names)
}

/// What a preview says that failed.
fn error_of(json: &Value) -> Option<String> {
    let error = json.get("error").filter(|error| error.is_object())?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).map(printable);
    let said: Vec<_> = ["code", "message"].into_iter().filter_map(text).collect();
    Some(said.join(": "))
}

fn warn(problems: &[Problem]) {
    for problem in problems.iter().take(PROBLEMS_SHOWN_MAX) {
        remark(format_args!(
            "warning: {}{}: {}",
            problem.file,
            pointer(&problem.pointer),
            problem.message
        ));
    }
    if problems.len() > PROBLEMS_SHOWN_MAX {
        let more = problems.len() - PROBLEMS_SHOWN_MAX;
        remark(format_args!("warning: {more} more problems of the input; `--json` lists them all"));
    }
}

/// Says which capture of a resource counts where several were given.
fn tell_replaced(loaded: &Loaded) {
    for one in loaded.replaced.iter().take(REPLACED_SHOWN_MAX) {
        let (name, kept, dropped) = (one.resource.name(), &one.kept, &one.dropped);
        if one.is_gone {
            remark(format_args!(
                "note: `{name}` is gone: {kept}, which is newer than {dropped}, tells that its parent no longer holds it"
            ));
            continue;
        }
        if kept == dropped {
            remark(format_args!(
                "note: `{name}` is given more than once in {kept}: the last one counts"
            ));
            continue;
        }
        remark(format_args!(
            "note: `{name}` is given more than once: {kept} counts, not {dropped}"
        ));
    }
    if loaded.replaced.len() > REPLACED_SHOWN_MAX {
        let more = loaded.replaced.len() - REPLACED_SHOWN_MAX;
        remark(format_args!(
            "note: {more} more resources are given more than once; `--json` lists them all"
        ));
    }
}

fn pointer(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("#{pointer}") }
}
