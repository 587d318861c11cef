//! What things of users need of extensions, and the versions of these that the target makes have not, or no more.

use flexway_core::assess::facts::{Known, Missing, Object};

use super::{ask, expressions, grants};
use crate::ask::{Outcome, failed, run, text};
use crate::catalog::trees::USERS_OID_MIN;
use crate::pool::{connect, silence_event_triggers};
use crate::{ConnInfo, Row, Session, quote_ident, quote_literal};

/// Members of extensions `x`, as `m`.
const MEMBERS: &str = "pg_extension x JOIN pg_depend m ON m.refclassid = 'pg_extension'::regclass \
    AND m.refobjid = x.oid AND m.deptype = 'e'";

/// Beginnings of codes for files that lack, or do not fit: whoever makes the extension meets them.
const BROKEN: [&str; 2] = ["58", "XX"];

/// Codes that tell nothing of the extension: it took too long, or somebody's lock stood in the way.
const CUT_SHORT: [&str; 2] = ["57014", "55P03"];

/// Schema in which the target makes an extension to look at it.
const LOOK: &str = "flexway_look";

/// Things of the database that the target cannot make for that reason, as `built_ins` names them.
///
/// The target makes each extension on which anything hangs, and takes all back: of the same version too, since users may add members.
/// What it refuses to make for other reasons than a library that does not load is a matter of other validations.
pub(super) fn lacking(here: &mut Session, target: &ConnInfo) -> Outcome<Known<Vec<Object>>> {
    const WHAT: &str = "what is used of extensions";
    let needed = match ask(here, WHAT, &needed(here.version().number))? {
        Ok(rows) if rows.is_empty() => return Ok(Ok(Vec::new())),
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    // A session of its own, which an extension's library may end.
    let mut there = connect(target)?;
    let mut gone = Vec::new();
    for of_one in needed.chunk_by(|one, next| text(one, 0) == text(next, 0)) {
        match absent(&mut there, of_one)? {
            Ok(all) => gone.extend(all),
            Err(missing) => return Ok(Err(missing)),
        }
    }
    if gone.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let gone = format!("(VALUES {}) AS g (class, oid, number, is_call, words)", gone.join(", "));
    let mut parts = vec![expressions::described(&format!(
        "SELECT DISTINCT u.class, u.id, g.words FROM ({}) u JOIN {gone} \
         ON g.is_call AND g.class = u.of_class::oid AND g.oid = u.oid AND g.number = u.number",
        usage()
    ))];
    parts.extend(grants::changed_of_extensions(here.version().number).map(|changed| {
        format!(
            "SELECT concat('the rights of ', u.role, ' on ', u.name), g.words, u.mend FROM ({changed}) u \
             JOIN {gone} ON NOT g.is_call AND g.class = u.class::oid AND g.oid = u.oid AND g.number = u.number"
        )
    }));
    let sql = format!("{} ORDER BY 2, 1", parts.join(" UNION ALL "));
    Ok(ask(here, WHAT, &sql)?.map(|rows| rows.iter().map(super::object).collect()))
}

/// Each use of a member: class and id of the thing that uses, class and oid of the member, number of its column. What belongs to an
/// extension, or to a thing of one, is none of the users'.
fn usage() -> String {
    format!(
        "SELECT DISTINCT t.class, t.id, m.classid AS of_class, m.objid AS oid, d.refobjsubid AS number \
         FROM {MEMBERS} JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid \
          AND d.deptype = 'n' AND d.objid >= {USERS_OID_MIN} \
         LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid \
          AND r.rulename = '_RETURN', \
         LATERAL (SELECT CASE WHEN r.oid IS NULL THEN d.classid::regclass ELSE 'pg_class' END AS class, \
          coalesce(r.ev_class, d.objid) AS id) t \
         WHERE NOT EXISTS (SELECT 1 FROM pg_depend h LEFT JOIN pg_depend e \
          ON e.classid = h.refclassid AND e.objid = h.refobjid AND e.deptype = 'e' \
          WHERE h.classid = t.class AND h.objid = t.id AND (h.deptype = 'e' \
          OR h.deptype IN ('a', 'i') AND e.objid IS NOT NULL))"
    )
}

/// Members in use: extension, class, oid, number of the column, type, identity without schemas, name of the
/// column, and whether calls of it are resolved anew.
fn needed(version: u32) -> String {
    let mut all = format!("SELECT of_class, oid, number, true AS is_call FROM ({}) u", usage());
    if let Some(changed) = grants::changed_of_extensions(version) {
        all = format!("{all} UNION SELECT class, oid, number, false FROM ({changed}) g");
    }
    format!(
        "SELECT x.extname, u.of_class::oid, u.oid, u.number, i.type, {}, \
          coalesce(a.attname, ''), u.is_call FROM ({all}) u \
         JOIN {MEMBERS} ON m.classid = u.of_class AND m.objid = u.oid \
         LEFT JOIN pg_attribute a ON u.of_class = 'pg_class'::regclass AND a.attrelid = u.oid \
          AND a.attnum = u.number AND u.number <> 0, \
         LATERAL pg_identify_object(u.of_class, u.oid, 0) i ORDER BY 1",
        PLAIN_IDENTITY
    )
}

/// The identity `i` without schemas: an extension, and those that it needs, may stand in others on the target.
const PLAIN_IDENTITY: &str =
    r#"regexp_replace(i.identity, '("([^"]|"")+"|[^ .,()"]+)[.]', '', 'g')"#;

/// Those of an extension's members that the target's version lacks, as values: class, oid, number, whether calls of it are meant, words.
/// Nothing where the target offers no such extension, or its login may not make it.
fn absent(there: &mut Session, needed: &[Row]) -> Outcome<Known<Vec<String>>> {
    let Some(first) = needed.first() else { return Ok(Ok(Vec::new())) };
    let extension = text(first, 0);
    let what = format!("look at extension {extension} on the target");
    let offered = format!(
        "SELECT default_version FROM pg_available_extensions WHERE name = {} AND default_version <> ''",
        quote_literal(extension)
    );
    let rows = match ask(there, &what, &offered)? {
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    let Some(offered) = rows.first() else { return Ok(Ok(Vec::new())) };
    let words = format!("{extension} {}", text(offered, 0));
    run(there, &what, "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '60s'")?;
    silence_event_triggers(there, &what)?;
    let make = format!(
        "CREATE SCHEMA {LOOK}; SET LOCAL search_path = {LOOK}; \
         CREATE EXTENSION IF NOT EXISTS {} CASCADE",
        quote_ident(extension)
    );
    let gone = match there.execute(&make) {
        Ok(()) => {
            let rows = ask(there, &what, &absence(extension, &words, needed))?;
            rows.map(|rows| rows.iter().map(|row| text(row, 0).to_owned()).collect())
        }
        Err(error) => match error.code() {
            Some(code) if BROKEN.iter().any(|class| code.starts_with(class)) => {
                let words = quote_literal(&format!("working extension {extension} ({error})"));
                Ok(needed.iter().map(|row| format!("({}, {words})", key(row))).collect())
            }
            Some(code) if CUT_SHORT.contains(&code) => {
                Err(Missing { what: what.clone(), why: error.to_string() })
            }
            Some(_) => Ok(Vec::new()),
            None => return Err(failed(&what, &error)),
        },
    };
    run(there, &what, "ROLLBACK")?;
    Ok(gone)
}

/// Class, oid, number, and whether calls are meant.
fn key(row: &Row) -> String {
    let [class, oid, number] = [1, 2, 3].map(|index| text(row, index));
    format!("{class}, {oid}, {number}, {}", text(row, 7) == "t")
}

/// Which of them are not among the members that stand now. A call finds a function that takes more, where the rest has defaults.
fn absence(extension: &str, words: &str, needed: &[Row]) -> String {
    let wanted = needed.iter().map(|row| {
        let [kind, identity, column] = [4, 5, 6].map(|index| quote_literal(text(row, index)));
        format!("({}, {kind}, {identity}, {column})", key(row))
    });
    format!(
        "WITH member AS (SELECT m.classid, m.objid, i.type, {} AS identity FROM {MEMBERS}, \
          LATERAL pg_identify_object(m.classid, m.objid, 0) i WHERE x.extname = {}) \
         SELECT format('(%s, %s, %s, %L::bool, %L)', w.class, w.oid, w.number, w.is_call, concat(CASE w.attribute WHEN '' \
          THEN concat(w.type, ' ', w.identity) ELSE concat('column ', w.attribute) END, ' of ', {})) \
         FROM (VALUES {}) AS w (class, oid, number, is_call, type, identity, attribute) \
         WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.type = w.type AND m.identity = w.identity \
          AND (w.attribute = '' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = m.objid \
          AND a.attname = w.attribute AND NOT a.attisdropped))) \
         AND NOT (w.is_call AND EXISTS (SELECT 1 FROM member m JOIN pg_proc p ON p.oid = m.objid \
          WHERE m.classid = 'pg_proc'::regclass AND m.type = w.type \
          AND strpos(m.identity, concat(rtrim(w.identity, ')'), CASE WHEN w.identity ~ '[(][)]$' \
          THEN '' ELSE ',' END)) = 1 AND p.pronargs - p.pronargdefaults <= \
          cardinality(string_to_array(split_part(rtrim(w.identity, ')'), '(', 2), ','))))",
        PLAIN_IDENTITY,
        quote_literal(extension),
        quote_literal(words),
        wanted.collect::<Vec<_>>().join(", "),
    )
}
