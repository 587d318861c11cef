//! Databases that can only be emptied, or not even that.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    let Some(standing) = standing.as_ref().filter(|_| facts.overwrite) else {
        return Ok(Vec::new());
    };
    if standing.may_drop {
        return Ok(held(facts, database, &standing.held_by).into_iter().collect());
    }
    let login = &facts.target.login.name;
    if facts.target.facts.left_out.iter().any(|one| one.name == database.name) {
        // Named already, with what makes it one like others.
        return Ok(Vec::new());
    }
    if standing.is_kept {
        let message = format!("database {} of the target is emptied, not replaced", database.name);
        let why = "every server has it, or the login comes by it; it is emptied object by object, as \
                   far as the login owns them";
        return Ok(vec![match facts.target.facts.is_superuser {
            true => Finding::note(message, why),
            false => Finding::risks(message, why),
        }]);
    }
    let message = format!("the target's login {login} may not drop database {}", database.name);
    let why = "only its owner may; with --overwrite it is emptied object by object, as far as the \
               login owns them";
    let fix = format!("ALTER DATABASE {} OWNER TO {}", quoted(&database.name), quoted(login));
    Ok(vec![Finding::risks(message, why).fix(Place::Target, fix)])
}

/// One that is empty is not replaced.
fn held(facts: &Facts, database: &Database, by: &[String]) -> Option<Finding> {
    let there = facts.target.facts.databases.iter().find(|one| one.name == database.name)?;
    if by.is_empty() || there.user_object_count == Some(0) {
        return None;
    }
    let by = some_of(&by.iter().map(String::as_str).collect::<Vec<_>>());
    let message = format!("database {} of the target is held by {by}", database.name);
    let why = "the server neither drops nor renames it then, which --overwrite asks for";
    let advice = "drop the slot or subscription on the target, end the prepared transaction";
    Some(Finding::blocks(message, why).advice(advice))
}
