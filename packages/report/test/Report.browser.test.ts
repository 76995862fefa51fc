// The report page in a browser.
// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Report } from "@memory-r1/report"
import { Context, Effect, FileSystem, Layer } from "effect"
import { type Browser, chromium, type Page } from "playwright-core"
import { chromium as browser, describeWith } from "../../../tools/testing/needs.ts"
import * as Runs from "./support/runs.ts"
import { write } from "./support/writeRun.ts"

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

const hostile = `</script></style></pre><img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>`

// The runs of the samples, with every string in their documents and logs made hostile.
const spoilt = (content: Runs.Folder): Runs.Folder =>
  Object.fromEntries(
    Object.entries(content).map(([name, text]) => [
      name,
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) =>
          JSON.stringify(
            JSON.parse(line, (key, value) =>
              typeof value === "string" && !["state", "order", "resampledBy"].includes(key)
                ? `${value} ${hostile}`
                : value)
          )
        )
        .join("\n")
    ])
  )

const suites: ReadonlyArray<readonly [name: string, content: Runs.Folder]> = [
  ["a quickstart", Runs.quickstart],
  ["a training run with validation", Runs.training],
  ["a run that was interrupted", Runs.interrupted],
  ["a run that failed", Runs.failed],
  ["hostile texts", spoilt(Runs.quickstart)]
]

class Chromium extends Context.Service<Chromium, Browser>()("test/Chromium") {
  static readonly layer = Layer.effect(
    Chromium,
    Effect.acquireRelease(
      Effect.promise(() => chromium.launch({ executablePath: browser.path!, args: flags })),
      (browser) => Effect.promise(() => browser.close())
    )
  )
}

// Opens the page with an eye on everything that it says or asks for.
const open = Effect.fnUntraced(function*(
  content: Runs.Folder,
  options: { readonly width: number; readonly colorScheme?: "light" | "dark" | undefined }
) {
  const files = yield* FileSystem.FileSystem
  const folder = yield* files.makeTempDirectoryScoped()
  yield* write(folder, content)
  const url = `file://${yield* Report.write(folder)}`
  const { colorScheme = "light", width } = options
  const chromium = yield* Chromium
  const page = yield* Effect.acquireRelease(
    Effect.promise(() => chromium.newPage({ viewport: { width, height: 844 }, colorScheme })),
    (page) => Effect.promise(() => page.close())
  )
  return yield* Effect.promise(async () => {
    const seen: Array<string> = []
    page.on("console", (message) => seen.push(`${message.type()}: ${message.text()}`))
    page.on("pageerror", (error) => seen.push(`error: ${error.message}`))
    page.on(
      "request",
      (request) => request.url() === url || request.url().startsWith("data:") || seen.push(`request: ${request.url()}`)
    )
    await page.goto(url)
    return { page, seen }
  })
})

const openDetails = (page: Page) =>
  page.evaluate(async () => {
    for (const details of document.querySelectorAll("details")) details.open = true
    await new Promise((resolve) => setTimeout(resolve, 200))
  })

// For each canvas, how many pixels have been drawn on.
const drawn = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("canvas")].map((canvas) => {
      if (canvas.width === 0 || canvas.height === 0) return 0
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height)
      return data.filter((value, i) => i % 4 === 3 && value > 0).length
    })
  )

