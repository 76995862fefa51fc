/** The page's style sheet. Charts take their colors from its variables. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f7f8f9; --ink: #16191d; --muted: #5c6670; --rule: #e3e6ea; --strong-rule: #c9ced5;
  --accent: #3355cc; --accent-2: #a3b4ee; --on-bar: #ffffff;
  --good: #0f7b55; --bad: #b3261e; --warn: #8a5a00;
  --good-tint: #eaf6f0; --bad-tint: #fcefee; --warn-tint: #fdf5e2; --info-tint: #eef2fd;
  --add: #3b6fd4; --update: #0f8a7c; --delete: #bf4d5c; --noop: #87909b;
  --c1: #3355cc; --c2: #b8690f; --c3: #0f8a7c; --c4: #a03e99; --c5: #bf4d5c; --c6: #5c6670;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial,
    sans-serif;
  --mono: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #101215; --raised: #181b20; --ink: #e8eaed; --muted: #9aa4af; --rule: #2a2f36; --strong-rule: #434a54;
    --accent: #8ea6ff; --accent-2: #46589f; --on-bar: #0d0f12;
    --good: #5cc79a; --bad: #ff8a80; --warn: #e6b450;
    --good-tint: #13261f; --bad-tint: #2d1a19; --warn-tint: #2a2313; --info-tint: #1a2033;
    --add: #7ba4f7; --update: #45b8a8; --delete: #e58490; --noop: #8b95a1;
    --c1: #8ea6ff; --c2: #e0a054; --c3: #45b8a8; --c4: #d68ccf; --c5: #e58490; --c6: #9aa4af;
  }
}
*, *::before, *::after { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.6 var(--sans); overflow-wrap: break-word }
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1, h2, h3, h4 { line-height: 1.25; font-weight: 650; letter-spacing: -0.012em; text-wrap: balance }
h1 { font-size: clamp(1.75rem, 1.3rem + 2vw, 2.5rem); margin: 0.25rem 0 1.5rem; letter-spacing: -0.022em }
h2 { font-size: 1.5rem; margin: 0 0 1rem }
h3 { font-size: 1.125rem; margin: 2rem 0 0.5rem }
h3 small { font-weight: 400; color: var(--muted); font-size: 0.875rem; letter-spacing: 0 }
h4 { font-size: 0.8125rem; font-weight: 600; color: var(--muted); margin: 1.25rem 0 0.375rem; letter-spacing: 0 }
p { margin: 0 0 1rem; text-wrap: pretty }
a { color: var(--accent); text-underline-offset: 0.2em }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
.brand { margin: 0; color: var(--muted); font-size: 0.875rem }
.muted { color: var(--muted) }
.lead, .measure { max-width: 46rem }
section { margin-top: 4rem; padding-top: 2rem; border-top: 1px solid var(--rule) }
dl, dd, ul, ol, figure, pre { margin: 0; padding: 0 }
ul, ol { list-style: none }
pre, code { font-family: var(--mono); font-size: 0.8125rem; line-height: 1.55; font-variant-ligatures: none }
pre { white-space: pre-wrap; overflow-wrap: anywhere }

.banner { border-left: 3px solid; border-radius: 4px; padding: 0.75rem 1rem; margin: 0 0 1.25rem }
.banner p { margin: 0 }
.banner pre { margin-top: 0.5rem; max-height: 16rem; overflow: auto }
.banner.warn { background: var(--warn-tint); border-color: var(--warn) }
.banner.bad { background: var(--bad-tint); border-color: var(--bad) }
.banner.info { background: var(--info-tint); border-color: var(--accent) }

.facts { display: flex; flex-wrap: wrap; gap: 0.75rem 2rem; margin: 0 0 1.75rem; font-size: 0.9375rem }
.facts dt { color: var(--muted); font-size: 0.8125rem }
.facts dd { font-variant-numeric: tabular-nums }
.state::before {
  content: ""; display: inline-block; width: 0.5rem; height: 0.5rem; border-radius: 50%; margin-right:
  0.4375rem; background: var(--muted)
}
.state.done::before { background: var(--good) }
.state.running::before { background: var(--accent) }
.state.interrupted::before { background: var(--warn) }
.state.failed::before { background: var(--bad) }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin: 2rem 0 }
.headline > div { background: var(--raised); border: 1px solid var(--rule); border-radius: 8px; padding: 1rem 1.25rem }
.headline dt { font-size: 0.875rem; color: var(--muted) }
.headline dd {
  font-size: 1.75rem; line-height: 1.3; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric:
  tabular-nums
}
.headline .from, .headline .arrow { color: var(--muted); font-weight: 400 }
.headline .note {
  font-size: 0.8125rem; line-height: 1.4; font-weight: 400; letter-spacing: 0; color: var(--muted); margin-top:
  0.25rem
}
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; font-size: 0.9375rem }
nav a { display: inline-block; padding: 0.25rem 0; text-decoration: none }
nav a:hover { text-decoration: underline }

.scroll { overflow-x: auto; margin: 1.75rem 0 0; scrollbar-width: thin }
table {
  border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; white-space:
  nowrap
}
caption { text-align: left; padding: 0 0 0.375rem; color: var(--muted); white-space: normal }
caption div { position: sticky; left: 0; width: fit-content; max-width: min(46rem, calc(100vw - 2.5rem)) }
caption strong { color: var(--ink); font-weight: 600 }
th, td {
  text-align: right; padding: 0.4375rem 0.5rem 0.4375rem 0.75rem; border-bottom: 1px solid var(--rule);
  font-weight: 400
}
thead th, thead td { color: var(--muted); font-size: 0.8125rem; vertical-align: bottom }
thead tr:last-child > * { border-bottom-color: var(--strong-rule) }
thead small { font-size: 0.75rem }
.groups th, .groups td { border-bottom: 0; padding-bottom: 0 }
.groups th span {
  display: block; text-align: center; padding-bottom: 0.25rem; border-bottom: 1px solid var(--strong-rule)
}
tbody th { text-align: left; padding-left: 0.5rem }
thead tr > :first-child, tbody th { position: sticky; left: 0; background: var(--page);  }
tbody strong { font-weight: 600 }
.range { color: var(--muted) }
tr.main > * { background: var(--info-tint) }
tr.main > th { font-weight: 600 }
tr.aside > * { color: var(--muted); font-style: italic }

.chart { min-width: 0; margin: 1.5rem 0 0 }
.chart figcaption { font-size: 0.8125rem; line-height: 1.45; color: var(--muted); margin-bottom: 0.5rem }
.chart figcaption strong { display: block; font-size: 0.9375rem; font-weight: 600; color: var(--ink) }
.chart .canvas { position: relative; min-width: 0; height: 11rem }
.chart.wide .canvas { height: 17rem }
.chart.bars .canvas { height: 26rem }
.chart.stack .canvas { height: 13rem }
.grid {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 1.25rem 2rem;
  margin-top: 1.75rem
}
.grid .chart { margin: 0; display: flex; flex-direction: column; justify-content: space-between }
.stage + .stage { margin-top: 3.5rem }

.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.25rem }
.card { border: 1px solid var(--rule); border-radius: 8px; padding: 1.125rem 1.25rem; min-width: 0 }
.card .tag { margin: 0; font-size: 0.8125rem; color: var(--muted) }
.card .turn { font-size: 1.0625rem; margin: 0.25rem 0 0.875rem; overflow-wrap: anywhere }
.card dl > div { padding: 0.5rem 0; border-top: 1px solid var(--rule) }
.card dt { font-size: 0.8125rem; color: var(--muted) }
.card dd { font-size: 0.9375rem; overflow-wrap: anywhere }
.card .before, .card .after {
  padding: 0.5rem 0.75rem; border-top: 0; border-left: 3px solid; border-radius: 4px; margin-top: 0.5rem
}
.card .before { border-color: var(--strong-rule); background: var(--raised) }
.card .after { border-color: var(--accent); background: var(--info-tint) }
.card.judged .before { border-color: var(--bad); background: var(--bad-tint) }
.card.judged .after { border-color: var(--good); background: var(--good-tint) }

summary { cursor: pointer; font-size: 0.9375rem }
.plain { margin-top: 1.5rem }
.plain > summary { color: var(--accent); width: fit-content }
.terms { max-width: 46rem; margin-top: 0.75rem; font-size: 0.9375rem }
.terms > div {
  display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; padding: 0.375rem 0; border-top: 1px solid
  var(--rule)
}
.terms dt { font-weight: 600 }
.terms dd { color: var(--muted) }

.transcript { border-bottom: 1px solid var(--rule) }
.transcript > summary { padding: 0.625rem 0 }
.transcript > summary span { color: var(--muted) }
.transcript[open] { padding-bottom: 1.5rem }
.transcript pre {
  background: var(--raised); border-radius: 6px; padding: 0.625rem 0.875rem; max-height: 22rem; overflow: auto
}
.role { margin: 0.5rem 0 0.25rem; font-size: 0.8125rem; color: var(--muted) }
.completions > li {
  display: grid; grid-template-columns: minmax(0, 1fr) 13rem; gap: 0.25rem 1.5rem; padding: 0.75rem 0;
  border-top: 1px solid var(--rule)
}
.completions > li:first-child { border-top: 0 }
.wrote pre.later { margin-top: 0.25rem; margin-left: 0.875rem; padding: 0.25rem 0.75rem }
.history > li { padding: 0.5rem 0; border-top: 1px solid var(--rule) }
.history > li:first-child { border-top: 0 }
.history .decision { font-size: 0.875rem; color: var(--muted); margin: 0.125rem 0 0.375rem; overflow-wrap: anywhere }
.history .fact { margin: 0; overflow-wrap: anywhere }
.history ul { display: flex; flex-wrap: wrap; gap: 0.25rem 0.375rem }
.history ul li {
  font-size: 0.8125rem; border: 1px solid var(--rule); border-radius: 4px; padding: 0.0625rem 0.5rem;
  overflow-wrap: anywhere; min-width: 0
}
.history li.new { border-color: var(--good); background: var(--good-tint) }
.history li.gone { border-color: var(--bad); background: var(--bad-tint); text-decoration: line-through }
table.texts th, table.texts td { text-align: left; white-space: normal; min-width: 9rem }
.banner ul { margin: 0.25rem 0 0; padding-left: 1rem; list-style: disc }

.came {
  margin: 0.375rem 0 0; padding-left: 0.875rem; font-size: 0.875rem; color: var(--muted); overflow-wrap:
  anywhere
}
.times {
  display: inline-block; border: 1px solid var(--rule); border-radius: 999px; padding: 0 0.5rem; font-size:
  0.75rem; white-space: nowrap
}
.earned { font-size: 0.875rem; font-variant-numeric: tabular-nums }
.earned > div { display: flex; justify-content: space-between; gap: 1rem }
.earned dt { color: var(--muted) }
.earned .parts { font-size: 0.8125rem; color: var(--muted) }
.earned .parts dd { text-align: right; overflow-wrap: anywhere; min-width: 0 }
.up { color: var(--good); font-weight: 600 }
.down { color: var(--bad); font-weight: 600 }

footer {
  margin-top: 4rem; padding-top: 1.5rem; border-top: 1px solid var(--rule); font-size: 0.875rem; color:
  var(--muted)
}
footer pre { margin: 0.5rem 0; color: var(--ink) }

@media (max-width: 40rem) {
  main { padding-top: 1.5rem }
  section { margin-top: 3rem }
  .terms > div, .completions > li { grid-template-columns: minmax(0, 1fr) }
  .chart.wide .canvas { height: 13rem }
  tbody th { min-width: 7.5rem; white-space: normal }
  .earned { padding-left: 0.875rem }
}
@media print {
  main { max-width: none; padding: 0 }
  nav { display: none }
  figure, .card, tr, .headline > div { break-inside: avoid }
  .scroll { overflow: visible }
  table { font-size: 0.6875rem }
  th, td { padding-left: 0.5rem }
}
`
