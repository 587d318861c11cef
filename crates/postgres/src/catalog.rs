//! What the system catalogs say of a server and its databases.

pub(crate) mod binary;
pub(crate) mod queried;
pub(crate) mod relations;
pub(crate) mod tables;
pub(crate) mod trees;

use flexway_core::migrate::{DatabaseFacts, LeftOut, ServerFacts};

use crate::ConnInfo;
use crate::Session;
use crate::ask::{Outcome, flag, number, query, query_one, text};

/// Databases that belong to a managed service and are never moved.
const SERVICE_DATABASES: [&str; 5] =
    ["azure_maintenance", "azure_sys", "cloudsqladmin", "rdsadmin", "alloydbadmin"];

/// The encoding that servers before 19 turn into others, but never into UTF-8: they refuse a session that wants that.
/// Source: PostgreSQL 18, "Character Set Support", available conversions.
const UNREADABLE: &str = "encoding = pg_char_to_encoding('MULE_INTERNAL')";

/// Condition on `n` (pg_namespace) that leaves the schemas in which users keep things.
pub(crate) const USER_SCHEMAS: &str = "n.nspname NOT IN ('pg_catalog', 'information_schema', \
    'pg_toast') \
     AND n.nspname !~ '^pg_(toast_)?temp_'";

/// Condition on `o` (pg_type) that leaves what somebody created: neither arrays nor rows of tables.
/// A composite type is a member of its extension, its entry in pg_class is not.
pub(crate) const OWN_TYPES: &str = "(o.typtype IN ('d', 'e', 'r') \
    OR o.typtype = 'b' AND o.typcategory <> 'A' OR o.typtype = 'c' \
    AND EXISTS (SELECT 1 FROM pg_class w WHERE w.oid = o.typrelid AND w.relkind = 'c'))";

/// Condition that leaves out objects that an extension brought along, and the functions and casts that come with a range type.
pub(crate) fn not_of_extension(catalog: &str, oid: &str) -> String {
    let kinds = match catalog {
        "pg_proc" | "pg_cast" => "'e', 'i'",
        _ => "'e'",
    };
    format!(
        "NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{catalog}'::regclass \
         AND e.objid = {oid} AND e.deptype IN ({kinds}))"
    )
}

/// Version, privileges and databases of the server behind `session`; no database is looked into.
pub(crate) fn server_facts(session: &mut Session, info: &ConnInfo) -> Outcome<ServerFacts> {
    let what = "read the list of databases";
    let hidden = SERVICE_DATABASES.map(|name| format!("'{name}'")).join(", ");
    // A connection limit of -2 marks a database whose DROP was interrupted (since the minors of May
    // 2023).
    let rows = query(
        session,
        what,
        &format!(
            "SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN \
             pg_database_size(oid) ELSE 0 END \
             FROM pg_database WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2 \
             AND NOT {UNREADABLE} AND datname NOT IN ({hidden}) ORDER BY datname"
        ),
    )?;
    let mut databases = Vec::with_capacity(rows.len());
    for row in &rows {
        databases.push(DatabaseFacts {
            name: text(row, 0).to_owned(),
            size_bytes: number(what, row, 1)?,
            user_object_count: None,
        });
    }
    Ok(ServerFacts {
        label: server_label(info),
        version: session.version().number,
        databases,
        left_out: left_out(session, &hidden)?,
        is_superuser: is_superuser(session)?,
        is_standby: flag(&query_one(session, what, "SELECT pg_is_in_recovery()")?, 0),
        started_us: started_us(session)?,
    })
}

