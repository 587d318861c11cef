//! What stored definitions use of PostgreSQL itself that the target does not have any more.
//!
//! PostgreSQL notes no dependency on what comes with it. Its parsed expressions name everything by
//! object id, though: that is read, not their text.

use flexway_core::assess::facts::{Known, Object};

use super::{ask, expressions, grants};
use crate::ask::{Outcome, text};
use crate::catalog::trees::USERS_OID_MIN;
use crate::{Row, Session, quote_literal};

/// What things name outside of expressions: class and id, what kind is named, and its id.
const NAMED: [&str; 5] = [
    "SELECT 'pg_proc'::regclass, p.oid, 'type', \
     unnest(p.proargtypes::oid[] || p.proallargtypes || p.prorettype) FROM pg_proc p",
    "SELECT 'pg_trigger'::regclass, t.oid, 'function', t.tgfoid FROM pg_trigger t \
     WHERE NOT t.tgisinternal",
    "SELECT 'pg_operator'::regclass, o.oid, 'signature', \
     unnest(ARRAY[o.oprcode, o.oprrest, o.oprjoin]::oid[]) FROM pg_operator o",
    "SELECT 'pg_proc'::regclass, a.aggfnoid::oid, 'function', unnest(ARRAY[a.aggtransfn, a.aggfinalfn, \
     a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::oid[]) FROM pg_aggregate a",
    "SELECT 'pg_cast'::regclass, c.oid, 'signature', c.castfunc FROM pg_cast c",
];

/// What of the source's database the target cannot make for that reason. Name: the thing; detail: what
/// is lacking; sql: what takes the thing away.
pub(super) fn removed(
    here: &mut Session,
    there: &mut Session,
    database: &str,
) -> Outcome<Known<Vec<Object>>> {
    let (version, target) = (here.version().number, there.version().number);
    if target / 10_000 <= version / 10_000 {
        return Ok(Ok(Vec::new()));
    }
    let what = format!("the built-in things that database {database} uses");
    let used = match ask(here, &what, &used(version))? {
        Ok(used) => used,
        Err(missing) => return Ok(Err(missing)),
    };
    let gone = match used.is_empty() {
        true => Vec::new(),
        false => match ask(there, "the built-in things of the target", &lacking(&used))? {
            Ok(rows) => rows,
            Err(missing) => return Ok(Err(missing)),
        },
    };
    let mut places = Vec::new();
    if !gone.is_empty() {
        let among = list(&gone, |row| {
            let [kind, words] = [0, 3].map(|index| literal(row, index));
            format!("({kind}, {}, {}, {words})", text(row, 1), text(row, 2))
        });
        let among =
            format!("(VALUES {among}) AS g (kind, oid, number, words) USING (kind, oid, number)");
        places.push(expressions::described(&format!(
            "SELECT DISTINCT u.class, u.id, g.words FROM ({}) u JOIN {among}",
            usage(version)
        )));
        places.extend(grants::changed(version).map(|changed| {
            format!(
                "SELECT concat('the rights of ', u.role, ' on ', u.name), g.words, u.mend \
                 FROM ({changed}) u JOIN {among}"
            )
        }));
    }
    if version < 120_000 && target >= 120_000 {
        places.push(expressions::described(&with_oids()));
    }
    if places.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let sql = format!("{} ORDER BY 2, 1", places.join(" UNION ALL "));
    Ok(ask(here, &what, &sql)?.map(|rows| rows.iter().map(super::object).collect()))
}

