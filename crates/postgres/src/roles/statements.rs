//! The statements that make a role on the target what it is on the source. Pure.

use std::collections::BTreeSet;

use super::read::{Membership, Role};
use crate::{quote_ident, quote_literal};

/// Settings whose value is a list of quoted names. Source: PostgreSQL 18, `GUC_LIST_QUOTE` in
/// guc_tables.c.
const LIST_SETTINGS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// The target's login.
pub(super) struct Login {
    pub(super) name: String,
    pub(super) is_superuser: bool,
    pub(super) version: u32,
}

/// A statement and what it means when it is refused.
pub(super) struct Step {
    pub(super) sql: String,
    pub(super) kind: Kind,
}

/// Whether the move can go on without a step. The text completes "failed to".
pub(super) enum Kind {
    Needed(String),
    Optional(String),
}

impl Kind {
    pub(super) fn what(&self) -> &str {
        match self {
            Kind::Needed(what) | Kind::Optional(what) => what,
        }
    }
}

fn needed(sql: String, what: String) -> Step {
    Step { sql, kind: Kind::Needed(what) }
}

fn optional(sql: String, what: String) -> Step {
    Step { sql, kind: Kind::Optional(what) }
}

/// Creates or alters one role; `earlier` is what stands on the target.
pub(super) fn of_role(role: &Role, earlier: Option<&Role>, login: &Login) -> Vec<Step> {
    let name = quote_ident(&role.name);
    let mut steps = Vec::new();
    if earlier.is_none() {
        steps.push(needed(format!("CREATE ROLE {name}"), format!("create role {}", role.name)));
    }
    // An ordinary login may not alter every role that stands.
    let alter = if earlier.is_none() || login.is_superuser { needed } else { optional };
    steps.push(alter(
        format!("ALTER ROLE {name} WITH {}", common_attributes(role, earlier)),
        format!("alter role {}", role.name),
    ));
    steps.extend(powers(role, earlier).into_iter().map(|(word, text)| {
        let what = format!("give role {} the attribute {word}", role.name);
        if login.is_superuser { needed(text, what) } else { optional(text, what) }
    }));
    if let Some(password) = &role.password {
        steps.push(optional(
            format!("ALTER ROLE {name} PASSWORD {}", quote_literal(password)),
            format!("carry the password of role {} (set a new one)", role.name),
        ));
    }
    if role.comment.is_some() || earlier.is_some_and(|earlier| earlier.comment.is_some()) {
        let comment = role.comment.as_deref().map_or("NULL".to_owned(), quote_literal);
        steps.push(optional(
            format!("COMMENT ON ROLE {name} IS {comment}"),
            format!("comment on role {}", role.name),
        ));
    }
    let others = earlier.into_iter().flat_map(|earlier| &earlier.labels);
    let gone =
        others.filter(|(provider, _)| role.labels.iter().all(|(other, _)| other != provider));
    let gone = gone.map(|(provider, _)| (provider, "NULL".to_owned()));
    let given = role.labels.iter().map(|(provider, label)| (provider, quote_literal(label)));
    steps.extend(given.chain(gone).map(|(provider, label)| {
        optional(
            format!("SECURITY LABEL FOR {} ON ROLE {name} IS {label}", quote_ident(provider)),
            format!("carry the security label of role {} for {provider}", role.name),
        )
    }));
    if earlier.is_some_and(|earlier| !earlier.settings.is_empty()) {
        steps.push(optional(
            format!("ALTER ROLE {name} RESET ALL"),
            format!("reset role {}", role.name),
        ));
    }
    steps.extend(role.settings.iter().map(|(setting, value)| {
        optional(
            format!("ALTER ROLE {name} SET {}", assignment(setting, value)),
            format!("carry the setting {setting} of role {}", role.name),
        )
    }));
    steps
}

/// A setting of all roles at once.
pub(super) fn of_everybody(setting: &str, value: &str) -> Step {
    optional(
        format!("ALTER ROLE ALL SET {}", assignment(setting, value)),
        format!("carry the setting {setting} of all roles"),
    )
}

