//! A way drawn from top to bottom: networks as boxes, gates as stations on a line; the answers go up at its right.

use super::canvas::{Anchor, Area, Canvas};
use super::gate;
use super::scene::{Gate, Net, Track, Zone};
use super::text::{Run, wrap};
use crate::diagnose::Reach;

/// Size of a box's title, and from line to line.
const TITLE: (f64, f64) = (14.0, 19.0);
/// The same of its subnet.
const LABEL: (f64, f64) = (13.0, 18.0);
/// From the edge of a column to that of a network, and on to that of a subnet.
const INSET: f64 = 8.0;
/// From the edge of a column to its line, and to that of the answers from the other edge.
const LINE: f64 = 46.0;
/// From the line to the words beside it.
const BESIDE: f64 = 22.0;
/// Below the last thing in a box.
const BOTTOM: f64 = 10.0;
/// Room of a server.
const SERVER: f64 = 76.0;
/// Half of its height, without what stands around it.
const HALF: f64 = 21.0;
const LINES_MAX: usize = 4;

/// What stands in a column, from top to bottom.
#[derive(Clone, Copy)]
pub(super) enum Item<'t> {
    /// A box begins.
    Open(&'t Net, Zone),
    /// The inner box begins of a network that goes on.
    Inner(&'t Net),
    /// A box ends.
    Close(Zone),
    /// The copier, or the server that is dialled: its name, and what it is.
    End(&'t str, &'static str),
    /// A gate.
    Gate(&'t Gate<'t>),
}

impl Item<'_> {
    /// How well two items of two columns stand beside each other; zero where they do not at all.
    pub(super) fn likeness(&self, other: &Item) -> u32 {
        match (self, other) {
            (Item::Open(_, one), Item::Open(_, two)) | (Item::Close(one), Item::Close(two)) => {
                4 * u32::from(one == two)
            }
            (Item::Inner(_), Item::Inner(_)) => 4,
            (Item::End(_, one), Item::End(_, two)) => 4 * u32::from(one == two),
            (Item::Gate(one), Item::Gate(two)) => {
                let is_same = one.stage() == two.stage() && one.is_back == two.is_back;
                u32::from(is_same) + u32::from(is_same && one.resource() == two.resource())
            }
            _ => 0,
        }
    }

    /// How high it is in a column that is so wide.
    pub(super) fn height(&self, width: f64) -> f64 {
        match self {
            Item::Open(net, _) => {
                12.0 + title(net, width).len() as f64 * TITLE.1 + inner_height(net, width)
            }
            Item::Inner(net) => 4.0 + inner_height(net, width),
            Item::Close(_) => BOTTOM + INSET,
            Item::End(..) => SERVER,
            Item::Gate(gate) => gate::height(gate, words(width)),
        }
    }
}

/// What stands in the column of a flow.
pub(super) fn items<'t>(track: &'t Track<'t>) -> Vec<Item<'t>> {
    let in_zone = |zone: Zone, is_back: bool| {
        let its = track.gates.iter().filter(move |one| one.zone == zone && one.is_back == is_back);
        its.map(Item::Gate)
    };
    let mut items = vec![Item::Open(&track.near, Zone::Near), Item::End(&track.copier, "copier")];
    items.extend(in_zone(Zone::Near, false));
    let is_one = track.is_one_network();
    if !is_one {
        items.push(Item::Close(Zone::Near));
    }
    let mut is_in_hub = false;
    for gate in &track.gates {
        match (gate.zone, &track.hub) {
            (Zone::Hub, Some(hub)) if !is_in_hub => {
                is_in_hub = true;
                items.push(Item::Open(hub, Zone::Hub));
            }
            (Zone::Between, _) if is_in_hub => {
                is_in_hub = false;
                items.push(Item::Close(Zone::Hub));
            }
            _ => {}
        }
        if matches!(gate.zone, Zone::Hub | Zone::Between) {
            items.push(Item::Gate(gate));
        }
    }
    if is_in_hub {
        items.push(Item::Close(Zone::Hub));
    }
    items.push(if is_one { Item::Inner(&track.far) } else { Item::Open(&track.far, Zone::Far) });
    items.extend(in_zone(Zone::Far, false));
    items.extend(track.gates.iter().filter(|one| one.is_back).map(Item::Gate));
    let server = Item::End(&track.server, track.role);
    match track.is_behind_endpoint {
        true => {
            items.push(Item::Close(Zone::Far));
            items.extend(in_zone(Zone::End, false));
            items.push(server);
        }
        false => items.extend([server, Item::Close(Zone::Far)]),
    }
    items
}

