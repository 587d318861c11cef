//! Colours of a picture: light ones, dark ones, and which element has which.

/// Names of the colours in the rules, with the light and the dark one; a name comes before those that it begins with. Every pair of text
/// and ground has a contrast of 4.5 or more in both themes, lines and marks of 3 or more.
const COLOURS: [(&str, &str, &str); 11] = [
    ("$bad-bg", "#ffe9e7", "#3a1517"),
    ("$bad", "#b3141f", "#ff8a82"),
    ("$bg", "#ffffff", "#0d1117"),
    ("$box", "#f3f5f8", "#171c24"),
    ("$doubt-bg", "#fff5d1", "#2e2408"),
    ("$doubt", "#7d4e00", "#e3b341"),
    ("$edge", "#7d8590", "#7d8590"),
    ("$good-bg", "#e3f6e6", "#102a19"),
    ("$good", "#17692e", "#56d364"),
    ("$ink", "#1b1f24", "#e9edf2"),
    ("$muted", "#565f69", "#a3abb6"),
];

/// The style sheet. Colours stand in it as they are, and the dark ones in a query of their own: most programs that turn a picture into
/// pixels know no variables, and take a colour that they cannot read for black.
pub(super) fn sheet() -> String {
    let rules = |pick: fn(&(&str, &str, &str)) -> String| {
        COLOURS.iter().fold(RULES.to_owned(), |rules, one| rules.replace(one.0, &pick(one)))
    };
    let (light, dark) = (rules(|one| one.1.to_owned()), rules(|one| one.2.to_owned()));
    format!("{FONT}{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n")
}

const FONT: &str = "\
.flexway{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
";

const RULES: &str = "\
.flexway .bg{fill:$bg}
.flexway .ink{fill:$ink}
.flexway .muted{fill:$muted}
.flexway .on{fill:$bg}
.flexway .strong{font-weight:600}
.flexway .good{fill:$good}
.flexway .bad{fill:$bad}
.flexway .doubt{fill:$doubt}
.flexway .network{fill:$box;stroke:$edge;stroke-width:1.5}
.flexway .outside{fill:none;stroke:$edge;stroke-width:1.5;stroke-dasharray:6 5}
.flexway .subnet{fill:$bg;stroke:$edge;stroke-width:1}
.flexway .icon{fill:$bg;stroke:$ink;stroke-width:1.8}
.flexway .way,.flexway .way-good,.flexway .way-part,.flexway .way-shut,.flexway .way-doubt{fill:none;\
stroke-width:3}
.flexway .way{stroke:$ink}
.flexway .way-good{stroke:$good}
.flexway .way-part{stroke:$ink;stroke-dasharray:14 4}
.flexway .way-shut{stroke:$edge;stroke-width:2;stroke-dasharray:2 6}
.flexway .way-doubt{stroke:$doubt;stroke-width:2;stroke-dasharray:8 5}
.flexway .head-way{fill:$ink}
.flexway .head-way-good{fill:$good}
.flexway .head-way-part{fill:$ink}
.flexway .head-way-doubt{fill:$doubt}
.flexway .dot-good{fill:$bg;stroke:$good;stroke-width:2}
.flexway .dot-bad,.flexway .badge-bad{fill:$bad}
.flexway .half-bad{fill:$bad}
.flexway .dot-part,.flexway .dot-follows{fill:$bg;stroke:$bad;stroke-width:2}
.flexway .dot-doubt{fill:$bg;stroke:$doubt;\
stroke-width:2;stroke-dasharray:4 3}
.flexway .dot-changed,.flexway .badge-good{fill:$good}
.flexway .badge-doubt{fill:$doubt}
.flexway .mark-good,.flexway .mark-on,.flexway .mark-follows{fill:none;stroke-width:2.4;\
stroke-linecap:round;stroke-linejoin:round}
.flexway .mark-good{stroke:$good}
.flexway .mark-on{stroke:$bg}
.flexway .mark-follows{stroke:$bad}
.flexway .card-bad{fill:$bad-bg;stroke:$bad;stroke-width:2}
.flexway .card-part{fill:$bg;stroke:$bad;stroke-width:2;stroke-dasharray:14 4}
.flexway .card-good{fill:$good-bg;stroke:$good;stroke-width:2}
.flexway .card-doubt{fill:$doubt-bg;stroke:$doubt;\
stroke-width:1.5;stroke-dasharray:5 4}
";