/// The statement that gives the role that stands the attributes of the source's; `None` when only
/// its password, comment, labels or settings differ, which are not for a message.
pub(super) fn in_line(role: &Role, earlier: &Role) -> Option<String> {
    let mut words: Vec<String> =
        powers(role, Some(earlier)).into_iter().map(|(word, _)| word).collect();
    let has_others = (role.inherits, role.can_login) != (earlier.inherits, earlier.can_login)
        || (&role.connection_limit, role.expires())
            != (&earlier.connection_limit, earlier.expires());
    if has_others {
        words.push(common_attributes(role, Some(earlier)));
    }
    (!words.is_empty())
        .then(|| format!("ALTER ROLE {} WITH {}", quote_ident(&role.name), words.join(" ")))
}

fn common_attributes(role: &Role, earlier: Option<&Role>) -> String {
    let word = |is_set: bool, word: &str| format!("{}{word}", if is_set { "" } else { "NO" });
    let mut words = vec![
        word(role.inherits, "INHERIT"),
        word(role.can_login, "LOGIN"),
        format!("CONNECTION LIMIT {}", role.connection_limit),
    ];
    let until = role.valid_until.as_deref();
    if until.is_some() || earlier.is_some_and(|earlier| earlier.valid_until.is_some()) {
        words.push(format!("VALID UNTIL {}", quote_literal(until.unwrap_or("infinity"))));
    }
    words.join(" ")
}

/// Attributes that not every login may give, where they have to change: word and statement.
fn powers(role: &Role, earlier: Option<&Role>) -> Vec<(String, String)> {
    let of = |role: &Role| {
        [
            (role.is_superuser, "SUPERUSER"),
            (role.can_create_roles, "CREATEROLE"),
            (role.can_create_databases, "CREATEDB"),
            (role.can_replicate, "REPLICATION"),
            (role.bypasses_row_security, "BYPASSRLS"),
        ]
    };
    let before = earlier.map_or([false; 5], |earlier| of(earlier).map(|(is_set, _)| is_set));
    of(role)
        .into_iter()
        .zip(before)
        .filter(|((is_set, _), before)| is_set != before)
        .map(|((is_set, word), _)| {
            let word = format!("{}{word}", if is_set { "" } else { "NO" });
            let sql = format!("ALTER ROLE {} {word}", quote_ident(&role.name));
            (word, sql)
        })
        .collect()
}

/// `name = value` for `ALTER ROLE ... SET`. The catalog holds lists with their elements quoted
/// already.
fn assignment(name: &str, value: &str) -> String {
    let value = if LIST_SETTINGS.contains(&name.to_lowercase().as_str()) {
        let elements: Vec<String> =
            list_elements(value).iter().map(|one| quote_literal(one)).collect();
        if elements.is_empty() { "''".to_owned() } else { elements.join(", ") }
    } else {
        quote_literal(value)
    };
    // Settings of extensions have a dot between two names.
    let name: Vec<String> = name.split('.').map(quote_ident).collect();
    format!("{} = {value}", name.join("."))
}

/// Elements of `a, "B c", "d""e"`.
pub(crate) fn list_elements(value: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut current = String::new();
    let mut is_quoted = false;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                current.push('"');
                chars.next();
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => elements.push(std::mem::take(&mut current)),
            c if c.is_whitespace() && !is_quoted => {}
            c => current.push(c),
        }
    }
    if !current.is_empty() || !elements.is_empty() || value.contains('"') {
        elements.push(current);
    }
    elements
}

