// Takes the lock of a run folder when it is told to on stdin, says how that ended, and keeps it until stdin ends.
import { NodeServices } from "@effect/platform-node"
import { RunFolder } from "@memory-r1/trainer"
import { Effect } from "effect"
import { once } from "node:events"

const [folder = ""] = process.argv.slice(2)

console.log("ready")
await once(process.stdin, "data")
await RunFolder.locked(folder).pipe(
  Effect.match({ onFailure: (error) => error._tag, onSuccess: () => "locked" }),
  Effect.tap((outcome) => Effect.sync(() => console.log(outcome))),
  Effect.andThen(Effect.promise(() => once(process.stdin, "end"))),
  Effect.scoped,
  Effect.provide(NodeServices.layer),
  Effect.runPromise
)
