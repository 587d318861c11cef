//! Whose service a server is, and what that service's administrator may do on it.
//!
//! Where public documents do not say whether an administrator may, the answer is `None`: not known.

use serde::Serialize;
use serde_json::json;

use super::Place;
use crate::shell::quoted;

/// Whose service a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Azure Database for PostgreSQL, flexible server.
    Azure,
    /// Azure Database for PostgreSQL, Single Server.
    AzureSingle,
    /// Amazon RDS and Aurora.
    Rds,
    /// Google Cloud SQL.
    CloudSql,
    /// Google AlloyDB.
    AlloyDb,
    /// No service that Flexway knows: a server of one's own.
    Own,
}

/// Something that PostgreSQL keeps for superusers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Give a role SUPERUSER.
    Superuser,
    /// Give a role REPLICATION.
    Replication,
    /// Give a role BYPASSRLS.
    BypassRowSecurity,
    /// `CREATE EVENT TRIGGER`.
    EventTrigger,
    /// Publications of all tables, or of all in a schema.
    WidePublication,
    /// Create an extension that is not trusted and that the server offers.
    Extension,
    /// Base types, C functions, operator classes and the like.
    Internal,
}

impl Provider {
    /// Told by the roles that only that service has, and by its settings.
    pub fn of(roles: &[&str], has_azure_settings: bool) -> Provider {
        let has = |name: &str| roles.contains(&name);
        if has("azure_pg_admin") && has("azure_superuser") && !has_azure_settings {
            Provider::AzureSingle
        } else if has("azure_pg_admin") || has_azure_settings {
            Provider::Azure
        } else if has("rds_superuser") {
            Provider::Rds
        } else if has("alloydbsuperuser") {
            Provider::AlloyDb
        } else if has("cloudsqlsuperuser") {
            Provider::CloudSql
        } else {
            Provider::Own
        }
    }

    /// The role whose members administer; `None` on a server of one's own.
    pub fn administrators(self) -> Option<&'static str> {
        match self {
            Provider::Azure | Provider::AzureSingle => Some("azure_pg_admin"),
            Provider::Rds => Some("rds_superuser"),
            Provider::CloudSql => Some("cloudsqlsuperuser"),
            Provider::AlloyDb => Some("alloydbsuperuser"),
            Provider::Own => None,
        }
    }

    /// Its name for people.
    pub fn words(self) -> &'static str {
        match self {
            Provider::Azure => "Azure flexible server",
            Provider::AzureSingle => "Azure Single Server",
            Provider::Rds => "Amazon RDS",
            Provider::CloudSql => "Google Cloud SQL",
            Provider::AlloyDb => "Google AlloyDB",
            Provider::Own => "a server of one's own",
        }
    }

    /// What an administrator of the service may do beyond an ordinary role; `None`: not known.
    ///
    /// Source: the services' pages about users and privileges, as far as they tell.
    pub fn lets_administrators(self, power: Power) -> Option<bool> {
        match (self, power) {
            (Provider::Own, _) => Some(false),
            // No service gives its customers a superuser, nor code that runs in the server.
            (_, Power::Superuser | Power::Internal) => Some(false),
            (_, Power::Extension) => Some(true),
            // A role is granted instead: rds_replication.
            (Provider::Rds, Power::Replication) => Some(false),
            (
                Provider::Azure | Provider::AzureSingle | Provider::CloudSql | Provider::AlloyDb,
                Power::Replication,
            ) => Some(true),
            (
                Provider::Rds | Provider::CloudSql | Provider::AlloyDb,
                Power::EventTrigger | Power::WidePublication,
            ) => Some(true),
            (_, Power::BypassRowSecurity | Power::EventTrigger | Power::WidePublication) => None,
        }
    }

    /// Where [`Provider::set_parameter`] is run, for the server that is meant.
    pub fn place_on(self, own: Place) -> Place {
        match self {
            Provider::Own => own,
            _ => Place::Shell,
        }
    }

    /// The command that sets a parameter of the server.
    pub fn set_parameter(self, name: &str, value: &str) -> String {
        match self {
            Provider::Azure => format!(
                "az postgres flexible-server parameter set -g <group> -s <server> -n {name} -v '{value}'"
            ),
            Provider::AzureSingle => {
                let body = json!({ "properties": { "value": value, "source": "user-override" } });
                let body = quoted(&body.to_string());
                format!(
                    "az rest --method put --url \"<server-id>/configurations/{name}?api-version=2017-12-01\" --body {body}"
                )
            }
            Provider::Rds => format!(
                "aws rds modify-db-parameter-group --db-parameter-group-name <group> --parameters \
                 \"ParameterName={name},ParameterValue='{value}',ApplyMethod=pending-reboot\""
            ),
            Provider::CloudSql => {
                format!("gcloud sql instances patch <instance> --database-flags={name}={value}")
            }
            Provider::AlloyDb => format!(
                "gcloud alloydb instances update <instance> --cluster=<cluster> --region=<region> \
                 --database-flags={name}={value}"
            ),
            Provider::Own if OF_NAMES.contains(&name) => {
                let names = elements(value).iter().map(|one| literal(one)).collect::<Vec<_>>();
                match names.as_slice() {
                    [] => format!("ALTER SYSTEM SET {name} = ''"),
                    names => format!("ALTER SYSTEM SET {name} = {}", names.join(", ")),
                }
            }
            Provider::Own => format!("ALTER SYSTEM SET {name} = {}", literal(value)),
        }
    }
}

/// Settings whose value is a list of names: `SET` takes each by itself, and a list that is given as one
/// string for one name. Source: PostgreSQL 18, `GUC_LIST_QUOTE` in guc_tables.c.
const OF_NAMES: [&str; 5] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
];

/// The names in such a list, without the quotes around them.
fn elements(value: &str) -> Vec<String> {
    let (mut all, mut one, mut is_quoted) = (Vec::new(), String::new(), false);
    for sign in value.chars().chain([',']) {
        match sign {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => all.push(std::mem::take(&mut one).trim().to_owned()),
            sign => one.push(sign),
        }
    }
    all.retain(|one| !one.is_empty());
    all
}

fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
