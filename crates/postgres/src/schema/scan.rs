//! Where SQL text is between statements: a scanner that knows quotes, dollar quotes and comments,
//! and nothing else.

/// What the scanner is inside of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Inside {
    Plain,
    /// `'...'`; with backslash escapes when it began with `E`.
    Text {
        escapes: bool,
    },
    Identifier,
    /// `$tag$ ... $tag$`, tag with both dollars.
    Dollar(String),
    LineComment,
    BlockComment(u32),
}

/// Calls `boundary` with each byte offset that ends a statement: right after its `;`. Text behind
/// the last `;` is no statement. `line` is called with the offset of every line that begins outside
/// of any statement, quote or comment.
fn walk(sql: &str, mut boundary: impl FnMut(usize), mut line: impl FnMut(usize)) {
    let bytes = sql.as_bytes();
    let mut inside = Inside::Plain;
    let mut is_in_statement = false;
    let mut at = 0;
    line(0);
    while at < bytes.len() {
        let byte = bytes[at];
        let rest = &bytes[at..];
        let mut step = 1;
        match &mut inside {
            Inside::Plain => match byte {
                b'\'' => {
                    inside =
                        Inside::Text { escapes: at > 0 && matches!(bytes[at - 1], b'E' | b'e') };
                }
                b'"' => inside = Inside::Identifier,
                b'-' if rest.starts_with(b"--") => inside = Inside::LineComment,
                // A command of psql's own fills its line and has its own rules of quoting.
                b'\\' if !is_in_statement => inside = Inside::LineComment,
                b'/' if rest.starts_with(b"/*") => (inside, step) = (Inside::BlockComment(1), 2),
                b'$' if at == 0 || !is_word(bytes[at - 1]) => {
                    if let Some(tag) = dollar_tag(rest) {
                        step = tag.len();
                        inside = Inside::Dollar(tag);
                    }
                }
                b';' => {
                    is_in_statement = false;
                    boundary(at + 1);
                }
                _ => {}
            },
            Inside::Text { escapes: true } if byte == b'\\' => step = 2,
            Inside::Text { .. } if byte == b'\'' => inside = Inside::Plain,
            Inside::Identifier if byte == b'"' => inside = Inside::Plain,
            Inside::LineComment if byte == b'\n' => inside = Inside::Plain,
            Inside::BlockComment(depth) if rest.starts_with(b"*/") => {
                step = 2;
                *depth -= 1;
                if *depth == 0 {
                    inside = Inside::Plain;
                }
            }
            Inside::BlockComment(depth) if rest.starts_with(b"/*") => {
                step = 2;
                *depth += 1;
            }
            Inside::Dollar(tag) if rest.starts_with(tag.as_bytes()) => {
                step = tag.len();
                inside = Inside::Plain;
            }
            _ => {}
        }
        let is_comment = matches!(inside, Inside::LineComment | Inside::BlockComment(_));
        is_in_statement |= !is_comment && byte != b';' && !byte.is_ascii_whitespace();
        at += step;
        if byte == b'\n' && inside == Inside::Plain && !is_in_statement {
            line(at);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The `$tag$` that `rest` begins with.
fn dollar_tag(rest: &[u8]) -> Option<String> {
    let length = rest.iter().skip(1).position(|&byte| byte == b'$')? + 2;
    let tag = &rest[..length];
    let name = &tag[1..length - 1];
    let is_tag = name.first().is_none_or(|byte| !byte.is_ascii_digit())
        && name.iter().all(|&byte| is_word(byte));
    is_tag.then(|| String::from_utf8_lossy(tag).into_owned())
}

/// The statements of `sql`, each with its `;`, without the white space before it.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    walk(
        sql,
        |end| {
            found.push(sql[start..end].trim_start());
            start = end;
        },
        |_| {},
    );
    found
}

/// The lines of `sql` with their line ends; true for those that begin between statements.
pub(crate) fn lines(sql: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut starts = Vec::new();
    walk(sql, |_| {}, |at| starts.push(at));
    let mut at = 0;
    let mut next = starts.into_iter().peekable();
    sql.split_inclusive('\n').map(move |line| {
        while next.peek().is_some_and(|&start| start < at) {
            next.next();
        }
        let is_boundary = next.peek() == Some(&at);
        at += line.len();
        (is_boundary, line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_outside_of_quotes_only() {
        let sql = "SELECT ';', E'\\';', \"a;b\"; -- x;y\nDO $a$ ; $b$ ; $$ ; $a$;\n/* ; /* ; */ ; \
            */ SELECT 'it''s;';";
        assert_eq!(
            statements(sql),
            [
                "SELECT ';', E'\\';', \"a;b\";",
                "-- x;y\nDO $a$ ; $b$ ; $$ ; $a$;",
                "/* ; /* ; */ ; */ SELECT 'it''s;';"
            ]
        );
    }

    #[test]
    fn a_backslash_in_a_plain_literal_is_a_backslash() {
        assert_eq!(statements("SELECT '\\'; SELECT 2;").len(), 2);
    }

    #[test]
    fn a_dollar_in_a_name_or_parameter_opens_nothing() {
        assert_eq!(statements("SELECT a$b$c; SELECT $1 + $2; SELECT 3;").len(), 3);
    }

    #[test]
    fn a_command_of_psql_ends_with_its_line() {
        let sql = "\\connect \"dbname='x\nSET a = 1;\n\\restrict y;\nSET b = 2;\n";
        assert!(lines(sql).all(|(is_boundary, _)| is_boundary));
    }

    #[test]
    fn lines_inside_of_bodies_are_no_boundaries() {
        let sql =
            "-- head\nCREATE FUNCTION f() AS $$\n-- Name: fake\n\\restrict x\n$$;\nSET a = 1;\n";
        let kinds: Vec<bool> = lines(sql).map(|(is_boundary, _)| is_boundary).collect();
        assert_eq!(kinds, [true, true, false, false, false, true]);
    }
}
