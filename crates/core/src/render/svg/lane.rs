//! One way drawn from left to right: networks as boxes, gates as stations on a line, the way back below.

use super::canvas::{Anchor, Area, Canvas};
use super::layout::{
    CARD_MAX, DETAIL, DOT, ICON, LABEL, Layout, PAD, SERVER, TITLE, back_lines, back_room, headers,
    layout, server_name, title,
};
use super::scene::{FarSide, Lane, Net, Station};
use super::text::line;
use super::{MARGIN, WIDTH, gate};
use crate::trace::step::Outcome;

/// Draws a lane below `top`; returns where it ends.
pub(super) fn draw(canvas: &mut Canvas, lane: &Lane, top: f64, is_repaired: bool) -> f64 {
    let layout = layout(lane, top);
    boxes(canvas, lane, &layout, top);
    for (index, station) in lane.there.iter().enumerate() {
        gate::ground(canvas, station, index, &layout);
    }
    let (left, right) = (MARGIN + ICON / 2.0, WIDTH - MARGIN - ICON / 2.0);
    way(canvas, lane, &layout, is_repaired);
    if let Some(back) = layout.back {
        way_back(canvas, lane, &layout, back, is_repaired);
    }
    server(canvas, (left, layout.way), &lane.copier, "copier");
    server(canvas, (right, layout.way), &lane.server, lane.role);
    for (index, station) in lane.there.iter().enumerate() {
        gate::draw(canvas, station, index, &layout);
    }
    layout.bottom
}

fn boxes(canvas: &mut Canvas, lane: &Lane, layout: &Layout, top: f64) {
    let (far_net, extra) = match &lane.far {
        FarSide::Endpoint(net, label) => (net.as_ref(), Some(label.as_str())),
        FarSide::Injected(net) => (net.as_ref(), None),
        FarSide::Outside(_) => (None, None),
    };
    let is_one = matches!((&lane.near, far_net), (Some(near), Some(far)) if near.id == far.id);
    let height = layout.bottom - top;
    match (&lane.near, layout.far) {
        (Some(near), Some(far)) if is_one => {
            network(canvas, "network", &near.label, (layout.near.0, far.1), (top, height));
        }
        (Some(near), _) => network(canvas, "network", &near.label, layout.near, (top, height)),
        (None, _) => {
            let is_known = lane.there.iter().all(|one| one.step.shown() != Outcome::Unknown);
            let label = if is_known { "outside every network of yours" } else { "not observed" };
            network(canvas, "outside", label, layout.near, (top, height));
        }
    }
    if let (Some((hub, ..)), Some(area)) = (&lane.hub, layout.hub) {
        network(canvas, "network", &hub.label, area, (top, height));
    }
    if let Some(near) = &lane.near {
        subnet(canvas, near, None, layout.near, (top, layout));
    }
    let Some(far) = layout.far else { return };
    match far_net {
        Some(net) => {
            if !is_one {
                network(canvas, "network", &net.label, far, (top, height));
            }
            subnet(canvas, net, extra, far, (top, layout));
        }
        None => network(canvas, "outside", lane.far.title(), far, (top, height)),
    }
}

fn network(
    canvas: &mut Canvas,
    class: &str,
    label: &str,
    (from, to): (f64, f64),
    (top, height): (f64, f64),
) {
    canvas.open(label);
    canvas.rect(class, Area { x: from, y: top, width: to - from, height }, 10.0);
    let words = title(label, (from, to));
    canvas.lines("ink", (from + PAD, top + 19.0), TITLE, Anchor::Start, &words);
    canvas.close();
}

fn subnet(
    canvas: &mut Canvas,
    net: &Net,
    extra: Option<&str>,
    (from, to): (f64, f64),
    (top, layout): (f64, &Layout),
) {
    let (y, bottom) = (top + layout.title, layout.bottom - 8.0);
    let area = Area { x: from + 8.0, y, width: to - from - 16.0, height: bottom - y };
    canvas.open(
        &[Some(net.subnet.as_str()), extra].into_iter().flatten().collect::<Vec<_>>().join(", "),
    );
    canvas.rect("subnet", area, 7.0);
    let lines = headers(net, extra, to - from - 4.0 * PAD);
    canvas.lines("muted", (from + 2.0 * PAD, y + 17.0), LABEL, Anchor::Start, &lines);
    canvas.close();
}

