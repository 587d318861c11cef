//! Twins that stand without an owner: each has a name and a folder with what is needed to find it again.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, io};

use flexway_core::estate::{Estate, Input, load};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use super::{Networks, Place, Process, Twin, blueprint, postgres, tools};
use crate::Error;

/// Where twins stand, unless FLEXWAY_LAB names another folder: on a file system that is empty after a restart, as the twins are
/// gone then.
const HOME: &str = "/run/flexway-lab";

/// Files of a twin: what it is, the resources that it was built from, and the mark of a change that is under way.
const STATE: &str = "twin.json";
const ESTATE: &str = "estate.json";
const CHANGING: &str = "changing";

/// Bytes of a name: it is part of paths.
const NAME_BYTES_MAX: usize = 32;

/// A standing twin.
#[derive(Debug)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its networks.
    pub networks: Networks,
    /// The resources that it shows now.
    pub resources: Vec<Value>,
    /// Its servers.
    pub servers: Vec<postgres::Running>,
    /// A change was cut off, and the twin was laid anew as it was.
    pub is_restored: bool,
}

/// The folder that twins stand in.
pub fn home() -> PathBuf {
    let given = env::var_os("FLEXWAY_LAB").filter(|value| !value.is_empty());
    given.map_or_else(|| PathBuf::from(HOME), PathBuf::from)
}

/// The folder of a twin.
fn folder(home: &Path, name: &str) -> Result<PathBuf, Error> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
        let why = format!(
            "`{name}` is no name for a twin; give at most {NAME_BYTES_MAX} of a to z, 0 to 9 and -"
        );
        return Err(Error::NoTwin(why));
    }
    Ok(home.join(name))
}

/// The estate of some resources.
pub fn estate_of(resources: &[Value]) -> Estate {
    load(vec![Input { file: ESTATE.to_owned(), json: json!(resources) }]).estate
}

/// The resources of an estate, children that were captured inside their parents too.
pub fn bodies_of(estate: &Estate) -> Vec<(ResourceId, Value)> {
    let body = |id: &ResourceId| Some((id.clone(), estate.body(id)?.into_owned()));
    estate.ids().filter_map(body).collect()
}

impl Standing {
    /// Builds a twin, starts its servers unless it is to be bare, and lets it stand.
    ///
    /// # Errors
    /// [`Error::NoTwin`] when one of that name stands, or none can be built; else what failed. Nothing is left then.
    pub fn up(
        home: &Path,
        name: &str,
        resources: Vec<Value>,
        with_servers: bool,
    ) -> Result<Standing, Error> {
        let (standing, twin) = Standing::owned(home, name, resources, with_servers)?;
        twin.stay()?;
        Ok(standing)
    }

    /// As [`Standing::up`], for a twin that ends with its owner.
    ///
    /// # Errors
    /// As [`Standing::up`].
    pub fn owned(
        home: &Path,
        name: &str,
        resources: Vec<Value>,
        with_servers: bool,
    ) -> Result<(Standing, Twin), Error> {
        tools::require()?;
        let folder = folder(home, name)?;
        let estate = estate_of(&resources);
        let plan = blueprint(&estate, None).map_err(Error::NoTwin)?;
        let _lock = lock(home)?;
        if Standing::read(home, name).is_ok() {
            let why = format!(
                "twin `{name}` stands already; `flexway lab down` ends it, --name gives another one"
            );
            return Err(Error::NoTwin(why));
        }
        remove(&folder)?;
        fs::create_dir(&folder).map_err(Error::io(format!("make {}", folder.display())))?;
        let built = build(name, plan, resources, &folder, with_servers);
        if built.is_err() {
            let _ = remove(&folder);
        }
        built
    }

    /// Finds the twin of a name. Where a change was cut off, it is first laid anew as it was.
    ///
    /// # Errors
    /// [`Error::NoTwin`] when none stands; what failed when it cannot be laid anew.
    pub fn find(home: &Path, name: &str) -> Result<Standing, Error> {
        let found = Standing::read(home, name)?;
        if !found.networks.folder.join(CHANGING).exists() {
            return Ok(found);
        }
        let _lock = lock(home)?;
        let mut found = Standing::read(home, name)?;
        // Whoever held the lock may have ended well.
        if found.networks.folder.join(CHANGING).exists() {
            let plan = found.networks.blueprint.clone();
            found.lay(plan)?;
            found.is_restored = true;
        }
        Ok(found)
    }

    /// What the files of a twin say, if its first process lives.
    fn read(home: &Path, name: &str) -> Result<Standing, Error> {
        let folder = folder(home, name)?;
        let none =
            || Error::NoTwin(format!("no twin `{name}` stands here; `flexway lab up` builds one"));
        let state = read(&folder.join(STATE)).ok_or_else(none)?;
        let process = process_of(&state).filter(Process::lives).ok_or_else(none)?;
        let resources = read(&folder.join(ESTATE)).and_then(|json| json.as_array().cloned());
        let resources = resources.ok_or_else(none)?;
        let plan = blueprint(&estate_of(&resources), None).map_err(Error::NoTwin)?;
        let servers = state["servers"].as_array().into_iter().flatten();
        let servers = servers.filter_map(|one| {
            let major = one["major"].as_u64().and_then(|major| u32::try_from(major).ok())?;
            Some(postgres::Running { place: one["place"].as_str()?.to_owned(), major })
        });
        Ok(Standing {
            name: name.to_owned(),
            servers: servers.collect(),
            networks: Networks { process, folder, blueprint: plan },
            resources,
            is_restored: false,
        })
    }

