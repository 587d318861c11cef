//! Observations beside an estate: from files, or made on the spot.

use std::path::{Path, PathBuf};

use clap::Args;
use flexway_core::diagnose::{Copier, Report};
use flexway_core::fusion;
use flexway_core::id::ResourceId;
use flexway_core::probes::{Observation, Place, ProbePlan, Rung, is_azure, read_observations};
use flexway_postgres::ConnInfo;
use flexway_probe::{machine, now};

use super::{conn_info, host_url};
use crate::estates::Asked;
use crate::exit::Failure;
use crate::output::remark;
use crate::servers::ServerArgs;
use crate::text;

/// What probes saw, or shall see now.
#[derive(Args)]
pub(crate) struct WitnessArgs {
    /// Lay what probes saw over the answer: the JSON of `flexway probe`, or `-` for standard input; may be given several times
    #[arg(long, value_name = "FILE")]
    observations: Vec<PathBuf>,
    /// Probe now, from the copier's place: inside the target or runtime server of `--target-url`, or on this machine with
    /// `--copier relay`
    #[arg(long)]
    probe: bool,
    #[command(flatten)]
    servers: ServerArgs,
}

impl WitnessArgs {
    /// Lays all observations over the answer.
    pub(crate) fn lay_over(&self, asked: &Asked, report: &mut Report) -> Result<(), Failure> {
        let mut observations = self.read()?;
        if self.probe {
            observations.extend(self.look(asked)?);
        }
        if !observations.is_empty() {
            fusion::fuse(&asked.loaded.estate, report, &observations);
        }
        Ok(())
    }

    /// The observations of all files.
    pub(crate) fn read(&self) -> Result<Vec<Observation>, Failure> {
        let files: Result<Vec<_>, _> = self.observations.iter().map(|file| read(file)).collect();
        Ok(files?.concat())
    }

    fn look(&self, asked: &Asked) -> Result<Vec<Observation>, Failure> {
        let (estate, question) = (&asked.loaded.estate, &asked.question);
        let name = fusion::dialled_name(estate, question);
        match &question.copier {
            Copier::Relay | Copier::Host(_) => {
                let target = fusion::server_name(estate, &question.target);
                let port = flexway_core::diagnose::PORT;
                let source = self.servers.source().ok();
                let source = from_here(source, &name, question.port)?;
                let target = from_here(self.servers.target().ok(), &target, port)?;
                Ok(vec![source, target])
            }
            Copier::Target => self.inside(Place::Target, &question.target).map(|one| vec![one]),
            Copier::Runtime(id) => self.inside(Place::Runtime, id).map(|one| vec![one]),
        }
    }

    fn inside(&self, place: Place, id: &ResourceId) -> Result<Observation, Failure> {
        let (server, source) = (self.servers.target()?, self.servers.source()?);
        // A name of Azure tells by itself which server it is; another one is as the user says.
        let resource = (!is_azure(server.host())).then(|| id.as_str().to_owned());
        let plan = ProbePlan { place, resource, ..ProbePlan::of(String::new()) };
        remark(format_args!("probing {} from inside {}", source.place(), server.place()));
        flexway_probe::probe_inside(&server, &source, &plan, now()).map_err(|why| {
            let help = "check --target-url, or probe elsewhere and give --observations";
            Failure::failed("probe from inside the server of --target-url", why, help)
        })
    }
}

/// The ladder from this machine; without a login it ends at TLS.
fn from_here(login: Option<ConnInfo>, name: &str, port: u16) -> Result<Observation, Failure> {
    let (info, up_to) = match login {
        Some(info) => (info, Rung::Auth),
        None => (conn_info(&host_url(&format!("{name}:{port}"))?)?, Rung::Tls),
    };
    remark(format_args!("probing {} from this machine", info.place()));
    let plan = ProbePlan { place: Place::Relay, up_to, ..ProbePlan::of(String::new()) };
    Ok(flexway_probe::climb(&plan, &info, now(), machine()))
}

fn read(path: &Path) -> Result<Vec<Observation>, Failure> {
    /// A fleet's observations have a few kilobytes each.
    const FILE_BYTES_MAX: u64 = 1 << 28;
    let failed = |why: &dyn std::fmt::Display| {
        let help = "give what `flexway probe --json` prints";
        Failure::failed(format!("read observations {}", path.display()), why, help)
    };
    let text = text::read(path, FILE_BYTES_MAX).map_err(|why| failed(&why))?;
    let json = serde_json::from_str(&text).map_err(|why| failed(&why))?;
    read_observations(json).map_err(|why| failed(&why))
}
