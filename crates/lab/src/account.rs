//! Who we are, and as whom PostgreSQL runs, since it refuses root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// The account that servers run as when we are root: it exists on every Debian, owns nothing, and
/// PostgreSQL accepts it because it is in /etc/passwd.
const ORDINARY_USER: &str = "nobody";

/// A user and group that programs are run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    /// Whether we have to change to it; an ordinary user stays what it is.
    switch: bool,
}

impl Account {
    /// The account for servers: our own, or `nobody` when we are root.
    pub(crate) fn for_servers() -> Result<Account, Error> {
        let (uid, gid) = own_ids();
        if uid != 0 {
            return Ok(Account { uid, gid, switch: false });
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(Error::io("read /etc/passwd"))?;
        let (uid, gid) = find_user(&passwd, ORDINARY_USER).ok_or(Error::NoAccount)?;
        Ok(Account { uid, gid, switch: true })
    }

    /// A command that will run as this account, without our `PG*` variables: they would change
    /// what the server's programs do.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = clean_command(program);
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Words that make `setpriv` run a program as this account.
    pub(crate) fn setpriv(&self) -> String {
        format!("setpriv --reuid={} --regid={} --clear-groups", self.uid, self.gid)
    }

    /// Makes this account the owner of a file or folder.
    pub(crate) fn give(&self, path: &Path) -> Result<(), Error> {
        if !self.switch {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid))
            .map_err(Error::io(format!("give {} to {ORDINARY_USER}", path.display())))
    }

    pub(crate) fn owns(&self, metadata: &fs::Metadata) -> bool {
        metadata.uid() == self.uid
    }

    /// Makes sure that this account can get into a folder: all above must let others pass.
    pub(crate) fn require_entry(&self, folder: &Path) -> Result<(), Error> {
        const OTHERS_MAY_PASS: u32 = 0o001;
        let is_closed = |path: &&Path| {
            path.metadata().is_ok_and(|metadata| metadata.mode() & OTHERS_MAY_PASS == 0)
        };
        match folder.ancestors().find(is_closed) {
            Some(closed) if self.switch => Err(Error::Closed(closed.to_owned())),
            _ => Ok(()),
        }
    }
}

/// A command with nothing of our environment but `PATH`.
pub(crate) fn clean_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

pub(crate) fn is_root() -> bool {
    own_ids().0 == 0
}

/// Our effective user and group: /proc/self belongs to them. (Asking the system needs `unsafe`.)
fn own_ids() -> (u32, u32) {
    let unknown = (u32::MAX, u32::MAX);
    fs::metadata("/proc/self").map_or(unknown, |metadata| (metadata.uid(), metadata.gid()))
}

fn find_user(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody2:x:7:7::/:/x\nnobody:x:65534:65533::/:/x\n";
        assert_eq!(find_user(passwd, "nobody"), Some((65534, 65533)));
        assert_eq!(find_user(passwd, "nobod"), None);
    }
}
