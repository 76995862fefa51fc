// The page as a whole.
import { createHash } from "node:crypto"
import * as Charts from "./charts.ts"
import client from "./client.json" with { type: "json" }
import { learning } from "./curves.ts"
import { answered, history } from "./history.ts"
import type { Input } from "./input.ts"
import { chartJs } from "./library.ts"
import { html, json, type Markup, trusted } from "./markup.ts"
import { decisions, operations } from "./operations.ts"
import { overview, title } from "./overview.ts"
import { results } from "./results.ts"
import * as Series from "./series.ts"
import { style } from "./style.ts"
import { transcripts } from "./transcripts.ts"

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

// Nothing may be fetched, and no script or style runs but those that this module put in: a second wall behind the
// escaping.
const policy = (scripts: ReadonlyArray<string>, styles: ReadonlyArray<string>): string =>
  [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(" ")}`,
    `style-src ${styles.map(hash).join(" ")}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'"
  ].join("; ")

const footer = ({ folder, results, run }: Input): Markup => {
  const derived = results === undefined
    ? undefined
    : `memory-r1 quickstart --seed ${results.seed} --order ${results.order}`
  return html`<footer>
${
    run !== undefined
      ? html`<p>The command that made this run:</p><pre><code>${run.command}</code></pre>`
      : derived === undefined
      ? html`<p>The run folder does not say which command made it.</p>`
      : html`<p>The command that makes such a run:</p><pre><code>${derived}</code></pre>`
  }
<p>Run folder: <code>${folder}</code>. The page is whole in itself and fetches nothing; its
charts are drawn by Chart.js (MIT license).</p>
</footer>`
}

/** A page around its main part, with the charts that were put on the canvas. */
export const document = (title: string, canvas: Charts.Canvas, main: Markup): string => {
  const drawn = canvas.charts.length > 0
  const scripts = drawn ? [chartJs(), client.script] : []
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts, [style])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(style)}</style>
</head>
<body>
<main>
${main}
</main>
${drawn ? html`<script type="application/json" id="charts">${json(canvas.charts)}</script>` : undefined}
${scripts.map((script) => html`<script>${trusted(script)}</script>`)}
</body>
</html>
`.text
}

/** What is said where scripts do not run. */
export const noScript = (canvas: Charts.Canvas): Markup | undefined =>
  canvas.charts.length === 0
    ? undefined
    : html`<noscript><p class="banner info">The charts need JavaScript; the tables have the same figures.</p>
</noscript>`

export const page = (input: Input): string => {
  const canvas = Charts.make()
  const stages = Series.stages(input.metrics)
  const sections: Array<readonly [id: string, name: string, content: Markup]> = []
  if (input.results !== undefined) {
    sections.push(
      ["results", "Results", results(canvas, input.results)],
      ["operations", "What the manager does", operations(canvas, input.results)],
      ["decisions", "Decisions", decisions(input.results)]
    )
  }
  if (stages.length > 0) sections.push(["training", "How training went", learning(canvas, stages)])
  const [answers, bank] = [answered(input), history(input)]
  if (bank !== undefined) sections.push(["history", "A bank over time", bank])
  if (answers !== undefined) sections.push(["answers", "Answers", answers])
  if (input.transcripts.length > 0) sections.push(["transcripts", "Transcripts", transcripts(input.transcripts)])
  const links = sections.map(([id, name]) => [id, name] as const)
  return document(
    title(input),
    canvas,
    html`${overview(input, links)}
${noScript(canvas)}
${sections.map(([, , content]) => content)}
${footer(input)}`
  )
}
