// Chart.js as it stands in its npm package, for the page to carry along.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

let text: string | undefined

/** The script, read once. The reference to its source map is taken out, so that nothing is left to be fetched. */
export const chartJs = (): string => (text ??= readFileSync(
  join(dirname(createRequire(import.meta.url).resolve("chart.js")), "chart.umd.js"),
  "utf8"
)
  .replace(/^\/\/# sourceMappingURL=.*$/m, "")
  .trimEnd())
