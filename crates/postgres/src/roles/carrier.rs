//! Carries roles to a target, step by step within one transaction, and writes down what it did.

use std::collections::BTreeSet;

use flexway_core::migrate::RoleReport;

use super::compare::different_words;
use super::read::{Membership, Role, Roles};
use super::statements::{self, Kind, Login, Step};
use crate::ask::{Outcome, failed};
use crate::{PgError, Session};

/// See the module's first line.
pub(super) struct Carrier<'a> {
    /// In a transaction.
    pub(super) target: &'a mut Session,
    /// Of the source.
    pub(super) wanted: &'a Roles,
    /// Of the target, before.
    pub(super) present: &'a Roles,
    pub(super) login: &'a Login,
    /// Whether roles that stand are brought in line.
    pub(super) overwrite: bool,
    pub(super) report: RoleReport,
}

impl<'a> Carrier<'a> {
    /// Creates what is missing; brings in line what stands, or says how it differs.
    pub(super) fn roles(&mut self) -> Outcome<()> {
        for role in &self.wanted.all {
            let earlier = self.standing(&role.name);
            if role.is_bootstrap && earlier.is_some_and(|earlier| earlier.is_bootstrap) {
                continue;
            }
            let list = match earlier {
                Some(_) => &mut self.report.kept,
                None => &mut self.report.created,
            };
            list.push(role.name.clone());
            match earlier {
                Some(earlier) if !self.overwrite || role.name == self.login.name => {
                    self.leave(role, earlier);
                }
                Some(earlier) if self.is_same(role, earlier) => {}
                _ => self.role(role, earlier)?,
            }
        }
        self.note_passwords();
        Ok(())
    }

