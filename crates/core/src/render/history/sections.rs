//! The page's words and tables.

use super::escaped;
use crate::format::{bytes, count, fine_duration, things};
use crate::history::{Ending, History, Run, SpanKind, Unit, units};

/// Rows of a table, and lines of a list, at most: what people read. The ledger has all of them.
const ROWS_MAX: usize = 200;

/// How it ended: the comparison, what failed, what was not carried.
pub(super) fn verdict(history: &History) -> String {
    let state = history.runs.last().map_or("not begun", |run| run.state.as_str());
    let (class, text) = match (&history.ending, state) {
        (Some(ending), "done") if ending.is_equal => {
            ("good", "Done, compared, and equal.".to_owned())
        }
        (Some(Ending { sample: Some(sample), .. }), "done") => {
            ("muted", format!("Done. Nothing differs in {sample}. The rest was not compared."))
        }
        (Some(ending), "done") if ending.is_skipped => {
            ("muted", "Done. Nothing was compared, as asked.".to_owned())
        }
        (Some(ending), "differs") if ending.is_skipped => {
            let (steps, roles) = (ending.open.len() as u64, ending.differences.len() as u64);
            let left = match (steps, roles) {
                (_, 0) => things(steps, "step"),
                (0, _) => format!("{} of roles", things(roles, "difference")),
                _ => format!(
                    "{} and {} of roles",
                    things(steps, "step"),
                    things(roles, "difference")
                ),
            };
            ("bad", format!("Done but for {left}. Nothing was compared, as asked."))
        }
        (Some(ending), "differs") => {
            let found = things(ending.differences.len() as u64, "difference");
            ("bad", format!("Done, compared, and NOT equal: {found}."))
        }
        (_, "done") => ("muted", "Done; what the comparison found was not recorded.".to_owned()),
        (_, "running") => ("muted", "Running; this page shows the moment it was written.".into()),
        (_, state) => ("bad", format!("The last run is {state}; the move is not complete.")),
    };
    let mut out = format!("<p class=\"{class}\">{}</p>\n", escaped(&text));
    if let Some(ending) = &history.ending {
        out += &list("What failed", &ending.errors);
        out += &list("What is left open, and tried again by the next run", &ending.open);
        out += &list("What differs", &ending.differences);
    }
    out += &list("The planner's statistics", &statistics(history));
    out += &list("What of the roles was not carried", &history.roles_not_carried);
    if let Some(ending) = &history.ending {
        out += &list("What is left out, and what to know", &ending.notes);
    }
    out
}

/// A line for each database, and one for each reason why a table's were not carried over.
fn statistics(history: &History) -> Vec<String> {
    let settled = history.databases.iter().filter_map(|one| Some((one, one.statistics.as_ref()?)));
    let lines = settled.flat_map(|(one, statistics)| {
        let reasons = statistics.reasons.iter().map(|reason| format!("gathered: {reason}"));
        std::iter::once(statistics.to_string())
            .chain(reasons)
            .map(|line| format!("{}: {line}", one.name))
    });
    lines.collect()
}

fn list(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("<h2>{title}</h2>\n<ul>\n");
    for line in lines.iter().take(ROWS_MAX) {
        out += &format!("<li>{}</li>\n", escaped(line));
    }
    out += "</ul>\n";
    if lines.len() > ROWS_MAX {
        out += &format!("<p>And {} more.</p>\n", count((lines.len() - ROWS_MAX) as u64));
    }
    out
}

/// Every database, and all together.
pub(super) fn databases(history: &History) -> String {
    let mut rows = String::new();
    for one in history.databases.iter().take(ROWS_MAX) {
        let compared = match &one.verified {
            Some(time) => format!(
                "equal: {}, {} ({time})",
                things(one.tables_compared, "table"),
                things(one.rows_compared, "row")
            ),
            None => "not found equal yet".to_owned(),
        };
        rows += &format!(
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"n\">{} of {}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{} of {}</td><td>{}</td></tr>\n",
            escaped(&one.name),
            escaped(one.phase.as_deref().unwrap_or("not prepared yet")),
            count(one.tables_done),
            count(one.tables),
            count(one.rows),
            count(one.large_objects),
            bytes(one.bytes),
            count(one.entries_done),
            count(one.entries),
            escaped(&compared)
        );
    }
    let sum = |of: fn(&crate::history::Moved) -> u64| history.databases.iter().map(of).sum::<u64>();
    let total = format!(
        "{}, {}, {}, {}",
        things(history.databases.len() as u64, "database"),
        things(sum(|one| one.tables_done), "table"),
        things(sum(|one| one.rows), "row"),
        bytes(sum(|one| one.bytes))
    );
    table(
        &format!("On the target: {total}"),
        &[
            ("Database", ""),
            ("Last complete phase", ""),
            ("Tables", "n"),
            ("Rows", "n"),
            ("Large objects", "n"),
            ("Bytes as copied", "n"),
            ("Indexes, keys, other", "n"),
            ("Comparison", ""),
        ],
        &rows,
    )
}