/// Databases that [`server_facts`] does not count, and why.
fn left_out(session: &mut Session, hidden: &str) -> Outcome<Vec<LeftOut>> {
    let sql = format!(
        "SELECT datname, quote_ident(datname), datname IN ({hidden}), datistemplate, datallowconn, \
         datname IN ('template0', 'template1'), {UNREADABLE} FROM pg_database WHERE NOT datallowconn \
         OR datistemplate OR datconnlimit = -2 OR {UNREADABLE} OR datname IN ({hidden}) ORDER BY datname"
    );
    let rows = query(session, "read the list of databases", &sql)?;
    let one = |row: &crate::Row| {
        let [is_service, is_template, may_connect, is_own, is_unreadable] =
            [2, 3, 4, 5, 6].map(|i| flag(row, i));
        let quoted = text(row, 1);
        let alter = |what: &str| format!("ALTER DATABASE {quoted} {what}");
        let none = String::new;
        let (why, because, change, help) = if is_service {
            ("it belongs to the service", "its servers have their own", none(), none())
        } else if is_own {
            let help = match text(row, 0) {
                "template1" => {
                    "to move what was put into it, make a database of it: CREATE DATABASE <name> \
                     TEMPLATE template1"
                }
                _ => "",
            };
            let help = help.to_owned();
            ("every server has it", "new databases are made from the target's own", none(), help)
        } else if is_unreadable {
            let help = "put what it holds into a new database in UTF8 and move that: pg_dump with --encoding=EUC_JP, \
                        LATIN1, KOI8R or another that has its characters, then psql"
                .to_owned();
            let because =
                "the server turns that encoding into no UTF-8, and lets no such session in";
            ("it is in MULE_INTERNAL", because, none(), help)
        } else if is_template {
            let help = "make it a template again on both servers after the move".to_owned();
            let because = "databases are made from it, and a session in it keeps others from that";
            ("it is a template", because, alter("IS_TEMPLATE false"), help)
        } else if !may_connect {
            let because = "it can be neither read nor written as it stands";
            ("it allows no connections", because, alter("ALLOW_CONNECTIONS true"), none())
        } else {
            let help = format!("finish that: DROP DATABASE {quoted}");
            ("its DROP was interrupted", "nobody can connect to it any more", none(), help)
        };
        LeftOut {
            name: text(row, 0).to_owned(),
            why: why.to_owned(),
            because: because.to_owned(),
            change,
            help,
            is_users: !is_service && !is_own,
        }
    };
    Ok(rows.iter().map(one).collect())
}

/// Source: PostgreSQL, "Session Information Functions"; everybody may call it.
fn started_us(session: &mut Session) -> Outcome<u64> {
    let what = "ask when the server started";
    let row = query_one(
        session,
        what,
        "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint",
    )?;
    number(what, &row, 0)
}

/// `host:port as user`.
pub(crate) fn server_label(info: &ConnInfo) -> String {
    format!("{}:{} as {}", info.host(), info.port(), info.user())
}

/// Whether the session's role is a superuser.
pub(crate) fn is_superuser(session: &mut Session) -> Outcome<bool> {
    let row = query_one(
        session,
        "read the privileges of the login",
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    )?;
    Ok(flag(&row, 0))
}

/// Objects of users in the session's database: relations, functions, types, operators, collations,
/// schemas, foreign servers, event triggers and large objects. Zero for a database that nobody
/// touched; extensions and what they own do not count, so a database in which only extensions were
/// prepared is empty.
pub(crate) fn user_object_count(session: &mut Session) -> Outcome<u64> {
    let in_schema = |catalog: &str, schema: &str, condition: &str| {
        format!(
            "(SELECT count(*) FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{schema} \
             WHERE {USER_SCHEMAS} AND {condition} AND {})",
            not_of_extension(catalog, "o.oid")
        )
    };
    let plain = |catalog: &str, condition: &str| {
        format!(
            "(SELECT count(*) FROM {catalog} o WHERE {condition} AND {})",
            not_of_extension(catalog, "o.oid")
        )
    };
    let parts = [
        in_schema("pg_class", "relnamespace", "o.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"),
        in_schema("pg_proc", "pronamespace", "true"),
        in_schema("pg_type", "typnamespace", OWN_TYPES),
        in_schema("pg_operator", "oprnamespace", "true"),
        in_schema("pg_collation", "collnamespace", "true"),
        plain(
            "pg_namespace",
            "o.nspname !~ '^pg_' AND o.nspname NOT IN ('information_schema', 'public') \
             AND NOT EXISTS (SELECT 1 FROM pg_extension x WHERE x.extnamespace = o.oid)",
        ),
        plain("pg_foreign_server", "true"),
        plain("pg_event_trigger", "true"),
        "(SELECT count(*) FROM pg_largeobject_metadata)".to_owned(),
    ];
    let what = "count the objects of the database";
    let row = query_one(session, what, &format!("SELECT {}", parts.join(" + ")))?;
    number(what, &row, 0)
}
