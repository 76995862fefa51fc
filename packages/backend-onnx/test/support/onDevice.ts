// The same work on the CPU and on another device: prints what both give as JSON. Run by device.test.ts in a process of
// its own, since drivers are found by the environment that a process begins with.
import { Adapter, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Effect, Layer, Logger } from "effect"
import * as Checkpoints from "./checkpoints.ts"
import { tokens } from "./models.ts"

const prompt = tokens(9, 1)
const completions = [tokens(5, 2), tokens(3, 3)]

const work = Effect.fnUntraced(function*(name: string, dtype: OnnxModel.WeightType, device: OnnxModel.Device) {
  const model = yield* OnnxModel.load(Checkpoints.directory(name), { device, dtype })
  const adapter = dtype === "float32" ? undefined : yield* Adapter.initialize(model.checkpoint, { rank: 2 }, 1)
  const { gradients, learner } = yield* OnnxLearner.make(model, adapter === undefined ? {} : { adapter })
  const score = Effect.map(
    learner.sampler.score({ groups: [{ prompt, completions }] }),
    ([scores]) => scores!.map((list) => [...list])
  )
  const before = yield* score
  const [[sampled]] = (yield* learner.sampler.sample({
    prompts: [prompt],
    maxTokens: 12,
    temperature: 0,
    stopTokens: []
  })) as unknown as [[{ tokens: Array<number> }]]
  const oldLogp = before
  const { loss } = yield* learner.forwardBackward(
    [{ prompt, completions: completions.map((tokens, i) => ({ tokens, oldLogp: oldLogp[i]!, advantage: 1 - 2 * i })) }],
    Objective.grpo()
  )
  const gradient = gradients().map(({ data, name }) => ({ name, data: [...data] }))
  yield* learner.optimStep({ learningRate: 1e-3, maxGradNorm: 1 })
  return { scores: before, greedy: sampled.tokens, loss, gradient, after: yield* score }
})

const [device, name, dtype] = process.argv.slice(2) as [OnnxModel.Device, string, OnnxModel.WeightType]
const logged: Array<string> = []
const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
const program = Effect.gen(function*() {
  const found = yield* Effect.scoped(work(name, dtype, device))
  return { found, expected: yield* Effect.scoped(work(name, dtype, "cpu")), logged }
}).pipe(
  Effect.catchTag("DeviceError", (error) => Effect.succeed({ unavailable: error.message })),
  Effect.provide(Layer.mergeAll(logger))
)
process.stdout.write(`\n${JSON.stringify(await Effect.runPromise(program))}\n`)
