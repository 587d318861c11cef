//! Foreign keys that the source's rows violate: how such rows are found.

use flexway_core::migrate::SchemaEntry;

use crate::schema::foreign_key::Steps;

/// What the target has of a foreign key that it refused for the rows that it got.
#[derive(Clone, Copy)]
pub(super) enum Stands<'a> {
    /// The key, for new rows.
    ForNewRows(&'a Steps),
    /// The same on each partition.
    OnPartitions,
    /// Nothing.
    Nowhere,
}

/// What to do about a foreign key that the target refused for the rows that it got.
///
/// The source has the same rows: its triggers were disabled when they came. They have to be mended there and on the target, where the
/// tables are not copied again; or the source's key says that it was not enforced, as the target's does.
pub(super) fn help(entry: &SchemaEntry, stands: Stands) -> String {
    let rows = query(&entry.sql).map_or_else(String::new, |sql| format!(": {sql}"));
    let (there, or) = match stands {
        Stands::ForNewRows(Steps { weaken, .. }) => (
            "the target has the key as NOT VALID, which guards new rows",
            weaken.as_ref().map_or_else(
                || "drop the key on both".to_owned(),
                |weaken| format!("keep it so and make the source's alike: {weaken}"),
            ),
        ),
        Stands::OnPartitions => (
            "each partition of the target has the key as NOT VALID, which guards new rows, until the next \
             run can put the whole key in their place",
            "drop the key on the source and those of the partitions on the target".to_owned(),
        ),
        Stands::Nowhere => {
            ("the target does not have the key", "drop the key on the source".to_owned())
        }
    };
    format!(
        "the source holds rows that violate the key, which was not enforced for them; {there}; find \
         them on either server{rows}; delete or mend them on both, or {or}"
    )
}

/// A query for the rows, from pg_dump's statement.
fn query(sql: &str) -> Option<String> {
    let rest = sql.split_once("ALTER TABLE ")?.1;
    let rest = rest.strip_prefix("ONLY ").unwrap_or(rest);
    let (table, rest) = until(rest, b'\n')?;
    let (_, rest) = rest.split_once("FOREIGN KEY (")?;
    let (columns, rest) = until(rest, b')')?;
    let (parent, rest) = until(rest.strip_prefix(" REFERENCES ")?, b'(')?;
    let (keys, _) = until(rest, b')')?;
    let (columns, keys) = (of("f", columns), of("p", keys));
    Some(format!(
        "SELECT f.* FROM {} f WHERE ({columns}) IS NOT NULL AND NOT EXISTS (SELECT FROM {parent} p \
         WHERE ({keys}) = ({columns}))",
        table.trim()
    ))
}

/// Text before and behind the first `end` outside of quoted names.
fn until(text: &str, end: u8) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let at = text.bytes().position(|byte| {
        is_quoted ^= byte == b'"';
        byte == end && !is_quoted
    })?;
    Some((&text[..at], &text[at + 1..]))
}

/// The columns of a list, each with the name of its row before it.
fn of(row: &str, mut columns: &str) -> String {
    let mut named = Vec::new();
    while let Some((column, rest)) = until(columns, b',') {
        named.push(format!("{row}.{}", column.trim()));
        columns = rest;
    }
    named.push(format!("{row}.{}", columns.trim()));
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn the_rows_at_fault_are_asked_for() {
        let sql = "\nALTER TABLE ONLY \"app\".\"a\nb\"\n    ADD CONSTRAINT \"k\" FOREIGN KEY (\"x,)\", \
                   \"y\") REFERENCES \"app\".\"u (\"(\"i\", \"j\") ON DELETE CASCADE;\n";
        let expected = "SELECT f.* FROM \"app\".\"a\nb\" f WHERE (f.\"x,)\", f.\"y\") IS NOT NULL AND \
                        NOT EXISTS (SELECT FROM \"app\".\"u (\" p WHERE (p.\"i\", p.\"j\") = \
                        (f.\"x,)\", f.\"y\"))";
        assert_eq!(query(sql).as_deref(), Some(expected));
        assert_eq!(query("CREATE INDEX i ON t (a)"), None);
    }
}
