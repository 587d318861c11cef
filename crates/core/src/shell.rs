//! Values inside commands for a POSIX shell, which people paste: a name is one word there, whatever it holds.

/// `value` as one word.
pub(crate) fn quoted(value: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/-_.:=@,+".contains(letter);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// `value` as it stands between double quotes.
pub(crate) fn in_double_quotes(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars() {
        if matches!(letter, '"' | '\\' | '$' | '`') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{in_double_quotes, quoted};

    #[test]
    fn a_name_is_one_word() {
        assert_eq!(quoted("rg-net"), "rg-net");
        assert_eq!(quoted("rg_dns(shared)"), "'rg_dns(shared)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(in_double_quotes("a(b) $(c) `d`"), r"a(b) \$(c) \`d\`");
    }
}
