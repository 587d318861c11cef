//! `cargo xtask twin`: the differential test between analyser and kernel, over as many worlds as wanted.

use crate::chores::{cargo, step};
use crate::process::Result;
use crate::setup;

/// Options and the variables that the test reads.
const OPTIONS: [(&str, &str); 2] = [("--count", "TWIN_WORLDS"), ("--first", "TWIN_FIRST")];

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let mut test = cargo(&["test", "--locked", "--package", "flexway-lab", "--test", "worlds"]);
    test.args(["--", "--nocapture"]);
    for pair in arguments.chunks(2) {
        let [option, number] = pair else { return Err(usage(pair)) };
        let known = OPTIONS.iter().find(|(name, _)| name == option);
        let (Some((_, variable)), Ok(number)) = (known, number.parse::<u64>()) else {
            return Err(usage(pair));
        };
        test.env(variable, number.to_string());
    }
    setup::run()?;
    step(test)
}

fn usage(pair: &[&str]) -> String {
    format!("read `{}`: give --count N or --first N", pair.join(" "))
}
