//! Puts a new database in the place of a standing one: the old one is dropped only when the new one
//! stands with all its properties.
//!
//! The new database is made under a private name. One transaction then gives the old database a
//! private name, the new one the real name, and the new one its settings, so at every moment
//! exactly one of the two has the real name. What a killed run leaves is known by its private name
//! and its comment, and removed by the next.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ConnInfo;
use crate::ask::{Outcome, act, failed, flag, query, query_one, run, text};
use crate::catalog;
use crate::pool::connect;
use crate::{Session, quote_ident, quote_literal};

/// Sessions of others end within a moment of being told to; two seconds of trying is plenty.
const TRIES_MAX: u32 = 10;
const TRY_PAUSE: Duration = Duration::from_millis(200);

/// Private names of one replacement; both end with the old database's oid.
pub(super) struct Replacement<'a> {
    database: &'a str,
    /// The new database until it takes the old one's place.
    pub(super) new: String,
    /// The old database from then on.
    old: String,
}

impl<'a> Replacement<'a> {
    /// Names for replacing a database that stands.
    ///
    /// # Errors
    /// Something holds the old database so that it could not be dropped in the end.
    pub(super) fn of(admin: &mut Session, database: &'a str) -> Outcome<Replacement<'a>> {
        let what = format!("replace database {database} on the target");
        refuse_held(admin, &what, database)?;
        let name = quote_literal(database);
        let sql = format!("SELECT oid FROM pg_database WHERE datname = {name}");
        let row = query_one(admin, &what, &sql)?;
        let oid = text(&row, 0);
        let (new, old) = (format!("flexway_new_{oid}"), format!("flexway_old_{oid}"));
        Ok(Replacement { database, new, old })
    }

    /// Marks the new database, which stands under its private name, as ours.
    pub(super) fn mark(&self, admin: &mut Session) -> Outcome<()> {
        let what = format!("mark database {} on the target", self.new);
        run(admin, &what, &comment(&self.new, Some(&mark(self.database))))
    }

    /// Gives the new database the real name and what `configure` does to it in one transaction,
    /// then drops the old one. When that transaction fails the old database is as it was.
    pub(super) fn swap(
        &self,
        admin: &mut Session,
        configure: impl FnOnce(&mut Session) -> Outcome<()>,
    ) -> Outcome<u64> {
        let what = format!("replace database {} on the target", self.database);
        let rename = |from: &str, to: &str| {
            format!("ALTER DATABASE {} RENAME TO {}", quote_ident(from), quote_ident(to))
        };
        let names = [self.database, self.new.as_str()];
        let begin = [
            "BEGIN".to_owned(),
            rename(self.database, &self.old),
            rename(&self.new, self.database),
            comment(&self.old, Some(&mark(self.database))),
            comment(self.database, None),
        ];
        let ended = alone(admin, &what, &names, &begin.join("; "))?;
        configure(admin)?;
        run(admin, &what, "COMMIT")?;
        Ok(ended + drop_database(admin, &self.old)?)
    }

    /// Takes back what was done after the new database was created. What cannot be taken back now
    /// is left to [`remove_leftovers`].
    pub(super) fn give_up(&self, admin: &mut Session) {
        let _ = admin.execute("ROLLBACK");
        let sql = format!("SELECT 1 FROM pg_database WHERE datname = {}", quote_literal(&self.new));
        if admin.rows(&sql).is_ok_and(|rows| !rows.is_empty()) {
            let _ = drop_database(admin, &self.new);
        }
    }
}

/// The comment by which a database under a private name is known as ours.
fn mark(database: &str) -> String {
    format!("flexway: left of replacing database {database}; not in use")
}

fn comment(database: &str, text: Option<&str>) -> String {
    let text = text.map_or_else(|| "NULL".to_owned(), quote_literal);
    format!("COMMENT ON DATABASE {} IS {text}", quote_ident(database))
}

/// Drops what killed runs left of replacing `database`. A new database has no mark yet when its run
/// was killed right after creating it: it is known by the old one's oid. It is dropped only as long
/// as it holds nothing.
pub(super) fn remove_leftovers(
    admin: &mut Session,
    target: &ConnInfo,
    database: &str,
) -> Outcome<()> {
    let what = format!("look for leftovers of database {database} on the target");
    let sql = format!(
        "SELECT d.datname, d.datconnlimit = -2 FROM pg_database d \
         WHERE d.datname ~ '^flexway_(new|old)_[0-9]+$' \
           AND shobj_description(d.oid, 'pg_database') = {mark} \
         UNION SELECT n.datname, n.datconnlimit = -2 FROM pg_database d \
           JOIN pg_database n ON n.datname = 'flexway_new_' || d.oid \
         WHERE d.datname = {name} AND shobj_description(n.oid, 'pg_database') IS NULL",
        mark = quote_literal(&mark(database)),
        name = quote_literal(database)
    );
    for row in &query(admin, &what, &sql)? {
        let name = text(row, 0);
        // The server lets nobody into a database whose drop was cut off.
        let is_gone = name.starts_with("flexway_old_") || flag(row, 1);
        if is_gone || holds_nothing(target, name)? {
            drop_database(admin, name)?;
        }
    }
    Ok(())
}

fn holds_nothing(target: &ConnInfo, database: &str) -> Outcome<bool> {
    Ok(catalog::user_object_count(&mut connect(&target.with_database(database))?)? == 0)
}

/// What keeps a database from being renamed or dropped, and is nobody's session.
pub(crate) fn held_by(admin: &mut Session, what: &str, database: &str) -> Outcome<Vec<String>> {
    let name = quote_literal(database);
    let mut sql = format!(
        "SELECT 'replication slot ' || slot_name FROM pg_replication_slots WHERE database = {name} \
         UNION ALL SELECT 'a prepared transaction' FROM pg_prepared_xacts WHERE database = {name}"
    );
    if admin.version().number >= 100_000 {
        sql.push_str(&format!(
            " UNION ALL SELECT 'subscription ' || s.subname FROM pg_subscription s \
             JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = {name}"
        ));
    }
    let rows = query(admin, what, &sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

fn refuse_held(admin: &mut Session, what: &str, database: &str) -> Outcome<()> {
    let held = held_by(admin, what, database)?;
    if held.is_empty() {
        return Ok(());
    }
    let help = "drop the slot or subscription, end the prepared transaction, then run again";
    Err(act(what, format!("it is held by {}", held.join(", ")), help))
}

fn drop_database(admin: &mut Session, database: &str) -> Outcome<u64> {
    let what = format!("drop database {database} on the target");
    alone(admin, &what, &[database], &format!("DROP DATABASE {}", quote_ident(database)))
}

/// Runs a statement that nobody may be connected to these databases for: tells others to leave
/// until they have. When it fails the transaction that it began is left.
fn alone(admin: &mut Session, what: &str, databases: &[&str], sql: &str) -> Outcome<u64> {
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    // The server's own workers have no user; it sends them away itself.
    let others = format!(
        "SELECT pid, application_name = current_setting('application_name'), \
         pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname IN ({}) \
         AND usesysid IS NOT NULL AND pid <> pg_backend_pid()",
        names.join(", ")
    );
    let mut ended = BTreeSet::new();
    let mut tries = 1;
    loop {
        for row in query(admin, what, &others)? {
            if !flag(&row, 1) {
                ended.insert(text(&row, 0).to_owned());
            }
        }
        let Err(error) = admin.execute(sql) else { return Ok(ended.len() as u64) };
        if !admin.is_lost() {
            run(admin, what, "ROLLBACK")?;
        }
        // 55006 object_in_use: the others have not left yet, or have come again.
        if error.code() != Some("55006") || tries == TRIES_MAX {
            return Err(failed(what, &error));
        }
        tries += 1;
        std::thread::sleep(TRY_PAUSE);
    }
}
