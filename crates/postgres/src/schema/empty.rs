//! Removes what users keep in a database that cannot be dropped.

use crate::ask::{Outcome, act, failed, query, query_one, run, text};
use crate::catalog::trees::USERS_OID_MIN;
use crate::{PgError, Session, catalog};

/// Removes everything that users keep in the session's database: in one transaction where the
/// server has room for its locks, statement by statement otherwise.
///
/// # Errors
/// Something cannot be dropped, or objects are left that hang on an extension which the login does
/// not own. Unless the room for locks ran out, nothing is removed then.
pub(crate) fn empty(session: &mut Session) -> Outcome<()> {
    let row = query_one(session, "ask for the database's name", "SELECT current_database()")?;
    let what = format!("empty database {} on the target", text(&row, 0));
    run(session, &what, "BEGIN")?;
    match remove(session) {
        Ok(()) => {
            nothing_left(session, &what)?;
            run(session, &what, "COMMIT")
        }
        // 53200 out_of_memory: of the lock table, says the hint.
        Err(error) if error.code() == Some("53200") => {
            run(session, &what, "ROLLBACK")?;
            remove(session).map_err(|error| failed(&what, &error))?;
            nothing_left(session, &what)
        }
        Err(error) => Err(failed(&what, &error)),
    }
}

fn remove(session: &mut Session) -> Result<(), PgError> {
    for list in lists(session.version().number) {
        for row in session.rows(&list)? {
            session.execute(text(&row, 0))?;
        }
    }
    Ok(())
}

fn nothing_left(session: &mut Session, what: &str) -> Outcome<()> {
    match catalog::user_object_count(session)? {
        0 => Ok(()),
        count => Err(act(
            what,
            format!("{count} objects are left in a schema that belongs to an extension"),
            "drop the extension or the objects by hand, then run again",
        )),
    }
}

/// Queries that each give the statements which drop objects of some kinds, in the order to run.
fn lists(version: u32) -> Vec<String> {
    let mut lists = vec![
        "SELECT format('DROP EVENT TRIGGER %I', evtname) FROM pg_event_trigger".to_owned(),
        relations(),
        "SELECT format('DROP EXTENSION IF EXISTS %I CASCADE', extname) FROM pg_extension \
         WHERE extname <> 'plpgsql' AND pg_has_role(extowner, 'USAGE')"
            .to_owned(),
        format!(
            "SELECT format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', o.fdwname) \
             FROM pg_foreign_data_wrapper o WHERE {}",
            catalog::not_of_extension("pg_foreign_data_wrapper", "o.oid")
        ),
        "SELECT format('DROP SERVER IF EXISTS %I CASCADE', srvname) FROM pg_foreign_server"
            .to_owned(),
        format!(
            "SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) FROM pg_namespace n \
             WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND {} \
               AND NOT EXISTS (SELECT 1 FROM pg_extension x WHERE x.extnamespace = n.oid)",
            catalog::not_of_extension("pg_namespace", "n.oid")
        ),
        "SELECT format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata".to_owned(),
    ];
    if version >= 100_000 {
        lists.push("SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication".to_owned());
    }
    lists.push(format!(
        "SELECT format('DROP CAST IF EXISTS (%s AS %s)', format_type(c.castsource, NULL), \
         format_type(c.casttarget, NULL)) FROM pg_cast c WHERE c.oid >= {USERS_OID_MIN} AND {}",
        catalog::not_of_extension("pg_cast", "c.oid")
    ));
    lists.extend(default_privileges());
    lists
}

/// Takes default privileges back: what is made in the database would have rights that it has not on the source. Those of roles for which
/// the login may not speak stay.
pub(super) fn forget_default_privileges(session: &mut Session) -> Outcome<()> {
    let what = "take default privileges of the target back";
    for list in default_privileges() {
        for row in query(session, what, &list)? {
            run(session, what, text(&row, 0))?;
        }
    }
    Ok(())
}

/// Takes all rights away first, and then gives those that there are without any word about them; then the server forgets the entry.
fn default_privileges() -> [String; 2] {
    let rights = |verb: &str, right: &str, word: &str, acl: &str, only: &str| {
        format!(
            "SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s {verb} %s ON %s {word} %s', \
               pg_get_userbyid(d.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname), {right}, \
               CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' \
               WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' \
               ELSE 'LARGE OBJECTS' END, CASE a.grantee WHEN 0 THEN 'PUBLIC' \
               ELSE quote_ident(pg_get_userbyid(a.grantee)) END) \
             FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, \
             aclexplode({acl}) a WHERE {only} AND pg_has_role(d.defaclrole, 'USAGE') \
             GROUP BY d.oid, d.defaclrole, n.nspname, d.defaclobjtype, a.grantee"
        )
    };
    let without_words =
        "acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)";
    let each = "string_agg(a.privilege_type, ', ')";
    [
        rights("REVOKE", "'ALL'", "FROM", "d.defaclacl", "true"),
        rights("GRANT", each, "TO", without_words, "d.defaclnamespace = 0"),
    ]
}

/// Tables, views and sequences one by one, also of schemas that stay.
fn relations() -> String {
    format!(
        "SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW' \
                       WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' \
                       WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('v', 'm', 'r', 'p', 'f', 'S') AND {} AND {} \
         ORDER BY c.relkind = 'S', c.relkind",
        catalog::USER_SCHEMAS,
        catalog::not_of_extension("pg_class", "c.oid"),
    )
}

/// Makes schema `public` as a new database has it, where there is none.
pub(crate) fn restore_public(session: &mut Session, what: &str) -> Outcome<()> {
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = 'public'";
    if !query(session, what, sql)?.is_empty() {
        return Ok(());
    }
    let is_newer = session.version().number >= 150_000;
    let (owner, rights) =
        if is_newer { (" AUTHORIZATION pg_database_owner", "USAGE") } else { ("", "ALL") };
    run(
        session,
        what,
        &format!(
            "CREATE SCHEMA public{owner}; GRANT {rights} ON SCHEMA public TO PUBLIC; \
             COMMENT ON SCHEMA public IS 'standard public schema'"
        ),
    )
}
