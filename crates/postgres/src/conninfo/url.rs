//! The grammar of libpq's `postgresql://` URLs.

use super::ConnInfoError;

/// The part after `postgres://` or `postgresql://`; `None` when the text is not such a URL.
pub(crate) fn without_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// The pairs that `user:password@host:port/database?key=value&...` stands for.
///
/// One thing is read more kindly than libpq does: the last `@` before the path ends the
/// credentials, so that `admin@server` (a user of Azure's Single Server) may stand unescaped.
pub(crate) fn read(rest: &str) -> Result<Vec<(String, String)>, ConnInfoError> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (host, port) = split_place(place)?;

    let mut pairs = Vec::new();
    for (key, value) in
        [("user", user), ("password", password), ("host", host), ("port", port), ("dbname", path)]
    {
        if !value.is_empty() {
            pairs.push((key.to_owned(), decode(value)?));
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            ConnInfoError::new("a parameter after `?` has no `=`; write key=value, `&` between")
        })?;
        let (key, value) = (decode(key)?, decode(value)?);
        // JDBC's word, which libpq accepts too.
        if key == "ssl" && value == "true" {
            pairs.push(("sslmode".to_owned(), "require".to_owned()));
        } else {
            pairs.push((key, value));
        }
    }
    Ok(pairs)
}

/// Splits `host:port` or `[ipv6]:port`; either part may be empty.
fn split_place(place: &str) -> Result<(&str, &str), ConnInfoError> {
    if place.contains(',') {
        return Err(several_hosts());
    }
    if let Some(bracketed) = place.strip_prefix('[') {
        let (host, after) = bracketed
            .split_once(']')
            .ok_or_else(|| ConnInfoError::new("an IPv6 address has no closing `]`"))?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if after.is_empty() => Ok((host, "")),
            None => Err(ConnInfoError::new("after `]` only `:port` may follow")),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(ConnInfoError::new(
            "the host holds several colons; put an IPv6 address in brackets, and write `/`, `?` \
             and `#` in a password as %2F, %3F and %23",
        )),
        Some(split) => Ok(split),
        None => Ok((place, "")),
    }
}

pub(crate) fn several_hosts() -> ConnInfoError {
    ConnInfoError::new("it names several hosts; name the one server to read from or write to")
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<String, ConnInfoError> {
    let bad = || ConnInfoError::new("a `%` is not followed by two hex digits; write `%` as %25");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(bad()) };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(bad()) };
        let byte = u8::try_from(high * 16 + low).map_err(|_| bad())?;
        if byte == 0 {
            return Err(ConnInfoError::new("%00 cannot be part of a value"));
        }
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| ConnInfoError::new("a percent-encoded value is not UTF-8"))
}
