//! Words in a picture: how wide they are, where they break, and how they stand in XML.

/// A piece of text in one weight. Names between backticks are strong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) is_strong: bool,
}

/// Letters of a line with their weight.
type Letters = Vec<(char, bool)>;

/// Letters that are kept of a long word: both ends of a name still tell it from its like.
const LETTERS_MIN: usize = 16;

/// How much wider strong letters are.
const STRONG: f64 = 1.13;

/// Width of a letter in parts of the font's size, as wide as in the widest of the fonts that
/// browsers take: in narrower ones lines end early, in none they run into each other. Measured in
/// DejaVu Sans.
fn letter_width(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' => 0.28,
        ' ' | '.' | ',' | ':' | ';' | 'I' | 'J' | '|' | '/' | '\\' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '!' => 0.41,
        'c' | 's' | 'z' | '_' | '"' => 0.55,
        'k' | 'v' | 'x' | 'y' => 0.6,
        'm' | 'M' | 'W' | '@' | '%' | '…' | '→' | '←' | '·' => 1.0,
        'w' | '<' | '>' | '=' | '+' | '~' => 0.84,
        'A' | 'B' | 'C' | 'E' | 'F' | 'K' | 'L' | 'P' | 'R' | 'S' | 'T' | 'V' | 'X' | 'Y' | 'Z' => {
            0.7
        }
        'A'..='Z' => 0.79,
        other if other.is_ascii() => 0.64,
        // Scripts from Hangul on have letters as wide as they are high.
        '\u{1100}'.. => 1.05,
        _ => 0.8,
    }
}

fn width_of(letters: &[(char, bool)], size: f64) -> f64 {
    let factor = |is_strong: bool| if is_strong { STRONG } else { 1.0 };
    letters.iter().map(|(letter, strong)| letter_width(*letter) * factor(*strong)).sum::<f64>()
        * size
}

/// Width of a text on one line.
pub(super) fn width(text: &str, size: f64, is_strong: bool) -> f64 {
    width_of(&letters(text, is_strong), size)
}

/// Letters without the backticks, those between them strong. Control characters have no place in XML.
fn letters(text: &str, all_strong: bool) -> Letters {
    let mut is_name = false;
    let mut letters = Letters::new();
    for letter in text.chars() {
        match letter {
            '`' => is_name = !is_name,
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => {
                letters.push((' ', all_strong || is_name));
            }
            other => letters.push((other, all_strong || is_name)),
        }
    }
    letters
}

/// Lines that are no wider than `width`; the last one ends with an ellipsis when there would be
/// more than `lines_max`.
pub(super) fn wrap(text: &str, size: f64, width: f64, lines_max: usize) -> Vec<Vec<Run>> {
    let mut rest = letters(text, false);
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < lines_max {
        let is_last = lines.len() + 1 == lines_max;
        let fits = fitting(&rest, size, width);
        if is_last && fits < rest.len() {
            let mut end = fitting(&rest, size, width - size).max(1);
            while end > 1 && rest[end - 1].0 == ' ' {
                end -= 1;
            }
            rest.truncate(end);
            rest.push(('…', false));
            lines.push(runs(&rest));
            return lines;
        }
        let end = if fits == rest.len() { fits } else { break_before(&rest, fits) };
        let tail = rest.split_off(end);
        while rest.last().is_some_and(|(letter, _)| *letter == ' ') {
            rest.pop();
        }
        lines.push(runs(&rest));
        rest = tail.into_iter().skip_while(|(letter, _)| *letter == ' ').collect();
    }
    lines
}

/// The whole text where it fits into so many lines; else its long words lose their middles, as little as that takes.
pub(super) fn fit(text: &str, size: f64, width: f64, lines_max: usize) -> Vec<Vec<Run>> {
    let longest = text.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    let shorter = (LETTERS_MIN..=longest.max(LETTERS_MIN)).rev();
    let tried = shorter.map(|letters| wrap(&shortened(text, letters), size, width, usize::MAX));
    let found = tried.into_iter().find(|lines| lines.len() <= lines_max);
    found.unwrap_or_else(|| wrap(&shortened(text, LETTERS_MIN), size, width, lines_max))
}

/// How many letters fit, at least one.
fn fitting(letters: &[(char, bool)], size: f64, width: f64) -> usize {
    let mut count = letters.len();
    let mut used = 0.0;
    for (index, letter) in letters.iter().enumerate() {
        used += width_of(std::slice::from_ref(letter), size);
        if used > width && letter.0 != ' ' {
            count = index;
            break;
        }
    }
    count.max(1)
}

/// Whether a name may be broken at a place: after a joint, or where a word in it begins. Addresses and numbers stay whole.
fn is_joint(letters: &[(char, bool)], at: usize) -> bool {
    let (before, next) = (letters[at - 1].0, letters.get(at).map(|(letter, _)| *letter));
    let is_hump = before.is_lowercase() && next.is_some_and(char::is_uppercase);
    let is_number = ".,".contains(before) && next.is_some_and(|next| next.is_ascii_digit());
    is_hump || "-./_:,…".contains(before) && !is_number
}

/// The best place to break at or before `fits`: after a space, else inside a name, else anywhere.
fn break_before(letters: &[(char, bool)], fits: usize) -> usize {
    let after = |index: usize, wanted: &dyn Fn(char) -> bool| wanted(letters[index - 1].0);
    let is_space = |letter: char| letter == ' ';
    if letters.get(fits).is_some_and(|(letter, _)| *letter == ' ') {
        return fits;
    }
    if let Some(place) = (1..=fits).rev().find(|index| after(*index, &is_space)) {
        return place;
    }
    let place = (2..=fits).rev().find(|index| is_joint(letters, *index));
    place.unwrap_or(fits).max(1)
}

fn runs(letters: &[(char, bool)]) -> Vec<Run> {
    letters
        .chunk_by(|one, other| one.1 == other.1)
        .map(|run| Run {
            text: run.iter().map(|(letter, _)| letter).collect(),
            is_strong: run[0].1,
        })
        .collect()
}

/// The text with the middle of very long words left out: both ends of a name tell more than its
/// beginning alone.
pub(super) fn shortened(text: &str, letters_max: usize) -> String {
    let one = |word: &str| {
        let count = word.chars().count();
        if count <= letters_max {
            return word.to_owned();
        }
        let tail = letters_max * 2 / 5;
        let start: String = word.chars().take(letters_max - tail - 1).collect();
        let end: String = word.chars().skip(count - tail).collect();
        format!("{start}…{end}")
    };
    text.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

/// Text as it stands in XML, without the backticks of names.
pub(super) fn escaped(text: &str) -> String {
    let plain: String = letters(text, false).into_iter().map(|(letter, _)| letter).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
