// How training went: a chart for each figure of the run log.
import type { Canvas, Curves } from "./charts.ts"
import { html, type Markup } from "./markup.ts"
import { operationNames } from "./operations.ts"
import * as Series from "./series.ts"
import { table } from "./table.ts"
import * as Text from "./text.ts"

interface Known {
  readonly title: string
  readonly note: string
  readonly unit?: "percent"
  readonly fromZero?: boolean
}

const known: ReadonlyMap<string, Known> = new Map<string, Known>([
  ["reward", { title: "Reward", note: "Mean over all completions of a step." }],
  ["loss", { title: "Loss", note: "What the optimiser makes smaller." }],
  [
    "zeroVariance",
    {
      title: "Groups without a difference",
      note: "All completions earned the same, so nothing is learned from them.",
      unit: "percent",
      fromZero: true
    }
  ],
  ["entropy", { title: "Entropy", note: "How undecided the policy is, in nats per token.", fromZero: true }],
  ["completionTokens", { title: "Completion length", note: "In tokens.", fromZero: true }],
  ["gradNorm", { title: "Gradient norm", note: "Before clipping.", fromZero: true }],
  ["tokensPerSecond", { title: "Speed", note: "Tokens per second, prompts and completions.", fromZero: true }],
  [
    "truncated",
    { title: "Cut off", note: "Completions that reached the length limit.", unit: "percent", fromZero: true }
  ],
  [
    "clipped",
    { title: "Clipped", note: "Tokens whose ratio left the clipping range.", unit: "percent", fromZero: true }
  ],
  ["ratio", { title: "Probability ratio", note: "New policy to old, mean over tokens." }],
  [
    "mismatch",
    {
      title: "Sampler and learner apart",
      note: "Largest difference of a token's log-probability; near 0 on the first step on a batch.",
      fromZero: true
    }
  ],
  ["seconds", { title: "Seconds per step", note: "Sampling, scoring and the update.", fromZero: true }],
  ["tokens", { title: "Tokens per step", note: "Prompts and completions.", fromZero: true }]
])

const main: ReadonlySet<string> = new Set([
  "zeroVariance",
  "entropy",
  "completionTokens",
  "gradNorm",
  "tokensPerSecond"
])

const mostPoints = 240

interface Context {
  readonly canvas: Canvas
  readonly stage: Series.Stage
  readonly title: string
  readonly places: ReadonlyArray<number>
  readonly window: number
}

const pick = <A>({ places }: Context, values: ReadonlyArray<A>): ReadonlyArray<A> => places.map((i) => values[i]!)

const curves = (
  context: Context,
  names: ReadonlyArray<readonly [name: string, label: string, color: string]>,
  options: { readonly unit: Curves["unit"]; readonly fromZero: boolean; readonly filled?: boolean }
): Curves => ({
  kind: "curves",
  filled: false,
  ...options,
  x: pick(
    context,
    context.stage.records.map(({ step }) => step)
  ),
  series: names.map(([name, label, color]) => {
    const values = Series.valuesOf(context.stage, name)
    return {
      label,
      color,
      ...(names.length > 1 ? {} : { points: pick(context, values) }),
      line: pick(context, Series.smooth(values, context.window))
    }
  })
})

const shown = (value: number | undefined, unit: Known["unit"]): string =>
  value === undefined ? Text.figure(value) : unit === "percent" ? `${Text.percent(value)} %` : Text.figure(value)

const inWords = ({ stage, title }: Context, name: string, label: string, unit: Known["unit"]): string => {
  const { first, last, steps } = Series.ends(Series.valuesOf(stage, name))
  const [from, to] = [shown(first, unit), shown(last, unit)]
  return `${label} over the steps of ${title}: ${from} on average in the first ${steps}, ${to} in the last ${steps}.`
}

const single = (context: Context, name: string, size: "small" | "wide" = "small"): Markup => {
  const { fromZero = false, note, title, unit } = known.get(name) ?? { title: name, note: "" }
  return context.canvas.figure(curves(context, [[name, "smoothed", "accent"]], { unit: unit ?? "number", fromZero }), {
    title,
    note,
    description: `Line chart. ${inWords(context, name, title, unit)}`,
    size
  })
}

const palette = ["c1", "c2", "c3", "c4", "c5", "c6"]

const several = (
  context: Context,
  names: ReadonlyArray<string>,
  prefix: string,
  { filled, note, title }: { readonly title: string; readonly note: string; readonly filled: boolean }
): Markup | undefined => {
  if (names.length === 0) return undefined
  const series = names.map((name, i) => {
    const label = name.slice(prefix.length)
    const color = operationNames.find((operation) => operation === label) ?? palette[i % palette.length]!
    return [name, filled ? label.toUpperCase() : label, color] as const
  })
  const unit = filled ? "percent" : undefined
  return context.canvas.figure(curves(context, series, { unit: unit ?? "number", fromZero: filled, filled }), {
    title,
    note,
    description: `Line chart. ${series.map(([name, label]) => inWords(context, name, label, unit)).join(" ")}`
  })
}

