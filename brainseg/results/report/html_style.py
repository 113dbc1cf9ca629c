"""The style sheet of reports as HTML: light and dark, and for paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --quiet: #4a5565; --back: #fff; --line: #cfd6df; --head: #eef2f6;
  --axis: #6b7684; --curve: #0b63a5; --area: #d9e8f5; --notice: #7a1f1f; --warn: #6b3a00; --warn-back: #fff6e5;
  --warn-edge: #e0a030; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --quiet: #a9b4c2; --back: #14181e; --line: #3a4350;
  --head: #202731; --axis: #8793a2; --curve: #6cb8f0; --area: #1d3850; --notice: #ff9b9b; --warn: #ffd591;
  --warn-back: #2c2413; --warn-edge: #c98a1b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.sheet { max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 2rem; }
.notice { margin: .25rem 0; color: var(--notice); font-weight: 700; }
header { border-bottom: 1px solid var(--line); }
footer { border-top: 1px solid var(--line); margin-top: 2rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 1.25rem 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
p { margin: .5rem 0; }
ul { margin: .5rem 0; padding-left: 1.25rem; }
li { margin: .2rem 0; }
.subject, .note, figcaption, dt { color: var(--quiet); }
.note, figcaption, table, dl { font-size: .9rem; }
.lead { font-size: 1.3rem; font-weight: 700; line-height: 1.35; margin: 1rem 0; }
.strong { font-weight: 700; margin-top: .9rem; }
.warnings { margin: 1rem 0; padding: .6rem 1rem; color: var(--warn); background: var(--warn-back);
  border-left: .3rem solid var(--warn-edge); }
.warnings h2 { font-size: 1rem; margin: 0; padding: 0; border: 0; }
.warnings p { margin: .25rem 0; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--line); }
th { background: var(--head); overflow-wrap: break-word; }
.number { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
dl { margin: .75rem 0; }
dl div { display: grid; grid-template-columns: 14rem 1fr; gap: 1rem; padding: .3rem 0;
  border-bottom: 1px solid var(--line); }
dd { margin: 0; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .85rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; }
figcaption { margin-top: .2rem; }
figure { margin: 0; max-width: 22rem; }
img { display: block; width: 100%; height: auto; background: #000; }
.entry { margin-right: 1rem; white-space: nowrap; }
.curve { display: block; width: 100%; height: auto; margin: .5rem 0; font-size: 9px; }
.curve text { fill: var(--quiet); }
.curve polyline { fill: none; stroke-width: .6; }
.curve .grid { stroke: var(--line); }
.curve .axis { stroke: var(--axis); }
.curve .curve { stroke: var(--curve); stroke-width: 1.6; }
.curve .area { fill: var(--area); }
@media (max-width: 40rem) { .sheet { padding: .75rem; } table { font-size: .8rem; }
  dl div { grid-template-columns: 1fr; gap: 0; } th, td { padding: .3rem .25rem; } }
@page { size: A4; margin: 15mm 16mm; @bottom-right { content: "Page " counter(page) " of " counter(pages);
  font: 8pt sans-serif; color: #4a5565; } }
@media print {
  :root { color-scheme: light; --ink: #1b2430; --quiet: #4a5565; --back: #fff; --line: #cfd6df; --head: #eef2f6;
    --axis: #6b7684; --curve: #0b63a5; --area: #d9e8f5; --notice: #7a1f1f; --warn: #6b3a00; --warn-back: #fff6e5; }
  html { font-size: 9.5pt; }
  body { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .sheet { display: table; width: 100%; max-width: none; padding: 0; }
  header { border: 0; }
  main { display: table-row-group; }
  footer { display: table-footer-group; break-inside: avoid; }
  article + article { break-before: page; }
  h2, .strong, .legend { break-after: avoid; }
  tr, li, dl div, .group, figure, .curve, .warnings { break-inside: avoid; }
  .pictures { grid-template-columns: repeat(3, 1fr); }
  thead { display: table-header-group; }
}
"""
