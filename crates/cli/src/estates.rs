//! The network arguments shared by `check`, `trace` and `plan`: estates, the two servers, the copier's place.

use std::path::PathBuf;

use clap::Args;
use flexway_core::diagnose::{Given, Question};
use flexway_core::estate::{
    Loaded, Problem, Replaced, Says, is_about_what_will_be, overlay, settle,
};
use flexway_core::probes::Moment;
use serde_json::{Value, json};

use crate::ends::Ends;
use crate::exit::Failure;
use crate::inputs;
use crate::output::{printable, remark};

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
    /// The source's port [default: 5432]
    #[arg(long, value_name = "N", value_parser = port)]
    pub(crate) port: Option<u16>,
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().ok().filter(|port| *port > 0).ok_or("give 1 to 65535")
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
    /// Of what time the files are that tell the estate.
    pub(crate) fn observed(&self) -> Option<String> {
        self.loaded.observed.map(|(first, last)| match first == last {
            true => Moment(first).to_string(),
            false => format!("{} to {}", Moment(first), Moment(last)),
        })
    }

    /// Adds to a JSON answer what is to be known of the inputs; the plans under the name `after`.
    pub(crate) fn describe(&self, answer: &mut Value, after: &str) {
        answer["problems"] = json!(self.loaded.problems);
        answer["replaced"] = json!(self.loaded.replaced);
        let observed = self.loaded.observed;
        answer["observed"] = json!(
            observed.map(|(first, last)| { json!({ "from": Moment(first), "to": Moment(last) }) })
        );
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

/// Says which capture of a resource counts where several were given; first of those that do not count at all, then of those that no
/// time tells apart.
fn tell_replaced(loaded: &Loaded) {
    let rank = |one: &&Replaced| (!one.is_gone, one.says != Says::Contradicts);
    let (same, mut told): (Vec<_>, Vec<_>) =
        loaded.replaced.iter().partition(|one| one.says == Says::Same);
    told.sort_by_key(rank);
    for one in told.iter().take(REPLACED_SHOWN_MAX) {
        let (name, kept, dropped) = (one.resource.name(), &one.kept, &one.dropped);
        let is_one_file = kept == dropped;
        match one.says {
            _ if one.is_gone => remark(format_args!(
                "note: `{name}` of {dropped} is left out: {kept} tells all that its parent holds, and it is not among that"
            )),
            Says::Contradicts if is_one_file => remark(format_args!(
                "warning: {kept} says two things of `{name}`, and no time tells which is true: the last one counts; capture it again"
            )),
            Says::Contradicts => remark(format_args!(
                "warning: {kept} and {dropped} are of one time, and differ in what they say of `{name}`: {kept} counts, by the order of \
                 the inputs; capture it again"
            )),
            _ if is_one_file => remark(format_args!(
                "note: `{name}` is given more than once in {kept}: the last one counts"
            )),
            _ => remark(format_args!(
                "note: `{name}` is given more than once: {kept} counts, not {dropped}"
            )),
        }
    }
    if told.len() > REPLACED_SHOWN_MAX {
        let more = told.len() - REPLACED_SHOWN_MAX;
        remark(format_args!(
            "note: {more} more resources are given more than once; `--json` lists them all"
        ));
    }
    if !same.is_empty() {
        let count = same.len();
        remark(format_args!("note: {count} captures say the same as others do, and count once"));
    }
}

fn pointer(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("#{pointer}") }
}
