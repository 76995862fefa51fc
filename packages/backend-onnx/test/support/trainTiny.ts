// A few steps of training on a tiny checkpoint: what tools/parity/train_tiny.ts saved for transformers to load, and
// what roundtrip.test.ts does again.
import { Adapter, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { type Learner, Objective } from "@memory-r1/core/rl"
import { Effect } from "effect"
import * as Checkpoints from "./checkpoints.ts"

export const names = ["llama-tied", "qwen2"] as const

/** Where the trained checkpoint of that name is kept. */
export const directory = (name: string): string => Checkpoints.directory(`trained/${name}`)

/** Of what models adapters are trained, and where those are kept. */
export const adapted = ["qwen2", "phi3", "gemma3"] as const
export const adapterDirectory = (name: string): string => Checkpoints.directory(`trained-adapters/${name}`)

/** Three steps of supervised fine-tuning, two of GRPO. */
export const train = Effect.fnUntraced(function*(name: string) {
  const model = yield* OnnxModel.load(Checkpoints.directory(name))
  const { learner } = yield* OnnxLearner.make(model)
  yield* steps(name, learner)
  return { learner, checkpoint: { ...model.checkpoint, weights: model.flat! } }
})

/** The same of an adapter alone. */
export const trainAdapter = Effect.fnUntraced(function*(name: string) {
  const model = yield* OnnxModel.load(Checkpoints.directory(name))
  const adapter = yield* Adapter.initialize(model.checkpoint, { rank: 4 }, 5)
  const { learner } = yield* OnnxLearner.make(model, { adapter })
  yield* steps(name, learner)
  return { learner, adapter, model }
})

const steps = Effect.fnUntraced(function*(name: string, learner: Learner.Service) {
  const { prefix, sequences } = Checkpoints.golden(name)
  const completions = sequences.map(({ tokens }) => ({ tokens: tokens.slice(prefix.length) }))
  // An epsilon above the smallest gradients: without it rounding decides their sign, and with it a whole step.
  const step = { learningRate: 0.01, weightDecay: 0.1, maxGradNorm: 1, epsilon: 1e-4 }
  for (let i = 0; i < 3; i++) {
    yield* learner.forwardBackward([{ prompt: prefix, completions }], Objective.sft)
    yield* learner.optimStep(step)
  }
  const [oldLogp] = yield* learner.sampler.score({
    groups: [{ prompt: prefix, completions: completions.map(({ tokens }) => tokens) }]
  })
  const judged = completions.map((completion, i) => ({ ...completion, advantage: i - 1, oldLogp: oldLogp![i]! }))
  for (let i = 0; i < 2; i++) {
    yield* learner.forwardBackward([{ prompt: prefix, completions: judged }], Objective.grpo())
    yield* learner.optimStep(step)
  }
})
