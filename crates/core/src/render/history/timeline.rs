//! The timeline of one run: a lane for the phases, one for each worker, time from left to right.

use std::collections::BTreeMap;

use super::escaped;
use crate::format::{fine_duration, things};
use crate::history::{Run, Span, SpanKind};

/// All lengths are in units of the picture.
const WIDTH: f64 = 1032.0;
const LABEL_WIDTH: f64 = 88.0;
const MARGIN: f64 = 12.0;
const LANE_HEIGHT: f64 = 22.0;
const BAR_HEIGHT: f64 = 16.0;
/// Room for the words of the axis.
const AXIS_HEIGHT: f64 = 28.0;
/// Shorter bars are drawn as one with others near them: a hundred thousand tables stay one picture.
const BAR_WIDTH_MIN: f64 = 2.0;
/// Marks on the axis at most.
const TICKS_MAX: u64 = 8;
/// Lanes drawn at most: `--jobs` takes no more.
const WORKERS_MAX: u32 = 64;

/// Draws the run, with a text alternative; a sentence where nothing was recorded.
pub(super) fn picture(run: &Run) -> String {
    if run.spans.is_empty() {
        return "<p>No work of this run was recorded.</p>\n".to_owned();
    }
    let (began, ended) = run.bounds_ms();
    let scale = Scale { began, length_ms: (ended - began).max(1) };
    let lanes = lanes(run);
    let height = AXIS_HEIGHT + MARGIN + LANE_HEIGHT * lanes.len() as f64;
    let mut out = String::from("<p>");
    for kind in SpanKind::ALL {
        out += &format!("<span class=\"key {}\"></span>{}", kind.word(), words(kind));
    }
    out += "<span class=\"muted\"> A dashed red edge: failed or stopped.</span></p>\n";
    let id = run.id;
    out += &format!(
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"run-{id}-title run-{id}-text\">\n\
         <title id=\"run-{id}-title\">Timeline of run {id}</title>\n\
         <desc id=\"run-{id}-text\">{}</desc>\n",
        escaped(&alternative(run))
    );
    out += &axis(&scale, height);
    for (number, (lane, spans)) in lanes.iter().enumerate() {
        let y = AXIS_HEIGHT + LANE_HEIGHT * number as f64;
        let label = match lane {
            Lane::Phases => "phases".to_owned(),
            Lane::Worker(worker) => format!("worker {worker}"),
            Lane::Nobody => "not known".to_owned(),
        };
        out += &format!("<text x=\"{MARGIN}\" y=\"{:.1}\">{label}</text>\n", y + 13.0);
        out += &bars(&scale, spans, y);
    }
    out += "</svg></div>\n";
    out
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Phases,
    Worker(u32),
    /// Nobody in particular, or more workers than are drawn.
    Nobody,
}

fn lanes(run: &Run) -> BTreeMap<Lane, Vec<&Span>> {
    let mut lanes: BTreeMap<Lane, Vec<&Span>> = BTreeMap::new();
    for span in &run.spans {
        let lane = match (span.kind, span.worker) {
            (SpanKind::Phase, _) => Lane::Phases,
            (_, Some(worker)) if worker <= WORKERS_MAX => Lane::Worker(worker),
            (_, _) => Lane::Nobody,
        };
        lanes.entry(lane).or_default().push(span);
    }
    lanes
}

struct Scale {
    began: u64,
    length_ms: u64,
}

impl Scale {
    fn x(&self, ms: u64) -> f64 {
        let room = WIDTH - LABEL_WIDTH - 2.0 * MARGIN;
        let share = ms.saturating_sub(self.began) as f64 / self.length_ms as f64;
        LABEL_WIDTH + MARGIN + room * share.min(1.0)
    }
}

