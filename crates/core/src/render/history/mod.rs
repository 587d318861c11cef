//! The report of a move: one HTML page with a timeline, for people who want to see what was done, when, and how it ended.
//!
//! It needs nothing from elsewhere and runs no script. The same history gives the same page.

mod sections;
mod style;
mod timeline;

use crate::format::{fine_duration, moment};
use crate::history::History;

/// Runs with a timeline of their own, the latest ones: who resumes a hundred times looks at the last few.
const RUNS_MAX: usize = 8;

/// Writes the page.
pub fn page(history: &History) -> String {
    let title = escaped(&format!("Move from {} to {}", history.source, history.target));
    let mut body = sections::verdict(history);
    body += &sections::databases(history);
    let left_out = history.runs.len().saturating_sub(RUNS_MAX);
    if left_out > 0 {
        body += &format!("<p>{left_out} earlier runs are not shown.</p>\n");
    }
    for run in &history.runs[left_out..] {
        let (began, _) = run.bounds_ms();
        body += &format!(
            "<section>\n<h2>Run {}: {}</h2>\n<p>Began {}, took {}.</p>\n",
            run.id,
            escaped(&run.state),
            moment(began),
            fine_duration(run.seconds())
        );
        body += &sections::work(run);
        body += &timeline::picture(run);
        body += &sections::longest(run);
        body += "</section>\n";
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n",
        style::STYLE
    )
}

/// Text as it stands in HTML, in elements and quoted attributes. What could turn the text around or steer a reader becomes a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push('\u{fffd}');
            }
            other if other.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
