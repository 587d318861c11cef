//! Puts a taken-apart dump onto the target, and names the entry at fault when that fails.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{BuildMemory, MoveError, Remedy, Room, SchemaEntry};

use crate::ask::{Outcome, failed, number, query, query_one, run, stopped, text};
use crate::owners_path::{self, CLOSED_SINCE};
use crate::pool::DURABLY;
use crate::schema::entries::Dump;
use crate::schema::violated::{self, Stands};
use crate::schema::{foreign_key, owners, partitioned_key};
use crate::{PgError, Session, quote_literal};

/// SQL sent at once: large enough that a slow network does not count, small enough for any server's
/// message buffer.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Entries of one transaction where all at once are too many: a table with its TOAST table, index
/// and sequence takes four locks, and the smallest server has some hundreds.
pub(crate) const ENTRIES_PER_PIECE: usize = 50;

/// First version that builds an index by several processes.
const PARALLEL_BUILDS_SINCE: u32 = 110_000;

const PRE_DATA: &str = "create the schema before the data";

/// Names of the settings that the session's server has.
pub(crate) fn known_settings(session: &mut Session) -> Outcome<HashSet<String>> {
    let rows = query(session, "list the target's settings", "SELECT lower(name) FROM pg_settings")?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// Why a dump could not be put onto the target in one transaction.
pub(crate) enum Refusal {
    /// Something stands there already; perhaps an earlier run made it.
    Duplicate(MoveError),
    /// The server has no room for the locks of that many new objects in one transaction.
    TooManyLocks,
    /// Anything else.
    Failed(MoveError),
}

/// Creates all entries in one transaction; nothing is left behind on failure.
pub(crate) fn apply_all(session: &mut Session, dump: &Dump) -> Result<(), Refusal> {
    let begin = format!("BEGIN;\n{}", dump.prologue);
    let Err(error) = apply_batches(session, &begin, &dump.entries) else {
        return Ok(());
    };
    if error.code().is_none() {
        return Err(Refusal::Failed(failed(PRE_DATA, &error)));
    }
    run(session, PRE_DATA, "ROLLBACK").map_err(Refusal::Failed)?;
    // 53200 out_of_memory: of the lock table, says the hint.
    if error.code() == Some("53200") {
        return Err(Refusal::TooManyLocks);
    }
    // The server names a position at best: do it again entry by entry, to name the one at fault,
    // and take all back.
    run(session, PRE_DATA, &begin).map_err(Refusal::Failed)?;
    let culprit = dump
        .entries
        .iter()
        .find_map(|entry| session.execute(&entry.sql).err().map(|error| (entry, error)));
    run(session, PRE_DATA, "ROLLBACK").map_err(Refusal::Failed)?;
    Err(match culprit {
        Some((entry, error)) if is_duplicate(&error) => {
            Refusal::Duplicate(failed(&create(entry), &error))
        }
        Some((entry, error)) => Refusal::Failed(failed(&create(entry), &error)),
        None => Refusal::Failed(failed(PRE_DATA, &error)),
    })
}

/// Creates what can be created, a few entries a transaction. Gives the first error of an entry,
/// after trying all others: some may stand from an earlier run, whose errors count only when there are no others.
///
/// # Errors
/// The connection is lost.
pub(crate) fn apply_in_pieces(session: &mut Session, dump: &Dump) -> Outcome<Option<MoveError>> {
    begin_pieces(session, dump)?;
    let (mut first, mut duplicate) = (None, None);
    for piece in dump.entries.chunks(ENTRIES_PER_PIECE) {
        let piece: Vec<&SchemaEntry> = piece.iter().collect();
        if apply_piece(session, &piece)?.is_none() {
            continue;
        }
        for entry in piece {
            match apply_piece(session, &[entry])? {
                Some(error) if is_duplicate(&error) => {
                    duplicate.get_or_insert(failed(&create(entry), &error));
                }
                Some(error) => {
                    first.get_or_insert(failed(&create(entry), &error));
                }
                None => {}
            }
        }
    }
    Ok(first.or(duplicate))
}

/// Makes a session ready for [`apply_piece`].
pub(crate) fn begin_pieces(session: &mut Session, dump: &Dump) -> Outcome<()> {
    run(session, PRE_DATA, &dump.prologue)
}

/// Creates some entries in one transaction; gives what the server had against it, and leaves nothing then.
///
/// # Errors
/// The connection is lost.
pub(crate) fn apply_piece(
    session: &mut Session,
    piece: &[&SchemaEntry],
) -> Outcome<Option<PgError>> {
    match apply_batches(session, "BEGIN", piece.iter().copied()) {
        Ok(()) => Ok(None),
        Err(error) if error.code().is_none() => Err(failed(PRE_DATA, &error)),
        Err(error) => run(session, PRE_DATA, "ROLLBACK").map(|()| Some(error)),
    }
}

fn apply_batches<'a>(
    session: &mut Session,
    begin: &str,
    entries: impl IntoIterator<Item = &'a SchemaEntry>,
) -> Result<(), PgError> {
    session.execute(begin)?;
    let mut batch = String::new();
    for entry in entries {
        if !batch.is_empty() && batch.len() + entry.sql.len() > BATCH_BYTES_MAX {
            session.execute(&batch)?;
            batch.clear();
        }
        batch.push_str(&entry.sql);
        batch.push('\n');
    }
    session.execute(&batch)?;
    // What comes later rests on it, so it must survive a crash.
    session.execute(&format!("{DURABLY}COMMIT"))
}

