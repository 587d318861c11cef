//! Colours and shapes of the page, light and dark. Kinds of work differ in place and words too, not in colour alone.

/// Text and its ground have a contrast of 4.5 or more in both themes, bars and their ground of 3 or more.
pub(super) const STYLE: &str = "\
:root{--bg:#ffffff;--box:#f3f5f8;--edge:#c4cad1;--ink:#1b1f24;--muted:#565f69;--good:#17692e;--bad:#b3141f;\
--phase:#6e7781;--copy:#0a62c4;--build:#8a5a00;--compare:#17692e}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--box:#171c24;--edge:#3d444d;--ink:#e9edf2;--muted:#a3abb6;\
--good:#56d364;--bad:#ff8a82;--phase:#8b949e;--copy:#58a6ff;--build:#e3b341;--compare:#56d364}}
body{margin:0;background:var(--bg);color:var(--ink);\
font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px}
h1{font-size:1.5rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin-top:2rem}
.wide{overflow-x:auto}
table{margin-top:16px;border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding-bottom:4px}
th,td{padding:4px 12px 4px 0;border-bottom:1px solid var(--edge);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}
td.name{overflow-wrap:anywhere}
.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}
.muted{color:var(--muted)}
svg{display:block;width:100%;min-width:720px;height:auto;background:var(--box);border-radius:6px}
svg text{fill:var(--ink);font-size:12px}
svg .axis{stroke:var(--edge);stroke-width:1}
svg .phase{fill:var(--phase)}
svg .copy{fill:var(--copy)}
svg .build{fill:var(--build)}
svg .compare{fill:var(--compare)}
svg .failed{stroke:var(--bad);stroke-width:2;stroke-dasharray:3 2}
.key{display:inline-block;width:12px;height:12px;margin:0 6px 0 16px;border-radius:2px}
.key.phase{background:var(--phase)}.key.copy{background:var(--copy)}
.key.build{background:var(--build)}.key.compare{background:var(--compare)}
@media print{main{max-width:none}}
";
