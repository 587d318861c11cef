//! Large objects: same ids, owners, grants and comments; read and written in pieces.

use std::sync::atomic::{AtomicBool, Ordering};

use flexway_core::migrate::{Copied, CopyProgress};

use crate::ask::{Outcome, act, flag, number, optional, query, run, stopped, text};
use crate::pool::DURABLY;
use crate::schema::grantors::{Grantors, SPEAK_FOR, SPEAK_FOR_OWNER};
use crate::{Session, quote_ident, quote_literal};

/// Objects per target transaction: each costs a lock, and the default of max_locks_per_transaction
/// leaves room for 6400.
pub(crate) const OBJECTS_PER_BATCH: usize = 100;

/// First piece of an object, read with those of the whole batch: most objects end in it.
const FIRST_PIECE_BYTES: u64 = 64 << 10;

/// Further pieces, one at a time; as text twice as large.
const PIECE_BYTES: u64 = 1 << 20;

/// Ids read ahead.
const IDS_PER_PAGE: usize = 100_000;

/// A piece of one object, in `\x...` form without the `\x`.
pub(crate) struct Piece<'a> {
    pub(crate) id: u64,
    offset: u64,
    pub(crate) hex: &'a str,
    pub(crate) is_last: bool,
}

/// Copies every large object and removes those that only the target has.
pub(crate) fn copy(
    source: &mut Session,
    target: &mut Session,
    progress: &CopyProgress,
    stop: &AtomicBool,
) -> Outcome<Copied> {
    let what = "copy large objects";
    remove_all(target)?;
    let mut copied = Copied::default();
    for_each_batch(source, what, &mut |source, ids| {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped(what));
        }
        run(target, what, "BEGIN")?;
        read(source, what, ids, &mut |piece| {
            let bytes = (piece.hex.len() / 2) as u64;
            copied.bytes += bytes;
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
            write(target, what, &piece)
        })?;
        describe(source, target, what, ids)?;
        // No note on the target tells which have arrived: a crash must not take one back.
        run(target, what, &format!("{DURABLY}COMMIT"))?;
        copied.rows += ids.len() as u64;
        progress.rows.fetch_add(ids.len() as u64, Ordering::Relaxed);
        Ok(())
    })?;
    let there = crate::catalog::relations::large_object_count(target)?;
    if there == copied.rows {
        return Ok(copied);
    }
    Err(act(
        what,
        format!("{} were copied, but the target holds {there}", copied.rows),
        "keep others from writing to the target during the move, then resume",
    ))
}

/// The target's database was empty before the move, so what it holds are remains of a broken run.
fn remove_all(target: &mut Session) -> Outcome<()> {
    for_each_batch(target, "remove large objects of a broken run", &mut |target, ids| {
        let calls: Vec<String> = ids.iter().map(|id| format!("lo_unlink({id}::oid)")).collect();
        run(target, "remove large objects of a broken run", &format!("SELECT {}", calls.join(", ")))
    })
}