/// Bars of one lane: long ones each, short ones together by kind and place.
fn bars(scale: &Scale, spans: &[&Span], y: f64) -> String {
    let mut out = String::new();
    let mut short: BTreeMap<(u64, SpanKind, bool), (u64, &Span)> = BTreeMap::new();
    for &span in spans {
        let (x, end) = (scale.x(span.began_ms), scale.x(span.ended_ms));
        if end - x < BAR_WIDTH_MIN {
            let key = ((x / BAR_WIDTH_MIN) as u64, span.kind, span.is_done);
            short.entry(key).or_insert((0, span)).0 += 1;
        } else {
            out += &bar(span.kind, span.is_done, (x, end - x, y), &told(span));
        }
    }
    for ((place, kind, is_done), (count, first)) in short {
        let text = match count {
            1 => told(first),
            count => format!("{} of kind {}, {} first", count, kind.word(), first.name),
        };
        out += &bar(kind, is_done, (place as f64 * BAR_WIDTH_MIN, BAR_WIDTH_MIN, y), &text);
    }
    out
}

fn bar(kind: SpanKind, is_done: bool, (x, width, y): (f64, f64, f64), text: &str) -> String {
    let failed = if is_done { "" } else { " failed" };
    format!(
        "<rect class=\"{}{failed}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{BAR_HEIGHT}\" rx=\"1\"><title>{}</title></rect>\n",
        kind.word(),
        escaped(text)
    )
}

fn told(span: &Span) -> String {
    let part = span.part.map_or_else(String::new, |part| format!(", part {}", part + 1));
    let rows =
        if span.rows > 0 { format!(", {}", things(span.rows, "row")) } else { String::new() };
    let failed = if span.is_done { "" } else { ", not done" };
    format!(
        "{} {}: {}{part}{rows}, {}{failed}",
        span.database,
        span.kind.word(),
        span.name,
        fine_duration(span.seconds())
    )
}

/// Marks at round times.
fn axis(scale: &Scale, height: f64) -> String {
    let step = step_ms(scale.length_ms);
    let mut out = String::new();
    let mut at = 0;
    while at <= scale.length_ms {
        let x = scale.x(scale.began + at);
        out += &format!(
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"22\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{:.1}\" y=\"15\">{}</text>\n",
            height - MARGIN / 2.0,
            x + 2.0,
            mark(at)
        );
        at += step;
    }
    out
}

fn mark(ms: u64) -> String {
    if ms == 0 { "0".to_owned() } else { fine_duration(ms as f64 / 1000.0) }
}

/// The smallest round step that needs few marks.
fn step_ms(length_ms: u64) -> u64 {
    const ROUND: [u64; 20] = [
        1, 10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000,
        600_000, 1_800_000, 3_600_000, 10_800_000, 43_200_000, 86_400_000,
    ];
    let fits = |step: &u64| length_ms / step <= TICKS_MAX;
    ROUND.into_iter().find(fits).unwrap_or(length_ms / TICKS_MAX + 1)
}

fn words(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Phase => "phases",
        SpanKind::Copy => "rows copied",
        SpanKind::Build => "indexes, keys and other entries built",
        SpanKind::Compare => "tables compared",
    }
}

/// What the picture shows, in words; the table below it has the pieces.
fn alternative(run: &Run) -> String {
    let workers = run.spans.iter().filter_map(|span| span.worker).max().unwrap_or(0);
    let mut text =
        format!("{} over {}.", things(workers.into(), "worker"), fine_duration(run.seconds()));
    let (began, _) = run.bounds_ms();
    for kind in SpanKind::ALL {
        let spans = || run.spans.iter().filter(|span| span.kind == kind);
        let first = spans().map(|span| span.began_ms).min();
        let last = spans().map(|span| span.ended_ms).max();
        if let (Some(first), Some(last)) = (first, last) {
            let after = |ms: u64| fine_duration(ms.saturating_sub(began) as f64 / 1000.0);
            text += &format!(
                " {}: {} from {} to {} after the beginning.",
                words(kind),
                things(spans().count() as u64, "piece"),
                after(first),
                after(last)
            );
        }
    }
    text + " The table below lists the longest."
}
