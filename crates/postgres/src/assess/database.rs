//! What one database of the source is, and what the target has of its name.

use std::collections::BTreeMap;

use flexway_core::assess::facts::{Census, Database, Extension, Known, Missing, Object, Standing};

use super::{ask, bodies, built_ins, census, code, extension_members, grants, lost_settings, xml};
use crate::ask::{Outcome, flag, number, query, query_one, text};
use crate::catalog::{USER_SCHEMAS, not_of_extension};
use crate::pool::connect;
use crate::roles::list_elements;
use crate::schema::database::{is_kept, may_replace};
use crate::schema::replace::held_by;
use crate::{ConnInfo, Session, quote_literal};

/// Looks into a database of the source; `target` names any database of the target.
pub(crate) fn database(source: &ConnInfo, target: &ConnInfo, name: &str) -> Outcome<Database> {
    let here = &mut connect(&source.with_database(name))?;
    let there = &mut connect(target)?;
    let mut all = BTreeMap::new();
    for one in Census::ALL {
        let found = match one {
            Census::Code => code::lacking(here, target)?,
            _ => list((here, there), target, *one, name)?,
        };
        all.insert(*one, found);
    }
    let (described, sizes) = (described(here)?, sizes(here)?);
    let count = |session: &mut Session, what: &str, sql: &str| {
        let rows = ask(session, &format!("{what} of database {name}"), sql)?;
        Ok(rows.map(|rows| rows.first().and_then(|row| text(row, 0).parse().ok()).unwrap_or(0)))
    };
    Ok(Database {
        name: name.to_owned(),
        size_bytes: number("read the size of the database", &described, 0)?,
        owner: text(&described, 1).to_owned(),
        encoding: text(&described, 2).to_owned(),
        locales: [text(&described, 3).to_owned(), text(&described, 4).to_owned()],
        provider: text(&described, 5).to_owned(),
        sorts_by: text(&described, 6).to_owned(),
        connection_limit: text(&described, 7).parse().ok(),
        lacking_rights: list_elements(text(&described, 8)),
        standing: standing(there, target, name)?,
        extensions: extensions(here)?,
        census: all,
        table_count: count(
            here,
            "the number of tables",
            "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384",
        )?,
        large_object_count: count(
            here,
            "the number of large objects",
            "SELECT count(*) FROM pg_largeobject_metadata",
        )?,
        table_bytes: sizes[0],
        index_bytes: sizes[1],
    })
}

fn list(
    (session, there): (&mut Session, &mut Session),
    target: &ConnInfo,
    one: Census,
    database: &str,
) -> Outcome<Known<Vec<Object>>> {
    match one {
        Census::TablespaceSettings => return Ok(Ok(tablespace_settings(session)?)),
        Census::Removed => {
            let all = [
                built_ins::removed(session, there, database)?,
                lost_settings::of_functions(session, there)?,
                extension_members::lacking(session, target)?,
            ];
            let all: Known<Vec<Vec<Object>>> = all.into_iter().collect();
            return Ok(all.map(|all| all.concat()));
        }
        Census::Bodies => return bodies::out_of_date(session, there, database),
        Census::ServiceGrants => return grants::of_services(session, there),
        Census::LostSettings => return lost_settings::of_database(session, there),
        Census::ForbiddenToFunctions => {
            return lost_settings::forbidden_to_functions(session, there);
        }
        Census::ForbiddenToDatabase => {
            return lost_settings::forbidden_to_database(session, there);
        }
        Census::Xml => return xml::unreadable(session, there, database),
        Census::Compressions => return compressions(session, there),
        _ => {}
    }
    let (version, target) = (session.version().number, there.version().number);
    let Some(sql) = census::question(one, version, target) else { return Ok(Ok(Vec::new())) };
    let rows = ask(session, &format!("{} of database {database}", one.words()), &sql)?;
    Ok(rows.map(|rows| rows.iter().map(super::object).collect()))
}

/// Columns that ask for LZ4, where the target was built without it.
fn compressions(session: &mut Session, there: &mut Session) -> Outcome<Known<Vec<Object>>> {
    const FIRST_WITH_CHOICE: u32 = 140_000;
    if session.version().number.min(there.version().number) < FIRST_WITH_CHOICE {
        return Ok(Ok(Vec::new()));
    }
    let sql = "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";
    match ask(there, "how the target compresses", sql)? {
        Ok(rows) if rows.is_empty() => {}
        Ok(_) => return Ok(Ok(Vec::new())),
        Err(missing) => return Ok(Err(missing)),
    }
    let sql = format!(
        "SELECT format('column %I of %I.%I', a.attname, n.nspname, c.relname), 'lz4', \
          format('ALTER %s %I.%I ALTER COLUMN %I SET COMPRESSION pglz', CASE c.relkind WHEN 'm' \
          THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, n.nspname, c.relname, a.attname) \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE a.attcompression = 'l' AND NOT a.attisdropped AND a.attnum > 0 \
         AND c.relkind IN ('r', 'p', 'm') AND {USER_SCHEMAS} AND {} ORDER BY 1",
        not_of_extension("pg_class", "c.oid")
    );
    let rows = ask(session, "how columns are compressed", &sql)?;
    Ok(rows.map(|rows| rows.iter().map(super::object).collect()))
}

