// How well questions were answered.
import * as QuickstartResult from "../../QuickstartResult.ts"
import type * as WorldEvaluation from "../../WorldEvaluation.ts"
import type { Canvas } from "./charts.ts"
import { html, type Markup } from "./markup.ts"
import { type Row, table } from "./table.ts"
import * as Text from "./text.ts"

const kinds = ["single", "list", "date", "none"] as const

const emphasis = (key: keyof QuickstartResult.Systems): Row["emphasis"] =>
  key === "bothRl" ? "main" : key === "oracle" ? "aside" : undefined

const row = (key: keyof QuickstartResult.Systems, name: string, result: WorldEvaluation.Result): Row => ({
  name,
  emphasis: emphasis(key),
  cells: [
    html`<strong>${Text.percent(result.exactMatch)}</strong>`,
    html`<span class="range">${Text.range(result.intervals.exactMatch)}</span>`,
    Text.percent(result.f1),
    ...kinds.map((kind) => Text.percent(result.byAnswerKind[kind]?.exactMatch)),
    result.memories.toFixed(1)
  ]
})

const answers = (id: string, title: string, results: QuickstartResult.Systems): Markup =>
  table({
    id,
    caption: html`<strong>${title}.</strong> ${Text.plural(results.bothRl.dialogues, "dialogue")},
${Text.plural(results.bothRl.n, "question")}; in %`,
    groups: [
      ["Answers", 3],
      ["Exact match by kind of answer", kinds.length],
      ["", 1]
    ],
    head: ["Exact match", "95 % interval", "F1", ...kinds, "memories per bank"],
    rows: QuickstartResult.systems.map(([key, name]) => row(key, name, results[key]))
  })

const explanations: Readonly<Record<keyof QuickstartResult.Systems, string>> = {
  addOnly: "every fact is added and nothing is ever changed; the answer agent is the one from before training",
  addOnlyRlReader: "the same banks, read by the trained answer agent",
  warmStart: "both agents as they were before reinforcement learning, warmed up on an imperfect teacher",
  managerRl: "the trained manager, with the answer agent from before training",
  bothRl: "both agents trained: what this run made",
  oracle: "a manager that always decides rightly, with the trained answer agent: how far better memory alone could lead"
}

const chart = ({ figure }: Canvas, { results, resultsNewPhrasings }: QuickstartResult.QuickstartResult): Markup => {
  const series = (label: string, color: string, systems: QuickstartResult.Systems) => ({
    label,
    color,
    values: QuickstartResult.systems.map(([key]) => systems[key].exactMatch),
    intervals: QuickstartResult.systems.map(([key]) => {
      const { high, low } = systems[key].intervals.exactMatch
      return [low, high] as const
    })
  })
  const words = QuickstartResult.systems.map(
    ([key, name]) =>
      `${name} ${Text.percent(results[key].exactMatch)} and ${Text.percent(resultsNewPhrasings[key].exactMatch)}`
  )
  return figure(
    {
      kind: "bars",
      labels: QuickstartResult.systems.map(([, name]) => name),
      series: [
        series("new people and values", "accent", results),
        series("new phrasings too", "accent-2", resultsNewPhrasings)
      ]
    },
    {
      title: "Exact match by system",
      note: "Whiskers are 95 % intervals, by bootstrap over dialogues.",
      description: `Bar chart of exact match in percent, on new people and values and with new phrasings: ${words.join(
        "; "
      )}. The tables have the intervals.`,
      size: "bars"
    }
  )
}

/** Tables and a chart of exact match. */
export const results = (canvas: Canvas, document: QuickstartResult.QuickstartResult): Markup =>
  html`<section id="results" aria-labelledby="results-title">
<h2 id="results-title">Results</h2>
${chart(canvas, document)}
${answers("table-values", "Held-out people and values", document.results)}
${answers("table-phrasings", "Held-out phrasings too", document.resultsNewPhrasings)}
<details class="plain"><summary>What the rows and columns are</summary>
<dl class="terms">${QuickstartResult.systems.map(
    ([key, name]) => html`<div><dt>${name}</dt><dd>${explanations[key]}</dd></div>`
  )}
<div><dt>exact match</dt>
<dd>the share of answers that are the right one, word for word after normalisation; of a list, in any order</dd></div>
<div><dt>F1</dt><dd>words that the answer shares with the right one, which gives credit for a part</dd></div>
<div><dt>kinds</dt>
<dd>one value; a list of several; a date; and questions about what was never said, to which the right answer
is “none”</dd></div>
<div><dt>memories</dt><dd>how many a bank holds at the end of a dialogue, on average</dd></div></dl></details>
</section>`