/// Where words begin that stand beside the line.
fn beside(x: f64) -> f64 {
    x + LINE + BESIDE + INSET
}

/// Width of the words beside the line.
fn words(width: f64) -> f64 {
    width - LINE - BESIDE - LINE
}

fn title(net: &Net, width: f64) -> Vec<Vec<Run>> {
    wrap(&net.label, TITLE.0, words(width), LINES_MAX)
}

fn inner(net: &Net, width: f64) -> Vec<Vec<Run>> {
    let lines = [&net.subnet, &net.extra].into_iter().flatten();
    lines.flat_map(|text| wrap(text, LABEL.0, words(width), LINES_MAX)).collect()
}

fn inner_height(net: &Net, width: f64) -> f64 {
    let count = inner(net, width).len();
    if count == 0 { 0.0 } else { 12.0 + count as f64 * LABEL.1 }
}

/// Draws a column from `x` on, so wide, whose items stand at these heights.
pub(super) fn draw(
    canvas: &mut Canvas,
    track: &Track,
    (x, width): (f64, f64),
    placed: &[(Item, f64)],
    is_repaired: bool,
) {
    boxes(canvas, (x, width), placed);
    way(canvas, track, (x, width), placed, is_repaired);
    for (item, top) in placed {
        match item {
            Item::Gate(one) => {
                let line = if one.is_back { x + width - LINE / 2.0 - INSET } else { x + LINE };
                let place = (x + LINE + BESIDE, *top, words(width));
                gate::draw(canvas, one, place, line);
            }
            Item::End(name, role) => server(canvas, (x + LINE, *top), width, (name, role)),
            Item::Open(..) | Item::Inner(_) | Item::Close(_) => {}
        }
    }
}

fn boxes(canvas: &mut Canvas, (x, width): (f64, f64), placed: &[(Item, f64)]) {
    for (index, (item, top)) in placed.iter().enumerate() {
        let Item::Open(net, _) = item else { continue };
        let after = &placed[index..];
        let end = after.iter().find_map(|(one, at)| matches!(one, Item::Close(_)).then_some(*at));
        let end = end.map_or(*top, |at| at + BOTTOM);
        let lines = title(net, width);
        let class = if net.id.is_some() { "network" } else { "outside" };
        canvas.open(&net.label);
        let area = Area { x: x + INSET, y: *top, width: width - 2.0 * INSET, height: end - top };
        canvas.rect(class, area, 10.0);
        let place = (beside(x), top + 20.0);
        canvas.lines("ink", place, TITLE, Anchor::Start, &lines);
        canvas.close();
        let first = top + 8.0 + lines.len() as f64 * TITLE.1;
        let next = after.iter().find_map(|(one, at)| match one {
            Item::Inner(net) => Some((*net, *at)),
            _ => None,
        });
        // Of one network with two subnets the second inner box begins where the first one ends, before what joins them.
        let next = next.filter(|(_, at)| *at < end);
        let first_end = match next {
            Some(_) => after
                .iter()
                .find_map(|(one, at)| match one {
                    Item::Gate(one) if one.zone != Zone::Near => Some(at - 2.0),
                    Item::Inner(_) => Some(at - 2.0),
                    _ => None,
                })
                .unwrap_or(end),
            None => end - INSET + 2.0,
        };
        subnet(canvas, net, (x, width), (first, first_end));
        if let Some((net, at)) = next {
            subnet(canvas, net, (x, width), (at, end - INSET + 2.0));
        }
    }
}

fn subnet(canvas: &mut Canvas, net: &Net, (x, width): (f64, f64), (top, end): (f64, f64)) {
    let lines = inner(net, width);
    if lines.is_empty() {
        return;
    }
    let area = Area { x: x + 2.0 * INSET, y: top, width: width - 4.0 * INSET, height: end - top };
    if net.subnet.is_some() {
        canvas.rect("subnet", area, 7.0);
    }
    let place = (beside(x), top + 18.0);
    canvas.lines("muted", place, LABEL, Anchor::Start, &lines);
}

