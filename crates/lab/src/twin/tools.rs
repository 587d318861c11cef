//! What a twin needs of the machine: rights, and programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::account::{clean_command, is_root};
use crate::{Error, installed, run};

/// Where set-up unpacks unbound, below the cache.
pub const UNBOUND_FOLDER: &str = "tools/unbound";

/// Where programs of the system stand that `PATH` may leave out.
const SYSTEM_FOLDERS: [&str; 6] =
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Programs, and the Debian packages that bring them.
const PROGRAMS: [(&str, &str); 5] = [
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
];

/// Making a namespace takes milliseconds.
const TRY_LIMIT: Duration = Duration::from_secs(20);

/// Checks that twins can be built here.
///
/// # Errors
/// [`Error::NoTwin`] with one sentence: what is missing, and what to do.
pub fn require() -> Result<(), Error> {
    let refuse = |why: String| Err(Error::NoTwin(why));
    if !is_root() {
        return refuse("network namespaces need root; run this as root".to_owned());
    }
    for (program, package) in PROGRAMS {
        if find(program).is_none() {
            return refuse(format!(
                "program `{program}` was not found; run `cargo xtask setup`, or apt-get install {package}"
            ));
        }
    }
    find_unbound()?;
    let mut command = clean_command(Path::new("unshare"));
    command.args(["--net", "--mount", "--ipc", "--pid", "--fork", "--mount-proc", "true"]);
    match run::run(command, "", &std::env::temp_dir(), TRY_LIMIT) {
        Ok(_) => Ok(()),
        Err(why) => {
            refuse(format!("this machine grants no namespaces ({why}); run on a machine that does"))
        }
    }
}

fn find(program: &str) -> Option<PathBuf> {
    SYSTEM_FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// The DNS server of twins: set-up's, else the system's.
///
/// # Errors
/// [`Error::NoTwin`] when there is none that runs.
pub fn find_unbound() -> Result<PathBuf, Error> {
    let folders = installed::cache_folders();
    let own = folders.into_iter().map(|cache| cache.join(UNBOUND_FOLDER).join("usr/sbin/unbound"));
    let runs = |path: &PathBuf| {
        let mut command = Command::new(path);
        command.arg("-V");
        path.is_file()
            && run::output(command, "", &std::env::temp_dir(), TRY_LIMIT)
                .is_ok_and(|output| output.status.success())
    };
    let found = own.chain(find("unbound")).find(runs);
    found.ok_or_else(|| {
        Error::NoTwin("DNS server `unbound` was not found; run `cargo xtask setup`".to_owned())
    })
}
