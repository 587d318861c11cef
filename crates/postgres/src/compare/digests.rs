//! Columns as digests of their binary form, which the server makes: for values whose text would be longer than it can hold, 1 GB. That
//! of a `bytea` has twice its bytes, that of a `bit varying` eight times.

use std::collections::HashMap;

use flexway_core::migrate::{MoveError, Table};

use super::canonical::Types;
use super::rows::Key;
use crate::ask::{Outcome, query, text};
use crate::catalog::binary;
use crate::content::plain;
use crate::{Session, quote_ident, quote_literal};

/// First version with `sha256()`; `md5()` is no part of every build.
const SHA256_SINCE: u32 = 110_000;

/// Whether reading failed since the text of a row would be too long.
/// Source: PostgreSQL 18, mcxt.c and stringinfo.c; the first message is not translated.
pub(crate) fn are_needed(error: &MoveError) -> bool {
    [" XX000: invalid memory alloc request size", " 54000: "]
        .iter()
        .any(|words| error.why.contains(words))
}

/// Select list of the table for comparing: digests of all but the key, where the binary form is the same on every server.
/// `version` is the older server's.
pub(crate) fn columns(
    session: &mut Session,
    table: &Table,
    (key, types): (&Key, &Types),
    version: u32,
) -> Outcome<String> {
    let what = format!("read the types of the columns of {}", plain(table));
    let sql = format!(
        "{} SELECT a.attname, t.typsend FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
         JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {} AND a.attnum > 0 AND t.oid IN (SELECT oid FROM usable)",
        binary::usable(),
        quote_literal(&table.schema),
        quote_literal(&table.name)
    );
    let rows = query(session, &what, &sql)?;
    let sends: HashMap<&str, &str> = rows.iter().map(|row| (text(row, 0), text(row, 1))).collect();
    let texts = types.each(session, table)?;
    let list = table.columns.iter().zip(texts).map(|(column, text)| {
        let name = quote_ident(&column.name);
        match sends.get(column.name.as_str()).filter(|_| !key.names(&name)) {
            Some(send) if version >= SHA256_SINCE => {
                format!("encode(sha256({send}({name})), 'hex')")
            }
            Some(send) => format!("md5({send}({name}))"),
            None => text,
        }
    });
    Ok(list.collect::<Vec<_>>().join(", "))
}
