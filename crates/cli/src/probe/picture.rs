//! Draws an observation for people: the ladder, what the server sees, and what to do.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use flexway_core::probes::{Observation, Place, RungOutcome, RungReport, Seen, Symptom};
use serde_json::Value;

use super::failed_rung;
use crate::output::printable;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// Hosts of a certificate that are shown; the JSON has more.
const NAMES_MAX: usize = 3;

/// Prints it on standard output.
pub(super) fn print(observation: &Observation) {
    // A reader that went away, such as `head`, is not our failure.
    let _ = write(&mut anstream::stdout().lock(), observation);
}

fn write(out: &mut impl Write, seen: &Observation) -> std::io::Result<()> {
    match seen.seen() {
        Seen::Through(rung) => {
            writeln!(out, "{GOOD}holds{GOOD:#}  up to {}", rung.word())?;
        }
        Seen::Blocked(rung, _) => writeln!(out, "{BAD}blocked{BAD:#}  at {}", rung.word())?,
        Seen::Nothing => writeln!(out, "{DOUBT}not known{DOUBT:#}  nothing could be tried")?,
    }
    writeln!(out, "  to    {}:{}", seen.to.host, seen.to.port)?;
    writeln!(out, "  from  {}", vantage(seen))?;
    writeln!(out, "  at    {}\n", seen.time)?;
    for rungs in seen.rungs.chunk_by(|a, b| is_unseen(a) && is_unseen(b) && a.detail == b.detail) {
        match rungs {
            [first, .., last] => {
                let words = format!("{} to {}", first.rung.word(), last.rung.word());
                writeln!(out, "   {FAINT}--  {words:<11}  {}{FAINT:#}", first.detail)?;
            }
            rungs => rungs.iter().try_for_each(|rung| write_rung(out, rung))?,
        }
    }
    write_facts(out, seen)?;
    let Some(failed) = failed_rung(seen) else { return Ok(()) };
    if let Some(fix) = &failed.fix {
        writeln!(out, "\nfix: {fix}")?;
    }
    match failed.faults.as_slice() {
        [] => Ok(()),
        [fault] => writeln!(out, "fault: {fault}; `flexway explain {fault}` tells more"),
        [first, ..] => {
            writeln!(out, "suspects: {}", failed.faults.join(", "))?;
            writeln!(
                out,
                "next: `flexway check` with the estate tells which it is; `flexway explain {first}` tells more"
            )
        }
    }
}

fn vantage(seen: &Observation) -> String {
    let place = match seen.vantage.place {
        Place::Here => "this machine",
        Place::Target => "inside the target",
        Place::Runtime => "inside the runtime server",
        Place::Relay => "the relay host",
    };
    let address = seen.vantage.address.map(|address| address.to_string());
    let more: Vec<String> = seen.vantage.host.clone().into_iter().chain(address).collect();
    if more.is_empty() { place.to_owned() } else { format!("{place} ({})", more.join(", ")) }
}

fn is_unseen(rung: &RungReport) -> bool {
    rung.outcome == RungOutcome::NotSeen
}

fn write_rung(out: &mut impl Write, rung: &RungReport) -> std::io::Result<()> {
    let word = rung.rung.word();
    let detail = printable(&rung.detail);
    let time = rung.time_ms.map(|time| format!("  {time:.1} ms")).unwrap_or_default();
    match rung.outcome {
        RungOutcome::Pass => write!(out, "   {GOOD}ok{GOOD:#}  {word:<11}  {detail}")?,
        RungOutcome::Fail => write!(out, "   {BAD}XX{BAD:#}  {word:<11}  {detail}")?,
        RungOutcome::NotSeen => {
            return writeln!(out, "   {FAINT}--  {word:<11}  {detail}{FAINT:#}");
        }
    }
    writeln!(out, "{FAINT}{time}{FAINT:#}")?;
    for certificate in rung.evidence.get("chain").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| printable(certificate[name].as_str().unwrap_or("?"));
        let names = certificate["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let names: Vec<&str> = names.take(NAMES_MAX).collect();
        let names = if names.is_empty() { "no host" } else { &names.join(", ") };
        let names = printable(names);
        let since = match rung.symptom {
            Some(Symptom::CertificateDates) => format!("from {} ", text("not_before")),
            _ => String::new(),
        };
        writeln!(
            out,
            "{FAINT}         {} by {}, {since}until {}, for {names}{FAINT:#}",
            text("subject"),
            text("issuer"),
            text("not_after")
        )?;
    }
    if rung.outcome == RungOutcome::Fail
        && let Some(root) = rung.evidence.get("root_wanted").and_then(Value::as_str)
    {
        writeln!(out, "         root wanted: {}", printable(root))?;
    }
    Ok(())
}

fn write_facts(out: &mut impl Write, seen: &Observation) -> std::io::Result<()> {
    if let Some(address) = seen.seen_as {
        writeln!(out, "\n  the server sees  {address}")?;
    }
    if let Some(time) = seen.round_trip_ms {
        writeln!(out, "  round trip       {time:.1} ms")?;
    }
    if let Some(version) = seen.server.get("version").and_then(Value::as_str) {
        writeln!(out, "  server           PostgreSQL {version}")?;
    }
    if let Some(rate) =
        seen.server.get("throughput").and_then(|one| one["bytes_per_second"].as_f64())
    {
        writeln!(out, "  throughput       {:.1} MB/s", rate / 1e6)?;
    }
    if let Some(idle) = seen.server.get("idle") {
        let word = match idle["survived"].as_bool() {
            Some(true) => "survived".to_owned(),
            _ => format!("did not survive: {}", idle["why"].as_str().unwrap_or("not known")),
        };
        writeln!(out, "  idle             {word} ({} s)", idle["seconds"])?;
    }
    Ok(())
}
