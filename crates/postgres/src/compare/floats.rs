//! Floating point numbers in texts of a schema: pg_dump has servers before 12 write 18 digits, or 9 of a `real`; later ones
//! write as few as are exact.

/// First version that writes them as short as possible.
pub(super) const SHORT_SINCE: u32 = 120_000;

/// Whether the texts are the same but for numbers that the older server writes with more digits.
pub(super) fn are_same(older: &str, newer: &str) -> bool {
    let (older, newer) = (pieces(older), pieces(newer));
    let is_same = |(long, short): (&&str, &&str)| long == short || is_longer(long, short);
    older.len() == newer.len() && older.iter().zip(&newer).all(is_same)
}

/// Whether `long` is what a server before 12 writes for the number that `short` is.
fn is_longer(long: &str, short: &str) -> bool {
    if digits(long).len() <= digits(short).len() {
        return false;
    }
    let is_double = long.parse::<f64>().is_ok_and(|value| {
        short.parse() == Ok(value) && digits(&format!("{value:.17e}")) == digits(long)
    });
    let is_real = long.parse::<f32>().is_ok_and(|value| {
        short.parse() == Ok(value) && digits(&format!("{value:.8e}")) == digits(long)
    });
    is_double || is_real
}

/// The digits that count, without those of an exponent.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Numbers, and what stands between them, in turns.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut rest, mut at) = (text, 0);
    while let Some(found) = rest[at..].find(|one: char| one.is_ascii_digit()) {
        let start = at + found;
        let end = start + length(&rest[start..]);
        // `int4` is a name.
        if rest[..start].ends_with(|one: char| one.is_alphanumeric() || one == '_') {
            at = end;
            continue;
        }
        pieces.extend([&rest[..start], &rest[start..end]]);
        (rest, at) = (&rest[end..], 0);
    }
    pieces.push(rest);
    pieces
}

/// Bytes of the number that the text begins with.
fn length(text: &str) -> usize {
    let digits = |from: usize| {
        text[from..].find(|one: char| !one.is_ascii_digit()).unwrap_or(text.len() - from)
    };
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end += 1 + digits(end + 1);
    }
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let count = digits(end + 1 + sign);
        if count > 0 {
            end += 1 + sign + count;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_only_an_older_server_writes_do_not_count() {
        let same = [
            (
                "FROM ('0.100000000000000006') TO ('-1.00000000000000008e-05')",
                "FROM ('0.1') TO ('-1e-05')",
            ),
            ("DEFAULT '0.100000001'::real", "DEFAULT '0.1'::real"),
            (
                "'(0.100000000000000006,0.300000000000000044)'::point",
                "'(0.1,0.30000000000000004)'::point",
            ),
            ("int4 1.50", "int4 1.50"),
        ];
        for (older, newer) in same {
            assert!(are_same(older, newer), "{older}");
        }
        let other = [
            ("0.100000000000000007", "0.1"),
            ("0.100000000000000019", "0.1"),
            ("0.100000002", "0.1"),
            ("1.50", "1.5"),
            ("0.10", "0.1"),
            ("a0.100000000000000006", "a0.1"),
            ("0.1", "0.100000000000000006"),
            ("('0.100000000000000006')", "('0.1'"),
        ];
        for (older, newer) in other {
            assert!(!are_same(older, newer), "{older}");
        }
    }
}
