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
  readonly unit?: "percent" | undefined
  readonly fromZero?: boolean | undefined
}

/** What figures are called. */
export const known: ReadonlyMap<string, Known> = new Map<string, Known>([
  ["reward", { title: "Reward", note: "Mean over all completions of a step." }],
  ["loss", { title: "Loss", note: "What the optimizer makes smaller." }],
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
  ["kl", { title: "Distance from the reference", note: "KL divergence, in nats per token.", fromZero: true }],
  ["beta", { title: "Weight of the KL term", note: "Adaptive where it moves.", fromZero: true }],
  [
    "explainedVariance",
    { title: "What the critic explains", note: "Share of the variance of the returns.", unit: "percent" }
  ],
  ["valueLoss", { title: "Loss of the critic", note: "Half its squared error.", fromZero: true }],
  ["answerWords", { title: "Length of answers", note: "In words.", fromZero: true }],
  ["wellFormed", { title: "In the format", note: "Answers that follow it.", unit: "percent", fromZero: true }],
  ["memories", { title: "Memories", note: "In a bank, after a decision.", fromZero: true }],
  ["rejections", { title: "Rejections", note: "Pieces of text that are no operation, per decision.", fromZero: true }],
  ["tooLong", { title: "Prompts too long", note: "Tasks that were omitted.", fromZero: true }],
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
  options: { readonly unit: Curves["unit"]; readonly fromZero: boolean; readonly filled: boolean }
): Curves => ({
  kind: "curves",
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
  return context.canvas.figure(
    curves(context, [[name, "smoothed", "accent"]], { unit: unit ?? "number", fromZero, filled: false }),
    {
      title,
      note,
      description: `Line chart. ${inWords(context, name, title, unit)}`,
      size
    }
  )
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

// What was measured on other dialogues, at the steps where it was.
const validation = (context: Context): Markup | undefined => {
  const { canvas, stage, title } = context
  const records = stage.records.filter(({ values }) => values.has("validation.exactMatch"))
  if (records.length === 0) return undefined
  const series = [
    ["validation.exactMatch", "exact match", "c1"],
    ["validation.f1", "F1", "c2"]
  ] as const
  const at = (name: string) => records.map(({ values }) => values.get(name) ?? null)
  const words = series.map(([name, label]) => {
    const values = at(name)
    return `${label} from ${Text.percent(values[0] ?? undefined)} to ${Text.percent(values.at(-1) ?? undefined)} %`
  })
  return canvas.figure(
    {
      kind: "curves",
      filled: false,
      unit: "percent",
      fromZero: true,
      x: records.map(({ step }) => step),
      series: series.map(([name, label, color]) => ({ label, color, line: at(name), points: at(name) }))
    },
    {
      title: "On other dialogues",
      note: "Both agents, greedy, on dialogues that are not trained on.",
      description: `Line chart of ${title}, at ${Text.plural(records.length, "validation")}: ${words.join("; ")}.`,
      size: "wide"
    }
  )
}

const mostBins = 12

// What completions earned in the first and in the last fifth of the steps. Rewards of a few values have a bin each.
const histogram = ({ canvas, stage, title }: Context): Markup | undefined => {
  const records = stage.records.filter(({ rewards }) => rewards !== undefined && rewards.length > 0)
  const part = Math.max(1, Math.floor(records.length / 5))
  if (records.length < 2) return undefined
  const [early, late] = [records.slice(0, part), records.slice(-part)].map((some) =>
    some.flatMap(({ rewards }) => rewards!)
  )
  const all = [...early!, ...late!].sort((a, b) => a - b)
  const round = (value: number): number => Number(value.toPrecision(3))
  const distinct = [...new Set(all.map(round))]
  const [low, high] = [all[0]!, all.at(-1)!]
  const isFew = distinct.length <= mostBins
  const width = (high - low) / mostBins
  const labels = isFew ? distinct.map(String) : Array.from({ length: mostBins }, (_, i) => Text.figure(low + i * width))
  const place = (value: number): number =>
    isFew ? distinct.indexOf(round(value)) : Math.min(mostBins - 1, Math.floor((value - low) / width))
  const shares = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
    const counts = labels.map(() => 0)
    for (const value of values) counts[place(value)]!++
    return counts.map((count) => Math.round((1e4 * count) / values.length) / 1e4)
  }
  const steps = Text.plural(part, "step")
  const series = [
    { label: `first ${steps}`, color: "accent-2", values: shares(early!) },
    { label: `last ${steps}`, color: "accent", values: shares(late!) }
  ]
  const words = series.map(({ label, values }) => {
    const most = values.indexOf(Math.max(...values))
    return `in the ${label} most often ${labels[most]!}, in ${Text.percent(values[most])} %`
  })
  return canvas.figure(
    { kind: "histogram", labels, series },
    {
      title: "What completions earned",
      note: isFew ? "Shares of each reward." : "Shares of rewards from each number up to the next.",
      description: `Histogram of rewards of ${title}: ${words.join("; ")}.`
    }
  )
}

const dataTable = (context: Context, id: string, names: ReadonlyArray<string>): Markup => {
  const { stage, title, window } = context
  const rows = Series.places(stage.records.length, 12)
  const columns = names.map((name) => Series.smooth(Series.valuesOf(stage, name), window))
  return html`<details class="plain"><summary>The same as a table</summary>${
    table({
      id,
      caption: html`<strong>${title}.</strong> ${
        window > 1 ? `Means of up to ${window} steps around each` : "Every figure as it was logged"
      }; ${rows.length} of ${Text.plural(stage.records.length, "step")}`,
      head: names,
      rows: rows.map((i) => ({
        name: `step ${stage.records[i]!.step}`,
        cells: columns.map((values) => Text.inColumn(values[i]))
      }))
    })
  }</details>`
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
      : ` Mean ${target}: ${Text.figure(ends.first)} in the first ${Text.plural(ends.steps, "step")}, ${
        Text.figure(
          ends.last
        )
      } in the last${ends.steps === 1 ? "" : ` ${ends.steps}`}.`
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
    (name) =>
      !name.startsWith("validation.") && name !== lead && !main.has(name) && ![...parts, ...rewards].includes(name) &&
      !name.startsWith("share.")
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
${validation(context)}
<div class="grid">${[mix, partsOfReward, histogram(context), ...small.map((name) => single(context, name))]}</div>
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
