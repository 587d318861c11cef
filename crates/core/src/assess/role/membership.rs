//! Memberships that roles do not have on the target.

use crate::assess::facts::{Facts, Role};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place, distinct};

pub(super) fn find(facts: &Facts) -> Found {
    if !facts.with_roles {
        return Ok(Vec::new());
    }
    let there = facts.target.roles.as_ref().map_err(Clone::clone)?;
    let carried = facts.source.roles.as_ref().map_err(Clone::clone)?;
    let login = facts.target.login.name.as_str();
    let (mut absent, mut refused, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for (role, group) in
        carried.iter().flat_map(|role| role.groups.iter().map(move |group| (role, group)))
    {
        let standing = there.iter().find(|one| one.name == role.name);
        if standing.is_some_and(|one| one.groups.contains(group)) {
            continue;
        }
        let is_carried = carried.iter().any(|one| one.name == *group);
        match there.iter().find(|one| one.name == *group) {
            None if !is_carried => absent.push((role, group)),
            _ if standing.is_some() && (!facts.overwrite || role.name == login) => {
                left.push((role, group))
            }
            Some(one) if !facts.target.facts.is_superuser && !one.may_join => {
                refused.push((role, group))
            }
            _ => {}
        }
    }
    let told = |pairs: &[(&Role, &String)], why: String| {
        let words: Vec<String> =
            pairs.iter().map(|(role, group)| format!("{} in {group}", role.name)).collect();
        Finding::risks(format!("memberships of roles are not carried: {}", some_of(&words)), why)
    };
    let mut found = Vec::new();
    if !absent.is_empty() {
        let why = "the target does not have the roles that they are members of".to_owned();
        found
            .push(told(&absent, why).advice("give them what they read and write by GRANT instead"));
    }
    if !refused.is_empty() {
        let why = format!("the target's login {login} may not grant these roles");
        let groups = distinct(refused.iter().map(|(_, group)| group.as_str()));
        let grants = groups
            .into_iter()
            .map(|group| format!("GRANT {} TO {} WITH ADMIN OPTION", quoted(group), quoted(login)));
        let advice = "or do without: services keep roles that reach the server's files or programs to themselves";
        found.push(told(&refused, why).fixes(Place::Target, grants).advice(advice));
    }
    if !left.is_empty() {
        let why = "they stand on the target, and are left as they are".to_owned();
        let grants = left
            .iter()
            .map(|(role, group)| format!("GRANT {} TO {}", quoted(group), quoted(&role.name)));
        found.push(
            told(&left, why)
                .fixes(Place::Target, grants)
                .advice("after the move, where the move creates the first"),
        );
    }
    Ok(found)
}
