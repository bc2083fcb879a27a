"""The style of the report page, for light and dark screens and for paper."""

STYLE = """
:root { --page: #f6f7f9; --card: #ffffff; --text: #1c2330; --muted: #5c6675; --line: #dde1e7; --accent: #2563c9;
  --soft: #cfdef7; --good: #14713d; --good-soft: #d8f1e2; --bad: #b3261e; --bad-soft: #fadcd9;
  --warn: #8a5300; --warn-soft: #fbe9cc; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181f; --card: #1c222c; --text: #e6e9ee; --muted: #9aa5b5; --line: #323a47; --accent: #6ea3f5;
    --soft: #2b3d5c; --good: #7ddba4; --good-soft: #1d3a2a; --bad: #ff9d94; --bad-soft: #4a2422;
    --warn: #f3c27a; --warn-soft: #453419; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 0 0 .8rem; }
.lead { font-size: 1.1rem; margin: 0; } .muted { color: var(--muted); font-size: .87rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.3rem;
  margin: 1.2rem 0; }
section p:last-child { margin-bottom: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .42rem .8rem .42rem 0; border-bottom: 1px solid var(--line); vertical-align: top; text-align: left; }
thead th { color: var(--muted); font-weight: 600; font-size: .85rem; }
tbody th { font-weight: 600; } tbody tr:last-child > * { border-bottom: 0; }
table.figures th:not(:first-child), table.figures td { text-align: right; }
tr.differs td:last-child { color: var(--warn); }
code { font: .85em ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere; }
.badge { display: inline-block; border-radius: 6px; padding: 0 .45em; font-size: .78rem; font-weight: 600; }
.badge.good { color: var(--good); background: var(--good-soft); }
.badge.bad { color: var(--bad); background: var(--bad-soft); }
.badge.measured { color: var(--good); border: 1px solid currentColor; }
.badge.estimated { color: var(--warn); border: 1px dashed currentColor; }
.badge.reported { color: var(--muted); border: 1px dotted currentColor; }
.note { background: var(--warn-soft); color: var(--warn); border-radius: 6px; padding: .4rem .7rem; margin: .6rem 0 0; }
svg { max-width: none; } svg text { fill: var(--text); font-size: 12px; }
svg .name { text-anchor: end; } svg .value { fill: var(--muted); }
svg .whole { fill: var(--soft); } svg .kept { fill: var(--accent); }
footer { margin-top: 1.5rem; }
@media print { section { break-inside: avoid; } body { background: none; } }
"""
