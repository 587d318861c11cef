//! Whether two texts of one view, rule, policy or function mean the same, as the target reads them.
//!
//! Majors spell parse trees differently: 16 and newer leave table qualifiers out where they can. So
//! the target is asked to read the source's text and say it in its own words, in a transaction that
//! is rolled back.

use crate::ask::{Outcome, failed, query, run, text};
use crate::compare::normal::Key;
use crate::compare::spelling::Spelling;
use crate::pool::{Pool, silence_event_triggers};
use crate::{Session, quote_literal};

/// How long a probe may wait for a lock that users of the target hold; when it ends, the texts
/// count as different.
pub(super) const LOCK_WAIT: &str = "2s";

/// The name of the rule that a view is, where a dump writes it apart: the view needs a key that is
/// created later.
const VIEW_RULE: &str = " _RETURN";

/// Both servers, and how their spelling differs.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) source: &'a Pool,
    pub(super) target: &'a Pool,
    pub(super) spelling: &'a Spelling,
}

/// Whether the differing texts `wanted` and `present` mean the same to the target.
pub(super) fn is_same(sides: Sides, key: &Key, wanted: &str, present: &str) -> Outcome<bool> {
    let view = |name: &str| is_same_view(sides, (&key.schema, name), wanted, present);
    match (key.kind.as_str(), key.name.strip_suffix(VIEW_RULE)) {
        ("VIEW" | "MATERIALIZED VIEW", _) => view(&key.name),
        ("RULE", Some(name)) => view(name),
        ("TABLE", _) => Ok(is_same_heir(sides.spelling, wanted, present)),
        ("RULE" | "POLICY" | "FUNCTION" | "PROCEDURE", _) => {
            sides.target.compare_with(|target| is_same_when_made_again(target, key, wanted))
        }
        _ => Ok(false),
    }
}

/// A table that inherits: made anew it gets its parents' columns first, so their order, which is the
/// order of the lines, does not count.
fn is_same_heir(spelling: &Spelling, wanted: &str, present: &str) -> bool {
    let inherits = |sql: &str| sql.contains("\nINHERITS (");
    let sorted = |sql: &str| {
        let mut lines: Vec<&str> = sql.lines().map(|line| line.trim_end_matches(',')).collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    inherits(wanted) && inherits(present) && spelling.is_same(&sorted(wanted), &sorted(present))
}

/// A view: all but the query must be the same text, and the queries the same in the target's words.
fn is_same_view(
    sides: Sides,
    (schema, name): (&str, &str),
    wanted: &str,
    present: &str,
) -> Outcome<bool> {
    let sql = format!(
        "SELECT rtrim(pg_get_viewdef(c.oid), ';') FROM pg_class c JOIN pg_namespace n ON n.oid = \
         c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {}",
        quote_literal(schema),
        quote_literal(name)
    );
    let what = format!("compare view {schema}.{name}");
    let theirs = sides.source.with(|source| query(source, &what, &sql))?;
    sides.target.compare_with(|target| {
        let ours = query(target, &what, &sql)?;
        let (Some(theirs), Some(ours)) = (theirs.first(), ours.first()) else { return Ok(false) };
        let (theirs, ours) = (text(theirs, 0), text(ours, 0));
        if !sides.spelling.is_same(&wanted.replacen(theirs, ours, 1), present) {
            return Ok(false);
        }
        let probe = format!("CREATE TEMPORARY VIEW flexway_probe AS {theirs}");
        let words = "SELECT rtrim(pg_get_viewdef('pg_temp.flexway_probe'::regclass), ';')";
        let again = in_vain(target, &what, &probe, words)?;
        Ok(again.as_deref() == Some(ours))
    })
}

/// A rule, policy or function: made again from the source's text, it must be what it was.
fn is_same_when_made_again(target: &mut Session, key: &Key, wanted: &str) -> Outcome<bool> {
    let what = format!("compare {} {}.{}", key.kind.to_lowercase(), key.schema, key.name);
    let (schema, name) = (quote_literal(&key.schema), quote_literal(&key.name));
    let on_table = format!(
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {schema} \
         AND c.relname || ' ' ||"
    );
    let (drop, words) = match key.kind.as_str() {
        "RULE" => (
            format!(
                "SELECT format('DROP RULE %I ON %I.%I', r.rulename, n.nspname, c.relname) \
                 FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class {on_table} r.rulename = \
                 {name}"
            ),
            format!(
                "SELECT pg_get_ruledef(r.oid) || r.ev_enabled::text \
                 FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class {on_table} r.rulename = \
                 {name}"
            ),
        ),
        "POLICY" => (
            format!(
                "SELECT format('DROP POLICY %I ON %I.%I', p.polname, n.nspname, c.relname) \
                 FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid {on_table} p.polname = \
                 {name}"
            ),
            format!(
                "SELECT concat_ws('/', p.polcmd::text, p.polroles::text, \
                 to_json(p)->>'polpermissive', \
                        pg_get_expr(p.polqual, p.polrelid), '-', pg_get_expr(p.polwithcheck, \
                        p.polrelid)) \
                 FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid {on_table} p.polname = \
                 {name}"
            ),
        ),
        _ => (
            "SELECT 'SELECT 1'".to_owned(),
            format!(
                "SELECT string_agg(pg_get_functiondef(f.oid) || f.proowner || \
                 coalesce(f.proacl::text, \
                 ''), '' ORDER BY f.oid) \
                 FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace \
                 WHERE n.nspname = {schema} AND f.prokind IN ('f', 'p') \
                   AND f.proname = split_part({name}, '(', 1)"
            ),
        ),
    };
    // Functions of an older server have no bodies but text, which every major repeats as it was
    // written.
    if key.kind.ends_with("TION") && target.version().number < 140_000 {
        return Ok(false);
    }
    let before = query(target, &what, &words)?;
    let drops = query(target, &what, &drop)?;
    let (Some(before), Some(drop)) = (before.first(), drops.first()) else { return Ok(false) };
    let again = wanted.replacen("CREATE FUNCTION ", "CREATE OR REPLACE FUNCTION ", 1).replacen(
        "CREATE PROCEDURE ",
        "CREATE OR REPLACE PROCEDURE ",
        1,
    );
    let after = in_vain(target, &what, &format!("{};\n{again}", text(drop, 0)), &words)?;
    Ok(after.as_deref() == Some(text(before, 0)))
}

/// Runs `sql`, asks `question`, and takes all back. `None` when the target does not accept `sql`.
fn in_vain(target: &mut Session, what: &str, sql: &str, question: &str) -> Outcome<Option<String>> {
    run(target, what, &format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_WAIT}'"))?;
    silence_event_triggers(target, what)?;
    let answer = match target.execute(sql) {
        Ok(()) => query(target, what, question)
            .map(|rows| rows.first().map(|row| text(row, 0).to_owned())),
        Err(error) if error.code().is_some() => Ok(None),
        Err(error) => return Err(failed(what, &error)),
    };
    run(target, what, "ROLLBACK")?;
    answer
}
