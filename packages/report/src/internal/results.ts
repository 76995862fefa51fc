// How well questions were answered.
import { QuickstartResult } from "@memory-r1/memory-world"
import type { Canvas } from "./charts.ts"
import { html, type Markup } from "./markup.ts"
import { type Row, table } from "./table.ts"
import * as Text from "./text.ts"

const kinds = ["single", "list", "date", "none"] as const

const emphasis = (key: keyof QuickstartResult.Systems): Row["emphasis"] =>
  key === "bothRl" ? "main" : key === "oracle" ? "aside" : undefined

const row = ({ key, name, result }: ReturnType<typeof QuickstartResult.measured>[number]): Row => ({
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
    rows: QuickstartResult.measured(results).map(row)
  })

const explanations: Readonly<Record<keyof QuickstartResult.Systems, string>> = {
  addOnly:
    "every turn is added as it was said, and read by the answer agent from before training, which was taught to read " +
    "statements: a floor",
  addOnlyRlReader: "the same banks, read by the trained answer agent",
  warmStart: "both agents as they were before reinforcement learning, warmed up on an imperfect teacher",
  managerRl: "the trained manager, with the answer agent from before training",
  addOnlyStatements:
    "the same statements as the trained manager writes, each added and none changed or taken back, read by the same " +
    "answer agent: what is left to “both RL” is what updates and deletions are worth",
  bothRl: "both agents trained: what this run made",
  addOnlyOracle: "the same for the statements of the manager that always decides rightly",
  oracle: "a manager that always decides rightly, with the trained answer agent: how far better memory alone could lead"
}

const chart = ({ figure }: Canvas, { results, resultsNewPhrasings }: QuickstartResult.QuickstartResult): Markup => {
  const [values, phrasings] = [QuickstartResult.measured(results), QuickstartResult.measured(resultsNewPhrasings)]
  const series = (label: string, color: string, systems: typeof values) => ({
    label,
    color,
    values: systems.map(({ result }) => result.exactMatch),
    intervals: systems.map(({ result: { intervals: { exactMatch: { high, low } } } }) => [low, high] as const)
  })
  const words = values.map(({ name, result }, i) =>
    `${name} ${Text.percent(result.exactMatch)} and ${Text.percent(phrasings[i]?.result.exactMatch)}`
  )
  return figure(
    {
      kind: "bars",
      labels: values.map(({ name }) => name),
      series: [
        series("new people and values", "accent", values),
        series("new phrasings too", "accent-2", phrasings)
      ]
    },
    {
      title: "Exact match by system",
      note: "Whiskers are 95 % intervals, by bootstrap over dialogues.",
      description: `Bar chart of exact match in percent, on new people and values and with new phrasings: ${
        words.join(
          "; "
        )
      }. The tables have the intervals.`,
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
<dl class="terms">${
    QuickstartResult.measured(document.results).map(
      ({ key, name }) => html`<div><dt>${name}</dt><dd>${explanations[key]}</dd></div>`
    )
  }
<div><dt>exact match</dt>
<dd>the share of answers that are the right one, word for word after normalization; of a list, in any order</dd></div>
<div><dt>F1</dt><dd>words that the answer shares with the right one, which gives credit for a part</dd></div>
<div><dt>kinds</dt>
<dd>one value; a list of several; a date; and questions about what was never said, to which the right answer
is “none”</dd></div>
<div><dt>memories</dt><dd>how many a bank holds at the end of a dialogue, on average</dd></div></dl></details>
</section>`
