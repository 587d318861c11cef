//! Which table an index or a key is made on, read from pg_dump's statement.

use flexway_core::migrate::SchemaEntry;

/// Schema and name of the table whose rows alone the entry needs; `None` for entries that need more, or that are written otherwise.
pub(crate) fn of_table(entry: &SchemaEntry) -> Option<(String, String)> {
    let rest = match entry.kind.as_str() {
        "INDEX" => {
            let rest = entry.sql.strip_prefix("CREATE ")?;
            let rest = rest.strip_prefix("UNIQUE ").unwrap_or(rest).strip_prefix("INDEX ")?;
            take_name(rest)?.1.strip_prefix(" ON ")?
        }
        "CONSTRAINT" => entry.sql.strip_prefix("ALTER TABLE ")?,
        _ => return None,
    };
    let rest = rest.strip_prefix("ONLY ").unwrap_or(rest);
    let (schema, rest) = take_name(rest)?;
    let (name, _) = take_name(rest.strip_prefix('.')?)?;
    Some((schema, name))
}

/// A name off the front, quoted or plain, and what follows.
pub(super) fn take_name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        let Some(more) = after.strip_prefix('"') else { return Some((name, after)) };
        name.push('"');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: &str, sql: &str) -> Option<(String, String)> {
        of_table(&SchemaEntry {
            kind: kind.to_owned(),
            schema: "s".to_owned(),
            name: "n".to_owned(),
            table: None,
            sql: sql.to_owned(),
        })
    }

    #[test]
    fn indexes_and_keys_name_their_table() {
        let wanted = Some(("app".to_owned(), "a \" ON b".to_owned()));
        let index = "CREATE UNIQUE INDEX \"i \"\" ON x.y\" ON ONLY \"app\".\"a \"\" ON b\" USING btree (a);";
        assert_eq!(table("INDEX", index), wanted);
        let key = "ALTER TABLE ONLY \"app\".\"a \"\" ON b\"\n    ADD CONSTRAINT k PRIMARY KEY (a);";
        assert_eq!(table("CONSTRAINT", key), wanted);
        let plain = "CREATE INDEX i ON app.t1 USING gin (a);";
        assert_eq!(table("INDEX", plain), Some(("app".to_owned(), "t1".to_owned())));
    }

    #[test]
    fn others_need_more_than_a_table() {
        assert_eq!(table("FK CONSTRAINT", "ALTER TABLE ONLY a.b ADD ..."), None);
        assert_eq!(table("INDEX", "CREATE INDEX \"never closed ON a.b"), None);
        assert_eq!(table("INDEX", "CREATE INDEX i ON b (x)"), None);
    }
}
