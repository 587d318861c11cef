//! Where everything of a lane stands: boxes, gates and their sentences, measured before anything is drawn.

use super::scene::{FarSide, Lane, Net, Station, Zone};
use super::text::{Run, shortened, wrap};
use super::{MARGIN, WIDTH, gate};

/// Width of the column that holds a server at either end.
pub(super) const ICON: f64 = 100.0;
/// Between a box and what is in it.
pub(super) const PAD: f64 = 10.0;
/// Between two boxes that no gate stands between.
pub(super) const GAP: f64 = 36.0;
/// Size of the sentence under a gate, and from line to line.
pub(super) const DETAIL: (f64, f64) = (11.5, 14.5);
/// Size of the names of networks, and from line to line.
pub(super) const TITLE: (f64, f64) = (12.5, 16.0);
/// Size of the names of subnets, and from line to line.
pub(super) const LABEL: (f64, f64) = (12.0, 15.0);
/// Lines of the sentence under a gate; the tooltip has all of it.
pub(super) const DETAIL_LINES_MAX: usize = 9;
/// Letters of a name that are shown; the tooltip has all of it. A server's whole host name of 34
/// letters fits.
pub(super) const NAME_LETTERS_MAX: usize = 40;
/// Width of a card at most.
pub(super) const CARD_MAX: f64 = 260.0;
/// Radius of a gate's mark.
pub(super) const DOT: f64 = 12.0;

/// Where everything of a lane stands.
pub(super) struct Layout {
    /// Centres of the gates.
    pub(super) centres: Vec<f64>,
    /// From gate to gate.
    pub(super) pitch: f64,
    /// Height of the networks' names.
    pub(super) title: f64,
    pub(super) near: (f64, f64),
    pub(super) far: Option<(f64, f64)>,
    /// Base line of the gates' names.
    pub(super) names: f64,
    /// The line that gates stand on.
    pub(super) way: f64,
    /// Lines of each gate's sentence.
    pub(super) details: Vec<Vec<Vec<Run>>>,
    /// Where the sentences end.
    pub(super) details_end: f64,
    /// The line back, and where its sentence ends.
    pub(super) back: Option<(f64, f64)>,
    pub(super) bottom: f64,
}

fn zones(lane: &Lane) -> Vec<Zone> {
    let mut furthest = Zone::Near;
    let step = |one: &Station| {
        furthest = furthest.max(one.zone);
        furthest
    };
    lane.there.iter().map(step).collect()
}

/// Measures a lane below `top`.
pub(super) fn layout(lane: &Lane, top: f64) -> Layout {
    let zones = zones(lane);
    let count = zones.len().max(1) as f64;
    let has_between = zones.contains(&Zone::Between);
    let gap = if has_between { 0.0 } else { GAP };
    let pitch = (WIDTH - 2.0 * MARGIN - 2.0 * ICON - gap - 6.0 * PAD) / count;
    let mut centres = Vec::new();
    let mut x = MARGIN + ICON + PAD;
    let (mut near_end, mut far_start, mut far_end) = (x, None, x);
    for (index, zone) in zones.iter().enumerate() {
        let is_first_far = *zone >= Zone::Far && far_start.is_none();
        if is_first_far {
            x += gap + PAD;
            far_start = Some(x);
        } else if *zone == Zone::End && index > 0 && zones[index - 1] == Zone::Far {
            x += 2.0 * PAD;
        } else if *zone == Zone::Between && index > 0 && zones[index - 1] == Zone::Near {
            x += PAD;
        }
        centres.push(x + pitch / 2.0);
        x += pitch;
        match zone {
            Zone::Near => near_end = x,
            Zone::Far => far_end = x,
            Zone::Between | Zone::End => {}
        }
    }
    let ends_outside = zones.contains(&Zone::End);
    let right = if ends_outside { far_end + PAD } else { WIDTH - MARGIN };
    let near = (MARGIN, near_end + PAD);
    let far = far_start.map(|start| (start - PAD, right));
    let header = header_height(lane, near, far);
    let title = title_height(lane, near, far);
    let names = top + title + 12.0 + header + 26.0;
    let way = names + 24.0;
    let details: Vec<Vec<Vec<Run>>> = lane
        .there
        .iter()
        .map(|one| {
            wrap(
                &shortened(&gate::sentence(one), NAME_LETTERS_MAX),
                DETAIL.0,
                pitch.min(CARD_MAX) - 16.0,
                DETAIL_LINES_MAX,
            )
        })
        .collect();
    let lines = details.iter().map(Vec::len).max().unwrap_or(0);
    let details_end = way + DOT + 18.0 + lines as f64 * DETAIL.1;
    let back_top = details_end.max(way + 96.0) + 26.0;
    let back = (!lane.back.is_empty()).then(|| {
        let tallest =
            lane.back.iter().map(|one| back_lines(one, near, lane.back.len()).len()).max();
        (back_top, back_top + DOT + 18.0 + tallest.unwrap_or(1) as f64 * DETAIL.1)
    });
    let bottom = back.map_or(back_top, |(_, end)| end) + PAD;
    Layout { centres, pitch, title, near, far, names, way, details, details_end, back, bottom }
}

/// Names that stand above the gates of one side.
pub(super) fn headers(net: &Net, extra: Option<&str>, width: f64) -> Vec<Vec<Run>> {
    let mut lines = wrap(&shortened(&net.subnet, NAME_LETTERS_MAX), LABEL.0, width, 2);
    lines.extend(
        extra
            .into_iter()
            .flat_map(|text| wrap(&shortened(text, NAME_LETTERS_MAX), LABEL.0, width, 2)),
    );
    lines
}

fn header_height(lane: &Lane, near: (f64, f64), far: Option<(f64, f64)>) -> f64 {
    let inner = |(from, to): (f64, f64)| to - from - 4.0 * PAD;
    let left = lane.near.as_ref().map_or(0, |net| headers(net, None, inner(near)).len());
    let right = match (&lane.far, far) {
        (FarSide::Endpoint(Some(net), label), Some(far)) => {
            headers(net, Some(label), inner(far)).len()
        }
        (FarSide::Injected(Some(net)), Some(far)) => headers(net, None, inner(far)).len(),
        _ => 0,
    };
    left.max(right).max(1) as f64 * LABEL.1
}

/// Lines of a network's name.
pub(super) fn title(label: &str, (from, to): (f64, f64)) -> Vec<Vec<Run>> {
    wrap(&shortened(label, NAME_LETTERS_MAX), TITLE.0, to - from - 1.5 * PAD, 2)
}

fn title_height(lane: &Lane, near: (f64, f64), far: Option<(f64, f64)>) -> f64 {
    let left = lane.near.as_ref().map_or(1, |net| title(&net.label, near).len());
    let right = far.map_or(1, |far| title(lane.far.title(), far).len());
    12.0 + left.max(right) as f64 * TITLE.1
}

/// Where the gates of the way back may stand: at the server whose routes they are, where there is
/// room; else at the copier.
pub(super) fn back_room(near: (f64, f64), far: Option<(f64, f64)>) -> (f64, f64) {
    let far = far.filter(|(from, to)| to - from > ICON + CARD_MAX);
    let (from, to) = far.map_or((near.0 + ICON, near.1), |(from, to)| (from, to - ICON));
    (from + PAD, to - PAD)
}

pub(super) fn back_lines(station: &Station, room: (f64, f64), count: usize) -> Vec<Vec<Run>> {
    let width = ((room.1 - room.0) / count as f64).min(CARD_MAX);
    wrap(&format!("return: {}", station.step.detail), DETAIL.0, width - 16.0, 3)
}
