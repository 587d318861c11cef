//! What a twin shows of itself: places, servers, and the gates at which packets ended.

use std::io::Write;

use clap::Args;
use flexway_lab::twin::Place;
use flexway_lab::twin::postgres;
use flexway_lab::twin::standing::Standing;
use serde_json::{Value, json};

use super::{Named, failed, find};
use crate::check::print_value;
use crate::exit::{Ended, Exit};
use crate::output::remark;

#[derive(Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    named: Named,
    /// Print the answer as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn status(args: &StatusArgs) -> Ended {
    let standing = find(&args.named)?;
    let gates = gates(&standing).map_err(|why| failed("read the counters", why))?;
    if args.json {
        let places = standing.networks.blueprint.places.iter();
        let places: Vec<Value> = places.map(|place| place_json(&standing, place)).collect();
        print_value(&json!({ "schema": "flexway.lab/1", "name": standing.name, "places": places,
            "gates": gates, "notes": standing.networks.blueprint.notes }));
        return Ok(Exit::Good);
    }
    places(&standing);
    let mut out = std::io::stdout().lock();
    for gate in &gates {
        let word = |name: &str| gate[name].as_str().unwrap_or("").to_owned();
        let verb = if gate["drops"] == true { "dropped" } else { "passed" };
        let _ = writeln!(
            out,
            "{verb:<8} {:>6}  {} of {}",
            gate["packets"],
            word("name"),
            word("resource")
        );
    }
    notes(&standing);
    Ok(Exit::Good)
}

fn place_json(standing: &Standing, place: &Place) -> Value {
    json!({ "name": place.name, "resource": place.resource, "addresses": place.addresses, "resolvers": place.resolvers,
        "postgres": major(standing, place), "runs": postgres::runs(&standing.networks, place) })
}

fn major(standing: &Standing, place: &Place) -> Option<u32> {
    standing.servers.iter().find(|one| one.place == place.name).map(|one| one.major)
}

/// Gates whose counters have moved.
fn gates(standing: &Standing) -> Result<Vec<Value>, flexway_lab::Error> {
    let counted = standing.networks.counters()?;
    let moved = counted.into_iter().filter(|(_, packets)| *packets > 0);
    let described = moved.filter_map(|(name, packets)| {
        let gate = standing.networks.blueprint.gates.get(&name)?;
        Some(json!({ "resource": gate.resource, "pointer": gate.pointer, "name": gate.name, "drops": gate.drops,
            "packets": packets }))
    });
    Ok(described.collect())
}

/// Prints the places, one a line.
pub(super) fn places(standing: &Standing) {
    if standing.networks.blueprint.places.is_empty() {
        remark(format_args!(
            "twin `{}`: the estate has no server and no machine to stand at",
            standing.name
        ));
    }
    let mut out = std::io::stdout().lock();
    for place in &standing.networks.blueprint.places {
        let addresses: Vec<String> = place.addresses.iter().map(ToString::to_string).collect();
        let what = match (major(standing, place), place.is_server) {
            (Some(major), _) if postgres::runs(&standing.networks, place) => {
                format!("PostgreSQL {major}")
            }
            (Some(major), _) => format!("PostgreSQL {major}, which has stopped"),
            (None, true) => "no PostgreSQL runs".to_owned(),
            (None, false) if place.runs => "machine, forwards packets".to_owned(),
            (None, false) => "machine".to_owned(),
        };
        let _ = writeln!(out, "{:<24} {:<32} {what}", place.name, addresses.join(", "));
    }
}

/// Says what of the estate the twin does not show.
pub(super) fn notes(standing: &Standing) {
    for note in &standing.networks.blueprint.notes {
        remark(format_args!("not in the twin: {note}"));
    }
}
