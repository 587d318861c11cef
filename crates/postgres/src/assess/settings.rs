//! The settings of a server: what its sessions begin with, and what it gives itself where neither the
//! login's role, nor the database, nor the connection says otherwise.

use std::collections::BTreeMap;

use flexway_core::assess::facts::{Known, Setting};

use super::ask;
use crate::ask::{Outcome, flag, query, query_one, run, text};
use crate::pool::connect_as_configured;
use crate::{ConnInfo, Row, Session, quote_literal};

/// Where values come from that are the server's own. Source: PostgreSQL 18, guc.h.
const OWN: [&str; 5] =
    ["default", "environment variable", "configuration file", "command line", "override"];

/// Reads them by a session that set nothing yet; `session` is an ordinary one.
pub(super) fn read(
    session: &mut Session,
    info: &ConnInfo,
    side: &str,
) -> Outcome<Known<BTreeMap<String, Setting>>> {
    // Its search_path may be anything: no operators, no unqualified names.
    let sql = "SELECT name, pg_catalog.concat(reset_val), pg_catalog.concat(unit), \
               pg_catalog.concat(boot_val), source FROM pg_catalog.pg_settings";
    let rows = match ask(
        &mut connect_as_configured(&info.without_settings())?,
        &format!("the settings of the {side}"),
        sql,
    )? {
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    let setting = |row: &Row| {
        let [value, unit, default] = [1, 2, 3].map(|index| text(row, index).to_owned());
        let own = OWN.contains(&text(row, 4)).then(|| value.clone());
        (text(row, 0).to_owned(), Setting { value, own, unit, default })
    };
    let mut all: BTreeMap<String, Setting> = rows.iter().map(setting).collect();
    let covered: Vec<String> = all
        .iter()
        .filter(|(name, one)| one.own.is_none() && !name.starts_with("client_"))
        .map(|(name, _)| name.clone())
        .collect();
    for (name, own) in uncovered(session, &covered, &all)? {
        all.entry(name).and_modify(|one| one.own = Some(own));
    }
    Ok(Ok(all))
}

/// The server's own values of settings that something else covers, as far as its files tell and the
/// login may read them. What stands on its command line counts before the files.
fn uncovered(
    session: &mut Session,
    names: &[String],
    all: &BTreeMap<String, Setting>,
) -> Outcome<Vec<(String, String)>> {
    let what = "read the files of settings";
    let may = "SELECT count(*) = 2 FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace \
               AND p.oid IN (to_regprocedure('pg_show_all_file_settings()'), \
               to_regprocedure('pg_read_file(text)')) AND has_function_privilege(p.oid, 'EXECUTE')";
    if names.is_empty() || !flag(&query_one(session, what, may)?, 0) {
        return Ok(Vec::new());
    }
    let files =
        "SELECT lower(name), setting FROM pg_file_settings WHERE error IS NULL ORDER BY seqno";
    let command_line = "SELECT lower(replace(pg_read_file('postmaster.opts'), '-', '_'))";
    let (Ok(files), Ok(command_line)) =
        (ask(session, what, files)?, ask(session, what, command_line)?)
    else {
        return Ok(Vec::new());
    };
    let command_line = command_line.first().map_or("", |row| text(row, 0));
    let written: BTreeMap<&str, &str> =
        files.iter().map(|row| (text(row, 0), text(row, 1))).collect();
    let (mut values, mut raw) = (Vec::new(), Vec::new());
    for name in names.iter().filter(|name| !command_line.contains(&name.to_lowercase())) {
        match (written.get(name.to_lowercase().as_str()), all.get(name)) {
            (Some(value), _) => raw.push((name.as_str(), *value)),
            (None, Some(setting)) => values.push((name.clone(), setting.default.clone())),
            (None, None) => {}
        }
    }
    if !raw.is_empty() {
        values.extend(in_base_units(session, what, &raw)?);
    }
    Ok(values)
}

/// What the server makes of values as people write them: it takes them for one transaction.
fn in_base_units(
    session: &mut Session,
    what: &str,
    raw: &[(&str, &str)],
) -> Outcome<Vec<(String, String)>> {
    let set = raw.iter().map(|(name, value)| {
        format!("set_config({}, {}, true)", quote_literal(name), quote_literal(value))
    });
    let names = raw.iter().map(|(name, _)| quote_literal(name));
    let [set, names] = [set.collect::<Vec<_>>(), names.collect()].map(|all| all.join(", "));
    run(session, what, "BEGIN")?;
    let rows = match ask(session, what, &format!("SELECT {set}"))? {
        Ok(_) => {
            let sql = format!("SELECT name, setting FROM pg_settings WHERE name IN ({names})");
            query(session, what, &sql)?
        }
        Err(_) => Vec::new(),
    };
    run(session, what, "ROLLBACK")?;
    Ok(rows.iter().map(|row| (text(row, 0).to_owned(), text(row, 1).to_owned())).collect())
}
