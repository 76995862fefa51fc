// Kills a writing process again and again, and looks whether anything is lost: node
// packages/store-sqlite/scripts/crash.ts 1000
import { Effect, Random } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { crashes } from "../test/support/crash.ts"
import { built } from "../test/support/programs.ts"

const times = Number(process.argv[2] ?? 1000)
const directory = mkdtempSync(join(tmpdir(), "memory-r1-crash-"))
const acknowledged = await Effect.runPromise(
  Effect.flatMap(built("writer"), (program) => crashes(program, directory, times)).pipe(
    Random.withSeed(process.argv[3] ?? "crash")
  )
)
rmSync(directory, { recursive: true })
console.log(`${times} kills, ${acknowledged} acknowledged commits, none lost, none half, every file whole`)