    /// Shows other resources: the networks are laid anew, servers live on where their places do.
    ///
    /// # Errors
    /// As [`Standing::up`]; when the networks cannot be laid the twin stands without any.
    pub fn change(&mut self, resources: Vec<Value>) -> Result<(), Error> {
        let home = self.networks.folder.parent().unwrap_or(&self.networks.folder).to_owned();
        let _lock = lock(&home)?;
        let plan = blueprint(&estate_of(&resources), None).map_err(Error::NoTwin)?;
        let kept = |places: &[Place]| -> Vec<(String, String)> {
            let names = places.iter().map(|one| (one.namespace.clone(), one.name.clone()));
            names.collect()
        };
        if kept(&plan.places) != kept(&self.networks.blueprint.places) {
            let why =
                "servers or machines would come or go; build a new twin of the changed estate";
            return Err(Error::NoTwin(why.to_owned()));
        }
        self.resources = resources;
        self.lay(plan)
    }

    /// Lays networks for the resources; until that is done the twin is marked.
    fn lay(&mut self, plan: super::Blueprint) -> Result<(), Error> {
        let mark = self.networks.folder.join(CHANGING);
        fs::write(&mark, "").map_err(Error::io(format!("write {}", mark.display())))?;
        self.networks.change(plan)?;
        if !self.servers.is_empty() {
            self.servers = postgres::start(&self.networks, |place| major(&self.resources, place))?;
        }
        self.save()?;
        fs::remove_file(&mark).map_err(Error::io(format!("remove {}", mark.display())))
    }

    fn save(&self) -> Result<(), Error> {
        let servers: Vec<Value> = self
            .servers
            .iter()
            .map(|one| json!({ "place": one.place, "major": one.major }))
            .collect();
        let process = self.networks.process;
        let state = json!({ "process": process.id, "start": process.start, "servers": servers });
        write(&self.networks.folder.join(ESTATE), &json!(self.resources))?;
        write(&self.networks.folder.join(STATE), &state)
    }
}

fn build(
    name: &str,
    plan: super::Blueprint,
    resources: Vec<Value>,
    folder: &Path,
    with_servers: bool,
) -> Result<(Standing, Twin), Error> {
    let twin = Twin::build(plan, folder)?;
    let networks = twin.networks().clone();
    let mut standing = Standing {
        name: name.to_owned(),
        networks,
        resources,
        servers: Vec::new(),
        is_restored: false,
    };
    if with_servers {
        let wanted = |place: &Place| major(&standing.resources, place);
        standing.servers = postgres::start(&standing.networks, wanted)?;
    }
    standing.save()?;
    Ok((standing, twin))
}

/// The major that a server's body tells.
fn major(resources: &[Value], place: &Place) -> Option<u32> {
    let is_it = |one: &&Value| {
        let id = one["id"].as_str().and_then(ResourceId::parse);
        id.is_some_and(|id| id == place.resource)
    };
    let body = resources.iter().find(is_it)?;
    let told = body.pointer("/properties/version").or(body.get("version"))?.as_str()?;
    told.split('.').next()?.parse().ok()
}

/// Ends a twin and removes what it left; true when there was anything. Doing so again does nothing.
///
/// # Errors
/// [`Error::Timeout`] when it does not end.
pub fn down(home: &Path, name: &str) -> Result<bool, Error> {
    let folder = folder(home, name)?;
    if !folder.exists() {
        return Ok(false);
    }
    let _lock = lock(home)?;
    if let Some(process) = read(&folder.join(STATE)).as_ref().and_then(process_of) {
        process.end()?;
    }
    remove(&folder)?;
    if home == Path::new(HOME) {
        // Other twins may stand in it.
        let _ = fs::remove_dir(home);
    }
    Ok(true)
}

/// Names of the twins that have a folder, whether they stand or have died.
pub fn names(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// One change at a time; the lock, which is on the folder itself, ends with the process that holds it.
fn lock(home: &Path) -> Result<File, Error> {
    let failed = |step: &str| Error::io(format!("{step} {}", home.display()));
    loop {
        fs::create_dir_all(home).map_err(failed("make"))?;
        let folder = File::open(home).map_err(failed("open"))?;
        folder.lock().map_err(failed("lock"))?;
        // The last twin takes the folder away while others wait for it.
        let held = folder.metadata().map_err(failed("look at"))?.ino();
        if fs::metadata(home).is_ok_and(|now| now.ino() == held) {
            return Ok(folder);
        }
    }
}

fn process_of(state: &Value) -> Option<Process> {
    let id = u32::try_from(state["process"].as_u64()?).ok()?;
    Some(Process { id, start: state["start"].as_u64()? })
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whoever reads it finds the old text or the new one.
fn write(path: &Path, json: &Value) -> Result<(), Error> {
    let new = path.with_extension("new");
    let written = fs::write(&new, format!("{json:#}\n")).and_then(|()| fs::rename(&new, path));
    written.map_err(Error::io(format!("write {}", path.display())))
}

fn remove(folder: &Path) -> Result<(), Error> {
    const TRIES: u32 = 50;
    for _ in 0..TRIES {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            // The last processes may still write.
            Err(_) => std::thread::sleep(crate::run::POLL),
        }
    }
    fs::remove_dir_all(folder).map_err(Error::io(format!("remove {}", folder.display())))
}
