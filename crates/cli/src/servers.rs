//! The two servers on the command line: URLs, their variables, and keeping passwords out of `ps`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use flexway_postgres::ConnInfo;

use crate::exit::Failure;
use crate::output::remark;

const SOURCE_VARIABLE: &str = "FLEXWAY_SOURCE";
const TARGET_VARIABLE: &str = "FLEXWAY_TARGET";

/// Options whose value can hold a password, and the variable that takes it.
const SECRET_OPTIONS: [(&str, &str); 2] =
    [("--source-url", SOURCE_VARIABLE), ("--target-url", TARGET_VARIABLE)];

/// Source and target. Not `Debug`: the values can hold passwords.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The server to move from: a libpq URL or key/value string naming any of its databases
    #[arg(long, value_name = "URL", env = SOURCE_VARIABLE, hide_env_values = true)]
    source_url: Option<String>,
    /// The server to move to
    #[arg(long, value_name = "URL", env = TARGET_VARIABLE, hide_env_values = true)]
    target_url: Option<String>,
}

/// Both servers, ready to be dialled.
pub(crate) struct ServerPair {
    pub(crate) source: ConnInfo,
    pub(crate) target: ConnInfo,
}

impl ServerArgs {
    /// Reads both URLs, with libpq's variables and files for what they leave out.
    pub(crate) fn read(&self) -> Result<ServerPair, Failure> {
        Ok(ServerPair { source: self.source()?, target: self.target()? })
    }

    /// Reads the source's URL alone.
    pub(crate) fn source(&self) -> Result<ConnInfo, Failure> {
        one(self.source_url.as_deref(), "source", SOURCE_VARIABLE)
    }

    /// Reads the target's URL alone.
    pub(crate) fn target(&self) -> Result<ConnInfo, Failure> {
        one(self.target_url.as_deref(), "target", TARGET_VARIABLE)
    }
}

fn one(url: Option<&str>, side: &str, variable: &str) -> Result<ConnInfo, Failure> {
    let what = format!("find the {side} server");
    let help = format!(
        "give --{side}-url, or set {variable}, such as postgres://admin@host:5432/postgres"
    );
    let Some(url) = url else {
        return Err(Failure::usage(what, "no URL was given", help));
    };
    ConnInfo::parse(url, &|name| env::var(name).ok())
        .map_err(|error| Failure::usage(what, error, help))
}

/// Starts this program anew with the URLs in its environment, when some stand among its arguments:
/// arguments are readable by everybody on the machine (`ps`), the environment only by the same
/// user. Returns when there is nothing to hide.
pub(crate) fn hide_urls() {
    let arguments: Vec<OsString> = env::args_os().collect();
    let (kept, hidden) = part(&arguments);
    if hidden.is_empty() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut command = Command::new(program);
    if let Some(name) = kept.first() {
        command.arg0(name);
    }
    let error = command.args(kept.iter().skip(1)).envs(hidden).exec();
    // exec returns only when it failed. Going on would leave the password where everybody sees it.
    remark(format_args!("error: failed to hide the URLs from other users' ps: {error}"));
    remark(format_args!(
        "  help: set {SOURCE_VARIABLE} and {TARGET_VARIABLE} instead of giving them as options"
    ));
    std::process::exit(3);
}

/// Arguments to keep, and variables that take the place of the others. A repeated option counts the
/// last time, as in the environment.
fn part(arguments: &[OsString]) -> (Vec<OsString>, Vec<(&'static str, OsString)>) {
    let mut kept = Vec::new();
    let mut hidden = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            kept.push(argument.clone());
            kept.extend(rest.cloned());
            break;
        }
        match secret_option(argument) {
            Some((variable, Some(value))) => hidden.push((variable, value)),
            // Without a value it is left for the parser to complain about.
            Some((variable, None)) => match rest.next() {
                Some(value) => hidden.push((variable, value.clone())),
                None => kept.push(argument.clone()),
            },
            None => kept.push(argument.clone()),
        }
    }
    (kept, hidden)
}

/// The variable for a secret option, and its value when it is joined by `=`.
fn secret_option(argument: &OsStr) -> Option<(&'static str, Option<OsString>)> {
    let text = argument.to_str()?;
    SECRET_OPTIONS.iter().find_map(|(option, variable)| {
        let rest = text.strip_prefix(option)?;
        match rest.strip_prefix('=') {
            Some(value) => Some((*variable, Some(value.into()))),
            None => rest.is_empty().then_some((*variable, None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::part;

    type Hidden = Vec<(&'static str, String)>;

    fn parted(line: &str) -> (Vec<String>, Hidden) {
        let arguments: Vec<_> = line.split(' ').map(Into::into).collect();
        let (kept, hidden) = part(&arguments);
        let text = |text: std::ffi::OsString| text.into_string().expect("UTF-8");
        (
            kept.into_iter().map(text).collect(),
            hidden.into_iter().map(|(name, value)| (name, text(value))).collect(),
        )
    }

    #[test]
    fn urls_move_to_the_environment_and_nothing_else_does() {
        let (kept, hidden) =
            parted("flexway migrate --source-url postgres://a:b@c/d --jobs 3 --target-url=x=y");
        assert_eq!(kept, ["flexway", "migrate", "--jobs", "3"]);
        assert_eq!(
            hidden,
            [
                ("FLEXWAY_SOURCE", "postgres://a:b@c/d".to_owned()),
                ("FLEXWAY_TARGET", "x=y".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_no_url_is_left_for_the_parser() {
        for line in [
            "flexway verify --source-url",
            "flexway verify --source-urls x",
            "flexway verify -- --source-url x",
            "flexway check --source x --target y",
        ] {
            let (kept, hidden) = parted(line);
            assert_eq!(kept.join(" "), line);
            assert!(hidden.is_empty());
        }
    }
}
