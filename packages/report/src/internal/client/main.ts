// The page's own script: draws the charts, in the colors of the reader's theme. Chart.js is a script of its own, before
// this one.
import type { Chart as ChartClass, ChartConfiguration } from "chart.js"
import type * as Charts from "../charts.ts"
import { configuration } from "./kinds.ts"
import { color } from "./theme.ts"

declare const Chart: typeof ChartClass

const specs = JSON.parse(document.getElementById("charts")!.textContent) as ReadonlyArray<Charts.Chart>
const drawn = new Map<HTMLCanvasElement, ChartClass>()

const draw = (canvas: HTMLCanvasElement): void => {
  drawn.get(canvas)?.destroy()
  drawn.set(canvas, new Chart(canvas, configuration(specs[Number(canvas.dataset["chart"])]!) as ChartConfiguration))
}

const canvases = (within: ParentNode) => within.querySelectorAll<HTMLCanvasElement>("canvas[data-chart]")

// A canvas in closed details has no size; it is drawn when they are opened.
const isVisible = (canvas: HTMLCanvasElement): boolean => canvas.closest("details:not([open])") === null

const drawAll = (): void => {
  const { defaults } = Chart
  defaults.animation = false
  defaults.responsive = true
  defaults.maintainAspectRatio = false
  defaults.color = color("muted")
  defaults.borderColor = color("rule")
  defaults.font.family = getComputedStyle(document.body).fontFamily
  defaults.font.size = 12
  for (const canvas of canvases(document)) if (isVisible(canvas)) draw(canvas)
}

drawAll()
for (const details of document.querySelectorAll("details")) {
  details.addEventListener("toggle", () => {
    if (!details.open) return
    for (const canvas of canvases(details)) if (!drawn.has(canvas)) draw(canvas)
  })
}
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawAll)
