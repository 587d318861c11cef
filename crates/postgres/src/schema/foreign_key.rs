//! A foreign key in two steps: for new rows, then for those that are there.

use flexway_core::migrate::SchemaEntry;

use crate::quote_ident;
use crate::schema::of_table::take_name;

/// The statements of both.
pub(crate) struct Steps {
    /// Adds the key without looking at a row.
    pub(crate) add: String,
    /// Looks at all rows; does nothing for a key that was looked at before.
    pub(crate) validate: String,
}

/// The steps of a foreign key. `None` for other entries, for keys of partitioned tables, which take no such key before 18 (pg_dump
/// writes them without `ONLY`), and for those that the source does not validate or enforce.
pub(crate) fn steps(entry: &SchemaEntry) -> Option<Steps> {
    if entry.kind != "FK CONSTRAINT" {
        return None;
    }
    let sql = entry.sql.trim_end().strip_suffix(';')?;
    if sql.ends_with(" NOT VALID") || sql.ends_with(" NOT ENFORCED") {
        return None;
    }
    let (schema, rest) = take_name(sql.strip_prefix("ALTER TABLE ONLY ")?)?;
    let (table, rest) = take_name(rest.strip_prefix('.')?)?;
    let (name, rest) = take_name(rest.trim_start().strip_prefix("ADD CONSTRAINT ")?)?;
    rest.strip_prefix(" FOREIGN KEY ")?;
    let [schema, table, name] = [schema, table, name].map(|name| quote_ident(&name));
    Some(Steps {
        add: format!("{sql} NOT VALID"),
        validate: format!("ALTER TABLE {schema}.{table} VALIDATE CONSTRAINT {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Option<Steps> {
        steps(&SchemaEntry {
            kind: "FK CONSTRAINT".to_owned(),
            schema: "s".to_owned(),
            name: "t k".to_owned(),
            table: None,
            sql: sql.to_owned(),
        })
    }

    #[test]
    fn a_key_is_added_and_then_validated() {
        let sql = "ALTER TABLE ONLY \"s\".\"t\"\n    ADD CONSTRAINT \"k\" FOREIGN KEY (\"a\") REFERENCES \
                   \"s\".\"u\"(\"b\") DEFERRABLE";
        let steps = of(&format!("{sql};")).expect("two steps");
        assert_eq!(steps.add, format!("{sql} NOT VALID"));
        assert_eq!(steps.validate, "ALTER TABLE \"s\".\"t\" VALIDATE CONSTRAINT \"k\"");
        assert!(of(&format!("{sql} NOT VALID;")).is_none());
        assert!(of(&format!("{};", sql.replace("ONLY ", ""))).is_none());
    }
}
