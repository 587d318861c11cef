//! Settings of the source's server that the target's does not have. Those of databases and roles are
//! carried.

use crate::assess::facts::Facts;
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

/// Settings that change what queries give.
const OF_RESULTS: [&str; 17] = [
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "array_nulls",
    "backslash_quote",
    "bytea_output",
    "default_text_search_config",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_with_oids",
    "extra_float_digits",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "search_path",
    "standard_conforming_strings",
    "xmloption",
];

/// Beginnings of names that belong to the machine, its network or the service.
const OF_MACHINE: [&str; 33] = [
    "allow_",
    "application_name",
    "archive_",
    "azure",
    "block_size",
    "client_",
    "cluster_name",
    "config_file",
    "data_",
    "dynamic_library_path",
    "dynamic_shared",
    "event_source",
    "external_pid",
    "fsync",
    "full_page",
    "hba_file",
    "ident_file",
    "lc_messages",
    "listen_",
    "log_",
    "logging_",
    "num_os_semaphores",
    "port",
    "primary_",
    "rds.",
    "recovery_",
    "restore_",
    "server_",
    "shared_memory",
    "ssl",
    "transaction_",
    "unix_",
    "wal_",
];

pub(super) fn find(facts: &Facts) -> Found {
    let target = facts.target.settings.as_ref().map_err(Clone::clone)?;
    let mut of_results = Vec::new();
    let mut others = Vec::new();
    let mut unseen = Vec::new();
    for (name, setting) in facts.source.settings.as_ref().map_err(Clone::clone)? {
        let Some(there) = target.get(name) else { continue };
        let is_own = OF_MACHINE.iter().any(|start| name.starts_with(start));
        if is_own || setting.own.as_ref() == Some(&setting.default) {
            continue;
        }
        let (Some(value), Some(value_there)) = (&setting.own, &there.own) else {
            unseen.push(name.as_str());
            continue;
        };
        if value == value_there {
            continue;
        }
        let words =
            format!("{name} ({} here, {} there)", setting.words(value), there.words(value_there));
        let fix = facts.target.provider.set_parameter(name, value);
        match OF_RESULTS.contains(&name.as_str()) {
            true => of_results.push((words, fix)),
            false => others.push((words, fix)),
        }
    }
    let place = facts.target.provider.place_on(Place::Target);
    let finding = |found: Vec<(String, String)>, make: fn(String, String) -> Finding, why: &str| {
        let (words, fixes): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        (!words.is_empty()).then(|| {
            let message = format!("settings of the server differ: {}", some_of(&words));
            make(message, why.to_owned()).fixes(place, fixes)
        })
    };
    let results = "they change what queries give; settings of servers are not carried";
    let rest = "settings of servers are not carried; take over what was set for a reason";
    let covered = (!unseen.is_empty()).then(|| {
        let message = format!("settings of the server are not compared: {}", some_of(&unseen));
        let why = "the login's role, its database or the connection sets them, which covers the server's own";
        Finding::note(message, why).advice("compare the files of settings, or look with another login")
    });
    let found = [
        finding(of_results, Finding::risks, results),
        finding(others, Finding::note, rest),
        covered,
    ];
    Ok(found.into_iter().flatten().collect())
}
