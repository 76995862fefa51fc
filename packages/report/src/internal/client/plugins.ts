// What is drawn onto bars.
import type { Chart as ChartClass, ChartType, Plugin } from "chart.js"
import { color } from "./theme.ts"

declare const Chart: typeof ChartClass

declare module "chart.js" {
  interface ChartDatasetProperties<TType extends ChartType, TData> {
    /** 95 % intervals, one for each bar. */
    intervals?: ReadonlyArray<readonly [low: number, high: number]> | undefined
    /** What is counted by each part of a bar. */
    counts?: ReadonlyArray<number> | undefined
  }
}

const drawing = ({ ctx }: ChartClass, draw: () => void): void => {
  ctx.save()
  ctx.textBaseline = "middle"
  ctx.font = `600 11px ${Chart.defaults.font.family}`
  draw()
  ctx.restore()
}

/** The 95 % interval as a whisker on its bar, and the bar's value beside it. */
export const whiskers: Plugin<"bar"> = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const { ctx, data } = chart
    const x = chart.scales["x"]!
    drawing(chart, () => {
      ctx.strokeStyle = ctx.fillStyle = color("ink")
      ctx.lineWidth = 1.25
      data.datasets.forEach(({ data: values, intervals = [] }, d) =>
        chart.getDatasetMeta(d).data.forEach((bar, i) => {
          const [low, high] = intervals[i]!
          const [from, to] = [x.getPixelForValue(low), x.getPixelForValue(high)]
          const cap = Math.min(4, bar.getProps(["height"], true)["height"]! / 3)
          ctx.beginPath()
          ctx.moveTo(from, bar.y)
          ctx.lineTo(to, bar.y)
          for (const end of [from, to]) {
            ctx.moveTo(end, bar.y - cap)
            ctx.lineTo(end, bar.y + cap)
          }
          ctx.stroke()
          ctx.fillText((Number(values[i]) * 100).toFixed(1), Math.max(to, bar.x) + 6, bar.y)
        })
      )
    })
  }
}

/** The count of a part, where there is room for it. */
export const counts: Plugin<"bar"> = {
  id: "counts",
  afterDatasetsDraw(chart) {
    const { ctx, data } = chart
    drawing(chart, () => {
      ctx.fillStyle = color("on-bar")
      ctx.textAlign = "center"
      data.datasets.forEach(({ counts = [] }, d) =>
        chart.getDatasetMeta(d).data.forEach((bar, i) => {
          const text = String(counts[i])
          const { base = 0, x = 0, y = 0 } = bar.getProps(["base", "x", "y"], true)
          if (x - base > ctx.measureText(text).width + 8) ctx.fillText(text, (base + x) / 2, y)
        })
      )
    })
  }
}
