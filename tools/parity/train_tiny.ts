// Trains tiny checkpoints, and adapters of some, for a few steps and saves them under
// packages/backend-onnx/test/fixtures, in trained and trained-adapters, for tools/parity/roundtrip.py and adapters.py.
// Usage: node tools/parity/train_tiny.ts [checkpoints] [adapters]
import { Effect } from "effect"
import { Adapter } from "../../packages/backend-onnx/src/index.ts"
import * as TrainTiny from "../../packages/backend-onnx/test/support/trainTiny.ts"

const asked = process.argv.slice(2)
const wanted = (what: string): boolean => asked.length === 0 || asked.includes(what)

const main = Effect.gen(function*() {
  for (const name of wanted("checkpoints") ? TrainTiny.names : []) {
    const { learner } = yield* TrainTiny.train(name)
    yield* learner.save(TrainTiny.directory(name))
  }
  for (const name of wanted("adapters") ? TrainTiny.adapted : []) {
    const { adapter } = yield* TrainTiny.trainAdapter(name)
    yield* Adapter.save(adapter, TrainTiny.adapterDirectory(name), name)
  }
})

await Effect.runPromise(Effect.scoped(main))