/// Creates one entry in a transaction of its own. One that stands already is left as it is. A
/// session that was stopped or failed is left within its transaction, for its caller to end.
///
/// A foreign key comes in two steps, each a transaction: first for new rows alone, then also for those that are there. So its
/// tables stay readable while it is checked, and one that rows violate stands for all others: nothing else needs its second step.
pub(crate) fn apply_one(
    session: &mut Session,
    entry: &SchemaEntry,
    room: Room,
    stop: &AtomicBool,
) -> Outcome<()> {
    let what = create(entry);
    let version = session.version().number;
    let steps = foreign_key::steps(entry, version);
    let whole = foreign_key::of_partitioned(entry, version);
    // What comes later rests on it, so it must survive a crash, though the session's other commits need not.
    let mut before = format!("{DURABLY}{}", room_settings(entry, room, version));
    if let Some(key) = &whole {
        before.push_str(&partitioned_key::without_guards(session, key)?);
    }
    let first = steps.as_ref().map_or(entry.sql.as_str(), |steps| &steps.add);
    let mut made = session.execute_unless(stop, &format!("BEGIN; {before}{first}\n; COMMIT"));
    if let (Some((schema, table)), true) = (&entry.table, version < CLOSED_SINCE)
        && made.as_ref().is_err_and(owners_path::lacks_name)
    {
        before.push_str(&owners_path::take(schema, table));
        run(session, &what, "ROLLBACK")?;
        made = session.execute_unless(stop, &format!("BEGIN; {before}{first}\n; COMMIT"));
    }
    if made.as_ref().is_err_and(|error| error.code() == Some("42501")) {
        run(session, &what, "ROLLBACK")?;
        if let Some(sql) = owners::letting_create(session, entry)? {
            made = session.execute_unless(stop, &format!("BEGIN; {DURABLY}{sql}; COMMIT"));
        }
    }
    match made {
        Ok(true) => {}
        Ok(false) => return Err(stopped(&what)),
        Err(error) if is_duplicate(&error) => {
            run(session, &what, "ROLLBACK")?;
            if !stands(session, entry)? {
                return Err(failed(&what, &error));
            }
        }
        Err(error) => {
            let mut stands = Stands::Nowhere;
            if let (Some(key), Some(VIOLATION)) = (&whole, error.code()) {
                run(session, &what, "ROLLBACK")?;
                partitioned_key::guard(session, key)?;
                stands = Stands::OnPartitions;
            }
            return Err(refused(entry, stands, &what, &error));
        }
    }
    let Some(steps) = steps else { return Ok(()) };
    let validate = format!("BEGIN; {DURABLY}{}\n; COMMIT", steps.validate);
    match session.execute_unless(stop, &validate) {
        Ok(true) => Ok(()),
        Ok(false) => Err(stopped(&what)),
        Err(error) => Err(refused(entry, Stands::ForNewRows(&steps), &what, &error)),
    }
}

/// Gives a build its room. Several processes for one index cost more than they bring where there is other work.
fn room_settings(entry: &SchemaEntry, room: Room, version: u32) -> String {
    let mut sql = String::new();
    if entry.table.is_none() {
        return sql;
    }
    if version >= PARALLEL_BUILDS_SINCE && !room.may_spread {
        sql.push_str("SET LOCAL max_parallel_maintenance_workers = 0; ");
    }
    if let Some(bytes) = room.memory_bytes {
        sql.push_str(&format!("SET LOCAL maintenance_work_mem = '{}kB'; ", bytes / 1024));
    }
    sql
}

/// What builds may take together: as much as the server keeps for its cache, which is a quarter of the machine or less where
/// somebody has set it with care; and what it gives to a single one in any case.
pub(crate) fn build_memory(session: &mut Session) -> Outcome<BuildMemory> {
    let what = "read the target's memory settings";
    // Its settings are in kilobytes and in blocks.
    let sql = "SELECT m.setting::bigint * 1024, b.setting::bigint * current_setting('block_size')::bigint \
               FROM pg_settings m, pg_settings b \
               WHERE m.name = 'maintenance_work_mem' AND b.name = 'shared_buffers'";
    let row = query_one(session, what, sql)?;
    let (each_bytes, cache_bytes) = (number(what, &row, 0)?, number(what, &row, 1)?);
    Ok(BuildMemory { each_bytes, all_bytes: cache_bytes.max(each_bytes) })
}