describeWith(browser, "Report in a browser", () => {
  layer(Layer.mergeAll(Chromium.layer, NodeServices.layer))((it) => {
    it.effect.each(suites)("draws every chart without errors or requests: %s", ([, content]) =>
      Effect.gen(function*() {
        const { page, seen } = yield* open(content, { width: 1280 })
        yield* Effect.promise(() => openDetails(page))
        const pixels = yield* Effect.promise(() => drawn(page))
        assert.isAbove(pixels.length, 5)
        assert.isAbove(Math.min(...pixels), 500)
        assert.deepStrictEqual(seen, [])
        assert.isFalse(yield* Effect.promise(() => page.evaluate(() => "hacked" in window)))
        assert.strictEqual(yield* Effect.promise(() => page.evaluate(() => document.images.length)), 0)
      }))

    it.effect(
      "draws several runs beside each other, on a phone too",
      Effect.fnUntraced(function*() {
        const files = yield* FileSystem.FileSystem
        const folder = yield* files.makeTempDirectoryScoped()
        for (const [name, content] of [["a", Runs.quickstart], ["b", Runs.training], ["c", Runs.training]] as const) {
          yield* write(`${folder}/${name}`, content)
        }
        const file = yield* Report.writeRuns(
          ["a", "b", "c"].map((name) => `${folder}/${name}`),
          `${folder}/report.html`
        )
        const chromium = yield* Chromium
        for (const width of [1280, 390]) {
          const page = yield* Effect.acquireRelease(
            Effect.promise(() => chromium.newPage({ viewport: { width, height: 844 } })),
            (page) => Effect.promise(() => page.close())
          )
          const errors: Array<string> = []
          page.on("pageerror", (error) => errors.push(error.message))
          yield* Effect.promise(() => page.goto(`file://${file}`))
          const pixels = yield* Effect.promise(() => drawn(page))
          assert.isAbove(pixels.length, 6)
          assert.isAbove(Math.min(...pixels), 500)
          assert.deepStrictEqual(errors, [])
          assert.strictEqual(
            yield* Effect.promise(() => page.evaluate(() => document.documentElement.scrollWidth)),
            width
          )
        }
      })
    )

    it.effect.each(suites)("fits a phone: %s", ([, content]) =>
      Effect.gen(function*() {
        const { page } = yield* open(content, { width: 390 })
        yield* Effect.promise(() => openDetails(page))
        const width = yield* Effect.promise(() => page.evaluate(() => document.documentElement.scrollWidth))
        assert.strictEqual(width, 390)
      }))

    it.effect(
      "follows the reader's colors while it is open",
      Effect.fnUntraced(function*() {
        const { page, seen } = yield* open(Runs.quickstart, { width: 1280 })
        const colors = () =>
          page.evaluate(async () => {
            // The theme's change is told, and painted, with the next frames.
            for (let frame = 0; frame < 3; frame++) await new Promise((resolve) => requestAnimationFrame(resolve))
            const canvas = document.querySelector("canvas")!
            const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height)
            return {
              page: getComputedStyle(document.body).backgroundColor,
              chart: data.reduce((sum, value) => (sum * 31 + value) % 1_000_003, 0)
            }
          })
        const light = yield* Effect.promise(colors)
        const dark = yield* Effect.promise(() => page.emulateMedia({ colorScheme: "dark" }).then(colors))
        assert.notStrictEqual(light.page, dark.page)
        assert.notStrictEqual(light.chart, dark.chart)
        // Chromium has advice for whoever reads a canvas twice, which is this test.
        assert.deepStrictEqual(
          seen.filter((line) => !line.includes("getImageData")),
          []
        )
      })
    )

    it.effect(
      "runs no script that was not there when it was made",
      Effect.fnUntraced(function*() {
        const { page, seen } = yield* open(Runs.failed, { width: 1280 })
        const hacked = yield* Effect.promise(() =>
          page.evaluate(() => {
            const script = document.createElement("script")
            script.textContent = "window.hacked = 1"
            document.body.append(script)
            return "hacked" in window
          })
        )
        assert.isFalse(hacked)
        assert.match(seen.join(), /Content Security Policy/)
      })
    )

    it.effect(
      "has a name for every table and chart, and one main heading",
      Effect.fnUntraced(function*() {
        const { page } = yield* open(Runs.quickstart, { width: 1280 })
        const found = yield* Effect.promise(() =>
          page.evaluate(() => ({
            main: document.querySelectorAll("h1").length,
            unnamed: [...document.querySelectorAll("table")].filter((table) =>
              (table.caption?.textContent ?? "") === ""
            )
              .length +
              [...document.querySelectorAll("canvas")].filter((canvas) => (canvas.ariaLabel ?? "").length < 40).length,
            ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
            levels: [...document.querySelectorAll("h1, h2, h3, h4")].map(({ tagName }) => Number(tagName[1]))
          }))
        )
        assert.strictEqual(found.main, 1)
        assert.strictEqual(found.unnamed, 0)
        assert.strictEqual(new Set(found.ids).size, found.ids.length)
        // No heading skips a level.
        assert.isTrue(found.levels.every((level, i) => i === 0 || level <= found.levels[i - 1]! + 1))
      })
    )
  })
})
