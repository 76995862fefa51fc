// Each kind of chart, from its data to what Chart.js draws.
import type { ChartConfiguration, ChartDataset } from "chart.js"
import type { Bands, Bars, Chart, Curves, Histogram, Stack } from "../charts.ts"
import { counts, whiskers } from "./plugins.ts"
import { category, color, inUnit, isWide, legend, percent, shares, steps, ticksOf, titleOfStep } from "./theme.ts"

type Points = Array<{ readonly x: number; readonly y: number | null }>
type Lines = ChartConfiguration<"line", Points>
type Line = ChartDataset<"line", Points>

const pointsOf = (x: ReadonlyArray<number>, values: ReadonlyArray<number | null>): Points =>
  values.map((y, i) => ({ x: x[i]!, y }))

const bars = ({ labels, series }: Bars): ChartConfiguration<"bar"> => ({
  type: "bar",
  data: {
    labels: [...labels],
    datasets: series.map((one) => ({
      label: one.label,
      data: [...one.values],
      intervals: one.intervals,
      backgroundColor: color(one.color),
      borderRadius: 2,
      barPercentage: 0.86,
      categoryPercentage: 0.74
    }))
  },
  options: {
    indexAxis: "y",
    layout: { padding: { right: 44 } },
    scales: { x: shares(isWide() ? 0.2 : 0.25), y: category(labels) },
    plugins: {
      legend: legend(true),
      tooltip: {
        callbacks: {
          label: ({ dataIndex, dataset: { intervals = [], label }, raw }) =>
            ` ${label}: ${percent(Number(raw))} (95 %: ${intervals[dataIndex]!.map(percent).join(" to ")})`
        }
      }
    }
  },
  plugins: [whiskers]
})

const stack = ({ labels, series }: Stack): ChartConfiguration<"bar"> => {
  const totals = labels.map((_, i) => series.reduce((sum, { values }) => sum + values[i]!, 0))
  return {
    type: "bar",
    data: {
      labels: [...labels],
      datasets: series.map((one) => ({
        label: one.label,
        data: one.values.map((value, i) => value / Math.max(totals[i]!, 1)),
        counts: one.values,
        backgroundColor: color(one.color),
        borderColor: color("page"),
        borderWidth: { right: 1 },
        categoryPercentage: 0.7
      }))
    },
    options: {
      indexAxis: "y",
      scales: { x: { ...shares(0.25), stacked: true }, y: { ...category(labels), stacked: true } },
      plugins: {
        legend: legend(true),
        tooltip: {
          callbacks: {
            label: ({ dataIndex, dataset: { counts = [], label }, raw }) =>
              ` ${label}: ${counts[dataIndex]} (${percent(Number(raw))})`
          }
        }
      }
    },
    plugins: [counts]
  }
}

const curves = ({ filled, fromZero, series, unit, x }: Curves): Lines => {
  const show = inUnit(unit)
  const points = series.flatMap((one): ReadonlyArray<Line> =>
    one.points === undefined ? [] : [{
      label: "",
      data: pointsOf(x, one.points),
      showLine: false,
      pointRadius: x.length > 150 ? 1.5 : 2,
      pointBackgroundColor: `${color(one.color)}70`,
      pointBorderWidth: 0,
      clip: 4
    }]
  )
  const lines = series.map((one, i): Line => ({
    label: one.label,
    data: pointsOf(x, one.line),
    borderColor: color(one.color),
    backgroundColor: color(one.color) + (filled ? "cc" : ""),
    borderWidth: filled ? 0 : 2,
    pointRadius: x.length === 1 && one.points === undefined ? 3 : 0,
    pointHoverRadius: 3,
    tension: 0.25,
    spanGaps: true,
    fill: filled ? (i === 0 ? "origin" : "-1") : false
  }))
  const isSingle = x.length === 1
  return {
    type: "line",
    data: { datasets: [...lines, ...points] },
    options: {
      interaction: { mode: "index", axis: "x", intersect: false },
      scales: {
        x: {
          ...steps,
          min: isSingle ? x[0]! - 1 : x[0]!,
          max: isSingle ? x[0]! + 1 : x.at(-1)!,
          ticks: { ...steps.ticks, includeBounds: !isSingle }
        },
        y: {
          beginAtZero: fromZero,
          stacked: filled,
          ...(filled ? { min: 0, max: 1 } : {}),
          border: { display: false },
          grace: filled ? 0 : "5%",
          ticks: { maxTicksLimit: 6, callback: ticksOf(show) }
        }
      },
      plugins: {
        legend: legend(series.length > 1),
        tooltip: {
          callbacks: {
            title: titleOfStep,
            label: ({ dataset: { label }, parsed: { y } }) =>
              ` ${label === "" ? "this step" : label}: ${show(Number(y))}`
          }
        }
      }
    }
  }
}

