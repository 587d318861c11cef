//! Owner, settings, comment and grants of a target database: the source's, and nothing else.

use flexway_core::migrate::SchemaEntry;

use crate::ask::{Outcome, failed, query, run, text};
use crate::schema::database::described;
use crate::schema::tablespaces::Tablespaces;
use crate::{Session, quote_literal};

/// Gives the database what the source's has, in one transaction.
pub(super) fn configure(
    admin: &mut Session,
    database: &str,
    wanted: &[SchemaEntry],
) -> Outcome<()> {
    transaction(admin, database, wanted, "COMMIT")
}

/// Whether [`configure`] would succeed; changes nothing.
pub(super) fn check(admin: &mut Session, database: &str, wanted: &[SchemaEntry]) -> Outcome<()> {
    transaction(admin, database, wanted, "ROLLBACK")
}

fn transaction(
    admin: &mut Session,
    database: &str,
    wanted: &[SchemaEntry],
    end: &str,
) -> Outcome<()> {
    let what = format!("configure database {database}");
    run(admin, &what, "BEGIN")?;
    within(admin, database, wanted)?;
    run(admin, &what, end)
}

/// The same within an open transaction. What the target does not know or does not allow to be set
/// is left to the comparison to report.
pub(super) fn within(admin: &mut Session, database: &str, wanted: &[SchemaEntry]) -> Outcome<()> {
    forget(admin, database)?;
    let what = format!("configure database {database}");
    let there = Tablespaces::read(admin)?;
    for sql in described(wanted).filter(|sql| !sql.starts_with("CREATE DATABASE ")) {
        if there.lack_of(sql) {
            continue;
        }
        if sql.starts_with("ALTER ") && sql.contains(" SET ") {
            attempt(admin, &what, sql)?;
        } else {
            run(admin, &what, sql)?;
        }
    }
    admit(admin, database)
}

/// Gives the login what the source's grants would keep from it, and what it needs to fill and to compare the database.
fn admit(admin: &mut Session, database: &str) -> Outcome<()> {
    let what = format!("let the login of the move into database {database}");
    let sql = format!(
        "SELECT format('GRANT %s ON DATABASE %I TO %I', needed, datname, current_user) \
         FROM pg_database, unnest(ARRAY['CONNECT', 'CREATE']) AS needed \
         WHERE datname = {} AND NOT has_database_privilege(oid, needed)",
        quote_literal(database)
    );
    let rows = query(admin, &what, &sql)?;
    rows.iter().try_for_each(|row| run(admin, &what, text(row, 0)))
}

/// Takes back settings and grants of a database that stood before, so that the source's are all
/// there are.
fn forget(admin: &mut Session, database: &str) -> Outcome<()> {
    let what = format!("reset the settings of database {database}");
    let name = quote_literal(database);
    let rows = query(
        admin,
        &what,
        &format!(
            "SELECT CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I RESET ALL', d.datname) \
             ELSE format('ALTER ROLE %I IN DATABASE %I RESET ALL', r.rolname, d.datname) END \
             FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase \
             LEFT JOIN pg_roles r ON r.oid = s.setrole \
             WHERE d.datname = {name} \
             UNION ALL SELECT DISTINCT format('REVOKE ALL ON DATABASE %I FROM %s', d.datname, \
             CASE WHEN a.grantee = 0 THEN 'PUBLIC' \
             ELSE quote_ident(pg_get_userbyid(a.grantee)) END) \
             FROM pg_database d, aclexplode(d.datacl) a \
             WHERE d.datname = {name} AND a.grantee <> d.datdba \
             UNION ALL SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', \
             d.datname) \
             FROM pg_database d WHERE d.datname = {name} AND d.datacl IS NOT NULL"
        ),
    )?;
    rows.iter().try_for_each(|row| attempt(admin, &what, text(row, 0)))
}

/// Runs a statement that the target may refuse for good reason; the transaction goes on.
fn attempt(session: &mut Session, what: &str, sql: &str) -> Outcome<()> {
    run(session, what, "SAVEPOINT attempt")?;
    match session.execute(sql) {
        Ok(()) => run(session, what, "RELEASE attempt"),
        // undefined_object, insufficient_privilege, invalid_parameter_value,
        // cant_change_runtime_param
        Err(error) if matches!(error.code(), Some("42704" | "42501" | "22023" | "55P02")) => {
            run(session, what, "ROLLBACK TO attempt")
        }
        Err(error) => Err(failed(what, &error)),
    }
}
