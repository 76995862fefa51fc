// Bundles the page's script (src/internal/client/) into src/internal/client.json, which is kept, so that the page is
// made without a build step. With --check nothing is written, and a bundle that is out of date fails.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { build } from "vite"

const folder = join(import.meta.dirname, "../src/internal")
const file = join(folder, "client.json")

const built = await build({
  configFile: false,
  logLevel: "error",
  build: {
    write: false,
    target: "es2022",
    lib: { entry: join(folder, "client/main.ts"), formats: ["iife"], name: "client" }
  }
})
const [library] = [built].flat()
if (library === undefined || !("output" in library)) throw new Error("nothing was built")
const wanted = `${JSON.stringify({ script: library.output[0].code.trim() }, undefined, 2)}\n`

if (!process.argv.includes("--check")) writeFileSync(file, wanted)
else if (readFileSync(file, "utf8") !== wanted) {
  console.error("the script of the report is out of date; node packages/report/scripts/client.ts writes it")
  process.exit(1)
}
