// Trains the tiny checkpoints for a few steps and saves them under packages/backend-onnx/test/fixtures/trained, for
// tools/parity/roundtrip.py. Usage: node tools/parity/train_tiny.ts
import { Effect } from "effect"
import * as TrainTiny from "../../packages/backend-onnx/test/support/trainTiny.ts"

const main = Effect.forEach(TrainTiny.names, (name) =>
  Effect.gen(function*() {
    const { learner } = yield* TrainTiny.train(name)
    yield* learner.save(TrainTiny.directory(name))
  }).pipe(Effect.scoped))

await Effect.runPromise(main)
