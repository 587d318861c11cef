//! Where everything of a lane stands: boxes, gates and their sentences, measured before anything is drawn.

use super::scene::{FarSide, Lane, Net, Station, Zone};
use super::text::{Run, fit, widest_piece, width, wrap};
use super::{MARGIN, WIDTH, gate};

/// Width of the column that holds a server at either end.
pub(super) const ICON: f64 = 100.0;
/// Between a box and what is in it.
pub(super) const PAD: f64 = 10.0;
/// Between two boxes that no gate stands between.
pub(super) const GAP: f64 = 36.0;
/// Size of the names of gates.
pub(super) const NAME: f64 = 13.0;
/// Size of the sentence under a gate, and from line to line.
pub(super) const DETAIL: (f64, f64) = (11.5, 14.5);
/// Size of the names of networks, and from line to line.
pub(super) const TITLE: (f64, f64) = (12.5, 16.0);
/// Size of the names of subnets, and from line to line.
pub(super) const LABEL: (f64, f64) = (12.0, 15.0);
/// Lines of the sentence under a gate; the tooltip has all of it.
pub(super) const DETAIL_LINES_MAX: usize = 9;
/// Lines of a name over a box.
const NAME_LINES_MAX: usize = 3;
/// Size of the names of servers, and from line to line.
pub(super) const SERVER: (f64, f64) = (12.0, 14.0);
/// Lines of a server's name.
const SERVER_LINES_MAX: usize = 5;
/// Beside the sentence of a gate.
const BESIDE: f64 = 16.0;
/// Width of a card at most.
pub(super) const CARD_MAX: f64 = 260.0;
/// Radius of a gate's mark.
pub(super) const DOT: f64 = 12.0;

/// From where to where a box goes.
type Span = (f64, f64);

/// Where everything of a lane stands.
pub(super) struct Layout {
    /// Centres of the gates.
    pub(super) centres: Vec<f64>,
    /// Room of each gate.
    pub(super) rooms: Vec<f64>,
    /// Height of the networks' names.
    pub(super) title: f64,
    pub(super) near: (f64, f64),
    pub(super) far: Option<(f64, f64)>,
    pub(super) hub: Option<(f64, f64)>,
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
    let has_between = zones.contains(&Zone::Between);
    let gap = if has_between { 0.0 } else { GAP };
    let rooms = rooms(lane, WIDTH - 2.0 * MARGIN - 2.0 * ICON - gap - 6.0 * PAD);
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
        centres.push(x + rooms[index] / 2.0);
        x += rooms[index];
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
    let hub = lane.hub.as_ref().map(|(_, first, last)| {
        let half = |index: usize| rooms[index] / 2.0 - 1.0;
        (centres[*first] - half(*first), centres[*last] + half(*last))
    });
    let title = title_height(lane, (near, hub, far));
    let names = top + title + 12.0 + header + 26.0;
    let way = names + 24.0;
    let details: Vec<Vec<Vec<Run>>> = lane
        .there
        .iter()
        .zip(&rooms)
        .map(|(one, room)| {
            let width = room.min(CARD_MAX) - BESIDE;
            fit(&gate::sentence(one), DETAIL.0, width, DETAIL_LINES_MAX)
        })
        .collect();
    let lines = details.iter().map(Vec::len).max().unwrap_or(0);
    let details_end = way + DOT + 18.0 + lines as f64 * DETAIL.1;
    let named = [&lane.copier, &lane.server].map(|name| server_name(name).len());
    let names_end = way + 54.0 + named[0].max(named[1]) as f64 * SERVER.1;
    let back_top = details_end.max(names_end) + 26.0;
    let back = (!lane.back.is_empty()).then(|| {
        let tallest =
            lane.back.iter().map(|one| back_lines(one, near, lane.back.len()).len()).max();
        (back_top, back_top + DOT + 18.0 + tallest.unwrap_or(1) as f64 * DETAIL.1)
    });
    let bottom = back.map_or(back_top, |(_, end)| end) + PAD;
    Layout { centres, rooms, title, near, far, hub, names, way, details, details_end, back, bottom }
}

/// Room of each gate: what its widest piece takes, and of what is left a part as large as its part of all words.
fn rooms(lane: &Lane, whole: f64) -> Vec<f64> {
    let piece = |one: &Station| {
        let name = width(gate::word(one.step.stage), NAME, true);
        (widest_piece(&gate::sentence(one), DETAIL.0).max(name) + BESIDE + 1.0).min(CARD_MAX)
    };
    let least: Vec<f64> = lane.there.iter().map(piece).collect();
    let needed: f64 = least.iter().sum();
    if needed > whole {
        return least.iter().map(|one| one * whole / needed).collect();
    }
    let words: Vec<f64> =
        lane.there.iter().map(|one| width(&gate::sentence(one), DETAIL.0, false)).collect();
    let all = words.iter().sum::<f64>().max(1.0);
    let parts = words.iter().map(|one| (whole - needed) * one / all);
    least.iter().zip(parts).map(|(least, part)| least + part).collect()
}

/// Names that stand above the gates of one side.
pub(super) fn headers(net: &Net, extra: Option<&str>, width: f64) -> Vec<Vec<Run>> {
    let names = std::iter::once(net.subnet.as_str()).chain(extra);
    names.flat_map(|name| fit(name, LABEL.0, width, NAME_LINES_MAX)).collect()
}

/// Lines of a server's name, below its icon.
pub(super) fn server_name(name: &str) -> Vec<Vec<Run>> {
    fit(&format!("`{name}`"), SERVER.0, ICON - 18.0, SERVER_LINES_MAX)
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
    fit(label, TITLE.0, to - from - 1.5 * PAD, NAME_LINES_MAX)
}

fn title_height(lane: &Lane, (near, hub, far): (Span, Option<Span>, Option<Span>)) -> f64 {
    let left = lane.near.as_ref().map_or(1, |net| title(&net.label, near).len());
    let right = far.map_or(1, |far| title(lane.far.title(), far).len());
    let between = lane.hub.as_ref().zip(hub);
    let between = between.map_or(1, |((net, ..), hub)| title(&net.label, hub).len());
    12.0 + left.max(right).max(between) as f64 * TITLE.1
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
