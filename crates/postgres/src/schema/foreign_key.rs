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
    /// Makes a key that stands one that was not looked at; `None` for one of a partitioned table, which older sources cannot have.
    pub(crate) weaken: Option<String>,
}

/// A foreign key that the source enforces.
pub(crate) struct Key<'a> {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) name: String,
    /// ` FOREIGN KEY ...`
    pub(crate) definition: &'a str,
    /// Whether partitions do not get it too.
    is_of_one: bool,
}

impl Key<'_> {
    /// Reads pg_dump's statement. `None` for other entries, and for keys that the source does not validate or enforce.
    fn read(entry: &SchemaEntry) -> Option<Key<'_>> {
        if entry.kind != "FK CONSTRAINT" {
            return None;
        }
        let sql = entry.sql.trim_end().strip_suffix(';')?;
        if sql.ends_with(" NOT VALID") || sql.ends_with(" NOT ENFORCED") {
            return None;
        }
        let of = sql.strip_prefix("ALTER TABLE ")?;
        let of_one = of.strip_prefix("ONLY ");
        let (schema, rest) = take_name(of_one.unwrap_or(of))?;
        let (table, rest) = take_name(rest.strip_prefix('.')?)?;
        let (name, rest) = take_name(rest.trim_start().strip_prefix("ADD CONSTRAINT ")?)?;
        let is_key = rest.starts_with(" FOREIGN KEY ");
        is_key.then_some(Key { schema, table, name, definition: rest, is_of_one: of_one.is_some() })
    }
}

/// The key of a partitioned table, which pg_dump writes without `ONLY`, on a target that takes none for new rows alone.
pub(crate) fn of_partitioned(entry: &SchemaEntry, version: u32) -> Option<Key<'_>> {
    Key::read(entry).filter(|key| !key.is_of_one && version < PARTITIONED_SINCE)
}

/// First version whose partitioned tables take a key for new rows alone.
const PARTITIONED_SINCE: u32 = 180_000;

/// The steps of a foreign key on a target of this version. `None` for other entries, for keys of partitioned tables before 18, which
/// pg_dump writes without `ONLY`, and for those that the source does not validate or enforce.
pub(crate) fn steps(entry: &SchemaEntry, version: u32) -> Option<Steps> {
    let Key { schema, table, name, definition: key, is_of_one } = Key::read(entry)?;
    if !is_of_one && version < PARTITIONED_SINCE {
        return None;
    }
    let sql = entry.sql.trim_end().trim_end_matches(';');
    let [schema, table, name] = [schema, table, name].map(|name| quote_ident(&name));
    Some(Steps {
        add: format!("{sql} NOT VALID"),
        validate: format!("ALTER TABLE {schema}.{table} VALIDATE CONSTRAINT {name}"),
        weaken: is_of_one.then(|| {
            format!(
                "ALTER TABLE {schema}.{table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name}{key} NOT VALID"
            )
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str, version: u32) -> Option<Steps> {
        let entry = SchemaEntry {
            kind: "FK CONSTRAINT".to_owned(),
            schema: "s".to_owned(),
            name: "t k".to_owned(),
            table: None,
            sql: sql.to_owned(),
        };
        steps(&entry, version)
    }

    #[test]
    fn a_key_is_added_and_then_validated() {
        let sql = "ALTER TABLE ONLY \"s\".\"t\"\n    ADD CONSTRAINT \"k\" FOREIGN KEY (\"a\") REFERENCES \
                   \"s\".\"u\"(\"b\") DEFERRABLE";
        let steps = of(&format!("{sql};"), 170_000).expect("two steps");
        assert_eq!(steps.add, format!("{sql} NOT VALID"));
        assert_eq!(steps.validate, "ALTER TABLE \"s\".\"t\" VALIDATE CONSTRAINT \"k\"");
        assert_eq!(
            steps.weaken.as_deref(),
            Some(
                "ALTER TABLE \"s\".\"t\" DROP CONSTRAINT \"k\", ADD CONSTRAINT \"k\" FOREIGN KEY (\"a\") \
             REFERENCES \"s\".\"u\"(\"b\") DEFERRABLE NOT VALID"
            )
        );
        assert!(of(&format!("{sql} NOT VALID;"), 180_000).is_none());
        let partitioned = format!("{};", sql.replace("ONLY ", ""));
        assert!(of(&partitioned, 170_000).is_none() && of(&partitioned, 180_000).is_some());
    }
}
