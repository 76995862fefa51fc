// What the manager did, and which decisions changed.
import type { QuickstartResult, WorldEvaluation } from "@memory-r1/memory-world"
import type { Canvas } from "./charts.ts"
import { html, type Markup } from "./markup.ts"
import { table } from "./table.ts"
import * as Text from "./text.ts"

export const operationNames = ["add", "update", "delete", "noop"] as const

const eventNames = ["new", "additive", "replace", "retract", "duplicate", "talk"]

const managers: ReadonlyArray<
  readonly [key: keyof QuickstartResult.Systems, name: string, emphasis?: "main" | "aside"]
> = [
  ["addOnly", "raw turns, ADD-only"],
  ["warmStart", "before RL"],
  ["addOnlyStatements", "after RL, ADD-only"],
  ["bothRl", "after RL", "main"],
  ["oracle", "oracle", "aside"]
]

interface Measured {
  readonly key: keyof QuickstartResult.Systems
  readonly name: string
  readonly emphasis: "main" | "aside" | undefined
  readonly result: WorldEvaluation.Result
}

const measured = (results: QuickstartResult.Systems): ReadonlyArray<Measured> =>
  managers.flatMap(([key, name, emphasis]) => {
    const result = results[key]
    return result === undefined ? [] : [{ key, name, emphasis, result }]
  })

// Known kinds first, then whatever else was measured.
const eventsOf = (results: QuickstartResult.Systems): ReadonlyArray<string> => {
  const found = new Set(measured(results).flatMap(({ result }) => Object.keys(result.operationAccuracy.byEvent)))
  return [...eventNames.filter((name) => found.has(name)), ...[...found].filter((name) => !eventNames.includes(name))]
}

const own = (record: Readonly<Record<string, number>>, key: string): number | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

const operationsTable = (id: string, title: string, results: QuickstartResult.Systems): Markup => {
  const events = eventsOf(results)
  const { events: sizes } = results.bothRl.operationAccuracy
  return table({
    id,
    caption: html`<strong>${title}.</strong> Operations made, and whether the bank was as it should be after a
turn, of all turns and by kind of event`,
    groups: [
      ["Operations made", operationNames.length],
      ["Turns after which the bank was right, %", 2 + events.length]
    ],
    head: [
      ...operationNames,
      "all",
      "95 % interval",
      ...events.map((event) => html`${event}<br><small>${Text.count(own(sizes, event) ?? 0)} turns</small>`)
    ],
    rows: measured(results).map(({ emphasis, name, result: { intervals, operationAccuracy, operations } }) => {
      return {
        name,
        emphasis,
        cells: [
          ...operationNames.map((operation) => Text.count(operations[operation])),
          html`<strong>${Text.percent(operationAccuracy.overall)}</strong>`,
          html`<span class="range">${Text.range(intervals.operationAccuracy)}</span>`,
          ...events.map((event) => Text.percent(own(operationAccuracy.byEvent, event)))
        ]
      }
    })
  })
}

const mix = ({ figure }: Canvas, { results }: QuickstartResult.QuickstartResult): Markup => {
  // What only adds has no mix.
  const rows = measured(results).filter(({ key }) => key !== "addOnly" && key !== "addOnlyStatements")
  const words = rows.map(({ name, result: { operations } }) =>
    `${name}: ${operationNames.map((operation) => `${operation} ${operations[operation]}`).join(", ")}`
  )
  return figure(
    {
      kind: "stack",
      labels: rows.map(({ name }) => name),
      series: operationNames.map((operation) => ({
        label: operation.toUpperCase(),
        color: operation,
        values: rows.map(({ result }) => result.operations[operation])
      }))
    },
    {
      title: "Operation mix before and after",
      note: "Shares of all operations on held-out people and values; numbers are counts.",
      description: `Stacked bar chart of operations. ${words.join(". ")}.`,
      size: "stack"
    }
  )
}

/** Mix and accuracy of operations. */
export const operations = (canvas: Canvas, document: QuickstartResult.QuickstartResult): Markup =>
  html`<section id="operations" aria-labelledby="operations-title">
<h2 id="operations-title">What the manager does</h2>
${mix(canvas, document)}
${operationsTable("table-operations", "Held-out people and values", document.results)}
${operationsTable("table-operations-phrasings", "Held-out phrasings too", document.resultsNewPhrasings)}
<details class="plain"><summary>What the kinds of event are</summary>
<dl class="terms">
<div><dt>new</dt><dd>something is told for the first time: it should be added</dd></div>
<div><dt>additive</dt>
<dd>more of what is known already (“another dog”): the memory should be updated, and keep what it held</dd></div>
<div><dt>replace</dt><dd>a value changes (a move, a new job): the memory should be updated</dd></div>
<div><dt>retract</dt><dd>something is no longer true: it should be taken out</dd></div>
<div><dt>duplicate</dt><dd>what is known is said again in other words: nothing should happen</dd></div>
<div><dt>talk</dt><dd>small talk: nothing should happen</dd></div></dl></details>
</section>`

const kindNames: Readonly<Record<string, string>> = {
  new: "new",
  additive: "adds to what is known",
  replace: "replaces a value",
  retract: "takes something back",
  duplicate: "says it again",
  talk: "small talk"
}

// Of the probe nobody has said which decision is right, so its colors say nothing either.
const card = (
  { after, before, kind, memories, turn }: QuickstartResult.Change,
  label: string,
  tone: "judged" | "neutral"
): Markup =>
  html`<article class="card ${tone}">
<p class="tag">${label} · ${Object.hasOwn(kindNames, kind) ? kindNames[kind] : kind}</p>
<h3 class="turn">${turn}</h3>
<dl>
<div><dt>in memory</dt><dd>${
    memories.length === 0
      ? html`<span class="muted">nothing about it</span>`
      : html`<ul>${memories.map((memory) => html`<li>${memory}</li>`)}</ul>`
  }</dd></div>
<div class="before"><dt>before RL</dt><dd>${before}</dd></div>
<div class="after"><dt>after RL</dt><dd>${after}${
    after === before ? html` <span class="muted">(the same)</span>` : undefined
  }</dd></div>
</dl></article>`

/** Decisions before and after, the probe first. */
export const decisions = ({ changes, probe }: QuickstartResult.QuickstartResult): Markup =>
  html`<section id="decisions" aria-labelledby="decisions-title">
<h2 id="decisions-title">Decisions before and after</h2>
<p class="measure">The first case is one that memory layers are known to get wrong: a second dog must not
overwrite the first. ${
    changes.length === 0
      ? "No decision on the held-out dialogues changed from wrong to right."
      : `The others are decisions on held-out dialogues that were wrong before training and are right after it; they are
picked for that, so they say nothing about how often.`
  }</p>
<div class="cards">${card(probe, "the probe", "neutral")}${
    changes.map((change) => card(change, "held-out dialogue", "judged"))
  }</div>
</section>`
