//! Settings that name a tablespace. Tablespaces are a matter of a server's disks and are not
//! carried; a setting that names one which the target lacks would have every session warned.

use std::collections::BTreeSet;

use crate::Session;
use crate::ask::{Outcome, query, text};
use crate::roles::list_elements;

const SETTINGS: [&str; 2] = ["default_tablespace", "temp_tablespaces"];

/// Those that the target has.
#[derive(Debug, Default)]
pub(crate) struct Tablespaces(BTreeSet<String>);

impl Tablespaces {
    pub(crate) fn read(target: &mut Session) -> Outcome<Tablespaces> {
        let sql = "SELECT spcname FROM pg_tablespace";
        let rows = query(target, "list the tablespaces of the target", sql)?;
        Ok(Tablespaces(rows.iter().map(|row| text(row, 0).to_owned()).collect()))
    }

    /// Whether the setting names one that the target lacks. The value is as the catalog has it.
    pub(crate) fn lack(&self, setting: &str, value: &str) -> bool {
        SETTINGS.contains(&setting)
            && match setting {
                // No list: one name as it is.
                "default_tablespace" => !value.is_empty() && !self.0.contains(value),
                _ => list_elements(value)
                    .iter()
                    .any(|name| !name.is_empty() && !self.0.contains(name)),
            }
    }

    /// The same for pg_dump's `ALTER DATABASE d SET name TO 'a', 'b';`, also of a role in it.
    pub(crate) fn lack_of(&self, statement: &str) -> bool {
        if !statement.starts_with("ALTER ") {
            return false;
        }
        SETTINGS.iter().any(|setting| {
            let values = [format!(" SET {setting} TO "), format!(" SET \"{setting}\" TO ")]
                .into_iter()
                .find_map(|word| statement.split_once(&word));
            let Some((_, values)) = values else { return false };
            // Names in single quotes, doubled inside.
            let values = values.trim_end().trim_end_matches(';').trim_matches('\'');
            let names = values.split("', '").map(|name| name.replace("''", "'"));
            names.into_iter().any(|name| !name.is_empty() && !self.0.contains(&name))
        })
    }

    /// A sentence about a setting that is not carried.
    pub(crate) fn note(&self, setting: &str, whose: &str) -> String {
        format!(
            "the setting {setting} of {whose} is not carried: it names a tablespace that the target \
             does not have"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_name_what_is_not_there_are_known() {
        let there = Tablespaces(["pg_default", "here's"].map(str::to_owned).into());
        assert!(there.lack("default_tablespace", "fast disk"));
        assert!(!there.lack("default_tablespace", "here's"));
        assert!(!there.lack("temp_tablespaces", "\"here's\", \"\""));
        assert!(there.lack("temp_tablespaces", "pg_default, \"Fast\""));
        assert!(!there.lack("work_mem", "fast"));
        let role = "ALTER ROLE \"r\" IN DATABASE \"d\" SET ";
        assert!(there.lack_of(&format!("{role}\"temp_tablespaces\" TO 'here''s', 'a, b';")));
        assert!(!there.lack_of(&format!("{role}temp_tablespaces TO 'here''s', 'pg_default';")));
        assert!(!there.lack_of("ALTER DATABASE d SET default_tablespace TO '';"));
    }
}
