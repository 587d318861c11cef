//! Names as Azure never has them: with characters that steer a terminal or start a new line. They are written into reports and scripts,
//! so an input that holds one is no capture.

use super::json::Json;
use crate::text::steers;

/// Whether a JSON text can hold no such name: those characters are escaped there, or no ASCII, but for the one that deletes. Etags have
/// escaped quotes.
pub(super) fn is_plain(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        if !matches!(rest.as_bytes().get(at + 1), Some(b'"' | b'\\' | b'/')) {
            return false;
        }
        rest = &rest[at + 2..];
    }
    text.is_ascii() && !text.contains('\x7f')
}

/// Why an input is refused for a name in it; `None` where all are as they should be.
pub(super) fn refusal(json: &Json) -> Option<String> {
    first(json).map(|name| {
        format!(
            "name \"{}\" holds a character that no name in Azure has; capture it again",
            name.escape_default()
        )
    })
}

/// The first such name of a resource, or of something inside one.
fn first<'j>(json: &'j Json) -> Option<&'j str> {
    match json {
        Json::List(items) => items.iter().find_map(first),
        Json::Object(fields) => {
            // A tag can have any name and any value.
            let is_resource = json.has("properties") || json.has("id");
            let named = ["id", "name"].iter().filter_map(|field| json.get(field)?.as_str());
            let own = named.filter(|_| is_resource).find(|name| name.chars().any(steers));
            own.or_else(|| fields.iter().find_map(|(_, value)| first(value)))
        }
        _ => None,
    }
}
