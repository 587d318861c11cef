//! Databases that can only be emptied.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    match standing {
        Some(standing) if facts.overwrite && !standing.may_drop => {}
        _ => return Ok(Vec::new()),
    }
    let login = &facts.target.login.name;
    let message = format!("the target's login {login} may not drop database {}", database.name);
    let why = "only its owner may; with --overwrite it is emptied object by object, as far as the \
               login owns them";
    let fix = format!("ALTER DATABASE {} OWNER TO {}", quoted(&database.name), quoted(login));
    Ok(vec![Finding::risks(message, why).fix(Place::Target, fix)])
}