fn described(session: &mut Session) -> Outcome<crate::Row> {
    let provider = if session.version().number >= 150_000 {
        "CASE datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END"
    } else {
        "'libc'"
    };
    let sql = format!(
        "SELECT pg_database_size(oid), pg_get_userbyid(datdba), pg_encoding_to_char(encoding), \
         datcollate, datctype, {provider}, {}, datconnlimit, \
         (SELECT string_agg(needed, ', ') FROM unnest(ARRAY['CONNECT', 'CREATE']) AS needed \
          WHERE datacl IS NOT NULL AND NOT EXISTS (SELECT 1 FROM aclexplode(datacl) a \
            WHERE a.privilege_type = needed AND a.grantee IN (0, datdba))) \
         FROM pg_database WHERE datname = current_database()",
        sorting(session)
    );
    query_one(session, "read what the database is", &sql)
}

/// What `pg_database` says that text is sorted by, in words.
fn sorting(session: &Session) -> String {
    let locale = match session.version().number {
        170_000.. => "datlocale",
        150_000.. => "daticulocale",
        _ => return "datcollate".to_owned(),
    };
    format!(
        "CASE datlocprovider WHEN 'c' THEN datcollate \
         WHEN 'i' THEN {locale} || ' of ICU' ELSE {locale} || ' of PostgreSQL' END"
    )
}

/// Bytes of tables with TOAST, and of indexes.
fn sizes(session: &mut Session) -> Outcome<[u64; 2]> {
    let what = "measure tables and indexes";
    let sql = format!(
        "SELECT coalesce(sum(pg_table_size(c.oid)), 0), coalesce(sum(pg_indexes_size(c.oid)), 0) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'm') AND {USER_SCHEMAS}"
    );
    let row = query_one(session, what, &sql)?;
    Ok([number(what, &row, 0)?, number(what, &row, 1)?])
}

fn extensions(session: &mut Session) -> Outcome<Vec<Extension>> {
    let sql = "SELECT e.extname, e.extversion, n.nspname FROM pg_extension e \
               JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql' ORDER BY 1";
    let rows = query(session, "list the extensions", sql)?;
    let one = |row: &crate::Row| {
        let [name, version, schema] = [0, 1, 2].map(|index| text(row, index).to_owned());
        Extension { name, version, schema }
    };
    Ok(rows.iter().map(one).collect())
}

/// Settings of the database that name a tablespace, one for each name.
fn tablespace_settings(session: &mut Session) -> Outcome<Vec<Object>> {
    let rows = query(
        session,
        "read the settings of the database",
        "SELECT split_part(s.line, '=', 1), substr(s.line, strpos(s.line, '=') + 1), \
                coalesce(pg_get_userbyid(nullif(s.role, 0)), '') \
         FROM (SELECT unnest(setconfig) AS line, setrole AS role FROM pg_db_role_setting \
               WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) s \
         WHERE s.line ~ '^(default_tablespace|temp_tablespaces)=' ORDER BY 3, 1",
    )?;
    let mut all = Vec::new();
    for row in &rows {
        let name = match text(row, 2) {
            "" => "the database".to_owned(),
            role => format!("role {role} in the database"),
        };
        let (setting, value) = (text(row, 0), text(row, 1));
        let elements = match setting {
            // No list: one name as it is.
            "default_tablespace" => vec![value.to_owned()],
            _ => list_elements(value),
        };
        for sql in elements.into_iter().filter(|name| !name.is_empty()) {
            all.push(Object { name: name.clone(), detail: setting.to_owned(), sql });
        }
    }
    Ok(all)
}

/// What stands on the target under the name.
fn standing(
    session: &mut Session,
    target: &ConnInfo,
    name: &str,
) -> Outcome<Known<Option<Standing>>> {
    let what = format!("database {name} of the target");
    let literal = quote_literal(name);
    let sql = format!(
        "SELECT pg_encoding_to_char(encoding), {}, datallowconn, \
         (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = {literal} \
          AND a.pid <> pg_backend_pid()) FROM pg_database WHERE datname = {literal}",
        sorting(session)
    );
    let rows = query(session, &what, &sql)?;
    let Some(row) = rows.first() else { return Ok(Ok(None)) };
    if !flag(row, 2) {
        return Ok(Err(Missing { what, why: "it allows no connections".to_owned() }));
    }
    let may_drop = may_replace(session, target, name)?;
    let held_by = held_by(session, &what, name)?;
    let extensions = match connect(&target.with_database(name)) {
        Ok(mut inside) => query(&mut inside, &what, "SELECT extname FROM pg_extension")?,
        Err(error) if error.remedy.is_alone() => {
            return Ok(Err(Missing { what, why: error.why }));
        }
        Err(error) => return Err(error),
    };
    Ok(Ok(Some(Standing {
        encoding: text(row, 0).to_owned(),
        sorts_by: text(row, 1).to_owned(),
        extensions: extensions.iter().map(|row| text(row, 0).to_owned()).collect(),
        may_drop,
        held_by,
        is_kept: is_kept(target, name),
        session_count: number(&what, row, 3)?,
    })))
}
