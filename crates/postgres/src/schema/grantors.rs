//! Grants that another than the owner gave: only a superuser may speak for anybody, others for the roles that they can become.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flexway_core::migrate::SchemaEntry;

use crate::Session;
use crate::ask::{Outcome, query, text};
use crate::catalog::is_superuser;
use crate::quote_ident;
use crate::roles::Strangers;
use crate::schema::scan::lines;

/// What a dump says before such grants.
pub(crate) const SPEAK_FOR: &str = "SET SESSION AUTHORIZATION ";

/// What it says after them.
pub(crate) const SPEAK_FOR_OWNER: &str = "RESET SESSION AUTHORIZATION;";

/// First version in which a member of a role need not be able to become it.
const SET_SINCE: u32 = 160_000;

/// For whom a login may give grants.
pub(crate) struct Grantors {
    /// Their names in double quotes; `None` for everybody.
    names: Option<BTreeSet<String>>,
    /// Roles that get none.
    strangers: Strangers,
}

impl Grantors {
    /// Asks the session's server.
    pub(crate) fn read(session: &mut Session) -> Outcome<Grantors> {
        let strangers = Strangers::to(session)?;
        if is_superuser(session)? {
            return Ok(Grantors { names: None, strangers });
        }
        let kind = if session.version().number >= SET_SINCE { "SET" } else { "MEMBER" };
        let sql = format!("SELECT rolname FROM pg_roles WHERE pg_has_role(oid, '{kind}')");
        let rows = query(session, "ask which roles the login can become", &sql)?;
        let names = Some(rows.iter().map(|row| quote_ident(text(row, 0))).collect());
        Ok(Grantors { names, strangers })
    }

    /// Has a dump's grants given as the login may give them.
    pub(crate) fn adapt(&self, entries: &mut [SchemaEntry]) {
        for entry in entries.iter_mut().filter(|entry| entry.kind.ends_with("ACL")) {
            if let Cow::Owned(sql) = self.strangers.left_out_of(entry) {
                entry.sql = sql;
            }
            if let Cow::Owned(sql) = self.spoken(&entry.sql) {
                entry.sql = sql;
            }
        }
    }

    /// The text of grants as the login may give them: those of a role that it cannot become are the owner's, and those to roles of
    /// another service are left out.
    pub(crate) fn adapted(&self, sql: &str) -> String {
        self.spoken(&self.strangers.left_out(sql)).into_owned()
    }

    fn spoken<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        let Some(names) = self.names.as_ref().filter(|_| sql.contains(SPEAK_FOR)) else {
            return Cow::from(sql);
        };
        let adapted = lines(sql).map(|(is_boundary, line)| {
            let plain = line.trim_end();
            match plain.strip_prefix(SPEAK_FOR).map(|name| name.trim_end_matches(';')) {
                Some(name) if is_boundary && names.contains(name) => format!("SET ROLE {name};\n"),
                Some(_) if is_boundary => String::new(),
                _ if is_boundary && plain == SPEAK_FOR_OWNER => "RESET ROLE;\n".to_owned(),
                _ => line.to_owned(),
            }
        });
        adapted.collect::<String>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_speaks_for_those_that_it_can_become() {
        let sql = "GRANT SELECT ON t TO a;\nSET SESSION AUTHORIZATION \"a\";\nGRANT SELECT ON t TO b;\n\
                   RESET SESSION AUTHORIZATION;\nSET SESSION AUTHORIZATION \"x\"\"y\";\n\
                   GRANT SELECT ON t TO c;\nRESET SESSION AUTHORIZATION;";
        let all = Grantors { names: None, strangers: Strangers::default() };
        assert_eq!(all.adapted(sql), sql);
        let names = Some(BTreeSet::from(["\"x\"\"y\"".to_owned()]));
        let some = Grantors { names, strangers: Strangers::default() };
        assert_eq!(
            some.adapted(sql),
            "GRANT SELECT ON t TO a;\nGRANT SELECT ON t TO b;\nRESET ROLE;\nSET ROLE \"x\"\"y\";\n\
             GRANT SELECT ON t TO c;\nRESET ROLE;\n"
        );
    }
}
