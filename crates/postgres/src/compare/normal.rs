//! A dump as a set of entries whose order and noise do not count.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flexway_core::migrate::{Difference, SchemaEntry};

use super::families;
use super::spelling::Spelling;
use crate::schema::database::is_of_database;
use crate::schema::entries::for_each;
use crate::schema::grantors::{SPEAK_FOR, SPEAK_FOR_OWNER};
use crate::schema::scan::lines;

/// What an entry is called: kind, schema, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: String,
    pub(super) schema: String,
    pub(super) name: String,
}

/// Entries by what they are called, normalised.
pub(super) type Entries = BTreeMap<Key, String>;

/// A difference in text, which may still mean the same.
pub(super) struct TextDifference {
    pub(super) key: Key,
    pub(super) words: Difference,
    /// Source's and target's text when both have the entry.
    pub(super) both: Option<(String, String)>,
}

/// Reads a dump.
pub(super) fn entries(text: &str, spelling: &Spelling) -> Entries {
    let mut found = Entries::new();
    for_each(text, None, |entry| {
        let sql = normalised(&entry, spelling);
        // The comment of an extension comes with its version, and on managed servers belongs to the
        // service.
        let is_of_extension = entry.kind == "COMMENT" && entry.name.starts_with("EXTENSION ");
        if sql.is_empty()
            || is_of_extension
            || spelling.is_default_public(&sql)
            || spelling.is_same_language(&entry)
        {
            return;
        }
        let name = spelling.without_quotes(&entry.name);
        let is_of_procedure = name.starts_with(PROCEDURE);
        let is_right = name.starts_with(FUNCTION) && entry.kind == "ACL";
        let [name, sql] = [name, sql].map(|text| match (is_of_procedure, is_right) {
            (true, _) => without_in(&text),
            (false, true) => text.split_inclusive('\n').map(without_out).collect(),
            (false, false) => text,
        });
        let key = Key { kind: entry.kind, schema: entry.schema, name };
        // Entries of one name, such as several grants on one object, are one thing.
        found.entry(key).or_default().push_str(&sql);
    });
    families::gather(&mut found);
    found
}

/// How the names of comments and grants on procedures begin.
const PROCEDURE: &str = "PROCEDURE ";

/// The signature of a procedure as servers before 14 write it: without the word for what goes in.
fn without_in(text: &str) -> String {
    text.replace("(IN ", "(").replace(", IN ", ", ")
}

/// How the names of grants on functions begin.
const FUNCTION: &str = "FUNCTION ";

/// A line with the signature of a function, without what comes out of it: that is no part of the name, and another for the function of
/// an extension's newer version.
fn without_out(line: &str) -> String {
    let Some(open) = outside_quotes(line, '(').next() else { return line.to_owned() };
    let Some(close) = outside_quotes(line, ')').find(|at| *at > open) else {
        return line.to_owned();
    };
    let ends = outside_quotes(line, ',').filter(|at| (open..close).contains(at)).chain([close]);
    let mut start = open + 1;
    let mut kept = Vec::new();
    for end in ends {
        let one = line[start..end].trim();
        kept.extend((!one.starts_with("OUT ")).then_some(one));
        start = end + 1;
    }
    format!("{}({}{}", &line[..open], kept.join(", "), &line[close..])
}

/// Where a character stands that is no part of a quoted name.
fn outside_quotes(line: &str, wanted: char) -> impl Iterator<Item = usize> {
    let mut is_inside = false;
    line.char_indices().filter_map(move |(at, one)| {
        is_inside ^= one == '"';
        (one == wanted && !is_inside).then_some(at)
    })
}

