// Charts as data. The page's script (client/) draws them with Chart.js; colors are names of the style sheet's
// variables.
import { html, type Markup } from "./markup.ts"

/** Shares with their intervals, beside each other for each label. */
export interface Bars {
  readonly kind: "bars"
  readonly labels: ReadonlyArray<string>
  readonly series: ReadonlyArray<{
    readonly label: string
    readonly color: string
    readonly values: ReadonlyArray<number>
    readonly intervals: ReadonlyArray<readonly [low: number, high: number]>
  }>
}

/** Parts of a whole, one bar for each label. */
export interface Stack {
  readonly kind: "stack"
  readonly labels: ReadonlyArray<string>
  readonly series: ReadonlyArray<{
    readonly label: string
    readonly color: string
    readonly values: ReadonlyArray<number>
  }>
}

/** Figures over steps. `unit` of shares is percent; `filled` stacks the lines, which then add up to a whole. */
export interface Curves {
  readonly kind: "curves"
  readonly x: ReadonlyArray<number>
  readonly unit: "percent" | "number"
  readonly fromZero: boolean
  readonly filled: boolean
  readonly series: ReadonlyArray<{
    readonly label: string
    readonly color: string
    readonly points?: ReadonlyArray<number | null> | undefined
    readonly line: ReadonlyArray<number | null>
  }>
}

/** How often values fell into each of some bins, as shares of all. */
export interface Histogram {
  readonly kind: "histogram"
  readonly labels: ReadonlyArray<string>
  readonly series: ReadonlyArray<{
    readonly label: string
    readonly color: string
    readonly values: ReadonlyArray<number>
  }>
}

/** Means over several runs, each with a band around it. */
export interface Bands {
  readonly kind: "bands"
  readonly unit: "percent" | "number"
  readonly fromZero: boolean
  readonly series: ReadonlyArray<{
    readonly label: string
    readonly color: string
    readonly x: ReadonlyArray<number>
    readonly mean: ReadonlyArray<number | null>
    readonly low: ReadonlyArray<number | null>
    readonly high: ReadonlyArray<number | null>
  }>
}

export type Chart = Bars | Stack | Curves | Histogram | Bands

const short = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(5)))

const shortened = (chart: Chart): Chart =>
  chart.kind === "bands"
    ? {
      ...chart,
      series: chart.series.map(({ high, low, mean, ...series }) => ({
        ...series,
        mean: mean.map(short),
        low: low.map(short),
        high: high.map(short)
      }))
    }
    : chart.kind !== "curves"
    ? chart
    : {
      ...chart,
      series: chart.series.map(({ line, points, ...series }) => ({
        ...series,
        ...(points === undefined ? {} : { points: points.map(short) }),
        line: line.map(short)
      }))
    }

/** The charts of a page: a figure each, and what the script draws into them. */
export const make = () => {
  const charts: Array<Chart> = []
  /** `title` and `note` stand above the chart; `description` says in words what is to be seen. */
  const figure = (
    chart: Chart,
    {
      description,
      note,
      size = "small",
      title
    }: {
      readonly title: string
      readonly note?: string | undefined
      readonly description: string
      readonly size?: "small" | "wide" | "bars" | "stack" | undefined
    }
  ): Markup => {
    const place = charts.push(shortened(chart)) - 1
    return html`<figure class="chart ${size}">
<figcaption><strong>${title}</strong>${note === undefined ? undefined : html` <span>${note}</span>`}</figcaption>
<div class="canvas"><canvas data-chart="${place}" role="img" aria-label="${description}"></canvas></div>
</figure>`
  }
  return { charts, figure }
}

export interface Canvas extends ReturnType<typeof make> {}
