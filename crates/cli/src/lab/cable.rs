//! `flexway lab unplug` and `flexway lab plug`: a place of a twin without its cable.

use std::process::Stdio;

use clap::Args;
use flexway_lab::twin::Place;

use super::{Named, find, place_of};
use crate::exit::{Ended, Exit, Failure};
use crate::output::remark;

#[derive(Args)]
pub(super) struct CableArgs {
    #[command(flatten)]
    named: Named,
    /// The place: a name that `flexway lab status` shows, or a resource id
    #[arg(value_name = "PLACE")]
    place: String,
}

/// Takes the cut away, if there is one.
const PLUGGED: &str = "add table ip unplugged; delete table ip unplugged";

/// Before every other chain, so that no counter of a gate moves. A link that is set down would lose its routes for good.
const UNPLUGGED: &str = "; add table ip unplugged; \
    add chain ip unplugged in { type filter hook prerouting priority -400; policy drop; }; \
    add chain ip unplugged out { type filter hook output priority -400; policy drop; }; \
    add rule ip unplugged in iifname \"lo\" accept; add rule ip unplugged out oifname \"lo\" accept";

pub(super) fn unplug(args: &CableArgs) -> Ended {
    set(args, &format!("{PLUGGED}{UNPLUGGED}"), "unplugged: packets to and from it are lost")
}

pub(super) fn plug(args: &CableArgs) -> Ended {
    set(args, PLUGGED, "plugged in")
}

fn set(args: &CableArgs, rules: &str, done: &str) -> Ended {
    let standing = find(&args.named)?;
    let place: &Place = place_of(&standing, &args.place)?;
    let mut command = standing.networks.command(&place.namespace);
    command.args(["nft", rules]).stdin(Stdio::null());
    let failed = |why: String| Failure::failed(format!("cut `{}` off", place.name), why, "");
    let output = command.output().map_err(|why| failed(why.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    remark(format_args!("`{}` is {done}", place.name));
    Ok(Exit::Good)
}