/// Each use of something built in: class and id of the thing that uses, kind and oid of what is used,
/// and the number of a column.
fn usage(version: u32) -> String {
    // Bits of a set of columns begin at the lowest number of a system column.
    let lowest = if version >= 120_000 { 7 } else { 8 };
    format!(
        "WITH {}, named (class, id, kind, oid) AS ({named}) \
         SELECT class, id, CASE WHEN m[1] IN ('funcid', 'aggfnoid', 'winfnoid') THEN 'function' \
          WHEN m[1] = 'opno' THEN 'operator' WHEN m[1] = 'relid' THEN 'relation' ELSE 'type' END AS kind, \
          m[2]::oid AS oid, 0 AS number \
         FROM expression, regexp_matches(body, ':(funcid|aggfnoid|winfnoid|opno|relid|consttype|\
          resulttype|array_typeid|row_typeid) ([0-9]+) ', 'g') m WHERE m[2]::oid < {USERS_OID_MIN} \
         UNION ALL SELECT class, id, 'column', m[1]::oid, bit::int - {lowest} \
         FROM expression, regexp_matches(body, ':relid ([0-9]+) [^{{}}]*:selectedCols [(]b([ 0-9]*)[)]', \
          'g') m, regexp_split_to_table(btrim(m[2]), ' +') bit \
         WHERE m[1]::oid < {USERS_OID_MIN} AND bit <> '' \
         UNION ALL SELECT class, id, CASE WHEN m[1] IN ('24', '2202') THEN 'function' \
          WHEN m[1] = '2205' THEN 'relation' WHEN m[1] = '2206' THEN 'type' ELSE 'operator' END, \
          ((m[2]::int + 256) % 256 + 256 * m[3]::int)::oid, 0 \
         FROM expression, regexp_matches(body, ':consttype (24|220[2-6]) [^{{}}]*:constvalue 4 \
          [[] (-?[0-9]+) ([0-9]+) 0 0 ', 'g') m WHERE m[3]::int < {USERS_OID_MIN} / 256 \
         UNION ALL SELECT class, id, kind, oid, 0 FROM named WHERE id >= {USERS_OID_MIN} \
          AND oid > 0 AND oid < {USERS_OID_MIN} AND NOT EXISTS (SELECT 1 FROM pg_depend e \
          WHERE e.classid = class AND e.objid = id AND e.deptype IN ('e', 'i'))",
        expressions::all(version),
        named = NAMED.join(" UNION ALL "),
    )
}

/// What is used of the server, each once: kind, oid, number, schema, name, arguments or column.
fn used(version: u32) -> String {
    let mut all = format!("SELECT kind, oid, number FROM ({}) u", usage(version));
    if let Some(changed) = grants::changed(version) {
        all = format!("{all} UNION SELECT kind, oid, number FROM ({changed}) u");
    }
    format!(
        "SELECT u.kind, u.oid, u.number, n.nspname, d.name, d.more \
         FROM (SELECT DISTINCT kind, oid, number FROM ({all}) u) u, LATERAL ( \
          SELECT p.pronamespace AS schema, p.proname::text AS name, oidvectortypes(p.proargtypes) AS more \
          FROM pg_proc p WHERE u.kind IN ('function', 'signature') AND p.oid = u.oid \
          UNION ALL SELECT o.oprnamespace, o.oprname, concat(format_type(o.oprleft, NULL), ', ', \
           format_type(o.oprright, NULL)) FROM pg_operator o WHERE u.kind = 'operator' AND o.oid = u.oid \
          UNION ALL SELECT t.typnamespace, t.typname, '' FROM pg_type t \
          WHERE u.kind = 'type' AND t.oid = u.oid \
          UNION ALL SELECT c.relnamespace, c.relname, '' FROM pg_class c \
          WHERE u.kind = 'relation' AND c.oid = u.oid \
          UNION ALL SELECT c.relnamespace, c.relname, a.attname FROM pg_class c \
          JOIN pg_attribute a ON a.attrelid = c.oid WHERE u.kind = 'column' AND c.oid = u.oid \
          AND a.attnum = u.number) d JOIN pg_namespace n ON n.oid = d.schema"
    )
}

