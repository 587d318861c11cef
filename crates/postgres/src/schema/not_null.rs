//! Names of NOT NULL, which are constraints with names since 18.
//!
//! A dump leaves a name out where it is the one that the server would give. It gives another, though, where a table that stands already
//! has that name for its own, as a copy made by LIKE does, and a partition that comes into being before its parent. So all are said.

use flexway_core::migrate::SchemaEntry;

use crate::quote_ident;

/// First version that gives a NOT NULL a name.
pub(crate) const NAMED_SINCE: u32 = 180_000;

const WORDS: &str = " NOT NULL";

/// Says the names that a dump with all identifiers quoted leaves out.
pub(crate) fn name(entry: &mut SchemaEntry) {
    if matches!(entry.kind.as_str(), "TABLE" | "FOREIGN TABLE") {
        entry.sql = named(&entry.sql);
    }
}

fn named(sql: &str) -> String {
    let Some(start) = sql.find("TABLE \"") else { return sql.to_owned() };
    let mut said = sql[..start].to_owned();
    // Names before the list of columns: the second is the table's.
    let mut names = 0;
    let (mut table, mut column) = (String::new(), None);
    let mut depth = 0;
    let mut at = start;
    while let Some(one) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let length = match one {
            '"' | '\'' => quoted_length(rest),
            _ => one.len_utf8(),
        };
        match one {
            '"' if depth == 0 => {
                names += 1;
                if names == 2 {
                    table = plain(&rest[..length]);
                }
            }
            '"' if depth == 1 && said.trim_end().ends_with(['(', ',']) => {
                column = Some(plain(&rest[..length]));
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            ';' if depth == 0 => break,
            ',' if depth == 1 => column = None,
            ' ' if depth == 1 && rest.starts_with(" CONSTRAINT ") => column = None,
            ' ' if depth == 1 && rest.starts_with(WORDS) => {
                if let Some(column) = column.take() {
                    let name = quote_ident(&format!("{table}_{column}_not_null"));
                    said.push_str(&format!(" CONSTRAINT {name}"));
                }
            }
            _ => {}
        }
        said.push_str(&rest[..length]);
        at += length;
    }
    said.push_str(&sql[at..]);
    said
}

/// Bytes of the quoted name or literal that the text begins with. A doubled quote is part of it; a dump writes no other escapes.
fn quoted_length(text: &str) -> usize {
    let quote = &text[..1];
    let mut at = 1;
    while let Some(found) = text[at..].find(quote) {
        at += found + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// The name behind its quotes.
fn plain(quoted: &str) -> String {
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or(quoted).replace("\"\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_left_out_are_said() {
        let bare = "CREATE TABLE \"s\".\"t\"\"x\" (\n    \"a, b\" numeric(10,2) DEFAULT 'it''s (NOT NULL' NOT NULL,\n    \
                    \"c\" text NOT NULL COLLATE \"pg_catalog\".\"C\",\n    \
                    \"d\" int CONSTRAINT \"own\" NOT NULL NO INHERIT,\n    \"e\" int DEFAULT (1 IS NOT NULL),\n    \
                    CONSTRAINT \"k\" CHECK ((\"e\" IS NOT NULL))\n)\nPARTITION BY RANGE (\"c\");\n\n\
                    ALTER TABLE \"s\".\"t\"\"x\" OWNER TO \"o\";";
        let said = bare
            .replacen("' NOT NULL", "' CONSTRAINT \"t\"\"x_a, b_not_null\" NOT NULL", 1)
            .replacen("text NOT NULL", "text CONSTRAINT \"t\"\"x_c_not_null\" NOT NULL", 1);
        assert_eq!(named(bare), said);
        assert_eq!(named(&said), said);
    }
}