    fn standing(&self, name: &str) -> Option<&'a Role> {
        self.present.all.iter().find(|role| role.name == name)
    }

    fn can_compare_passwords(&self) -> bool {
        self.wanted.has_passwords && self.present.has_passwords
    }

    fn is_same(&self, role: &Role, earlier: &Role) -> bool {
        self.can_compare_passwords() && different_words(role, earlier, true).is_empty()
    }

    fn role(&mut self, role: &Role, earlier: Option<&Role>) -> Outcome<()> {
        let before = self.report.notes.len();
        for step in statements::of_role(role, earlier, self.login) {
            self.perform(step)?;
        }
        if self.report.notes.len() > before {
            self.mark(&role.name);
        }
        Ok(())
    }

    /// Says how a role that stands differs, and what would bring it in line. The login of the move is
    /// never changed: that could lock the move out.
    fn leave(&mut self, role: &Role, earlier: &Role) {
        let words = different_words(role, earlier, self.can_compare_passwords());
        if words.is_empty() {
            return;
        }
        let (name, differs) = (&role.name, words.join(", "));
        self.mark(name);
        let statement = statements::in_line(role, earlier)
            .map(|sql| format!("; to bring its attributes in line: {sql}"))
            .unwrap_or_default();
        self.report.notes.push(if *name == self.login.name {
            format!(
                "role {name} is the login of this move on the target and was left as it is; the \
                 source's differs in {differs}{statement}"
            )
        } else {
            format!(
                "role {name} stood on the target and was left as it is; the source's differs in \
                 {differs}{statement}; --overwrite replaces it"
            )
        });
    }

    /// Remembers that the role is not like the source's.
    pub(super) fn mark(&mut self, role: &str) {
        if !self.report.different.iter().any(|name| name == role) {
            self.report.different.push(role.to_owned());
        }
    }

    fn note_passwords(&mut self) {
        let logs_in =
            |name: &String| self.wanted.all.iter().any(|role| role.name == *name && role.can_login);
        let count = self.report.created.iter().filter(|name| logs_in(name)).count();
        if self.wanted.has_passwords || count == 0 {
            return;
        }
        let roles = if count == 1 { "role that logs in needs" } else { "roles that log in need" };
        self.report.notes.push(format!(
            "the source's login may not read password verifiers (pg_authid): {count} created {roles} \
             a new password on the target, or the move a superuser as source login"
        ));
    }

    /// `ALTER ROLE ALL SET`: concerns the target's other databases too, so it goes along only when
    /// the whole server does.
    pub(super) fn everybody(&mut self, is_whole_server: bool) -> Outcome<()> {
        for (name, value) in &self.wanted.everybody {
            let standing = self.present.everybody.iter().find(|(other, _)| other == name);
            if standing.is_some_and(|(_, other)| other == value) {
                continue;
            }
            let why = match standing {
                _ if !is_whole_server => "it concerns other databases too, and some were chosen",
                Some(_) if !self.overwrite => {
                    self.mark("ALL");
                    "the target has another, which --overwrite replaces"
                }
                _ => {
                    self.perform(statements::of_everybody(name, value))?;
                    continue;
                }
            };
            self.report.notes.push(format!(
                "the setting {name} of all roles (ALTER ROLE ALL) was not carried: {why}"
            ));
        }
        Ok(())
    }

    /// Grants memberships, those first whose grantor already may: each round does what the one before
    /// made possible.
    pub(super) fn memberships(&mut self) -> Outcome<()> {
        let (wanted, login) = (self.wanted, self.login);
        let carried: BTreeSet<&str> = wanted.all.iter().map(|role| role.name.as_str()).collect();
        let mut open = Vec::new();
        for membership in &wanted.memberships {
            let step = statements::of_membership(membership, &carried, login);
            let is_own = membership.member == login.name;
            if self.is_granted(membership) {
                continue;
            } else if !is_own && self.overwrite || self.standing(&membership.member).is_none() {
                open.push((membership, step));
            } else {
                self.leave_membership(membership, &step.sql);
            }
        }
        loop {
            let before = open.len();
            let mut refused = Vec::new();
            for (membership, step) in open {
                match self.attempt(&step.sql) {
                    Ok(()) => {}
                    Err(error) if is_refusal(&error) => refused.push((membership, step, error)),
                    Err(error) => return Err(failed(step.kind.what(), &error)),
                }
            }
            if refused.is_empty() || refused.len() == before {
                for (membership, step, error) in refused {
                    self.report.notes.push(format!("{}: {error}", step.kind.what()));
                    self.mark(&membership.member);
                }
                return Ok(());
            }
            open = refused.into_iter().map(|(membership, step, _)| (membership, step)).collect();
        }
    }

    /// Whether the target had it before. Options count where both servers know them; who granted it
    /// does not, as in the comparison.
    fn is_granted(&self, wanted: &Membership) -> bool {
        self.present.memberships.iter().any(|one| {
            (&one.role, &one.member, one.is_admin)
                == (&wanted.role, &wanted.member, wanted.is_admin)
                && (one.options == wanted.options
                    || one.options.is_none()
                    || wanted.options.is_none())
        })
    }

    fn leave_membership(&mut self, membership: &Membership, sql: &str) {
        let (role, member) = (&membership.role, &membership.member);
        self.mark(member);
        self.report.notes.push(format!(
            "role {member} stood on the target and was not made a member of {role} as on the source; \
             to do that: {sql}"
        ));
    }

    /// Runs one step. What the target's login may not do becomes a note where the step says so, and
    /// gives `false`.
    pub(super) fn perform(&mut self, step: Step) -> Outcome<bool> {
        let Err(error) = self.attempt(&step.sql) else { return Ok(true) };
        match step.kind {
            Kind::Optional(note) if is_refusal(&error) => {
                self.report.notes.push(format!("{note}: {error}"));
                Ok(false)
            }
            Kind::Optional(what) | Kind::Needed(what) => Err(failed(&what, &error)),
        }
    }

    /// A refused statement leaves the transaction as it was before.
    fn attempt(&mut self, sql: &str) -> Result<(), PgError> {
        let result = self.target.execute(&format!("SAVEPOINT step; {sql}; RELEASE step"));
        if result.as_ref().is_err_and(is_refusal) {
            self.target.execute("ROLLBACK TO step")?;
        }
        result
    }
}

/// Whether the server is there and says no, for want of rights or since it knows no such thing.
fn is_refusal(error: &PgError) -> bool {
    error.code().is_some_and(|code| !code.starts_with("57") && !code.starts_with("08"))
}
