//! Values of xml that the target cannot read, since its server was built without libxml.

use std::time::{Duration, Instant};

use flexway_core::assess::facts::{Known, Missing, Object};

use super::{ask, expressions};
use crate::Session;
use crate::ask::{Outcome, flag, run, text};
use crate::catalog::{USER_SCHEMAS, not_of_extension};

/// The first value ends a search; a large table whose column is always NULL is read to its end.
const TABLE_TIME_MAX: Duration = Duration::from_secs(5);
const TIME_MAX: Duration = Duration::from_secs(30);

/// Columns that hold values of it, and definitions that hold constants; sql: what mends.
pub(super) fn unreadable(
    here: &mut Session,
    there: &mut Session,
    database: &str,
) -> Outcome<Known<Vec<Object>>> {
    if ask(there, "whether the target reads xml", "SELECT '<a/>'::xml")?.is_ok() {
        return Ok(Ok(Vec::new()));
    }
    let what = format!("the xml of database {database}");
    let constants = ask(here, &what, &constants(here.version().number))?;
    let columns = ask(here, &what, &columns())?;
    let (constants, columns) = match (constants, columns) {
        (Ok(constants), Ok(columns)) => (constants, columns),
        (Err(missing), _) | (_, Err(missing)) => return Ok(Err(missing)),
    };
    let mut found: Vec<Object> = constants.iter().map(super::object).collect();
    let mut unknown = None;
    let end = Instant::now() + TIME_MAX;
    let limit = TABLE_TIME_MAX.as_millis();
    run(here, "bound a search", &format!("SET statement_timeout = {limit}"))?;
    for row in &columns {
        let what = format!("whether {} holds xml", text(row, 0));
        if Instant::now() > end {
            let why = "the search for xml took too long".to_owned();
            unknown = Some(Missing { what, why });
            break;
        }
        match ask(here, &what, text(row, 3))? {
            Ok(rows) if rows.first().is_some_and(|row| flag(row, 0)) => {
                found.push(super::object(row))
            }
            Ok(_) => {}
            Err(missing) => unknown = Some(missing),
        }
    }
    run(here, "end the bound of a search", "RESET statement_timeout")?;
    Ok(match unknown {
        Some(missing) if found.is_empty() => Err(missing),
        _ => Ok(found),
    })
}

/// What has constants, and what names an element or an instruction: the server spells names by libxml.
fn constants(version: u32) -> String {
    let things = format!(
        "WITH {} SELECT DISTINCT class, id, '' FROM expression \
         WHERE body ~ (':consttype ' || 'xml'::regtype::oid || ' [^{{}}]*:constisnull false|[{{]XMLEXPR :op [124] ')",
        expressions::all(version)
    );
    format!("{} ORDER BY 1", expressions::described(&things))
}

/// Columns of xml, or of what is made of it, in tables that the login may read: name, detail, what
/// mends, and the query whether there is a value.
fn columns() -> String {
    format!(
        "WITH RECURSIVE part (oid, whole) AS ( \
          SELECT typbasetype, oid FROM pg_type WHERE typbasetype <> 0 \
          UNION ALL SELECT typelem, oid FROM pg_type WHERE typelem <> 0 \
          UNION ALL SELECT a.atttypid, t.oid FROM pg_attribute a JOIN pg_type t ON t.typrelid = a.attrelid \
          WHERE NOT a.attisdropped AND a.attnum > 0), \
         made (oid) AS (SELECT 'xml'::regtype::oid UNION SELECT p.whole FROM made m JOIN part p USING (oid)) \
         SELECT format('column %I of %I.%I', a.attname, n.nspname, c.relname), '', CASE WHEN c.relkind = 'm' \
          THEN format('REFRESH MATERIALIZED VIEW %I.%I WITH NO DATA', n.nspname, c.relname) \
          WHEN t.typtype = 'c' THEN '' ELSE (WITH RECURSIVE elder (oid, height) AS (SELECT c.oid, 0 \
            UNION SELECT i.inhparent, e.height + 1 FROM elder e JOIN pg_inherits i ON i.inhrelid = e.oid \
            JOIN pg_attribute b ON b.attrelid = i.inhparent AND b.attname = a.attname AND NOT b.attisdropped) \
           SELECT coalesce({} || concat(CASE WHEN c.reloftype <> 0 THEN format('ALTER TABLE %s NOT OF; ', \
           c.oid::regclass) END, format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', c.oid::regclass, a.attname, \
           CASE t.typcategory WHEN 'A' THEN 'text[]' ELSE 'text' END)), '') \
           FROM (SELECT oid FROM elder ORDER BY height DESC LIMIT 1) e JOIN pg_class c ON c.oid = e.oid) END, \
          format('SELECT EXISTS (SELECT 1 FROM ONLY %I.%I WHERE %I IS NOT NULL)', n.nspname, c.relname, \
          a.attname) \
         FROM made m JOIN pg_type t ON t.oid = m.oid JOIN pg_attribute a ON a.atttypid = m.oid \
         JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND NOT a.attisdropped AND a.attnum > 0 \
         AND {USER_SCHEMAS} AND {} \
         AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') \
         AND NOT row_security_active(c.oid) ORDER BY 1",
        expressions::users_of_column(),
        not_of_extension("pg_class", "c.oid")
    )
}
