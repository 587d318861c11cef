//! The entries of a plain-text dump: split at pg_dump's header comments, cleaned of what a server
//! cannot run.

use std::collections::HashSet;

use flexway_core::migrate::SchemaEntry;

use crate::schema::of_table::of_table;
use crate::schema::scan::lines;

/// A dump taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dump {
    /// `SET` statements before the first entry.
    pub(crate) prologue: String,
    /// The entries in the dump's order.
    pub(crate) entries: Vec<SchemaEntry>,
}

impl Dump {
    /// Splits pg_dump's text and drops psql's own commands (`\connect`, `\restrict`), which are no
    /// SQL, and settings that are not in `known_settings`: a newer pg_dump sets some that an older
    /// server has not heard of. `None` keeps all settings.
    pub(crate) fn parse(text: &str, known_settings: Option<&HashSet<String>>) -> Dump {
        let mut entries = Vec::new();
        let prologue = for_each(text, known_settings, |entry| entries.push(entry));
        Dump { prologue, entries }
    }
}

/// As [`Dump::parse`], with one entry in memory at a time; gives what stands before the first.
pub(crate) fn for_each(
    text: &str,
    known_settings: Option<&HashSet<String>>,
    mut each: impl FnMut(SchemaEntry),
) -> String {
    let mut finish = |mut entry: SchemaEntry| {
        entry.sql = entry.sql.trim().to_owned();
        if !entry.sql.is_empty() {
            entry.table = of_table(&entry);
            each(entry);
        }
    };
    let mut prologue = String::new();
    let mut entry: Option<SchemaEntry> = None;
    let mut after_rule = false;
    for (is_boundary, line) in lines(text) {
        let is_rule = is_boundary && line.trim_end() == "--";
        if is_boundary
            && after_rule
            && let Some(next) = header(line)
        {
            entry.replace(next).into_iter().for_each(&mut finish);
        } else if !(is_rule || is_boundary && is_dropped(line, known_settings)) {
            entry.as_mut().map_or(&mut prologue, |entry| &mut entry.sql).push_str(line);
        }
        after_rule = is_rule;
    }
    entry.into_iter().for_each(finish);
    prologue
}

/// Reads `-- Name: a; Type: b; Schema: c; Owner: d`. Names may hold anything but line ends, so it
/// is read from the right.
fn header(line: &str) -> Option<SchemaEntry> {
    let rest = line.trim_end().strip_prefix("-- Name: ")?;
    let (rest, _owner) = rest.rsplit_once("; Owner:")?;
    let (rest, schema) = rest.rsplit_once("; Schema: ")?;
    let (name, kind) = rest.rsplit_once("; Type: ")?;
    Some(SchemaEntry {
        kind: kind.to_owned(),
        schema: schema.to_owned(),
        name: name.to_owned(),
        table: None,
        sql: String::new(),
    })
}

fn is_dropped(line: &str, known_settings: Option<&HashSet<String>>) -> bool {
    if line.starts_with('\\') || line.starts_with("-- PostgreSQL database dump") {
        return true;
    }
    // Also comments such as "-- Dumped by pg_dump version" must not make two dumps differ.
    if line.starts_with("-- Dumped ")
        || line.starts_with("-- Started on ")
        || line.starts_with("-- Completed on ")
    {
        return true;
    }
    match (setting(line), known_settings) {
        (Some(name), Some(known)) => !known.contains(name),
        _ => false,
    }
}

/// Name of the setting that a line such as `SET lock_timeout = 0;` changes.
pub(crate) fn setting(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("SET ")?.split_once(" = ")?;
    (!name.contains(char::is_whitespace)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from \
    database version 11.22\n\n\
        SET statement_timeout = 0;\nSET transaction_timeout = 0;\nSELECT \
        pg_catalog.set_config('search_path', '', false);\n\n\
        --\n-- Name: f(); Type: FUNCTION; Schema: app; Owner: me\n--\n\nCREATE FUNCTION app.f() \
        RETURNS \
        text\n    LANGUAGE sql\n    AS $$\n\
        --\n-- Name: fake; Type: TABLE; Schema: app; Owner: me\n--\n\\restrict no\nSET \
        transaction_timeout = 1;\nselect ''\n$$;\n\n\n\
        SET default_tablespace = '';\n\n\
        --\n-- Name: a; Type: b; Type: TABLE; Schema: odd; Schema; \
        Owner: -\n--\n\nCREATE TABLE x ();\n\n\n\
        --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n";

    #[test]
    fn a_dump_is_split_at_its_headers_only() {
        let dump = Dump::parse(TEXT, None);
        let names: Vec<_> = dump
            .entries
            .iter()
            .map(|entry| (entry.kind.as_str(), entry.schema.as_str(), entry.name.as_str()))
            .collect();
        assert_eq!(names, [("FUNCTION", "app", "f()"), ("TABLE", "odd; Schema", "a; Type: b")]);
        assert!(dump.entries[0].sql.contains("\\restrict no"));
        assert!(dump.entries[0].sql.contains("-- Name: fake"));
        assert_eq!(dump.entries[1].sql, "CREATE TABLE x ();");
    }

    #[test]
    fn psql_commands_and_unknown_settings_go() {
        let known = ["statement_timeout", "default_tablespace"].map(str::to_owned);
        let dump = Dump::parse(TEXT, Some(&HashSet::from(known)));
        assert!(!dump.prologue.contains("restrict"));
        assert!(!dump.prologue.contains("transaction_timeout"));
        assert!(dump.prologue.contains("SET statement_timeout = 0;"));
        assert!(dump.prologue.contains("set_config('search_path'"));
        assert!(dump.entries[0].sql.contains("SET transaction_timeout = 1;"));
        assert!(dump.entries[0].sql.ends_with("SET default_tablespace = '';"));
    }
}
