//! The expression language of ARM templates: text in brackets into a tree.

/// Longest expression: the limit of Azure Resource Manager.
const BYTES_MAX: usize = 24_576;

/// Calls inside calls. The deepest of the recorded templates has 12.
const DEPTH_MAX: usize = 64;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// A quoted text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A function with its arguments; the name is in lower case.
    Call(String, Vec<Expression>),
    /// `.name` or `[index]` of a value.
    Member(Box<Expression>, Box<Expression>),
}

/// The inside of a text that is an expression; `None` for a plain text.
pub(super) fn inside(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    (!inner.starts_with('[')).then_some(inner)
}

/// A plain text as Azure reads it: `[[` at the start stands for one bracket.
pub(super) fn plain(text: &str) -> &str {
    if text.starts_with("[[") { &text[1..] } else { text }
}

/// Reads the inside of an expression.
///
/// # Errors
/// A fragment that says what is not understood.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("expression of more than {BYTES_MAX} bytes"));
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expression = parser.expression()?;
    parser.skip_spaces();
    if parser.at < text.len() {
        return Err(format!("expression goes on after its end, at character {}", parser.at));
    }
    Ok(expression)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("expression with more than {DEPTH_MAX} calls inside each other"));
        }
        let mut value = self.value()?;
        // A chain of members becomes a tree as deep as the chain is long.
        for _ in 0..DEPTH_MAX {
            if self.takes('.') {
                let name = self.word();
                if name.is_empty() {
                    return Err(format!("no property name at character {}", self.at));
                }
                value = Expression::Member(Box::new(value), Box::new(Expression::Text(name)));
            } else if self.takes('[') {
                let index = self.expression()?;
                self.expects(']')?;
                value = Expression::Member(Box::new(value), Box::new(index));
            } else {
                self.depth -= 1;
                return Ok(value);
            }
        }
        Err(format!("expression with more than {DEPTH_MAX} properties in a chain"))
    }

    fn value(&mut self) -> Result<Expression, String> {
        self.skip_spaces();
        match self.peek() {
            Some('\'') => self.quoted(),
            Some(letter) if letter.is_ascii_digit() || letter == '-' => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => self.call(),
            Some(letter) => Err(format!("`{letter}` at character {} of an expression", self.at)),
            None => Err("expression that ends too early".to_owned()),
        }
    }

    fn quoted(&mut self) -> Result<Expression, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find('\'') else {
                return Err("text without a closing quote in an expression".to_owned());
            };
            text.push_str(&rest[..end]);
            self.at += end + 1;
            // Two quotes stand for one.
            if !self.text[self.at..].starts_with('\'') {
                return Ok(Expression::Text(text));
            }
            text.push('\'');
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Expression, String> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = &self.text[start..self.at];
        digits.parse().map(Expression::Number).map_err(|_| format!("`{digits}` is not a number"))
    }

    fn call(&mut self) -> Result<Expression, String> {
        let mut name = self.word();
        while self.peek() == Some('.') {
            self.at += 1;
            name = format!("{name}.{}", self.word());
        }
        let name = name.to_ascii_lowercase();
        if !self.takes('(') {
            return match name.as_str() {
                "true" | "false" | "null" => Ok(Expression::Call(name, Vec::new())),
                _ => Err(format!("`{name}` without parentheses")),
            };
        }
        let mut arguments = Vec::new();
        if self.takes(')') {
            return Ok(Expression::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression()?);
            if self.takes(')') {
                return Ok(Expression::Call(name, arguments));
            }
            self.expects(',')?;
        }
    }

    fn word(&mut self) -> String {
        self.skip_spaces();
        let rest = &self.text[self.at..];
        let is_part = |letter: char| letter.is_alphanumeric() || "_$-".contains(letter);
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn takes(&mut self, letter: char) -> bool {
        self.skip_spaces();
        let is_there = self.peek() == Some(letter);
        if is_there {
            self.at += letter.len_utf8();
        }
        is_there
    }

    fn expects(&mut self, letter: char) -> Result<(), String> {
        if self.takes(letter) {
            return Ok(());
        }
        Err(format!("no `{letter}` at character {} of an expression", self.at))
    }
}
