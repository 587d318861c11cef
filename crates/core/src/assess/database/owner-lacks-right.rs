//! Databases on which neither everybody nor the owner has the rights that a move needs.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    if database.lacking_rights.is_empty() || facts.target.facts.is_superuser {
        return Ok(Vec::new());
    }
    let (name, login) = (&database.name, &facts.target.login.name);
    let rights = database.lacking_rights.join(", ");
    let message = format!(
        "neither everybody nor the owner {} has {rights} on database {name}: the target's login {login} is given \
         that, unless another grant does",
        database.owner
    );
    let why = "it has to fill and to compare the database, whose grants are those of the source";
    let advice = format!(
        "take it back on the target when nothing is to be compared any more: REVOKE {rights} ON DATABASE {} FROM {}",
        quoted(name),
        quoted(login)
    );
    Ok(vec![Finding::risks(message, why).advice(advice)])
}