const dataTable = (context: Context, id: string, names: ReadonlyArray<string>): Markup => {
  const { stage, title, window } = context
  const rows = Series.places(stage.records.length, 12)
  const columns = names.map((name) => Series.smooth(Series.valuesOf(stage, name), window))
  return html`<details class="plain"><summary>The same as a table</summary>${table({
    id,
    caption: html`<strong>${title}.</strong> ${
      window > 1 ? `Means of up to ${window} steps around each` : "Every figure as it was logged"
    }; ${rows.length} of ${Text.plural(stage.records.length, "step")}`,
    head: names,
    rows: rows.map((i) => ({
      name: `step ${stage.records[i]!.step}`,
      cells: columns.map((values) => Text.inColumn(values[i]))
    }))
  })}</details>`
}

const summary = ({ places, stage, window }: Context, has: (name: string) => boolean): Markup => {
  const { records } = stage
  const last = records.at(-1)!
  const [from, to] = [records[0]!.at, last.at]
  const target = has("reward") ? "reward" : has("loss") ? "loss" : undefined
  const ends = target === undefined ? undefined : Series.ends(Series.valuesOf(stage, target))
  const of = last.steps === undefined ? "" : ` of ${Text.count(last.steps)}`
  const every = Math.round(records.length / places.length)
  return html`<p class="measure">${Text.count(last.step)}${of} steps${
    from === undefined || to === undefined || to <= from ? undefined : ` in ${Text.duration((to - from) / 1000)}`
  }.${
    ends === undefined
      ? undefined
      : ` Mean ${target}: ${Text.figure(ends.first)} in the first ${Text.plural(ends.steps, "step")}, ${Text.figure(
          ends.last
        )} in the last${ends.steps === 1 ? "" : ` ${ends.steps}`}.`
  } <span class="muted">Points are ${every > 1 ? `steps, about one in ${every}` : "single steps"}${
    window > 1 ? `; lines are means of up to ${window} steps around each` : ""
  }.</span></p>`
}

const stageSection = (
  canvas: Canvas,
  stage: Series.Stage,
  index: number,
  stages: ReadonlyArray<Series.Stage>
): Markup => {
  const again = stages.slice(0, index).filter(({ name }) => name === stage.name).length
  const title = `${Text.stage(stage.name)}${again === 0 ? "" : `, part ${again + 1}`}`
  const places = Series.places(stage.records.length, mostPoints)
  const context: Context = { canvas, stage, title, places, window: Series.windowOf(stage.records.length) }
  const names = Series.namesOf(stage)
  const has = (name: string): boolean => names.includes(name)
  const parts = names.filter((name) => name.startsWith("reward."))
  const operations = operationNames.map((name) => `share.${name}`).filter(has)
  const shares = names.filter((name) => name.startsWith("share.") && !operations.includes(name))
  const rewards = names.filter((name) => name.startsWith("rewardOf."))
  const lead = has("reward") ? "reward" : has("loss") ? "loss" : undefined
  const leading = lead === undefined ? undefined : single(context, lead, "wide")
  const mix = several(context, operations, "share.", {
    title: "Operations",
    note: "Shares of what the policy does, smoothed.",
    filled: true
  })
  const partsOfReward = several(context, parts, "reward.", {
    title: "Parts of the reward",
    note: "Before weighting, smoothed.",
    filled: false
  })
  const small = [...main].filter(has)
  const rest = names.filter(
    (name) => name !== lead && !main.has(name) && ![...parts, ...rewards].includes(name) && !name.startsWith("share.")
  )
  const more = [
    ...rest.map((name) => single(context, name)),
    several(context, shares, "share.", {
      title: "Kinds of task",
      note: "Shares of the labels of a step.",
      filled: false
    }),
    several(context, rewards, "rewardOf.", {
      title: "Reward by kind",
      note: "The mean reward under each label, smoothed.",
      filled: false
    })
  ].filter((figure) => figure !== undefined)
  return html`<div class="stage">
<h3>${title}</h3>
${summary(context, has)}
${leading}
<div class="grid">${[mix, partsOfReward, ...small.map((name) => single(context, name))]}</div>
${
    more.length === 0
      ? undefined
      : html`<details class="plain"><summary>More figures</summary><div class="grid">${more}</div></details>`
  }
${dataTable(context, `table-stage-${index}`, names)}
</div>`
}

/** A part of the page for each stage. */
export const learning = (canvas: Canvas, stages: ReadonlyArray<Series.Stage>): Markup =>
  html`<section id="training" aria-labelledby="training-title">
<h2 id="training-title">How training went</h2>
${stages.map((stage, i) => stageSection(canvas, stage, i, stages))}
</section>`
