//! What a server is, as an assessment needs it.

use std::collections::{BTreeMap, BTreeSet};

use flexway_core::assess::facts::{Available, Known, Login, Missing, Role, Server, Transaction};
use flexway_core::assess::provider::Provider;
use flexway_core::migrate::ServerFacts;

use super::{ask, settings};
use crate::ask::{Outcome, flag, optional, query, query_one, text};
use crate::catalog::is_superuser;
use crate::pool::connect;
use crate::session::may_silence;
use crate::{ConnInfo, Row, Session, quote_literal, roles};

/// Transactions that are listed: those that wait longest say enough.
const TRANSACTIONS_MAX: usize = 50;

/// Both servers. `databases` are those to move.
pub(crate) fn servers(
    source: (&ConnInfo, ServerFacts),
    target: (&ConnInfo, ServerFacts),
    databases: &[String],
) -> Outcome<(Server, Server)> {
    let (here, there) = (&mut connect(source.0)?, &mut connect(target.0)?);
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let locales = match names.as_slice() {
        [] => Vec::new(),
        names => query(
            here,
            "read the locales of the databases",
            &format!(
                "SELECT datcollate FROM pg_database WHERE datname IN ({0}) \
                 UNION SELECT datctype FROM pg_database WHERE datname IN ({0})",
                names.join(", ")
            ),
        )?,
    };
    let locales: Vec<&str> = locales.iter().map(|row| text(row, 0)).collect();
    let carried = roles::to_carry(here, databases)?;
    let present = roles_there(there)?;
    let mut of_target = server((there, target.0), target.1, "target", Ok(present))?;
    for name in locales {
        of_target.locales.insert(name.to_owned(), has_locale(there, name)?);
    }
    Ok((server((here, source.0), source.1, "source", Ok(carried))?, of_target))
}

fn server(
    (session, info): (&mut Session, &ConnInfo),
    facts: ServerFacts,
    side: &str,
    roles: Known<Vec<Role>>,
) -> Outcome<Server> {
    let settings = settings::read(session, info, side)?;
    let has_azure =
        settings.as_ref().is_ok_and(|all: &BTreeMap<_, _>| all.contains_key("azure.extensions"));
    let provider = provider(session, has_azure)?;
    let activity = "SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL";
    Ok(Server {
        login: login(session, provider)?,
        provider,
        settings,
        extensions: extensions(session, side)?,
        collations: collations(session, side)?,
        locales: BTreeMap::new(),
        roles,
        transactions: transactions(session, side)?,
        prepared: prepared(session, side)?,
        slots: count(
            session,
            &format!("the replication slots of the {side}"),
            "SELECT count(*) FROM pg_replication_slots",
        )?,
        senders: count(
            session,
            &format!("the replication connections of the {side}"),
            "SELECT count(*) FROM pg_stat_replication",
        )?,
        sessions: count(session, &format!("the sessions of the {side}"), activity)?,
        has_pooler: has_pooler(session)?,
        tablespaces: names(session, "SELECT spcname FROM pg_tablespace")?,
        types: types(session, side)?,
        languages: names(session, "SELECT lanname FROM pg_language")?,
        facts,
    })
}