/// The entry without comments, blank lines and settings of the dump's session.
fn normalised(entry: &SchemaEntry, spelling: &Spelling) -> String {
    let sql = spelling.comparable(entry);
    let mut kept: Vec<Cow<'_, str>> = lines(&sql)
        .filter(|(is_boundary, line)| !(*is_boundary && is_noise(line)))
        .filter(|(_, line)| !(is_of_database(entry) && spelling.is_left_behind(line)))
        .map(|(_, line)| Cow::from(line.strip_suffix('\n').unwrap_or(line)))
        .collect();
    if entry.kind.ends_with("ACL") {
        kept = with_grantors(kept);
        // Grants stand in the order in which they were given.
        kept.sort_unstable();
    }
    let mut sql = kept.join("\n");
    if !sql.is_empty() {
        sql.push('\n');
    }
    if entry.kind == "TRIGGER" || entry.kind == "EVENT TRIGGER" {
        // Servers before 12 say it the old way.
        sql = sql.replace(" EXECUTE PROCEDURE ", " EXECUTE FUNCTION ");
    }
    sql
}

/// Grants that each say by whom they are, where that is not the owner.
fn with_grantors(lines: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    let mut by = None;
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(who) = line.strip_prefix(SPEAK_FOR) {
            by = Some(who.trim_end_matches(';').to_owned());
        } else if line == SPEAK_FOR_OWNER {
            by = None;
        } else {
            kept.push(match (&by, line.strip_suffix(';')) {
                (Some(by), Some(grant)) => format!("{grant} GRANTED BY {by};").into(),
                _ => line,
            });
        }
    }
    kept
}

fn is_noise(line: &str) -> bool {
    line.trim().is_empty()
        || line.starts_with("--")
        || line.starts_with("SET ") && !line.starts_with(SPEAK_FOR)
        || line.starts_with("SELECT pg_catalog.set_config('search_path'")
}

/// Entries that one side lacks or that read differently.
pub(super) fn differences(
    wanted: &Entries,
    present: &Entries,
    spelling: &Spelling,
) -> Vec<TextDifference> {
    let mut found = Vec::new();
    for (key, sql) in wanted {
        match present.get(key) {
            None => found.push(difference(key, "is missing on the target", None)),
            Some(other) if !is_same(spelling, key, sql, other) => {
                let both = Some((sql.clone(), other.clone()));
                found.push(difference(key, "differs on the target", both));
            }
            Some(_) => {}
        }
    }
    for key in present.keys().filter(|key| !wanted.contains_key(key)) {
        found.push(difference(key, "is on the target only", None));
    }
    found
}

/// Whether two texts of one entry differ only as the servers' versions do.
fn is_same(spelling: &Spelling, key: &Key, wanted: &str, present: &str) -> bool {
    spelling.is_same(wanted, present)
        || differs_in_new_words_only(wanted, present)
        || key.kind.ends_with("ACL") && spelling.is_same_grant(wanted, present)
}

/// What a type has since 14, named in the dump of newer servers only: a range its multirange, and a base type with elements the function
/// that takes one out, which was always the same before.
fn differs_in_new_words_only(wanted: &str, present: &str) -> bool {
    const WORDS: [&str; 2] =
        [",\n    multirange_type_name = ", ",\n    SUBSCRIPT = raw_array_subscript_handler"];
    let without = |sql: &str, word: &str| {
        let (before, rest) = sql.split_once(word)?;
        let end = rest.find(['\n', ',']).unwrap_or(rest.len());
        Some(format!("{before}{}", &rest[end..]))
    };
    WORDS.iter().any(|word| match (wanted.contains(word), present.contains(word)) {
        (false, true) => without(present, word).as_deref() == Some(wanted),
        (true, false) => without(wanted, word).as_deref() == Some(present),
        _ => false,
    })
}

