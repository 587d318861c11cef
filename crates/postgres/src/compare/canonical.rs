//! Columns as text that is the same on every major.
//!
//! Servers before 12 write floating point numbers with 17 digits, later ones with as few as are
//! exact. So where one side is older, everything that holds such numbers is written through its
//! binary form.

use std::collections::HashMap;

use super::floats::SHORT_SINCE;
use crate::ask::{Outcome, number, query, text};
use crate::{Session, quote_ident, quote_literal};
use flexway_core::migrate::Table;

/// Types nest by the user's hand; this deep only by mistake.
const DEPTH_MAX: u32 = 16;

/// Types of a database that may hold floating point numbers.
#[derive(Debug, Default)]
pub(crate) struct Types {
    by_oid: HashMap<u64, Type>,
}

#[derive(Debug)]
enum Type {
    /// Name of the function that gives its binary form.
    Float(&'static str),
    Array {
        element: u64,
    },
    Domain {
        base: u64,
    },
    Range {
        bound: u64,
    },
    Composite(Vec<(String, u64)>),
}

impl Types {
    /// Reads the types when one of the versions needs it; otherwise every column's text is right as
    /// it is.
    pub(crate) fn read(session: &mut Session, source: u32, target: u32) -> Outcome<Types> {
        if source.min(target) >= SHORT_SINCE {
            return Ok(Types::default());
        }
        let what = "read the types";
        let mut types = Types::default();
        let rows = query(
            session,
            what,
            "SELECT t.oid, CASE WHEN n.nspname = 'pg_catalog' THEN t.typname ELSE '' END, \
             t.typtype, \
                    CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, t.typbasetype, \
                    coalesce(r.rngsubtype, 0) \
             FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_range r ON \
             r.rngtypid = t.oid \
             WHERE t.typtype IN ('b', 'd', 'r')",
        )?;
        for row in &rows {
            let (element, base, bound) =
                (number(what, row, 3)?, number(what, row, 4)?, number(what, row, 5)?);
            let found = match (text(row, 2), send_function(text(row, 1))) {
                (_, Some(send)) => Type::Float(send),
                ("d", _) => Type::Domain { base },
                ("r", _) => Type::Range { bound },
                _ if element != 0 => Type::Array { element },
                _ => continue,
            };
            types.by_oid.insert(number(what, row, 0)?, found);
        }
        types.read_composites(session)?;
        Ok(types)
    }

    fn read_composites(&mut self, session: &mut Session) -> Outcome<()> {
        let what = "read the composite types";
        let rows = query(
            session,
            what,
            "SELECT c.reltype, a.attname, a.atttypid FROM pg_class c \
             JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE c.reltype <> 0 AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY c.oid, a.attnum",
        )?;
        for row in &rows {
            let attribute = (text(row, 1).to_owned(), number(what, row, 2)?);
            let found = self
                .by_oid
                .entry(number(what, row, 0)?)
                .or_insert_with(|| Type::Composite(Vec::new()));
            if let Type::Composite(attributes) = found {
                attributes.push(attribute);
            }
        }
        Ok(())
    }

    /// Select list of the table for comparing.
    pub(crate) fn columns(&self, session: &mut Session, table: &Table) -> Outcome<String> {
        Ok(self.each(session, table)?.join(", "))
    }

    /// The same, a column each.
    pub(super) fn each(&self, session: &mut Session, table: &Table) -> Outcome<Vec<String>> {
        let names: Vec<String> =
            table.columns.iter().map(|column| quote_ident(&column.name)).collect();
        if self.by_oid.is_empty() || names.is_empty() {
            return Ok(names);
        }
        let what = format!("read the columns of {}.{}", table.schema, table.name);
        let rows = query(
            session,
            &what,
            &format!(
                "SELECT a.attname, a.atttypid FROM pg_attribute a \
                 JOIN pg_class c ON c.oid = a.attrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} \
                 AND c.relname = {} AND a.attnum > 0",
                quote_literal(&table.schema),
                quote_literal(&table.name)
            ),
        )?;
        let mut oids = HashMap::new();
        for row in &rows {
            oids.insert(text(row, 0), number(&what, row, 1)?);
        }
        let list = table.columns.iter().zip(names).map(|(column, name)| {
            let oid = oids.get(column.name.as_str()).copied().unwrap_or(0);
            self.expression(oid, &name, 0).unwrap_or(name)
        });
        Ok(list.collect())
    }