/// A server: a cylinder, with its name and what it is in the move.
fn server(canvas: &mut Canvas, (x, y): (f64, f64), name: &str, role: &str) {
    canvas.open(&format!("{role} {name}"));
    let (half, tall) = (24.0, 17.0);
    canvas.path(
        "icon",
        &[
            ("M", &[x - half, y - tall]),
            ("a", &[half, 7.0, 0.0, 0.0, 1.0, 2.0 * half, 0.0]),
            ("v", &[2.0 * tall]),
            ("a", &[half, 7.0, 0.0, 0.0, 1.0, -2.0 * half, 0.0]),
            ("z", &[]),
            ("M", &[x - half, y - tall]),
            ("a", &[half, 7.0, 0.0, 0.0, 0.0, 2.0 * half, 0.0]),
        ],
    );
    let words = server_name(name);
    let base = canvas.lines("ink", (x, y + 42.0), SERVER, Anchor::Middle, &words);
    canvas.text("muted", (x, base + 1.0), 11.0, Anchor::Middle, &line(role, 11.0, ICON));
    canvas.close();
}

/// Whether packets go on after a gate.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Open,
    Doubt,
    Shut,
}

fn after(flow: Flow, station: &Station) -> Flow {
    match (station.step.shown(), &station.step.dropped_part) {
        (Outcome::Drop, None) => Flow::Shut,
        (Outcome::Unknown, _) if flow == Flow::Open => Flow::Doubt,
        _ => flow,
    }
}

fn class_of(flow: Flow, is_repaired: bool) -> &'static str {
    match flow {
        Flow::Open if is_repaired => "way-good",
        Flow::Open => "way",
        Flow::Doubt => "way-doubt",
        Flow::Shut => "way-shut",
    }
}

fn way(canvas: &mut Canvas, lane: &Lane, layout: &Layout, is_repaired: bool) {
    let y = layout.way;
    let mut from = MARGIN + ICON / 2.0 + 26.0;
    let mut flow = Flow::Open;
    for (station, x) in lane.there.iter().zip(&layout.centres) {
        canvas.line(class_of(flow, is_repaired), (from, y), (x - DOT, y));
        flow = after(flow, station);
        from = x + DOT;
    }
    let to = WIDTH - MARGIN - ICON / 2.0 - 28.0;
    let class = class_of(flow, is_repaired);
    canvas.line(class, (from, y), (to - 10.0, y));
    let tip = [("M", &[to, y][..]), ("l", &[-12.0, -6.5]), ("v", &[13.0]), ("z", &[])];
    canvas.path(&format!("head-{class}"), &tip);
    if let (FarSide::Endpoint(_, label), Some((_, edge))) = (&lane.far, layout.far) {
        canvas.open(label);
        canvas.circle("icon", (edge, y), 8.0);
        canvas.circle("ink", (edge, y), 3.0);
        canvas.close();
    }
}

fn way_back(
    canvas: &mut Canvas,
    lane: &Lane,
    layout: &Layout,
    (y, end): (f64, f64),
    is_repaired: bool,
) {
    let (left, right) = (MARGIN + ICON / 2.0, WIDTH - MARGIN - ICON / 2.0);
    let room = back_room(layout.near, layout.far);
    let count = lane.back.len();
    let share = (room.1 - room.0) / count as f64;
    let width = share.min(CARD_MAX) - 6.0;
    let centre = |index: usize| room.1 - share * (index as f64 + 0.5);
    for (index, station) in lane.back.iter().enumerate() {
        let (x, top) = (centre(index) - width / 2.0, y - DOT - 5.0);
        gate::card(canvas, station, Area { x, y: top, width, height: end - top - 4.0 });
    }
    // What does not arrive is not answered.
    let mut flow = lane.there.iter().fold(Flow::Open, after);
    let mut from = right;
    for (index, station) in lane.back.iter().enumerate() {
        let x = centre(index);
        canvas.line(class_of(flow, is_repaired), (from, y), (x + DOT, y));
        flow = after(flow, station);
        from = x - DOT;
    }
    let class = class_of(flow, is_repaired);
    canvas.line(class, (from, y), (left + 10.0, y));
    let tip = [("M", &[left, y][..]), ("l", &[12.0, -6.5]), ("v", &[13.0]), ("z", &[])];
    canvas.path(&format!("head-{class}"), &tip);
    for (index, station) in lane.back.iter().enumerate() {
        let x = centre(index);
        canvas.open(&format!("return: {}", station.step.detail));
        gate::mark(canvas, station, (x, y));
        let lines = back_lines(station, room, count);
        let place = (x, y + DOT + 16.0);
        canvas.lines(gate::ink(station), place, DETAIL, Anchor::Middle, &lines);
        canvas.close();
    }
}