/// A server: a cylinder, with its name and what it is in the move.
fn server(canvas: &mut Canvas, (x, top): (f64, f64), width: f64, (name, role): (&str, &str)) {
    canvas.open(&format!("{role} {name}"));
    let (half, tall, y) = (20.0, 14.0, top + SERVER / 2.0);
    canvas.path(
        "icon",
        &[
            ("M", &[x - half, y - tall]),
            ("a", &[half, 6.0, 0.0, 0.0, 1.0, 2.0 * half, 0.0]),
            ("v", &[2.0 * tall]),
            ("a", &[half, 6.0, 0.0, 0.0, 1.0, -2.0 * half, 0.0]),
            ("z", &[]),
            ("M", &[x - half, y - tall]),
            ("a", &[half, 6.0, 0.0, 0.0, 0.0, 2.0 * half, 0.0]),
        ],
    );
    let lines = wrap(&format!("`{name}`"), 15.0, words(width), 2);
    let place = (beside(x - LINE), y + 5.0 - 9.0 * lines.len() as f64);
    let base = canvas.lines("ink", place, (15.0, 18.0), Anchor::Start, &lines);
    let runs = [Run { text: role.to_owned(), is_strong: false }];
    canvas.text("muted", (place.0, base), 13.0, Anchor::Start, &runs);
    canvas.close();
}

fn class_of(reach: Reach, is_repaired: bool) -> &'static str {
    match reach {
        Reach::All if is_repaired => "way-good",
        Reach::All => "way",
        Reach::Some => "way-part",
        Reach::Perhaps => "way-doubt",
        Reach::Nothing => "way-shut",
    }
}

fn way(
    canvas: &mut Canvas,
    track: &Track,
    (x, width): (f64, f64),
    placed: &[(Item, f64)],
    is_repaired: bool,
) {
    let (down, up) = (x + LINE, x + width - LINE / 2.0 - INSET);
    let ends: Vec<f64> = placed
        .iter()
        .filter_map(|(item, top)| matches!(item, Item::End(..)).then_some(top + SERVER / 2.0))
        .collect();
    let [first, last] = ends[..] else { return };
    let placed_gates = |is_back: bool| {
        placed.iter().filter_map(move |(item, top)| match item {
            Item::Gate(one) if one.is_back == is_back => Some((*one, top + gate::MARK)),
            _ => None,
        })
    };
    let mut from = first + HALF;
    for (one, y) in placed_gates(false) {
        canvas.line(class_of(one.reach, is_repaired), (down, from), (down, y - gate::DOT));
        from = y + gate::DOT;
    }
    let (there, back) = track.arrives;
    arrow(canvas, (down, from), (down, last - HALF), (there, is_repaired));
    let mut answers: Vec<_> = placed_gates(true).collect();
    answers.reverse();
    let Some((nearest, _)) = answers.first() else { return };
    // Out of the server at its foot, up beside the gates, and into the copier at its head.
    let (foot, head) = (last + SERVER / 2.0 - 6.0, first - SERVER / 2.0 + 6.0);
    let class = class_of(nearest.reach, is_repaired);
    canvas.path(class, &[("M", &[down, last + HALF]), ("V", &[foot]), ("H", &[up])]);
    let mut from = foot;
    for (one, y) in &answers {
        canvas.line(class_of(one.reach, is_repaired), (up, from), (up, y + gate::DOT));
        from = y - gate::DOT;
    }
    canvas.path(class_of(back, is_repaired), &[("M", &[up, from]), ("V", &[head]), ("H", &[down])]);
    arrow(canvas, (down, head), (down, first - HALF), (back, is_repaired));
}

/// The last piece of a way down to a server; only packets have a head.
fn arrow(
    canvas: &mut Canvas,
    from: (f64, f64),
    to: (f64, f64),
    (reach, is_repaired): (Reach, bool),
) {
    let class = class_of(reach, is_repaired);
    if reach == Reach::Nothing {
        return canvas.line(class, from, to);
    }
    canvas.line(class, from, (to.0, to.1 - 9.0));
    let tip = [("M", &[to.0, to.1][..]), ("l", &[-6.5, -11.0]), ("h", &[13.0]), ("z", &[])];
    canvas.path(&format!("head-{class}"), &tip);
}