fn difference(key: &Key, what: &str, both: Option<(String, String)>) -> TextDifference {
    let name =
        if key.schema == "-" { key.name.clone() } else { format!("{}.{}", key.schema, key.name) };
    let entry = SchemaEntry {
        kind: key.kind.clone(),
        schema: key.schema.clone(),
        name: key.name.clone(),
        table: None,
        sql: String::new(),
    };
    let kind = if is_of_database(&entry) { "database" } else { "schema" };
    let detail = format!("{} {what}", key.kind);
    TextDifference { key: key.clone(), words: Difference { kind, name, detail }, both }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(entries: &[(&str, &str, &str)]) -> String {
        entries
            .iter()
            .map(|(kind, name, sql)| {
                format!("--\n-- Name: {name}; Type: {kind}; Schema: s; Owner: o\n--\n\n{sql}\n\n\n")
            })
            .collect()
    }

    fn between(one: &str, two: &str) -> Vec<TextDifference> {
        let spelling = Spelling::default();
        differences(&entries(one, &spelling), &entries(two, &spelling), &spelling)
    }

    #[test]
    fn order_and_noise_do_not_count() {
        let one = text(&[
            ("TABLE", "a", "CREATE TABLE a ();\n\nSET default_tablespace = '';"),
            ("TABLE", "b", "CREATE TABLE b ();"),
        ]);
        let two = text(&[
            ("TABLE", "b", "CREATE TABLE b ();"),
            ("TABLE", "a", "-- note\nCREATE TABLE a ();"),
        ]);
        assert!(between(&one, &two).is_empty());
    }

    #[test]
    fn missing_extra_and_changed_are_told_apart() {
        let one = text(&[
            ("TABLE", "a", "CREATE TABLE a ();"),
            ("INDEX", "i", "CREATE INDEX i ON a (x);"),
        ]);
        let two = text(&[
            ("TABLE", "a", "CREATE TABLE a (b int);"),
            ("INDEX", "j", "CREATE INDEX j ON a (x);"),
        ]);
        let found: Vec<String> = between(&one, &two)
            .into_iter()
            .map(|one| format!("{} {}", one.words.name, one.words.detail))
            .collect();
        assert_eq!(
            found,
            [
                "s.i INDEX is missing on the target",
                "s.a TABLE differs on the target",
                "s.j INDEX is on the target only"
            ]
        );
    }

    #[test]
    fn procedures_are_the_same_with_and_without_the_word_for_input() {
        let of = |kind: &str, signature: &str| {
            let sql = format!("COMMENT ON PROCEDURE a.f({signature}) IS 'x';");
            text(&[(kind, &format!("PROCEDURE f({signature})"), sql.as_str())])
        };
        let (older, newer) = ("INOUT a integer, b text", "INOUT a integer, IN b text");
        for kind in ["COMMENT", "ACL"] {
            assert!(between(&of(kind, older), &of(kind, newer)).is_empty());
            assert!(
                !between(&of(kind, older), &of(kind, "INOUT a integer, OUT b text")).is_empty()
            );
        }
    }

    #[test]
    fn what_comes_out_of_a_function_is_no_part_of_a_grant() {
        let of = |signature: &str, role: &str| {
            let sql = format!("GRANT ALL ON FUNCTION a.f({signature}) TO {role};");
            text(&[("ACL", &format!("FUNCTION f({signature})"), sql.as_str())])
        };
        let older = of("a integer, OUT b text, OUT \"c, d)\" numeric", "x");
        assert!(between(&older, &of("a integer, OUT e text", "x")).is_empty());
        assert!(between(&of("OUT b text", "x"), &of("", "x")).is_empty());
        assert_eq!(between(&older, &of("a integer, OUT e text", "y")).len(), 1);
        assert_eq!(between(&older, &of("a integer, b text", "x")).len(), 2);
    }

    #[test]
    fn grants_in_another_order_are_the_same() {
        let one = text(&[(
            "ACL",
            "TABLE a",
            "GRANT SELECT ON TABLE a TO x;\nGRANT SELECT ON TABLE a TO y;",
        )]);
        let two = text(&[(
            "ACL",
            "TABLE a",
            "GRANT SELECT ON TABLE a TO y;\nGRANT SELECT ON TABLE a TO x;",
        )]);
        assert!(between(&one, &two).is_empty());
    }
}