const histogram = ({ labels, series }: Histogram): ChartConfiguration<"bar"> => ({
  type: "bar",
  data: {
    labels: [...labels],
    datasets: series.map((one) => ({
      label: one.label,
      data: [...one.values],
      backgroundColor: color(one.color),
      borderRadius: 2,
      barPercentage: 0.95,
      categoryPercentage: 0.85
    }))
  },
  options: {
    scales: {
      x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 8 } },
      y: { beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 5, callback: ticksOf(percent) } }
    },
    plugins: {
      legend: legend(true),
      tooltip: { callbacks: { label: ({ dataset: { label }, raw }) => ` ${label}: ${percent(Number(raw))}` } }
    }
  }
})

// Three lines for each: the band lies between the first two, the mean is on top.
const bands = ({ fromZero, series, unit }: Bands): Lines => {
  const show = inUnit(unit)
  const edge = { pointRadius: 0, borderWidth: 0, tension: 0.25, spanGaps: true, label: "" }
  const longest = Math.max(...series.map(({ x }) => x.length))
  return {
    type: "line",
    data: {
      datasets: series.flatMap((one): ReadonlyArray<Line> => [
        { ...edge, data: pointsOf(one.x, one.low), fill: false },
        { ...edge, data: pointsOf(one.x, one.high), fill: "-1", backgroundColor: `${color(one.color)}30` },
        {
          label: one.label,
          data: pointsOf(one.x, one.mean),
          borderColor: color(one.color),
          backgroundColor: color(one.color),
          borderWidth: 2,
          pointRadius: longest === 1 ? 3 : 0,
          pointHoverRadius: 3,
          tension: 0.25,
          spanGaps: true,
          fill: false
        }
      ])
    },
    options: {
      interaction: { mode: "index", axis: "x", intersect: false },
      scales: {
        x: steps,
        y: {
          beginAtZero: fromZero,
          border: { display: false },
          grace: "5%",
          ticks: { maxTicksLimit: 6, callback: ticksOf(show) }
        }
      },
      plugins: {
        legend: legend(series.length > 1),
        tooltip: {
          filter: ({ dataset: { label } }) => label !== "",
          callbacks: {
            title: titleOfStep,
            label: ({ chart, dataIndex, dataset: { label }, datasetIndex, parsed: { y } }) => {
              const edge = (back: number): string => {
                const point = chart.data.datasets[datasetIndex - back]!.data[dataIndex] as Points[number]
                return show(Number(point.y))
              }
              return ` ${label}: ${show(Number(y))} (${edge(2)} to ${edge(1)})`
            }
          }
        }
      }
    }
  }
}

/** What Chart.js draws for a chart. */
export const configuration = (chart: Chart): ChartConfiguration<"bar"> | Lines => {
  switch (chart.kind) {
    case "bars":
      return bars(chart)
    case "stack":
      return stack(chart)
    case "curves":
      return curves(chart)
    case "histogram":
      return histogram(chart)
    case "bands":
      return bands(chart)
  }
}
