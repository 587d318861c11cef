//! Pages for the words that people paste: fault ids, ids of validations, ST008, CL003 and the 603xxx codes.

use crate::{assess, checks};

macro_rules! codes {
    ($($code:literal)*) => {
        /// Codes of Azure's tool that have a page, with their pages in Markdown.
        pub const CODES: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../../../docs/codes/", $code, ".md")))),*];
    };
}

codes! {
    "ST008" "CL003"
    "603000" "603001"
    "603100" "603101" "603102" "603103" "603104" "603105" "603106" "603107" "603108" "603109"
    "603110" "603111" "603112" "603113" "603114" "603115" "603116" "603117"
    "603400" "603401" "603402" "603403" "603404" "603405" "603406" "603407" "603408" "603409" "603410" "603413"
    "603700" "603701" "603702" "603703" "603704" "603705" "603706" "603707" "603708" "603709"
}

/// Where the part of a page begins that only its test reads.
const EXAMPLES: &str = "\n## Examples\n";

/// What stands between the parts of an id.
const JOINTS: [char; 4] = ['/', '-', ' ', '_'];

/// Suggestions given for an unknown word: a screenful at most.
const SUGGESTIONS_MAX: usize = 8;

/// The page for a word, in Markdown. Case does not matter; the text around a pasted code does not either.
///
/// # Errors
/// Words that are near.
pub fn explain(word: &str) -> Result<&'static str, Vec<&'static str>> {
    let wanted =
        word.trim().trim_matches(|letter: char| !letter.is_alphanumeric()).to_ascii_lowercase();
    let words = || {
        let faults = checks::ALL.iter().map(|check| (check.fault, check.page));
        let validations = assess::ALL.iter().map(|one| (one.id, one.page));
        CODES.iter().copied().chain(faults).chain(validations)
    };
    if let Some((_, page)) = words().find(|(known, _)| known.eq_ignore_ascii_case(&wanted)) {
        return Ok(page.split(EXAMPLES).next().unwrap_or(page));
    }
    // A pasted message holds its word somewhere; the fault that flexway names says more than the code of Azure's tool beside it.
    let is_held = |known: &str| is_within(&known.to_ascii_lowercase(), &wanted);
    let mut ids = words().skip(CODES.len()).chain(CODES.iter().copied());
    if let Some((_, page)) = ids.find(|(known, _)| is_held(known)) {
        return Ok(page.split(EXAMPLES).next().unwrap_or(page));
    }
    // The area may be left out where one fault alone is called so.
    let is_it =
        |(known, _): &(&str, &str)| known.rsplit_once('/').is_some_and(|(_, own)| own == wanted);
    let mut named = words().filter(is_it);
    if let (Some((_, page)), None) = (named.next(), named.next()) {
        return Ok(page.split(EXAMPLES).next().unwrap_or(page));
    }
    let parts: Vec<&str> = wanted.split(JOINTS).filter(|part| part.len() > 2).collect();
    let begins = |known: &str, part: &str| known.split(JOINTS).any(|own| own.starts_with(part));
    let score = |known: &str| parts.iter().filter(|part| begins(known, part)).count();
    let mut near: Vec<(usize, &str)> =
        words().map(|(known, _)| (score(known), known)).filter(|(score, _)| *score > 0).collect();
    near.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Err(near.into_iter().map(|(_, known)| known).take(SUGGESTIONS_MAX).collect())
}

/// Whether a text holds a word, and not as a part of a longer one.
fn is_within(word: &str, text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "/-_".contains(letter);
    text.match_indices(word).any(|(at, _)| {
        let (before, after) =
            (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Every word that has a page, with the sentence that its page begins with.
pub fn words() -> Vec<(&'static str, &'static str)> {
    let faults = checks::ALL.iter().map(|check| (check.fault, check.page));
    let validations = assess::ALL.iter().map(|one| (one.id, one.page));
    let all = CODES.iter().copied().chain(faults).chain(validations);
    all.map(|(word, page)| (word, page.lines().nth(2).unwrap_or(""))).collect()
}