/// Which of them the target lacks: kind, oid, number, and words for it. What keeps its oid and its name
/// takes other types now, and calls of it are resolved anew; a `signature` is not.
fn lacking(used: &[Row]) -> String {
    let wanted = list(used, |row| {
        let [kind, schema, name, more] = [0, 3, 4, 5].map(|index| literal(row, index));
        format!("({kind}, {}, {}, {schema}, {name}, {more})", text(row, 1), text(row, 2))
    });
    let relation = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname = w.schema AND c.relname = w.name";
    format!(
        "SELECT w.kind, w.oid, w.number, concat(CASE w.kind WHEN 'signature' THEN 'function' \
          ELSE w.kind END, ' ', CASE w.kind \
          WHEN 'operator' THEN btrim(concat(split_part(w.more, ', ', 1), ' ', w.name, ' ', \
           split_part(w.more, ', ', 2)), '- ') \
          WHEN 'column' THEN concat(w.more, ' of ', s.prefix, w.name) \
          WHEN 'function' THEN concat(s.prefix, w.name, '(', w.more, ')') \
          WHEN 'signature' THEN concat(s.prefix, w.name, '(', w.more, ')') \
          ELSE concat(s.prefix, w.name) END) \
         FROM (VALUES {wanted}) AS w (kind, oid, number, schema, name, more), \
         LATERAL (SELECT CASE w.schema WHEN 'pg_catalog' THEN '' ELSE w.schema || '.' END AS prefix) s \
         WHERE NOT CASE w.kind \
          WHEN 'function' THEN EXISTS (SELECT 1 FROM pg_proc p JOIN pg_namespace n \
           ON n.oid = p.pronamespace WHERE n.nspname = w.schema AND p.proname = w.name \
           AND (p.oid = w.oid OR oidvectortypes(p.proargtypes) = w.more)) \
          WHEN 'signature' THEN EXISTS (SELECT 1 FROM pg_proc p JOIN pg_namespace n \
           ON n.oid = p.pronamespace WHERE n.nspname = w.schema AND p.proname = w.name \
           AND oidvectortypes(p.proargtypes) = w.more) \
          WHEN 'operator' THEN EXISTS (SELECT 1 FROM pg_operator o WHERE o.oprname = w.name \
           AND (o.oid = w.oid OR concat(format_type(o.oprleft, NULL), ', ', \
           format_type(o.oprright, NULL)) = w.more)) \
          WHEN 'type' THEN EXISTS (SELECT 1 FROM pg_type t JOIN pg_namespace n \
           ON n.oid = t.typnamespace WHERE n.nspname = w.schema AND t.typname = w.name) \
          WHEN 'relation' THEN EXISTS ({relation}) \
          ELSE NOT EXISTS ({relation}) OR EXISTS ({relation} AND EXISTS (SELECT 1 FROM pg_attribute a \
           WHERE a.attrelid = c.oid AND a.attname = w.more AND NOT a.attisdropped)) END"
    )
}

/// What uses the column oid that a table has beside its own: on this PostgreSQL notes dependencies.
fn with_oids() -> String {
    format!(
        "SELECT DISTINCT coalesce(v.class, k.class, d.classid::regclass), \
         coalesce(v.id, k.id, d.objid), 'column oid of tables made WITH OIDS' FROM pg_depend d \
         LEFT JOIN LATERAL (SELECT 'pg_class'::regclass AS class, r.ev_class AS id FROM pg_rewrite r \
          WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN') v \
          ON true \
         LEFT JOIN LATERAL (SELECT 'pg_constraint'::regclass AS class, c.oid AS id FROM pg_constraint c \
          WHERE d.classid = 'pg_class'::regclass AND c.conindid = d.objid \
          AND c.contype IN ('p', 'u', 'x')) k ON true \
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjsubid = -2 \
         AND d.refobjid >= {USERS_OID_MIN} AND d.objid >= {USERS_OID_MIN}"
    )
}

fn list(rows: &[Row], one: impl Fn(&Row) -> String) -> String {
    rows.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn literal(row: &Row, index: usize) -> String {
    quote_literal(text(row, index))
}
