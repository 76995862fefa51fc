// Takes the lock of a run folder at a moment, says how that ended, and keeps it for a while.
import { NodeServices } from "@effect/platform-node"
import { RunFolder } from "@memory-r1/trainer"
import { Effect } from "effect"

const [folder = "", startAt = "0"] = process.argv.slice(2)

await Effect.sleep(Math.max(0, Number(startAt) - Date.now())).pipe(
  Effect.andThen(RunFolder.locked(folder)),
  Effect.match({ onFailure: (error) => error._tag, onSuccess: () => "locked" }),
  Effect.tap((outcome) => Effect.sync(() => console.log(outcome))),
  Effect.tap((outcome) => outcome === "locked" ? Effect.sleep(3000) : Effect.void),
  Effect.scoped,
  Effect.provide(NodeServices.layer),
  Effect.runPromise
)
