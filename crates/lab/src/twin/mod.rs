//! Twins: an estate as Linux network namespaces on this machine. Packets are routed by the real kernel, filtered by the real
//! nftables, and names are answered by a real unbound.
//!
//! What holds:
//! - Everything is inside one outer set of namespaces. Nothing of the machine's own networks, mounts or processes is touched.
//! - A twin ends with its first process. Whatever is killed, the kernel takes the rest away; files stay until they are swept.
//! - The translation reads the estate by itself, and not by the analyser's judgement of it: only so the two can contradict.

pub mod blueprint;
pub mod faults;
mod keeper;
pub mod look;
pub mod postgres;
mod script;
pub mod standing;
pub mod tools;
pub mod translate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

pub use blueprint::{Blueprint, Gate, Place};
pub use keeper::Process;
pub use translate::blueprint;

use crate::{Error, installed, run};
use keeper::Keeper;
use look::Spot;

/// Laying the largest twin takes seconds; this is for a machine under load.
const LAY_LIMIT: Duration = Duration::from_secs(120);

/// Reading counters takes milliseconds.
const READ_LIMIT: Duration = Duration::from_secs(20);

/// A running twin, which ends when it is dropped.
#[derive(Debug)]
pub struct Twin {
    keeper: Keeper,
    networks: Networks,
}

/// The networks of a twin, seen from outside: its first process, its folder, and what it is made of.
#[derive(Debug, Clone)]
pub struct Networks {
    /// The twin's first process.
    pub process: Process,
    /// Its private folder.
    pub folder: PathBuf,
    /// What it is made of.
    pub blueprint: Blueprint,
}

impl Twin {
    /// Builds a twin in a folder that exists; files in it are overwritten.
    ///
    /// # Errors
    /// [`Error::NoTwin`] without rights or programs; [`Error::Program`] with the words of the program that failed.
    pub fn build(blueprint: Blueprint, folder: &Path) -> Result<Twin, Error> {
        let keeper = Keeper::start()?;
        let folder = folder.canonicalize().map_err(Error::io("find the twin's folder"))?;
        // What marks the namespaces of a twin that has ended.
        let marks = folder.join("ns");
        if marks.exists() {
            fs::remove_dir_all(&marks).map_err(Error::io(format!("remove {}", marks.display())))?;
        }
        let networks = Networks { process: keeper.process(), folder, blueprint };
        networks.lay()?;
        Ok(Twin { keeper, networks })
    }

    /// Its networks.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// Lets it live on without us.
    ///
    /// # Errors
    /// [`Error::Io`] when its first process cannot be told so.
    pub fn stay(self) -> Result<Networks, Error> {
        self.keeper.stay()?;
        Ok(self.networks)
    }
}

impl Networks {
    /// Lays the blueprint.
    fn lay(&self) -> Result<(), Error> {
        let unbound = tools::find_unbound()?;
        for (name, text) in script::files(&self.blueprint, &self.folder, &unbound) {
            let path = self.folder.join(&name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(Error::io("make the twin's folders"))?;
            }
            fs::write(&path, text).map_err(Error::io(format!("write {}", path.display())))?;
        }
        self.script("lay.sh")
    }

    /// Lays another blueprint in place of this one. Servers live on.
    ///
    /// # Errors
    /// As [`Twin::build`]. The twin is then without networks.
    pub fn change(&mut self, blueprint: Blueprint) -> Result<(), Error> {
        self.script("clear.sh")?;
        self.blueprint = blueprint;
        self.lay()
    }

    fn script(&self, name: &str) -> Result<(), Error> {
        let mut command = self.process.enter();
        command.arg("sh").arg(self.folder.join(name));
        run::run(command, "", &self.folder, LAY_LIMIT).map(drop)
    }

    /// The namespace of a name, for [`look`].
    pub fn spot(&self, namespace: &str) -> Spot {
        let inside = self.folder.join("ns").join(namespace);
        let relative = inside.strip_prefix("/").unwrap_or(&inside);
        Spot::new(&self.process.root().join(relative))
    }

    /// A command that runs in a namespace of the twin.
    pub fn command(&self, namespace: &str) -> Command {
        let mut command = self.process.enter();
        command.arg("nsenter");
        command.arg(format!("--net={}", self.folder.join("ns").join(namespace).display()));
        command
    }

    /// A command that runs at a place as its programs do: in its network, with its DNS servers. The environment tells PostgreSQL's
    /// programs the servers' password and certificates, and at a server's place the server's own socket.
    pub fn at_place(&self, place: &Place) -> Command {
        // What is mounted here is seen by this command alone. Names come from DNS and from nowhere else.
        const MOUNT: &str = "mount --bind \"$0/resolv\" /etc/resolv.conf && mount --bind \"$0/nsswitch\" /etc/nsswitch.conf; \
                             cd \"$1\" 2>/dev/null; shift; exec \"$@\"";
        let mut command = self.command(&place.namespace);
        command.args(["unshare", "--mount", "sh", "-c", MOUNT]);
        command.arg(self.folder.join(format!("{}.names", place.namespace)));
        command.arg(env::current_dir().unwrap_or_else(|_| PathBuf::from("/")));
        command.env("PGPASSFILE", self.folder.join(postgres::PASSWORDS)).env("PGUSER", "postgres");
        let trusted = self.folder.join(postgres::TRUSTED);
        if trusted.exists() {
            command.env("PGSSLROOTCERT", trusted);
        }
        let sockets = postgres::folder_of(self, place).join("s");
        if sockets.exists() {
            command.env("PGHOST", sockets);
        }
        if let (Some(tools), Some(path)) = (installed::client_tools().first(), env::var_os("PATH"))
        {
            let folders = [tools.bin.clone()].into_iter().chain(env::split_paths(&path));
            command.envs(env::join_paths(folders).ok().map(|path| ("PATH", path)));
        }
        command
    }

    /// The folder of the socket of the server at a place.
    pub fn socket(&self, place: &str) -> Option<PathBuf> {
        self.blueprint.place(place).map(|place| postgres::folder_of(self, place).join("s"))
    }

    /// Packets that every counter has counted, by the counters' names.
    ///
    /// # Errors
    /// [`Error::Program`] when nft cannot be asked.
    pub fn counters(&self) -> Result<BTreeMap<String, u64>, Error> {
        let mut all = BTreeMap::new();
        let filtered =
            self.blueprint.namespaces.iter().filter(|one| one.filter.contains("counter "));
        let names: Vec<&str> = filtered.map(|one| one.name.as_str()).collect();
        let mut command = self.process.enter();
        const LIST: &str =
            "cd \"$0\" && for name; do nsenter --net=ns/$name nft list counters; done";
        command.args(["sh", "-c", LIST]).arg(&self.folder).args(names);
        let text = run::run(command, "", &self.folder, READ_LIMIT)?;
        let mut words = text.split_whitespace().peekable();
        let mut counter = String::new();
        while let Some(word) = words.next() {
            match (word, words.peek()) {
                ("counter", Some(name)) => counter = (*name).to_owned(),
                ("packets", Some(count)) => {
                    *all.entry(counter.clone()).or_default() += count.parse().unwrap_or(0);
                }
                _ => {}
            }
        }
        Ok(all)
    }
}
