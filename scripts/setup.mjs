// Set-up for a fresh clone on bare Node 20 and npm: installs the workspace with the pinned pnpm, and with it the
// Node that runs everything else (`node_modules/.bin/node`). Does nothing when the install is up to date.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, "node_modules", ".memory-r1-setup")

const manifests = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "examples/package.json"].concat(
  readdirSync(join(root, "packages")).map((name) => `packages/${name}/package.json`)
)
const wanted = createHash("sha256")
for (const file of manifests) {
  if (existsSync(join(root, file))) wanted.update(file).update(readFileSync(join(root, file)))
}
const digest = wanted.digest("hex")
if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) process.exit(0)

const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const started = performance.now()
console.error(`setup: installing the workspace with ${packageManager} (once; npm packages only)`)

const args = ["--yes", packageManager, "install", "--frozen-lockfile", "--reporter=append-only"]
// pnpm does not read npm's registry setting from npm's environment.
if (process.env.npm_config_registry) args.push(`--config.registry=${process.env.npm_config_registry}`)
const install = spawnSync("npx", args, {
  cwd: root,
  stdio: ["ignore", "pipe", "pipe"],
  encoding: "utf8",
  // onnxruntime-node's install script fetches CUDA files from outside the registry: leave it out.
  env: { ...process.env, CI: "true", ONNXRUNTIME_NODE_INSTALL: "skip" }
})
if (install.status !== 0) {
  console.error(install.stdout ?? "")
  console.error(install.stderr ?? "")
  console.error(
    `setup failed (${install.error?.message ?? `exit code ${install.status}`}). It needs Node 20.20 or newer, npm, ` +
      `and an npm registry that answers; see the lines above, then run it again: npm run setup`
  )
  process.exit(1)
}
writeFileSync(stamp, digest)
console.error(`setup: done in ${((performance.now() - started) / 1000).toFixed(0)} s`)