/// Grants a role. The grantor is kept where both servers know it and it is a role that was carried.
pub(super) fn of_membership(
    membership: &Membership,
    carried: &BTreeSet<&str>,
    login: &Login,
) -> Step {
    let mut sql =
        format!("GRANT {} TO {}", quote_ident(&membership.role), quote_ident(&membership.member));
    match membership.options {
        Some((inherits, may_set)) if login.version >= 160_000 => {
            let word = |is_set: bool| if is_set { "TRUE" } else { "FALSE" };
            sql.push_str(&format!(
                " WITH ADMIN {}, INHERIT {}, SET {}",
                word(membership.is_admin),
                word(inherits),
                word(may_set)
            ));
        }
        _ if membership.is_admin => sql.push_str(" WITH ADMIN OPTION"),
        _ => {}
    }
    if let Some(grantor) = &membership.grantor
        && login.is_superuser
        && login.version >= 160_000
        && carried.contains(grantor.as_str())
    {
        sql.push_str(&format!(" GRANTED BY {}", quote_ident(grantor)));
    }
    optional(sql, format!("grant role {} to {}", membership.role, membership.member))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Role {
        Role {
            name: name.to_owned(),
            is_superuser: false,
            inherits: true,
            can_create_roles: false,
            can_create_databases: true,
            can_login: true,
            can_replicate: false,
            bypasses_row_security: false,
            connection_limit: "-1".to_owned(),
            valid_until: None,
            password: Some("SCRAM-SHA-256$x'y".to_owned()),
            comment: None,
            labels: Vec::new(),
            is_bootstrap: false,
            settings: vec![("search_path".to_owned(), "\"$user\", app, \"a\"\"b,c\"".to_owned())],
        }
    }

    fn login(is_superuser: bool) -> Login {
        Login { name: "me".to_owned(), is_superuser, version: 170_000 }
    }

    #[test]
    fn a_new_role_is_created_and_a_standing_one_altered() {
        let sql: Vec<_> =
            of_role(&role("Odd\"x"), None, &login(true)).into_iter().map(|step| step.sql).collect();
        assert_eq!(
            sql,
            [
                "CREATE ROLE \"Odd\"\"x\"",
                "ALTER ROLE \"Odd\"\"x\" WITH INHERIT LOGIN CONNECTION LIMIT -1",
                "ALTER ROLE \"Odd\"\"x\" CREATEDB",
                "ALTER ROLE \"Odd\"\"x\" PASSWORD 'SCRAM-SHA-256$x''y'",
                "ALTER ROLE \"Odd\"\"x\" SET \"search_path\" = '$user', 'app', 'a\"b,c'",
            ]
        );
        let again = of_role(&role("x"), Some(&role("x")), &login(true));
        assert!(
            !again
                .iter()
                .any(|step| step.sql.starts_with("CREATE") || step.sql.contains("CREATEDB"))
        );
    }

    #[test]
    fn only_attributes_that_differ_are_brought_in_line() {
        let mut standing = role("x");
        standing.password = None;
        assert_eq!(in_line(&role("x"), &standing), None);
        standing.can_create_databases = false;
        standing.is_superuser = true;
        let sql = "ALTER ROLE \"x\" WITH NOSUPERUSER CREATEDB";
        assert_eq!(in_line(&role("x"), &standing).as_deref(), Some(sql));
    }

    #[test]
    fn an_empty_search_path_stays_empty() {
        assert_eq!(assignment("search_path", "\"\""), "\"search_path\" = ''");
        assert_eq!(assignment("app.x", "a=b"), "\"app\".\"x\" = 'a=b'");
    }

    #[test]
    fn options_of_a_grant_are_kept_where_both_know_them() {
        let mut membership = Membership {
            role: "r".to_owned(),
            member: "m".to_owned(),
            is_admin: true,
            options: Some((false, true)),
            grantor: Some("g".to_owned()),
        };
        let carried = BTreeSet::from(["g"]);
        assert_eq!(
            of_membership(&membership, &carried, &login(true)).sql,
            "GRANT \"r\" TO \"m\" WITH ADMIN TRUE, INHERIT FALSE, SET TRUE GRANTED BY \"g\""
        );
        membership.options = None;
        membership.grantor = None;
        assert_eq!(
            of_membership(&membership, &carried, &login(true)).sql,
            "GRANT \"r\" TO \"m\" WITH ADMIN OPTION"
        );
    }
}
