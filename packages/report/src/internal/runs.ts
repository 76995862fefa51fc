// Several runs beside each other: the same with other seeds, or with another algorithm.
import { Statistics } from "@memory-r1/core/rl"
import { QuickstartResult } from "@memory-r1/memory-world"
import * as Charts from "./charts.ts"
import { known } from "./curves.ts"
import type { Input } from "./input.ts"
import { html, type Markup } from "./markup.ts"
import { document, noScript } from "./page.ts"
import * as Series from "./series.ts"
import { table } from "./table.ts"
import * as Text from "./text.ts"

// The 97.5 % points of Student's t distribution with 1, 2, 3, ... degrees of freedom.
const student = [
  12.706,
  4.303,
  3.182,
  2.776,
  2.571,
  2.447,
  2.365,
  2.306,
  2.262,
  2.228,
  2.201,
  2.179,
  2.16,
  2.145,
  2.131
]

/** A mean with its 95 % interval over runs (Student 1908); no interval for a single run. */
export const meanOf = (values: ReadonlyArray<number>) => {
  const mean = Statistics.mean(values)
  if (values.length < 2) return { mean, interval: undefined }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const half = (student[values.length - 2] ?? 1.96) * Math.sqrt(variance / values.length)
  return { mean, interval: { low: mean - half, high: mean + half } }
}

interface Group {
  readonly name: string
  readonly color: string
  readonly runs: ReadonlyArray<Input>
}

const palette = ["c1", "c2", "c3", "c4", "c5", "c6"]
const algorithmOf = ({ results, run }: Input): string => Text.algorithm(results?.algorithm ?? run?.algorithm ?? "runs")
const seedOf = ({ results, run }: Input): string => {
  const seed = results?.seed ?? run?.seed
  return seed === undefined ? "?" : String(seed)
}

const groupsOf = (runs: ReadonlyArray<Input>): ReadonlyArray<Group> =>
  [...Map.groupBy(runs, algorithmOf)].map(([name, runs], i) => ({ name, runs, color: palette[i % palette.length]! }))

// Mean, least and most of a figure over the runs of a group, step by step; each run smoothed by itself.
const band = (runs: ReadonlyArray<Input>, stage: string, name: string) => {
  const stages = runs.flatMap(({ metrics }) => Series.stages(metrics).filter((one) => one.name === stage))
  const lines = stages.map((one) => {
    const values = Series.smooth(Series.valuesOf(one, name), Series.windowOf(one.records.length))
    return new Map(one.records.map(({ step }, i) => [step, values[i] ?? null]))
  })
  const steps = [...new Set(lines.flatMap((line) => [...line.keys()]))].sort((a, b) => a - b)
  const x = Series.places(steps.length, 240).map((i) => steps[i]!)
  const at = x.map((step) => lines.flatMap((line) => line.get(step) ?? []))
  const of = (f: (values: ReadonlyArray<number>) => number) =>
    at.map((values) => (values.length === 0 ? null : f(values)))
  return {
    x,
    mean: of(Statistics.mean),
    low: of((values) => Math.min(...values)),
    high: of((values) => Math.max(...values))
  }
}

const shown = ["reward", "loss", "validation.exactMatch", "entropy", "kl", "zeroVariance", "completionTokens"] as const

const curves = (canvas: Charts.Canvas, groups: ReadonlyArray<Group>): Markup => {
  const all = groups.flatMap(({ runs }) => runs)
  const stages = [...new Set(all.flatMap(({ metrics }) => metrics.map(({ stage }) => stage)))]
  const charts = (stage: string) =>
    shown.flatMap((name) => {
      const series = groups
        .map(({ color, name: label, runs }) => ({ label, color, ...band(runs, stage, name) }))
        .filter(({ mean }) => mean.some((value) => value !== null))
      if (series.length === 0) return []
      const { fromZero = false, note, title, unit } = name === "validation.exactMatch"
        ? { title: "Exact match on other dialogues", note: "In validation.", unit: "percent" as const, fromZero: true }
        : known.get(name)!
      const words = series.map(({ label, mean }) => {
        const [first, last] = [mean.find((value) => value !== null), mean.findLast((value) => value !== null)]
        return `${label} from ${Text.figure(first)} to ${Text.figure(last)}`
      })
      return [
        canvas.figure(
          { kind: "bands", unit: unit ?? "number", fromZero, series },
          { title, note, description: `Line chart of means over runs: ${words.join("; ")}.` }
        )
      ]
    })
  return html`<section id="training" aria-labelledby="training-title">
<h2 id="training-title">How training went</h2>
<p class="measure">Lines are means over the runs, bands reach from the lowest run to the highest; each run is smoothed
by itself.</p>
${
    stages.map((stage) =>
      html`<div class="stage"><h3>${Text.stage(stage)}</h3><div class="grid">${charts(stage)}</div></div>`
    )
  }
</section>`
}

