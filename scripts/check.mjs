// Everything that is checked without running tests: format, shape, types, lint, Effect's own diagnostics, unused code,
// and what would be published. With --fast: format, shape, types and lint.
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const path = `${join(root, "node_modules", ".bin")}:${process.env.PATH}`

const command = (file, args, cwd = root) =>
  new Promise((resolve, reject) =>
    execFile(
      file,
      args,
      { cwd, env: { ...process.env, PATH: path, NO_COLOR: "1" }, maxBuffer: 1 << 26 },
      (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${[file, ...args].join(" ")}\n${stdout}${stderr}`))
    )
  )

let failed = 0
const step = async (name, run) => {
  const started = performance.now()
  try {
    await run()
    console.log(`check: ${name.padEnd(34)} ok  ${((performance.now() - started) / 1000).toFixed(1)} s`)
  } catch (error) {
    failed++
    console.error(`check: ${name.padEnd(34)} FAILED\n${error.message}`)
  }
}

await step("format (npm run format)", () => command("dprint", ["check"]))
await step("lines and files (scripts/shape.mjs)", () => command("node", ["scripts/shape.mjs"]))
// The examples in comments are compiled with everything else.
await step("examples in comments", () => command("node", ["scripts/doctest.ts"]))
await step("report's script", () => command("node", ["packages/report/scripts/client.ts", "--check"]))
await step("barrels (npm run barrels)", () => command("node", ["scripts/barrels.mjs", "--check"]))
await step("types", () => command("tsc", ["-p", "."]))
await step("lint", () => command("oxlint", ["--deny-warnings", "packages", "examples", "scripts", "tools"]))
if (process.argv.includes("--fast")) process.exit(failed === 0 ? 0 : 1)

await step(
  "Effect diagnostics",
  () =>
    command("effect-tsgo", [
      "diagnostics",
      "--project",
      "tsconfig.effect.json",
      "--format",
      "text",
      "--severity",
      "error,warning",
      "--strict"
    ])
)
await step("unused code and dependencies", () => command("knip", ["--no-progress"]))
// Two builds at a time, on two cores.
const queue = readdirSync(join(root, "packages")).filter((name) =>
  !JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")).private
)
const packed = mkdtempSync(join(tmpdir(), "memory-r1-pack-"))
await Promise.all([0, 1].map(async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const cwd = join(root, "packages", name)
    await step(`publish @memory-r1/${name}`, async () => {
      await command("tsup", ["--config", "../../tsup.config.ts"], cwd)
      const tarball = join(packed, `${name}.tgz`)
      await command("npx", ["--yes", packageManager, "pack", "--out", tarball], cwd)
      await command("publint", ["run", tarball, "--strict"])
      await command("attw", [tarball, "--profile", "esm-only", "--no-emoji"])
    })
  }
}))
rmSync(packed, { recursive: true, force: true })
process.exit(failed === 0 ? 0 : 1)
