//! Reads what an assessment judges. `server` reads what a server is, `settings` its settings,
//! `database` what one database is, `lost_settings` what it sets that the target does not know;
//! `census` asks for lists, those about owners and readers in `rights`; `expressions` finds what is
//! stored parsed, `built_ins` what that uses of PostgreSQL itself, `extension_members` of extensions,
//! `grants` who may use those, `system_schemas` what users put beside them, `xml` who needs libxml;
//! `bodies` and `search_path` read the text of functions, `code` asks for that of those in C; `rates`
//! measures. Nothing is changed on either side.

mod bodies;
mod built_ins;
mod cascade;
mod census;
mod code;
mod database;
mod expressions;
mod extension_members;
mod grants;
pub(crate) mod lost_settings;
mod rates;
mod rights;
mod search_path;
mod server;
mod settings;
mod system_schemas;
mod xml;

use flexway_core::assess::facts::{Known, Missing, Object};

use crate::ask::{Outcome, query, text};
use crate::{Row, Session};

pub(crate) use database::database;
pub(crate) use rates::measure;
pub(crate) use server::servers;

/// Rows of a question that the server may refuse: then the fact is missing. A lost connection is an
/// error.
fn ask(session: &mut Session, what: &str, sql: &str) -> Outcome<Known<Vec<Row>>> {
    match query(session, what, sql) {
        Ok(rows) => Ok(Ok(rows)),
        Err(error) if error.remedy.is_alone() => {
            Ok(Err(Missing { what: what.to_owned(), why: error.why }))
        }
        Err(error) => Err(error),
    }
}

/// A row of name, detail and statement; NULL is empty.
fn object(row: &Row) -> Object {
    let [name, detail, sql] = [0, 1, 2].map(|index| text(row, index).to_owned());
    Object { name, detail, sql }
}
