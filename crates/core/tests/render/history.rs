//! The page of a fixed history.

use flexway_core::history::{Ending, History, Moved, Run, Span, SpanKind};
use flexway_core::render::history::page;

const BEGAN_MS: u64 = 1_767_225_600_000;

fn span(kind: SpanKind, name: &str, worker: Option<u32>, from_ms: u64, to_ms: u64) -> Span {
    Span {
        database: "shop".to_owned(),
        kind,
        name: name.to_owned(),
        part: None,
        worker,
        began_ms: BEGAN_MS + from_ms,
        ended_ms: BEGAN_MS + to_ms,
        rows: 0,
        bytes: 0,
        is_done: true,
    }
}

fn history() -> History {
    let part = |number, worker, from, to| Span {
        part: Some(number),
        rows: 500,
        bytes: 1_000_000,
        ..span(SpanKind::Copy, "app.orders", Some(worker), from, to)
    };
    let spans = vec![
        span(SpanKind::Phase, "copied", None, 0, 3000),
        part(0, 1, 0, 1500),
        part(1, 2, 500, 2000),
        span(SpanKind::Build, "INDEX app <i>", Some(2), 2000, 3500),
        Span { is_done: false, ..span(SpanKind::Compare, "app.orders", Some(1), 3500, 4000) },
    ];
    let ended_ms = Some(BEGAN_MS + 4000);
    let run = Run { id: 1, state: "done".to_owned(), began_ms: BEGAN_MS, ended_ms, spans };
    let shop = Moved {
        name: "shop".to_owned(),
        phase: Some("verified".to_owned()),
        tables_done: 1,
        tables: 1,
        rows: 1000,
        bytes: 2_000_000,
        entries_done: 1,
        entries: 1,
        verified: Some("2026-01-01T00:00:04Z".to_owned()),
        tables_compared: 1,
        rows_compared: 1000,
        ..Moved::default()
    };
    History {
        source: "old:5432 as <admin>".to_owned(),
        target: "new:5432 as admin".to_owned(),
        runs: vec![run],
        databases: vec![shop],
        ending: Some(Ending { is_equal: true, ..Ending::default() }),
        roles_not_carried: Vec::new(),
    }
}

#[test]
fn a_page_tells_times_sizes_workers_and_the_verdict() {
    let page = page(&history());
    for text in [
        "<title>Move from old:5432 as &lt;admin&gt; to new:5432 as admin</title>",
        "<p class=\"good\">Done, compared, and equal.</p>",
        "On the target: 1 database, 1 table, 1,000 rows, 2.00 MB",
        "<p>Began 2026-01-01 00:00:00 UTC, took 4.0 s.</p>",
        // Two parts side by side: two seconds of copying, not three.
        "Rows were copied during 2.0 s: 2.00 MB, 1.00 MB/s.",
        "2 workers over 4.0 s.",
        "<td class=\"name\">app.orders</td><td>1, 2</td><td class=\"n\">0 ms</td>\
         <td class=\"n\">2.0 s</td><td class=\"n\">2</td>",
        "<title>shop copy: app.orders, part 2, 500 rows, 1.5 s</title>",
        "<rect class=\"compare failed\"",
        "INDEX app &lt;i&gt;",
    ] {
        assert!(page.contains(text), "no {text} in\n{page}");
    }
    assert!(!page.contains("<i>") && !page.contains("<admin>"), "a name is not escaped");
    for outside in ["<script", "http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "the page leans on something else: {outside}");
    }
}

#[test]
fn bars_stand_where_their_time_is() {
    let page = page(&history());
    // 920 units for 4 seconds, after 100 for the names.
    let bars: Vec<&str> = page.lines().filter(|line| line.starts_with("<rect")).collect();
    let place = |bar: &&str| {
        let value = |name: &str| bar.split(&format!(" {name}=\"")).nth(1)?.split('"').next();
        (value("x").map(str::to_owned), value("width").map(str::to_owned))
    };
    let places: Vec<_> = bars.iter().map(place).collect();
    let expected = [
        ("100.0", "690.0"),
        ("100.0", "345.0"),
        ("905.0", "115.0"),
        ("215.0", "345.0"),
        ("560.0", "345.0"),
    ];
    let expected: Vec<_> =
        expected.map(|(x, width)| (Some(x.to_owned()), Some(width.to_owned()))).into();
    assert_eq!(places, expected);
}

#[test]
fn a_hundred_thousand_tables_stay_one_picture() {
    let mut history = history();
    let copy = |n: u64| span(SpanKind::Copy, &format!("app.t{n}"), Some(1), n, n + 1);
    history.runs[0].spans = (0..100_000).map(copy).collect();
    history.runs[0].ended_ms = None;
    let page = page(&history);
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert!(page.contains("99,800 shorter ones are left out"));
}

#[test]
fn what_is_missing_or_went_wrong_is_said() {
    let mut history = history();
    history.runs[0].state = "interrupted".to_owned();
    history.ending = None;
    history.roles_not_carried = vec!["role a\"b: stood there".to_owned()];
    let page_of = |history: &History| page(history);
    let page = page_of(&history);
    assert!(page.contains("The last run is interrupted; the move is not complete."));
    assert!(page.contains("<li>role a&quot;b: stood there</li>"));
    assert!(!page.contains("and equal"));
    let empty = page_of(&History::default());
    assert!(empty.contains("The last run is not begun"), "{empty}");
}

#[test]
fn names_cannot_turn_text_around() {
    let history = History { source: "a<'b'>&\u{202e}\u{7}\n".to_owned(), ..History::default() };
    let title = "<title>Move from a&lt;&#39;b&#39;&gt;&amp;\u{fffd}\u{fffd}  to </title>";
    assert!(page(&history).contains(title), "{}", page(&history));
}
