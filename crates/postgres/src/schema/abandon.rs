//! Takes leave of a target database whose move is given up.

use crate::ask::{Outcome, query, run};
use crate::pool::connect;
use crate::schema::database::may_replace;
use crate::schema::empty;
use crate::schema::replace::remove_leftovers;
use crate::{ConnInfo, parts, quote_ident, quote_literal};

/// See `flexway_core::port::Databases::abandon`.
pub(crate) fn abandon(target: &ConnInfo, database: &str, drop: bool) -> Outcome<()> {
    let what = format!("give up database {database} on the target");
    let mut admin = connect(target)?;
    remove_leftovers(&mut admin, target, database)?;
    let sql = format!("SELECT 1 FROM pg_database WHERE datname = {}", quote_literal(database));
    if query(&mut admin, &what, &sql)?.is_empty() {
        return Ok(());
    }
    if drop && may_replace(&mut admin, target, database)? {
        return run(&mut admin, &what, &format!("DROP DATABASE {}", quote_ident(database)));
    }
    let mut session = connect(&target.with_database(database))?;
    parts::end(&mut session)?;
    if drop { empty::empty(&mut session) } else { Ok(()) }
}