fn names(session: &mut Session, sql: &str) -> Outcome<BTreeSet<String>> {
    let rows = query(session, "list tablespaces and languages", sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

fn count(session: &mut Session, what: &str, sql: &str) -> Outcome<Known<u64>> {
    Ok(ask(session, what, sql)?
        .map(|rows| rows.first().and_then(|row| number(row, 0)).unwrap_or(0)))
}

fn number(row: &Row, index: usize) -> Option<u64> {
    text(row, index).parse().ok()
}

fn provider(session: &mut Session, has_azure_settings: bool) -> Outcome<Provider> {
    let sql = "SELECT rolname FROM pg_roles WHERE rolname IN ('azure_pg_admin', 'azure_superuser', \
               'rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser')";
    let rows = query(session, "tell whose service the server is", sql)?;
    let roles: Vec<&str> = rows.iter().map(|row| text(row, 0)).collect();
    Ok(Provider::of(&roles, has_azure_settings))
}

fn login(session: &mut Session, provider: Provider) -> Outcome<Login> {
    let is_in = |role: &str| {
        format!(
            "EXISTS (SELECT 1 FROM pg_roles x WHERE x.rolname = {} AND pg_has_role(x.oid, 'USAGE'))",
            quote_literal(role)
        )
    };
    let administers = provider.administrators().map_or("false".to_owned(), is_in);
    let sql = format!(
        "SELECT r.rolname, r.rolcreatedb, r.rolcreaterole, r.rolreplication OR {}, r.rolbypassrls, \
         r.rolsuper OR {}, has_table_privilege('pg_authid', 'SELECT'), {administers}, {} \
         FROM pg_roles r WHERE r.rolname = current_user",
        is_in("rds_replication"),
        is_in("pg_signal_backend"),
        may_silence(session.version().number),
    );
    let row = query_one(session, "read the rights of the login", &sql)?;
    Ok(Login {
        name: text(&row, 0).to_owned(),
        can_create_databases: flag(&row, 1),
        can_create_roles: flag(&row, 2),
        can_replicate: flag(&row, 3),
        bypasses_row_security: flag(&row, 4),
        can_signal: flag(&row, 5),
        reads_passwords: flag(&row, 6),
        is_administrator: flag(&row, 7),
        silences_triggers: flag(&row, 8),
    })
}

fn extensions(session: &mut Session, side: &str) -> Outcome<Known<BTreeMap<String, Available>>> {
    let trusted = if session.version().number >= 130_000 { "v.trusted OR" } else { "" };
    let sql = format!(
        "SELECT v.name, v.version, {trusted} NOT v.superuser FROM pg_available_extension_versions v \
         JOIN pg_available_extensions a ON a.name = v.name \
         ORDER BY v.name, v.version = a.default_version DESC, v.version DESC"
    );
    let rows = ask(session, &format!("the extensions that the {side} offers"), &sql)?;
    Ok(rows.map(|rows| {
        let mut all: BTreeMap<String, Available> = BTreeMap::new();
        for row in &rows {
            let one = all.entry(text(row, 0).to_owned()).or_default();
            one.versions.push(text(row, 1).to_owned());
            one.is_trusted |= flag(row, 2);
        }
        all
    }))
}

fn collations(session: &mut Session, side: &str) -> Outcome<Known<BTreeSet<String>>> {
    let sql = "SELECT DISTINCT collname FROM pg_collation \
               WHERE collnamespace = 'pg_catalog'::regnamespace";
    let rows = ask(session, &format!("the collations of the {side}"), sql)?;
    Ok(rows.map(|rows| rows.iter().map(|row| text(row, 0).to_owned()).collect()))
}

/// Roles of the target, and whether its login may give things to each.
fn roles_there(session: &mut Session) -> Outcome<Vec<Role>> {
    let is_newer = session.version().number >= 160_000;
    let kind = if is_newer { "SET" } else { "MEMBER" };
    // What the login can grant itself: see `roles::own`.
    let may_join = if is_newer {
        "pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')"
    } else {
        "r.oid <> 10 AND (pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') \
         OR m.rolcreaterole AND NOT r.rolsuper)"
    };
    let sql = format!(
        "SELECT r.rolname, r.rolsuper, r.rolreplication, r.rolbypassrls, r.rolcanlogin, \
         pg_has_role(r.oid, '{kind}'), {may_join} \
         FROM pg_roles r, pg_roles m WHERE m.rolname = current_user"
    );
    let what = "read the roles of the target";
    let rows = query(session, what, &sql)?;
    let memberships = query(
        session,
        what,
        "SELECT pg_get_userbyid(member), pg_get_userbyid(roleid) FROM pg_auth_members",
    )?;
    let groups = |name: &str| {
        let of = memberships.iter().filter(|row| text(row, 0) == name);
        of.map(|row| text(row, 1).to_owned()).collect()
    };
    Ok(rows
        .iter()
        .map(|row| Role {
            name: text(row, 0).to_owned(),
            is_superuser: flag(row, 1),
            can_replicate: flag(row, 2),
            bypasses_row_security: flag(row, 3),
            can_login: flag(row, 4),
            groups: groups(text(row, 0)),
            may_become: flag(row, 5),
            may_join: flag(row, 6),
            verifier: None,
            is_external: false,
        })
        .collect())
}

fn transactions(session: &mut Session, side: &str) -> Outcome<Known<Vec<Transaction>>> {
    let what = format!("the open transactions of the {side}");
    let reads_all = "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname IN ('pg_read_all_stats') \
                     AND pg_has_role(oid, 'USAGE'))";
    let may = flag(&query_one(session, &what, reads_all)?, 0) || is_superuser(session)?;
    if !may {
        let why = "the login may not see those of others (pg_read_all_stats)".to_owned();
        return Ok(Err(Missing { what, why }));
    }
    let sql = format!(
        "SELECT pid, datname, usename, extract(epoch FROM now() - xact_start)::bigint \
         FROM pg_stat_activity WHERE xact_start IS NOT NULL AND datname IS NOT NULL \
         AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT {TRANSACTIONS_MAX}"
    );
    Ok(ask(session, &what, &sql)?.map(|rows| rows.iter().map(transaction).collect()))
}

fn prepared(session: &mut Session, side: &str) -> Outcome<Known<Vec<Transaction>>> {
    let sql = "SELECT gid, database, owner, extract(epoch FROM now() - prepared)::bigint \
               FROM pg_prepared_xacts ORDER BY prepared LIMIT 50";
    let rows = ask(session, &format!("the prepared transactions of the {side}"), sql)?;
    Ok(rows.map(|rows| rows.iter().map(transaction).collect()))
}

fn transaction(row: &Row) -> Transaction {
    let [id, database, user] = [0, 1, 2].map(|index| text(row, index).to_owned());
    // A clock that was set back gives a time before now.
    Transaction { id, database, user, age_s: number(row, 3).unwrap_or(0) }
}

/// Whether the process that serves queries is another than the login named.
fn has_pooler(session: &mut Session) -> Outcome<bool> {
    let row = query_one(session, "ask which process serves", "SELECT pg_catalog.pg_backend_pid()")?;
    Ok(optional(&row, 0) != Some(session.backend_pid().to_string().as_str()))
}

/// Built-in types, and whether a column may be of them.
fn types(session: &mut Session, side: &str) -> Outcome<Known<BTreeMap<String, bool>>> {
    let what = format!("the built-in types of the {side}");
    let sql = "SELECT t.typname, t.typtype <> 'p' FROM pg_type t \
               WHERE t.typnamespace = 'pg_catalog'::regnamespace";
    let rows = ask(session, &what, sql)?;
    Ok(rows.map(|rows| rows.iter().map(|row| (text(row, 0).to_owned(), flag(row, 1))).collect()))
}

/// Whether the operating system below has the locale: the server looks when it is set.
fn has_locale(session: &mut Session, name: &str) -> Outcome<bool> {
    let set = format!("SET lc_monetary = {}", quote_literal(name));
    let is_there = match session.execute(&set) {
        Ok(()) => true,
        Err(error) if error.code() == Some("22023") => false,
        Err(error) => return Err(crate::ask::failed("ask for a locale", &error)),
    };
    crate::ask::run(session, "ask for a locale", "RESET lc_monetary")?;
    Ok(is_there)
}
