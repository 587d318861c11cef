//! The demo in a twin: the target really cannot reach the source, the plan is made in the twin, and the move runs across its networks.

use std::time::Duration;

use flexway_lab::twin::standing::Standing;
use flexway_lab::{Scratch, run};
use serde_json::{Value, json};

use super::{DemoArgs, SAMPLE, broken_resources, flexway, title, write_estate};
use crate::exit::Failure;
use crate::output::say;

/// Majors of the source and of the target: the sample has generated columns, which came with 12.
const MAJORS: (&str, &str) = ("15", "18");

/// Filling the source takes a second.
const FILL_LIMIT: Duration = Duration::from_secs(120);

/// What the target asks the source, over its own connection.
const ASK: &str = "SELECT * FROM dblink('host=old-db.postgres.database.azure.com dbname=shop', \
                   'SELECT count(*) FROM shop.customer') AS source (customers bigint)";

pub(super) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let scratch = Scratch::new().map_err(|why| failed("make a private folder", &why))?;
    let home = scratch.path();
    let folder = args.keep.as_deref().unwrap_or(home);
    let mut resources = broken_resources()?;
    set_major(&mut resources, "/servers/old-db", MAJORS.0);
    set_major(&mut resources, "/flexibleServers/new-db", MAJORS.1);
    let broken = write_estate(folder, "estate.json", json!(resources))?;
    title(
        "1. a twin of the network on this machine: routing, security rules, DNS, two real servers",
    );
    let (standing, twin) = Standing::owned(home, "twin", resources, true)
        .map_err(|why| failed("build the twin", &why))?;
    fill(&standing)?;
    let lab = [("FLEXWAY_LAB", home.display().to_string())];
    flexway(folder, &["lab", "status"], &lab, &[0])?;

    title("2. the target asks the source over a connection of its own, as Azure's tool would");
    let ask = ["lab", "exec", "new-db", "--", "psql", "-c", ASK];
    flexway(folder, &ask, &lab, &[1])?;

    title("3. why: the name leads to the public door, which is closed");
    let flow = ["--source", "old-db", "--target", "new-db"];
    flexway(folder, &[&["check", "--estate", &broken], &flow[..]].concat(), &[], &[1])?;

    title("4. the smallest repair, computed, and made in the twin");
    flexway(folder, &[&["plan", "--estate", &broken], &flow[..]].concat(), &[], &[0])?;
    let path = |name: &str| folder.join(name).display().to_string();
    let (plan, repaired) = (path("plan.json"), path("repaired.json"));
    let make = ["--format", "json", "--out", &plan];
    flexway(folder, &[&["plan", "--estate", &broken], &flow[..], &make].concat(), &[], &[0])?;
    flexway(folder, &["lab", "apply", &plan, "--out", &repaired], &lab, &[0])?;

    title("5. the target asks again");
    flexway(folder, &ask, &lab, &[0])?;

    title("6. the move, across the twin's networks");
    let program = std::env::current_exe()
        .map_err(|why| Failure::failed("find this program", why, ""))?
        .display()
        .to_string();
    let socket = standing.networks.socket("new-db").unwrap_or_default();
    // The client tools that set-up brings have no TLS.
    let source = "host=old-db.postgres.database.azure.com dbname=postgres sslmode=disable";
    let environment = [
        lab[0].clone(),
        ("FLEXWAY_SOURCE", source.to_owned()),
        ("FLEXWAY_TARGET", format!("host={} dbname=postgres sslmode=disable", socket.display())),
    ];
    let at_target = ["lab", "exec", "new-db", "--", &program];
    let ledger = path("move.ledger");
    let gate = ["migrate", "--ledger", &ledger, "--estate", &repaired];
    flexway(folder, &[&at_target[..], &gate, &flow].concat(), &environment, &[0])?;

    title("7. the proof, asked again: schema, roles and the content of every table");
    flexway(folder, &[&at_target[..], &["verify"]].concat(), &environment, &[0])?;
    drop((standing, twin));
    drop(scratch);
    say("\ntwin ended, nothing left of it");
    Ok(())
}

fn failed(what: &str, why: &flexway_lab::Error) -> Failure {
    Failure::failed(what, why, "")
}

fn set_major(resources: &mut [Value], end: &str, major: &str) {
    let is_it = |one: &&mut Value| one["id"].as_str().is_some_and(|id| id.ends_with(end));
    if let Some(server) = resources.iter_mut().find(is_it) {
        server["properties"]["version"] = json!(major);
    }
}

/// Puts the sample into the source, and the extension into the target that it asks the source with.
fn fill(standing: &Standing) -> Result<(), Failure> {
    let sql = |place: &str, database: &str, text: &str| -> Result<(), Failure> {
        let what = format!("fill the demo's {place}");
        let Some(at) = standing.networks.blueprint.place(place) else { return Ok(()) };
        let mut command = standing.networks.at_place(at);
        command.args(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database]);
        let output = run::output(command, text, &standing.networks.folder, FILL_LIMIT)
            .map_err(|why| failed(&what, &why))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Failure::failed(what, String::from_utf8_lossy(&output.stderr).trim(), "")),
        }
    };
    sql("old-db", "postgres", "CREATE DATABASE shop")?;
    // In one transaction, as the other demo does it: many times as fast.
    sql("old-db", "shop", &format!("BEGIN;\n{SAMPLE}\nCOMMIT;"))?;
    sql("new-db", "postgres", "CREATE EXTENSION dblink")
}