const interval = (values: ReadonlyArray<number>): Markup => {
  const { interval, mean } = meanOf(values)
  return html`<strong>${Text.percent(mean)}</strong>${
    interval === undefined ? undefined : html` <span class="range">${Text.range(interval)}</span>`
  }`
}

type Kind = "results" | "resultsNewPhrasings"

const answers = ({ name, runs }: Group, kind: Kind, title: string, id: string): Markup => {
  const measured = runs.flatMap(({ results }) => (results === undefined ? [] : [results]))
  return table({
    id,
    caption: html`<strong>${name}: ${title}.</strong> Exact match in %; the mean has the 95 % interval over seeds
(Student’s t), the single runs have their intervals over dialogues in their own pages`,
    head: [...measured.map(({ seed }) => `seed ${seed}`), "mean"],
    rows: QuickstartResult.systems.flatMap(([key, system]) => {
      const values = measured.map((results) => results[kind][key]?.exactMatch)
      // Runs of earlier versions lack some.
      const known = values.filter((value) => value !== undefined)
      return known.length === 0 ? [] : [{
        name: system,
        emphasis: key === "bothRl" ? "main" as const : key === "oracle" ? "aside" as const : undefined,
        cells: [...values.map((value) => Text.percent(value)), interval(known)]
      }]
    })
  })
}

const events = ["new", "additive", "replace", "retract", "duplicate", "talk"] as const

const operations = (groups: ReadonlyArray<Group>): Markup =>
  table({
    id: "table-operations",
    caption: html`<strong>Turns after which the bank was right.</strong> In %, held-out people and values, means over
the runs`,
    head: ["all", ...events],
    rows: groups.flatMap(({ name, runs }) => {
      const measured = runs.flatMap(({ results }) => (results === undefined ? [] : [results.results]))
      const cells = (key: "warmStart" | "bothRl") => {
        const of = (event: string): Markup | string => {
          const values = measured.flatMap((systems) => systems[key].operationAccuracy.byEvent[event] ?? [])
          return values.length === 0 ? Text.percent(undefined) : Text.percent(Statistics.mean(values))
        }
        return [interval(measured.map((systems) => systems[key].operationAccuracy.overall)), ...events.map(of)]
      }
      return [
        { name: `${name}, before`, cells: cells("warmStart") },
        { name: `${name}, after`, cells: cells("bothRl"), emphasis: "main" as const }
      ]
    })
  })

const results = (groups: ReadonlyArray<Group>): Markup | undefined => {
  const measured = groups
    .map((group) => ({ ...group, runs: group.runs.filter(({ results }) => results !== undefined) }))
    .filter(({ runs }) => runs.length > 0)
  if (measured.length === 0) return undefined
  return html`<section id="results" aria-labelledby="results-title">
<h2 id="results-title">Results</h2>
${measured.map((group, i) => answers(group, "results", "held-out people and values", `table-values-${i}`))}
${measured.map((group, i) => answers(group, "resultsNewPhrasings", "held-out phrasings too", `table-phrasings-${i}`))}
${operations(measured)}
</section>`
}

/** The page of several runs. */
export const runsPage = (inputs: ReadonlyArray<Input>): string => {
  const canvas = Charts.make()
  const groups = groupsOf(inputs)
  const measured = results(groups)
  const drawn = curves(canvas, groups)
  const title = `Memory-R1, ${Text.plural(inputs.length, "run")}`
  return document(
    title,
    canvas,
    html`<header>
<p class="brand">Memory-R1 for TypeScript</p>
<h1>${title}</h1>
<dl class="facts">${
      groups.map(
        ({ name, runs }) =>
          html`<div><dt>${name}</dt><dd>${runs.length === 1 ? "seed" : "seeds"} ${
            runs.map(seedOf).join(", ")
          }</dd></div>`
      )
    }</dl>
<div class="lead"><p>The same training with different seeds, beside each other: what differs within a group is
chance.</p></div>
</header>
${noScript(canvas)}
${measured}
${drawn}
<footer><p>Made of ${Text.plural(inputs.length, "run folder")}:</p>
<pre><code>${inputs.map(({ folder, run }) => `${folder}  ${run?.command ?? ""}\n`)}</code></pre></footer>`
  )
}
