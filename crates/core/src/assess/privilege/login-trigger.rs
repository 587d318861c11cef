//! Event triggers that fire when the move logs in.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::EventTriggers)?;
    let firing = all.iter().filter(|one| one.detail == "login");
    let names: Vec<&str> = firing.map(|one| one.name.as_str()).collect();
    let sides = [
        (&facts.source.login, Place::Source, "the source"),
        (&facts.target.login, Place::Target, "the target, once they stand there"),
    ];
    let heard: Vec<_> = sides.into_iter().filter(|(login, ..)| !login.silences_triggers).collect();
    if names.is_empty() || heard.is_empty() {
        return Ok(Vec::new());
    }
    let where_: Vec<&str> = heard.iter().map(|(.., words)| *words).collect();
    let message = format!(
        "event triggers on login fire in sessions of the move on {}: {}",
        where_.join(" and on "),
        some_of(&names)
    );
    let why = "what they write there differs when it is compared, and they may end the session";
    let off: Vec<String> =
        names.iter().map(|name| format!("ALTER EVENT TRIGGER {} DISABLE", quoted(name))).collect();
    let advice = format!(
        "or switch them off on the source, and on again on both servers after the move: {}",
        some_of(&off)
    );
    let grant = |login: &str| format!("GRANT SET ON PARAMETER event_triggers TO {}", quoted(login));
    let finding = heard
        .iter()
        .fold(Finding::risks(message, why), |one, (login, on, _)| one.fix(*on, grant(&login.name)));
    Ok(vec![finding.advice(advice)])
}
