//! Tests over random rounds, as many as wanted: `cargo xtask twin` and `cargo xtask kills`.

use crate::chores::{cargo, step};
use crate::process::Result;
use crate::setup;

/// An option and the variable that the test reads.
type Option = (&'static str, &'static str);

/// The differential test between analyser and kernel.
pub(crate) fn twin(arguments: &[&str]) -> Result<()> {
    let test = ["--package", "flexway-lab", "--test", "worlds", "--"];
    run(&test, [("--count", "TWIN_WORLDS"), ("--first", "TWIN_FIRST")], arguments)
}

/// Moves that are disturbed at random moments.
pub(crate) fn kills(arguments: &[&str]) -> Result<()> {
    let test = ["--package", "flexway", "--test", "move_servers", "kills", "--"];
    run(&test, [("--count", "KILLS_COUNT"), ("--seed", "KILLS_SEED")], arguments)
}

fn run(test: &[&str], options: [Option; 2], arguments: &[&str]) -> Result<()> {
    let mut command = cargo(&["test", "--locked"]);
    command.args(test).arg("--nocapture");
    let usage = || options.map(|(name, _)| format!("{name} N")).join(" or ");
    for pair in arguments.chunks(2) {
        let refuse = || format!("read `{}`: give {}", pair.join(" "), usage());
        let [option, number] = pair else { return Err(refuse()) };
        let known = options.iter().find(|(name, _)| name == option);
        let (Some((_, variable)), Ok(number)) = (known, number.parse::<u64>()) else {
            return Err(refuse());
        };
        command.env(variable, number.to_string());
    }
    setup::run()?;
    step(command)
}