/// How much one run did of each kind of work, and how fast.
pub(super) fn work(run: &Run) -> String {
    let mut lines = Vec::new();
    let copied = run.bytes(SpanKind::Copy);
    for kind in [SpanKind::Copy, SpanKind::Build, SpanKind::Compare] {
        let busy = run.busy_seconds(kind);
        if run.spans.iter().all(|span| span.kind != kind) {
            continue;
        }
        let mut line = match kind {
            SpanKind::Copy => "Rows were copied",
            SpanKind::Build => "Indexes, keys and other entries were built",
            SpanKind::Compare | SpanKind::Phase => "Tables were compared",
        }
        .to_owned();
        line += &format!(" during {}", fine_duration(busy));
        if kind == SpanKind::Copy && busy > 0.0 {
            let rate = bytes((copied as f64 / busy) as u64);
            line += &format!(": {}, {rate}/s", bytes(copied));
        }
        lines.push(format!("<li>{line}.</li>\n"));
    }
    if lines.is_empty() { String::new() } else { format!("<ul>\n{}</ul>\n", lines.concat()) }
}

/// The longest pieces of a run: the picture in words.
pub(super) fn longest(run: &Run) -> String {
    let all = units(run);
    if all.is_empty() {
        return String::new();
    }
    let (began, _) = run.bounds_ms();
    let rows: String = all.iter().take(ROWS_MAX).map(|unit| row(unit, began)).collect();
    let caption = match all.len().saturating_sub(ROWS_MAX) {
        0 => "All work, longest first".to_owned(),
        more => {
            format!("The longest of the work; {} shorter ones are left out", count(more as u64))
        }
    };
    table(
        &caption,
        &[
            ("Database", ""),
            ("Work", ""),
            ("What", ""),
            ("Worker", ""),
            ("Began after", "n"),
            ("Took", "n"),
            ("Parts", "n"),
            ("Rows", "n"),
            ("Bytes", "n"),
            ("Rate", "n"),
        ],
        &rows,
    )
}

fn row(unit: &Unit<'_>, began: u64) -> String {
    let span = unit.first;
    let workers: Vec<String> = unit.workers.iter().map(u32::to_string).collect();
    let after = span.began_ms.saturating_sub(began) as f64 / 1000.0;
    let has_rows = matches!(span.kind, SpanKind::Copy | SpanKind::Compare);
    let rate = match (unit.bytes, unit.seconds()) {
        (bytes_moved, seconds) if bytes_moved > 0 && seconds > 0.0 => {
            format!("{}/s", bytes((bytes_moved as f64 / seconds) as u64))
        }
        _ => String::new(),
    };
    let moved = if unit.bytes > 0 { bytes(unit.bytes) } else { String::new() };
    let not_done = if unit.is_done { "" } else { " <span class=\"bad\">not done</span>" };
    format!(
        "<tr><td class=\"name\">{}</td><td>{}{not_done}</td><td class=\"name\">{}</td><td>{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{moved}</td><td class=\"n\">{rate}</td></tr>\n",
        escaped(&span.database),
        span.kind.word(),
        escaped(&span.name),
        workers.join(", "),
        fine_duration(after),
        fine_duration(unit.seconds()),
        count(unit.pieces),
        if has_rows { count(unit.rows) } else { String::new() },
    )
}

fn table(caption: &str, heads: &[(&str, &str)], rows: &str) -> String {
    let heads: String = heads
        .iter()
        .map(|(text, class)| format!("<th scope=\"col\" class=\"{class}\">{text}</th>"))
        .collect();
    format!(
        "<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n",
        escaped(caption)
    )
}