    /// Text of `value`, which is of type `oid`, when floating point numbers are inside of it.
    fn expression(&self, oid: u64, value: &str, depth: u32) -> Option<String> {
        let deeper = |oid: u64, value: &str| self.expression(oid, value, depth + 1);
        match self.by_oid.get(&oid).filter(|_| depth < DEPTH_MAX)? {
            Type::Float(send) => Some(format!("encode({send}({value}), 'hex')")),
            // The binary form of an array names the type of its elements, the same everywhere for
            // built-in types only.
            Type::Array { element } if matches!(self.by_oid.get(element), Some(Type::Float(_))) => {
                Some(format!("encode(array_send({value}), 'hex')"))
            }
            Type::Array { element } => {
                let each = deeper(*element, "f.e")?;
                Some(format!(
                    "(array_dims({value}) || (SELECT string_agg(coalesce({each}, '~'), ',') FROM \
                     (SELECT unnest({value}) AS e) f))"
                ))
            }
            Type::Domain { base } => deeper(*base, value),
            Type::Range { bound } => {
                let (low, high) = (format!("lower({value})"), format!("upper({value})"));
                let (low, high) = (deeper(*bound, &low)?, deeper(*bound, &high)?);
                Some(format!(
                    "CASE WHEN {value} IS NOT NULL THEN concat_ws('/', isempty({value}), \
                     lower_inc({value}), \
                     upper_inc({value}), coalesce({low}, '~'), coalesce({high}, '~')) END"
                ))
            }
            Type::Composite(attributes) => {
                let mut is_needed = false;
                let parts: Vec<String> = attributes
                    .iter()
                    .map(|(name, oid)| {
                        let field = format!("({value}).{}", quote_ident(name));
                        let inside = deeper(*oid, &field);
                        is_needed |= inside.is_some();
                        let part = inside.unwrap_or_else(|| format!("{field}::text"));
                        format!("coalesce({part}, '~')")
                    })
                    .collect();
                // A row of NULLs is no NULL, though `IS NULL` says so.
                is_needed.then(|| {
                    format!(
                        "CASE WHEN {value} IS DISTINCT FROM NULL THEN concat_ws('|', {}) END",
                        parts.join(", ")
                    )
                })
            }
        }
    }
}

/// Built-in types made of floating point numbers, and the function of each that gives its binary
/// form.
fn send_function(name: &str) -> Option<&'static str> {
    const SEND: [(&str, &str); 9] = [
        ("box", "box_send"),
        ("circle", "circle_send"),
        ("float4", "float4send"),
        ("float8", "float8send"),
        ("line", "line_send"),
        ("lseg", "lseg_send"),
        ("path", "path_send"),
        ("point", "point_send"),
        ("polygon", "poly_send"),
    ];
    SEND.iter().find(|(one, _)| *one == name).map(|(_, send)| *send)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Types {
        let by_oid = HashMap::from([
            (1, Type::Float("float8send")),
            (2, Type::Array { element: 1 }),
            (3, Type::Composite(vec![("a".to_owned(), 1), ("b".to_owned(), 99)])),
            (4, Type::Array { element: 3 }),
            (5, Type::Domain { base: 2 }),
            (6, Type::Range { bound: 99 }),
        ]);
        Types { by_oid }
    }

    #[test]
    fn floats_go_through_their_binary_form_and_others_stay() {
        let types = types();
        assert_eq!(types.expression(1, "x", 0).as_deref(), Some("encode(float8send(x), 'hex')"));
        assert_eq!(types.expression(5, "x", 0).as_deref(), Some("encode(array_send(x), 'hex')"));
        assert_eq!(types.expression(6, "x", 0), None);
        assert_eq!(types.expression(99, "x", 0), None);
    }

    #[test]
    fn composites_are_taken_apart() {
        assert_eq!(
            types().expression(3, "x", 0).as_deref(),
            Some(
                "CASE WHEN x IS DISTINCT FROM NULL THEN concat_ws('|', \
                 coalesce(encode(float8send((x).\"a\"), 'hex'), '~'), coalesce((x).\"b\"::text, \
                     '~')) END"
            )
        );
    }
}
