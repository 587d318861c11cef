//! Columns of extensions' views that newer versions of the extension renamed, and what reads them.

use flexway_core::assess::facts::{Known, Object};

use super::{ask, expressions};
use crate::ask::{Outcome, query, text};
use crate::catalog::trees::USERS_OID_MIN;
use crate::{Session, quote_literal};

/// Extension, version in which the columns went, the columns.
/// Source: PostgreSQL's release notes of 13 and 17, and the extension's update scripts.
const GONE: [(&str, [u32; 2], &[&str]); 2] = [
    (
        "pg_stat_statements",
        [1, 8],
        &["total_time", "min_time", "max_time", "mean_time", "stddev_time"],
    ),
    ("pg_stat_statements", [1, 11], &["blk_read_time", "blk_write_time"]),
];

/// Things of the database that the target cannot make for that reason, as `built_ins` names them.
pub(super) fn used(here: &mut Session, there: &mut Session) -> Outcome<Known<Vec<Object>>> {
    let mut gone = Vec::new();
    for (extension, since, columns) in GONE {
        let installed =
            format!("SELECT 1 FROM pg_extension WHERE extname = {}", quote_literal(extension));
        if query(here, "look an extension up", &installed)?.is_empty() {
            continue;
        }
        let sql = format!(
            "SELECT default_version FROM pg_available_extensions WHERE name = {} \
             AND CASE WHEN default_version ~ '^[0-9]+[.][0-9]+$' \
             THEN string_to_array(default_version, '.')::int[] >= ARRAY[{}, {}] END",
            quote_literal(extension),
            since[0],
            since[1]
        );
        let rows = match ask(there, "the extensions that the target offers", &sql)? {
            Ok(rows) => rows,
            Err(missing) => return Ok(Err(missing)),
        };
        let Some(version) = rows.first().map(|row| text(row, 0)) else { continue };
        let words = quote_literal(&format!("{extension} {version}"));
        let extension = quote_literal(extension);
        gone.extend(
            columns.iter().map(|one| format!("({extension}, {}, {words})", quote_literal(one))),
        );
    }
    if gone.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let things = format!(
        "SELECT DISTINCT CASE r.rulename WHEN '_RETURN' THEN 'pg_class'::regclass \
         ELSE d.classid::regclass END, CASE r.rulename WHEN '_RETURN' THEN r.ev_class ELSE d.objid END, \
         concat('column ', a.attname, ' of ', g.words) \
         FROM (VALUES {}) AS g (extension, name, words) \
         JOIN pg_extension x ON x.extname = g.extension \
         JOIN pg_depend m ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = x.oid \
          AND m.classid = 'pg_class'::regclass AND m.deptype = 'e' \
         JOIN pg_attribute a ON a.attrelid = m.objid AND a.attname = g.name \
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid \
          AND d.refobjsubid = a.attnum AND d.objid >= {USERS_OID_MIN} \
         LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid \
         WHERE r.ev_class IS DISTINCT FROM a.attrelid AND NOT EXISTS (SELECT 1 FROM pg_depend e \
          WHERE e.classid = 'pg_class'::regclass AND e.objid = r.ev_class AND e.deptype = 'e')",
        gone.join(", ")
    );
    let sql = format!("{} ORDER BY 2, 1", expressions::described(&things));
    let rows = ask(here, "the columns of extensions that are used", &sql)?;
    Ok(rows.map(|rows| rows.iter().map(super::object).collect()))
}
