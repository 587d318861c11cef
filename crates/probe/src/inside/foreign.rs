//! The dial by `postgres_fdw`, where there is no `dblink`: a foreign table over the other server's
//! list of sessions, in which our own stands.

use std::time::Duration;

use flexway_postgres::{ConnInfo, PgError, Session, quote_literal};

use super::report::{Outcome, Reached};
use super::{MARK, NAME, guarded};

pub(super) fn dial(
    session: &mut Session,
    to: &ConnInfo,
    mode: &str,
    limit: Duration,
    extra: &[(&'static str, String)],
) -> Result<Outcome, PgError> {
    // The process id tells our session from others of the same name.
    let label = format!("{NAME}_{}", session.backend_pid());
    let mut options = vec![
        ("host", to.host().to_owned()),
        ("port", to.port().to_string()),
        ("dbname", to.database().to_owned()),
        ("sslmode", mode.to_owned()),
        ("connect_timeout", limit.as_secs().max(1).to_string()),
        ("application_name", label.clone()),
    ];
    options.extend(to.address().map(|address| ("hostaddr", address.to_string())));
    options.extend(extra.iter().cloned());
    let options: Vec<String> =
        options.iter().map(|(name, value)| format!("{name} {}", quote_literal(value))).collect();
    let user = quote_literal(to.user());
    session.execute(&format!(
        "CREATE SCHEMA IF NOT EXISTS {NAME}; \
         CREATE SERVER {NAME} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({}); \
         DO $probe$ DECLARE secret text := pg_catalog.current_setting('{NAME}.password'); BEGIN \
         EXECUTE pg_catalog.format('CREATE USER MAPPING FOR CURRENT_USER SERVER {NAME} OPTIONS \
         (user %L' || CASE secret WHEN '' THEN ')' ELSE ', password %L)' END, {user}, secret); \
         END $probe$; \
         CREATE FOREIGN TABLE {NAME}.sessions (application_name text, client_addr text) \
         SERVER {NAME} OPTIONS (schema_name 'pg_catalog', table_name 'pg_stat_activity'); \
         CREATE FOREIGN TABLE {NAME}.settings (name text, setting text, unit text) \
         SERVER {NAME} OPTIONS (schema_name 'pg_catalog', table_name 'pg_settings')",
        options.join(", ")
    ))?;
    let sql = format!(
        "SELECT pg_catalog.split_part(client_addr, '/', 1) FROM {NAME}.sessions \
         WHERE application_name = {}",
        quote_literal(&label)
    );
    let rows = match guarded(session, &sql)? {
        Ok(rows) => rows,
        Err(error) => return Ok(Outcome::refused(error)),
    };
    let seen_as = rows.first().and_then(|row| row.first().cloned().flatten());
    let mut reached = Reached {
        seen_as: seen_as.and_then(|text| text.parse().ok()),
        address: to.address(),
        ..Reached::default()
    };
    let mark = format!("SELECT setting || unit FROM {NAME}.settings WHERE name = '{}'", MARK.0);
    reached.read_mark(guarded(session, &mark)?.ok().and_then(|rows| rows.into_iter().next()));
    Ok(Outcome::Reached(reached))
}