pub(crate) fn comma_separated(ids: &[u64]) -> String {
    ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// Calls `each` with the ids of all objects, ascending, a batch at a time.
fn for_each_batch(
    session: &mut Session,
    what: &str,
    each: &mut dyn FnMut(&mut Session, &[u64]) -> Outcome<()>,
) -> Outcome<()> {
    let mut after = 0;
    loop {
        let ids = ids_after(session, what, after)?;
        let Some(&last) = ids.last() else { return Ok(()) };
        for batch in ids.chunks(OBJECTS_PER_BATCH) {
            each(session, batch)?;
        }
        after = last;
    }
}

/// The next ids, ascending; none after the last.
pub(crate) fn ids_after(session: &mut Session, what: &str, after: u64) -> Outcome<Vec<u64>> {
    let sql = format!(
        "SELECT oid FROM pg_largeobject_metadata WHERE oid > {after} \
         ORDER BY oid LIMIT {IDS_PER_PAGE}"
    );
    query(session, what, &sql)?.iter().map(|row| number(what, row, 0)).collect()
}

/// Calls `each` with the pieces of the objects, one object after the other.
pub(crate) fn read(
    session: &mut Session,
    what: &str,
    ids: &[u64],
    each: &mut dyn FnMut(Piece) -> Outcome<()>,
) -> Outcome<()> {
    let list: Vec<String> = ids.iter().map(|id| format!("({id})")).collect();
    let sql = format!(
        "SELECT v.id, encode(lo_get(v.id::oid, 0, {FIRST_PIECE_BYTES}), 'hex') \
         FROM (VALUES {}) v(id) ORDER BY v.id",
        list.join(", ")
    );
    for row in query(session, what, &sql)? {
        let id = number(what, &row, 0)?;
        let hex = text(&row, 1);
        let mut is_last = (hex.len() as u64) < 2 * FIRST_PIECE_BYTES;
        each(Piece { id, offset: 0, hex, is_last })?;
        let mut offset = FIRST_PIECE_BYTES;
        while !is_last {
            let sql = format!("SELECT encode(lo_get({id}::oid, {offset}, {PIECE_BYTES}), 'hex')");
            let rows = query(session, what, &sql)?;
            let hex = rows.first().map_or("", |row| text(row, 0));
            is_last = (hex.len() as u64) < 2 * PIECE_BYTES;
            each(Piece { id, offset, hex, is_last })?;
            offset += PIECE_BYTES;
        }
    }
    Ok(())
}

fn write(target: &mut Session, what: &str, piece: &Piece) -> Outcome<()> {
    let Piece { id, offset, hex, .. } = piece;
    let sql = if *offset == 0 {
        format!("SELECT lo_from_bytea({id}::oid, decode('{hex}', 'hex'))")
    } else {
        format!("SELECT lo_put({id}::oid, {offset}, decode('{hex}', 'hex'))")
    };
    run(target, what, &sql)
}

/// Gives the objects their owners, grants and comments.
fn describe(source: &mut Session, target: &mut Session, what: &str, ids: &[u64]) -> Outcome<()> {
    let list = comma_separated(ids);
    let mut sql = String::new();
    let rows = query(
        source,
        what,
        &format!(
            "SELECT oid, quote_ident(pg_get_userbyid(lomowner)), obj_description(oid, \
             'pg_largeobject'), lomacl IS NOT NULL \
             FROM pg_largeobject_metadata WHERE oid IN ({list})"
        ),
    )?;
    for row in &rows {
        let (id, owner) = (number(what, row, 0)?, text(row, 1));
        sql.push_str(&format!("ALTER LARGE OBJECT {id} OWNER TO {owner};\n"));
        if let Some(comment) = optional(row, 2) {
            sql.push_str(&format!("COMMENT ON LARGE OBJECT {id} IS {};\n", quote_literal(comment)));
        }
        if flag(row, 3) {
            sql.push_str(&format!("REVOKE ALL ON LARGE OBJECT {id} FROM {owner};\n"));
        }
    }
    let grants = query(
        source,
        what,
        &format!(
            "SELECT m.oid, a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC' \
                    ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.is_grantable \
               , pg_get_userbyid(nullif(a.grantor, m.lomowner)) \
             FROM pg_largeobject_metadata m, aclexplode(m.lomacl) \
               WITH ORDINALITY a (grantor, grantee, privilege_type, is_grantable, place) \
             WHERE m.oid IN ({list}) ORDER BY m.oid, a.grantor <> m.lomowner, a.place"
        ),
    )?;
    for row in &grants {
        let option = if flag(row, 3) { " WITH GRANT OPTION" } else { "" };
        let (id, right, to) = (number(what, row, 0)?, text(row, 1), text(row, 2));
        let grant = format!("GRANT {right} ON LARGE OBJECT {id} TO {to}{option};\n");
        match optional(row, 4) {
            Some(by) => {
                let by = quote_ident(by);
                sql.push_str(&format!("{SPEAK_FOR}{by};\n{grant}{SPEAK_FOR_OWNER}\n"));
            }
            None => sql.push_str(&grant),
        }
    }
    if sql.contains(SPEAK_FOR) {
        sql = Grantors::read(target)?.adapted(&sql);
    }
    run(target, what, &sql)
}
