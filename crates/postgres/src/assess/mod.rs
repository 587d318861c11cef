//! Reads what an assessment judges: one file for servers, one for their settings, one for databases, one for the questions
//! whose answers are lists, one for parsed expressions, with what they use of PostgreSQL itself (rights
//! on that beside it) and of xml, one for rates. Nothing is changed on either side.

mod built_ins;
mod census;
mod database;
mod expressions;
mod grants;
mod rates;
mod server;
mod settings;
mod xml;

use flexway_core::assess::facts::{Known, Missing};
use flexway_core::migrate::Remedy;

use crate::ask::{Outcome, query};
use crate::{Row, Session};

pub(crate) use database::database;
pub(crate) use rates::measure;
pub(crate) use server::servers;

/// Rows of a question that the server may refuse: then the fact is missing. A lost connection is an
/// error.
fn ask(session: &mut Session, what: &str, sql: &str) -> Outcome<Known<Vec<Row>>> {
    match query(session, what, sql) {
        Ok(rows) => Ok(Ok(rows)),
        Err(error) if error.remedy == Remedy::Act => {
            Ok(Err(Missing { what: what.to_owned(), why: error.why }))
        }
        Err(error) => Err(error),
    }
}
