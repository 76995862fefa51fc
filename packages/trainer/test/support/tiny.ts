// A real learner over a tiny checkpoint, for trainer tests that need gradients.
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { join } from "node:path"

export const directory = join(import.meta.dirname, "../../../backend-onnx/test/fixtures/llama-tied")

const make = (critic: boolean) =>
  Effect.map(
    Effect.flatMap(OnnxModel.load(directory, { threads: 1 }), (model) => OnnxLearner.make(model, { critic })),
    ({ learner }) => learner
  )

/** A fresh learner: nothing is shared with other tests. */
export const learner = make(false)

/** One with a value head. */
export const critic = make(true)
