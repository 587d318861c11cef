//! Roles that managed services keep for themselves.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flexway_core::migrate::SchemaEntry;

use crate::Session;
use crate::ask::{Outcome, query, text};
use crate::catalog::is_superuser;
use crate::schema::scan::lines;

/// Their names. They are neither created nor altered, but may
/// be granted.
pub(crate) const SERVICE_ROLES: [&str; 24] = [
    "alloydbadmin",
    "azure_pg_admin",
    "azure_superuser",
    "azuresu",
    "cloudsqladmin",
    "cloudsqlagent",
    "cloudsqlconnpooladmin",
    "cloudsqliamgroup",
    "cloudsqliamgroupserviceaccount",
    "cloudsqliamgroupuser",
    "cloudsqliamserviceaccount",
    "cloudsqliamuser",
    "cloudsqlimportexport",
    "cloudsqlobservabilityadmin",
    "cloudsqlreplica",
    "cloudsqlsuperuser",
    "rds_ad",
    "rds_iam",
    "rds_password",
    "rds_replication",
    "rds_superuser",
    "rdsadmin",
    "rdsrepladmin",
    "rdswriteforwarduser",
];

/// Schema of the system, on which a service's own grants are each server's own.
const CATALOG: &str = "pg_catalog";

/// Rights that are not carried.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    /// Roles of services that a server lacks.
    roles: BTreeSet<String>,
    /// Whether the target's login may say nothing about catalogs.
    are_catalogs_closed: bool,
}

impl Strangers {
    /// Those that only one of two servers has.
    pub(crate) fn between(source: &mut Session, target: &mut Session) -> Outcome<Strangers> {
        let (ours, theirs) = (there(source)?, there(target)?);
        let roles = ours.symmetric_difference(&theirs).cloned().collect();
        Ok(Strangers { roles, are_catalogs_closed: !is_superuser(target)? })
    }

    /// Those that a server lacks.
    pub(crate) fn to(target: &mut Session) -> Outcome<Strangers> {
        let there = there(target)?;
        let absent = SERVICE_ROLES.iter().filter(|name| !there.contains(**name));
        let roles = absent.map(|name| (*name).to_owned()).collect();
        Ok(Strangers { roles, are_catalogs_closed: !is_superuser(target)? })
    }

    /// The names of the roles.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(String::as_str)
    }

    /// A dump's grants without those of the roles; on the catalogs without those of any service's role.
    pub(crate) fn left_out_of<'a>(&self, entry: &'a SchemaEntry) -> Cow<'a, str> {
        if !entry.kind.ends_with("ACL") {
            return Cow::from(&entry.sql);
        }
        match entry.schema == CATALOG {
            true if self.are_catalogs_closed => Cow::Owned(String::new()),
            true => without(&entry.sql, |role| SERVICE_ROLES.contains(&role)),
            false => self.left_out(&entry.sql),
        }
    }

    /// Grants without those of the roles.
    pub(crate) fn left_out<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        without(sql, |role| self.roles.contains(role))
    }
}

/// Statements of a dump's grants but those about these roles.
fn without(sql: &str, is_meant: impl Fn(&str) -> bool) -> Cow<'_, str> {
    if !SERVICE_ROLES.iter().any(|role| is_meant(role) && sql.contains(role)) {
        return Cow::from(sql);
    }
    let mut kept: Vec<String> = Vec::new();
    for (is_boundary, line) in lines(sql) {
        match kept.last_mut() {
            Some(statement) if !is_boundary => statement.push_str(line),
            _ => kept.push(line.to_owned()),
        }
    }
    kept.retain(|statement| !roles_of(statement).into_iter().flatten().any(&is_meant));
    kept.concat().into()
}

/// The roles for which a statement speaks, and about which.
fn roles_of(statement: &str) -> [Option<&str>; 2] {
    let plain = statement.trim_end().trim_end_matches(';');
    let plain = plain.strip_suffix(" WITH GRANT OPTION").unwrap_or(plain);
    let speaker = plain.strip_prefix("ALTER DEFAULT PRIVILEGES FOR ROLE ");
    let speaker = speaker.and_then(|rest| rest.split(' ').next());
    let grantee = plain.rsplit(' ').next();
    [speaker, grantee].map(|role| role.map(|role| role.trim_matches('"')))
}

/// Those that a server has.
fn there(session: &mut Session) -> Outcome<BTreeSet<String>> {
    let names = SERVICE_ROLES.map(|name| format!("'{name}'")).join(", ");
    let sql = format!("SELECT rolname FROM pg_roles WHERE rolname IN ({names})");
    let rows = query(session, "look for roles of the service", &sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_of_roles_that_are_not_there_are_left_out() {
        let entry = |schema: &str| SchemaEntry {
            kind: "ACL".to_owned(),
            schema: schema.to_owned(),
            name: "x".to_owned(),
            table: None,
            sql: "GRANT SELECT ON TABLE \"a\n b\" TO \"rdsadmin\" WITH GRANT OPTION;\n\
                  SET SESSION AUTHORIZATION \"rdsadmin\";\nGRANT ALL ON TABLE rdsadmin TO app;\n\
                  RESET SESSION AUTHORIZATION;\nREVOKE ALL ON TABLE t FROM rds_superuser;\n\
                  ALTER DEFAULT PRIVILEGES FOR ROLE rdsadmin GRANT ALL ON TABLES TO app;"
                .to_owned(),
        };
        let roles = BTreeSet::from(["rdsadmin".to_owned()]);
        let strangers = Strangers { roles, are_catalogs_closed: true };
        let kept = "GRANT ALL ON TABLE rdsadmin TO app;\nRESET SESSION AUTHORIZATION;\n";
        assert_eq!(
            strangers.left_out_of(&entry("s")),
            format!("{kept}REVOKE ALL ON TABLE t FROM rds_superuser;\n")
        );
        assert_eq!(strangers.left_out_of(&entry(CATALOG)), "");
        assert_eq!(Strangers::default().left_out_of(&entry(CATALOG)), kept);
        assert_eq!(Strangers::default().left_out_of(&entry("s")), entry("s").sql);
    }
}
