// `npm test`: every check, then every test. `npm test -- --fast` is for work in progress: types, lint, and the tests
// without the tag `slow`. Everything else on the command line goes to Vitest.
import { spawnSync } from "node:child_process"

const given = process.argv.slice(2)
const fast = given.includes("--fast")
const rest = given.filter((arg) => arg !== "--fast")

const commands = [
  ["node", ["scripts/check.mjs", ...(fast ? ["--fast"] : [])]],
  ["vitest", ["run", ...(fast ? ["--tags-filter", "!slow"] : []), ...rest]]
]
for (const [file, args] of commands) {
  const { error, status } = spawnSync(file, args, { stdio: "inherit" })
  if (error) console.error(`${file}: ${error.message}; run it as npm test`)
  if (status !== 0) process.exit(status ?? 1)
}
