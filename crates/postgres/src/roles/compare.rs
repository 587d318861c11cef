//! How the roles of two servers differ.

use std::collections::{BTreeSet, HashMap};

use flexway_core::migrate::Difference;

use super::parameters;
use super::read::{self, Membership, Role, Roles};
use crate::Session;
use crate::ask::{Outcome, query_one, text};
use crate::schema::tablespaces::Tablespaces;

/// Roles of the source that are missing or different on the target. Roles that only the target has
/// are its own business: it may serve others too.
pub(crate) fn differences(
    source: &mut Session,
    target: &mut Session,
    databases: &[String],
) -> Outcome<Vec<Difference>> {
    let mut wanted = read::roles_of(source, databases)?;
    let mut present = read::roles(target)?;
    let there = Tablespaces::read(target)?;
    wanted.forget_tablespaces(&there);
    present.forget_tablespaces(&there);
    let row = query_one(target, "ask who the login is", "SELECT current_user")?;
    let mut found = between(&wanted, &present, text(&row, 0));
    // They concern all databases, so they go along with all of them alone.
    if databases.is_empty() {
        found.extend(of_everybody(&wanted, &present));
    }
    Ok(found)
}

fn between(wanted: &Roles, present: &Roles, login: &str) -> Vec<Difference> {
    let standing: HashMap<&str, &Role> =
        present.all.iter().map(|role| (role.name.as_str(), role)).collect();
    let mut found = Vec::new();
    for role in &wanted.all {
        let detail = match standing.get(role.name.as_str()) {
            None => "missing on the target".to_owned(),
            Some(other) if role.is_bootstrap && other.is_bootstrap => continue,
            Some(other) => {
                let words =
                    different_words(role, other, wanted.has_passwords && present.has_passwords);
                if words.is_empty() {
                    continue;
                }
                format!("differs in {}", words.join(", "))
            }
        };
        found.push(Difference { kind: "role", name: role.name.clone(), detail });
    }
    found.extend(membership_differences(wanted, present, login));
    found.extend(parameters::differences(wanted, present));
    found
}

/// `ALTER ROLE ALL SET`: settings that the source has.
fn of_everybody(wanted: &Roles, present: &Roles) -> Vec<Difference> {
    let missing = wanted.everybody.iter().filter(|one| !present.everybody.contains(one));
    missing
        .map(|(name, _)| Difference {
            kind: "role",
            name: "ALL".to_owned(),
            detail: format!("the setting {name} is missing or differs on the target"),
        })
        .collect()
}

/// The words for what differs, in the order of `ALTER ROLE`.
pub(super) fn different_words(role: &Role, other: &Role, has_passwords: bool) -> Vec<&'static str> {
    let pairs = [
        (role.is_superuser != other.is_superuser, "SUPERUSER"),
        (role.inherits != other.inherits, "INHERIT"),
        (role.can_create_roles != other.can_create_roles, "CREATEROLE"),
        (role.can_create_databases != other.can_create_databases, "CREATEDB"),
        (role.can_login != other.can_login, "LOGIN"),
        (role.can_replicate != other.can_replicate, "REPLICATION"),
        (role.bypasses_row_security != other.bypasses_row_security, "BYPASSRLS"),
        (role.connection_limit != other.connection_limit, "CONNECTION LIMIT"),
        (role.expires() != other.expires(), "VALID UNTIL"),
        (has_passwords && role.password != other.password, "its password"),
        (role.comment != other.comment, "its comment"),
        (role.labels != other.labels, "its security labels"),
        (role.settings != other.settings, "its settings"),
    ];
    pairs.into_iter().filter(|(is_different, _)| *is_different).map(|(_, word)| word).collect()
}

/// Memberships of carried roles. Options of a grant count where both servers have them; who granted
/// it does not. What the target's login has beyond the source's are the means of the move.
fn membership_differences(wanted: &Roles, present: &Roles, login: &str) -> Vec<Difference> {
    let with_options = wanted.version >= 160_000 && present.version >= 160_000;
    let carried: BTreeSet<&str> = wanted.all.iter().map(|role| role.name.as_str()).collect();
    let of = |roles: &Roles| -> BTreeSet<Membership> {
        roles
            .memberships
            .iter()
            .filter(|one| carried.contains(one.member.as_str()))
            .cloned()
            .map(|one| Membership {
                options: one.options.filter(|_| with_options),
                grantor: None,
                ..one
            })
            .collect()
    };
    let (wanted, present) = (of(wanted), of(present));
    let difference = |one: &Membership, detail: &str| Difference {
        kind: "role",
        name: one.member.clone(),
        detail: format!("membership in {} {detail}", one.role),
    };
    let missing = wanted
        .difference(&present)
        .map(|one| difference(one, "is missing or differs on the target"));
    // A membership that differs in its options is in both differences; one line says it.
    let known: BTreeSet<_> = wanted.iter().map(|one| (&one.role, &one.member)).collect();
    let extra = present
        .difference(&wanted)
        .filter(|one| one.member != login && !known.contains(&(&one.role, &one.member)))
        .map(|one| difference(one, "is on the target only"));
    missing.chain(extra).collect()
}
