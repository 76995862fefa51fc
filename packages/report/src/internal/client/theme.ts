// What all charts share: colors of the reader's theme, figures in words, axes and the legend.
import type { LegendOptions, ScaleOptionsByType } from "chart.js"

export const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

export const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 })

export const figure = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(1) : compact.format(value)

/** How figures of a unit are shown. */
export const inUnit = (unit: "percent" | "number"): (value: number) => string => unit === "percent" ? percent : figure

/** Of an axis of numbers. */
export const ticksOf = (show: (value: number) => string) => (value: number | string): string => show(Number(value))

export const isWide = (): boolean => innerWidth > 640

type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] }

export const legend = (display: boolean) =>
  ({
    display,
    position: "top",
    align: "start",
    labels: { boxWidth: 10, boxHeight: 10, padding: 14, filter: ({ text }: { readonly text: string }) => text !== "" }
  }) satisfies DeepPartial<LegendOptions<"bar">>

/** An axis of names. */
export const category = (labels: ReadonlyArray<string>) => ({
  border: { display: false },
  grid: { display: false },
  ticks: {
    autoSkip: false,
    color: color("ink"),
    // Long names take two lines where the page is narrow.
    callback: (_: number | string, i: number): string | Array<string> => {
      const label = labels[i]!
      const at = label.indexOf(" ", 7)
      const fits = isWide() || label.length < 17 || at < 0
      return fits ? label : [label.slice(0, at), label.slice(at + 1)]
    }
  }
})

/** An axis of shares. */
export const shares = (stepSize: number) =>
  ({
    min: 0,
    max: 1,
    border: { display: false },
    ticks: { stepSize, maxRotation: 0, callback: ticksOf(percent) }
  }) satisfies DeepPartial<ScaleOptionsByType<"linear">>

/** An axis of steps. */
export const steps = {
  type: "linear",
  grid: { display: false },
  ticks: { maxTicksLimit: 6, maxRotation: 0, precision: 0 }
} as const

export const titleOfStep = (items: ReadonlyArray<{ readonly parsed: { readonly x: number | null } }>): string =>
  items[0] === undefined ? "" : `step ${items[0].parsed.x}`
