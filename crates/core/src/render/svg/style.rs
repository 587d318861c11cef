//! Colours of a picture: light ones, dark ones, and which element has which.

/// Every pair of text and ground has a contrast of 4.5 or more in both themes, lines and marks of 3
/// or more. Each colour stands twice, since viewers that know no variables take the first.
pub(super) const STYLE: &str = "\
.flexway{--bg:#ffffff;--box:#f3f5f8;--edge:#7d8590;--ink:#1b1f24;--muted:#565f69;\
--good:#17692e;--good-bg:#e3f6e6;--bad:#b3141f;--bad-bg:#ffe9e7;--doubt:#7d4e00;--doubt-bg:#fff5d1;--on:#ffffff;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
@media (prefers-color-scheme:dark){.flexway{--bg:#0d1117;--box:#171c24;--edge:#7d8590;--ink:#e9edf2;--muted:#a3abb6;\
--good:#56d364;--good-bg:#102a19;--bad:#ff8a82;--bad-bg:#3a1517;--doubt:#e3b341;--doubt-bg:#2e2408;--on:#0d1117}}
.flexway .bg{fill:#ffffff;fill:var(--bg)}
.flexway .ink{fill:#1b1f24;fill:var(--ink)}
.flexway .muted{fill:#565f69;fill:var(--muted)}
.flexway .on{fill:#ffffff;fill:var(--on)}
.flexway .strong{font-weight:600}
.flexway .good{fill:#17692e;fill:var(--good)}
.flexway .bad{fill:#b3141f;fill:var(--bad)}
.flexway .doubt{fill:#7d4e00;fill:var(--doubt)}
.flexway .network{fill:#f3f5f8;fill:var(--box);stroke:#7d8590;stroke:var(--edge);stroke-width:1.5}
.flexway .outside{fill:none;stroke:#7d8590;stroke:var(--edge);stroke-width:1.5;stroke-dasharray:6 5}
.flexway .subnet{fill:#ffffff;fill:var(--bg);stroke:#7d8590;stroke:var(--edge);stroke-width:1}
.flexway .icon{fill:#ffffff;fill:var(--bg);stroke:#1b1f24;stroke:var(--ink);stroke-width:1.8}
.flexway .way,.flexway .way-good,.flexway .way-shut,.flexway .way-doubt{fill:none;stroke-width:3}
.flexway .way{stroke:#1b1f24;stroke:var(--ink)}
.flexway .way-good{stroke:#17692e;stroke:var(--good)}
.flexway .way-shut{stroke:#7d8590;stroke:var(--edge);stroke-width:2;stroke-dasharray:2 6}
.flexway .way-doubt{stroke:#7d4e00;stroke:var(--doubt);stroke-width:2;stroke-dasharray:8 5}
.flexway .head-way{fill:#1b1f24;fill:var(--ink)}
.flexway .head-way-good{fill:#17692e;fill:var(--good)}
.flexway .head-way-shut{fill:#7d8590;fill:var(--edge)}
.flexway .head-way-doubt{fill:#7d4e00;fill:var(--doubt)}
.flexway .dot-good{fill:#ffffff;fill:var(--bg);stroke:#17692e;stroke:var(--good);stroke-width:2}
.flexway .dot-bad,.flexway .badge-bad{fill:#b3141f;fill:var(--bad)}
.flexway .dot-follows{fill:#ffffff;fill:var(--bg);stroke:#b3141f;stroke:var(--bad);stroke-width:2}
.flexway .dot-doubt{fill:#ffffff;fill:var(--bg);stroke:#7d4e00;stroke:var(--doubt);\
stroke-width:2;stroke-dasharray:4 3}
.flexway .dot-changed,.flexway .badge-good{fill:#17692e;fill:var(--good)}
.flexway .badge-doubt{fill:#7d4e00;fill:var(--doubt)}
.flexway .mark-good,.flexway .mark-on,.flexway .mark-follows{fill:none;stroke-width:2.4;\
stroke-linecap:round;stroke-linejoin:round}
.flexway .mark-good{stroke:#17692e;stroke:var(--good)}
.flexway .mark-on{stroke:#ffffff;stroke:var(--on)}
.flexway .mark-follows{stroke:#b3141f;stroke:var(--bad)}
.flexway .card-bad{fill:#ffe9e7;fill:var(--bad-bg);stroke:#b3141f;stroke:var(--bad);stroke-width:2}
.flexway .card-good{fill:#e3f6e6;fill:var(--good-bg);stroke:#17692e;stroke:var(--good);stroke-width:2}
.flexway .card-doubt{fill:#fff5d1;fill:var(--doubt-bg);stroke:#7d4e00;stroke:var(--doubt);\
stroke-width:1.5;stroke-dasharray:5 4}
";