/// Source: PostgreSQL 18, appendix A: foreign_key_violation.
const VIOLATION: &str = "23503";

/// Kinds of entries that little rests on: what does is left open with them.
const LEAVES: [&str; 4] = ["INDEX", "INDEX ATTACH", "CONSTRAINT", "COMMENT"];

fn refused(entry: &SchemaEntry, stands: Stands, what: &str, error: &PgError) -> MoveError {
    let mut failure = failed(what, error);
    if error.code() == Some(VIOLATION) {
        failure.help = violated::help(entry, stands);
        failure.remedy = Remedy::Open;
    } else if owners_path::lacks_name(error) && LEAVES.contains(&entry.kind.as_str()) {
        failure.help = owners_path::HELP.to_owned();
        failure.remedy = Remedy::Open;
    }
    failure
}

fn create(entry: &SchemaEntry) -> String {
    let kind = entry.kind.to_lowercase();
    if entry.schema == "-" {
        format!("create {kind} {}", entry.name)
    } else {
        format!("create {kind} {} in schema {}", entry.name, entry.schema)
    }
}

/// Whether the server says that something of that name, or another primary key, stands there.
fn is_duplicate(error: &PgError) -> bool {
    const CODES: [&str; 8] = [
        "42710", // duplicate_object
        "42P07", // duplicate_table, also of indexes
        "42P06", // duplicate_schema
        "42723", // duplicate_function
        "42701", // duplicate_column
        "42P04", // duplicate_database
        "42P16", // invalid_table_definition: multiple primary keys
        "55000", // object_not_in_prerequisite_state: index is attached already
    ];
    error.code().is_some_and(|code| CODES.contains(&code))
}

/// Looks whether the entry's object is there, by pg_dump's name of it: for what hangs on a table
/// `table name`.
fn stands(session: &mut Session, entry: &SchemaEntry) -> Outcome<bool> {
    let name = quote_literal(&entry.name);
    let schema = quote_literal(&entry.schema);
    let on_table = |catalog: &str, relation: &str, column: &str| {
        format!(
            "SELECT 1 FROM {catalog} o JOIN pg_class c ON c.oid = o.{relation} \
             JOIN pg_namespace n ON \
             n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relname || ' ' || o.{column} = {name}"
        )
    };
    let global =
        |catalog: &str, column: &str| format!("SELECT 1 FROM {catalog} WHERE {column} = {name}");
    let sql = match entry.kind.as_str() {
        "INDEX" | "INDEX ATTACH" => format!(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relname = {name} AND c.relkind IN ('i', 'I') \
               AND ({} OR EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = c.oid))",
            entry.kind == "INDEX"
        ),
        "STATISTICS" => format!(
            "SELECT 1 FROM pg_statistic_ext o JOIN pg_namespace n ON n.oid = o.stxnamespace \
             WHERE n.nspname = {schema} AND o.stxname = {name}"
        ),
        "CONSTRAINT" | "FK CONSTRAINT" => on_table("pg_constraint", "conrelid", "conname"),
        "CHECK CONSTRAINT" => format!(
            "{} UNION ALL SELECT 1 FROM pg_constraint o JOIN pg_type t ON t.oid = o.contypid \
             JOIN pg_namespace n ON n.oid = t.typnamespace \
             WHERE n.nspname = {schema} AND t.typname || ' ' || o.conname = {name}",
            on_table("pg_constraint", "conrelid", "conname")
        ),
        "MATERIALIZED VIEW" => format!(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relname = {name} AND c.relkind = 'm'"
        ),
        // The server says that only of one in that schema, of that name and with those arguments.
        "FUNCTION" | "PROCEDURE" => return Ok(true),
        "TRIGGER" => on_table("pg_trigger", "tgrelid", "tgname"),
        "RULE" => on_table("pg_rewrite", "ev_class", "rulename"),
        "POLICY" => on_table("pg_policy", "polrelid", "polname"),
        "EVENT TRIGGER" => global("pg_event_trigger", "evtname"),
        "PUBLICATION" => global("pg_publication", "pubname"),
        "PUBLICATION TABLE" => format!(
            "SELECT 1 FROM pg_publication_rel o JOIN pg_publication p ON p.oid = o.prpubid \
             JOIN pg_class c ON c.oid = o.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND p.pubname || ' ' || c.relname = {name}"
        ),
        "PUBLICATION TABLES IN SCHEMA" => format!(
            "SELECT 1 FROM pg_publication_namespace o JOIN pg_publication p ON p.oid = o.pnpubid \
             JOIN pg_namespace n ON n.oid = o.pnnspid WHERE p.pubname || ' ' || n.nspname = {name}"
        ),
        _ => return Ok(false),
    };
    Ok(!query(session, &create(entry), &sql)?.is_empty())
}
