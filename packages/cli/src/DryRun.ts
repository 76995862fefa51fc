/**
 * What a run of `memory-r1 train` would take on this machine, by arithmetic and one short measurement. No weights are
 * loaded. Times are right within a factor of two or so.
 */
import { Adapter, Checkpoint, Machine } from "@memory-r1/backend-onnx"
import { Plan, type TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Arithmetic from "./arithmetic.ts"
import * as Engine from "./Engine.ts"
import { registry } from "./registry.ts"

/**
 * The plan of a run, and what its model is.
 */
export interface Estimate extends Plan.Plan {
  readonly parameters: number
  readonly trained: number
  readonly contextLength: number
  readonly gflops: number
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/**
 * Estimates a run.
 */
export const estimate = Effect.fn("DryRun.estimate")(function*(config: TrainConfig.TrainConfig) {
  const { model, seed } = config
  const checkpoint = yield* Checkpoint.open(yield* Engine.directory(model.directory))
  const { decoder, layout, tokenizer } = checkpoint
  const parameters = sum(layout.parameters.map(({ size }) => size))
  const adapter = model.lora === undefined ? undefined : yield* Adapter.initialize(checkpoint, model.lora, seed)
  const trained = adapter === undefined ? parameters : sum(adapter.layout.parameters.map(({ size }) => size))
  const gflops = yield* Machine.productRate(model.threads === undefined ? {} : { threads: model.threads })

  const weightBytes = parameters * Arithmetic.bytesPerWeight[model.dtype]
  const times = Arithmetic.times(decoder, { gflops, weightBytes, isAdapter: adapter !== undefined })

  const memoryBytes: Plan.Engine["memoryBytes"] = ({ isHeld, learners, stages }) => {
    const copies = adapter === undefined ? learners + (isHeld ? 1 : 0) : 1
    const longest = Math.max(...stages.map(({ longestPrompt }) => longestPrompt))
    // Of one micro-batch: activations, and logits with their gradient. The weights of attention are held for prompts of
    // up to 512 tokens.
    const held = Math.min(
      model.microBatchTokens,
      Math.max(...stages.map(({ completionTokens, promptTokens }) => promptTokens + completionTokens))
    )
    const activations =
      held * Arithmetic.activationBytesPerToken(decoder, longest <= 512 ? longest : 0, model.gradientCheckpointing) +
      Math.min(held, Math.max(...stages.map(({ completionTokens }) => completionTokens))) * decoder.vocabularySize * 4 *
        3
    const cache = Math.max(...stages.map(({ completionTokens, promptTokens }) =>
      Math.min(promptTokens + completionTokens, 4096 + completionTokens)
    )) * Arithmetic.cacheBytesPerToken(decoder)
    // A gradient, one more that is added to it, and Adam's two moments; an adapter's weights themselves.
    const training = learners * trained * 4 * (adapter === undefined ? 4 : 5)
    const bytes = { weights: copies * weightBytes, training, activations: activations + cache }
    return { ...bytes, total: sum(Object.values(bytes)) + 2e8 }
  }
  const engine = { tokenizer, contextLength: decoder.contextLength, ...times, memoryBytes }
  const plan = yield* Plan.make({ config, registry, engine })
  return { parameters, trained, contextLength: decoder.contextLength, ...plan, gflops } satisfies Estimate
})

const count = (value: number): string => Math.round(value).toLocaleString("en")
export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
export const duration = (seconds: number): string =>
  seconds < 90
    ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
    : seconds < 5400
    ? `${(seconds / 60).toFixed(0)} min`
    : `${(seconds / 3600).toFixed(1)} h`

/**
 * Lines for people.
 */
export const lines = (
  { contextLength, gflops, memoryBytes, mostSeconds, parameters, seconds, stages, tokens, trained }: Estimate
): ReadonlyArray<string> => [
  `${count(parameters)} parameters, ${trained === parameters ? "all" : count(trained)} trained; a context of ${
    count(contextLength)
  } tokens; ${gflops.toFixed(0)} GFLOP/s in a bare product`,
  ...stages.map((stage) => {
    const { completionTokens, longestPrompt, mostSeconds, name, promptTokens, seconds, steps, validationSeconds } =
      stage
    const tokens = `${count(promptTokens)} + ${count(completionTokens)} tokens (prompts of up to ${
      count(longestPrompt)
    })`
    const validation = validationSeconds === 0 ? "" : `, validation ${duration(validationSeconds)}`
    return `${name}: ${count(steps)} steps of at most ${tokens}, about ${
      duration((seconds - validationSeconds) / steps)
    } each${validation}, ${duration(seconds)} (at most ${duration(mostSeconds)})`
  }),
  `memory: weights ${gibibytes(memoryBytes.weights)}, gradients and moments ${
    gibibytes(memoryBytes.training)
  }, activations ${gibibytes(memoryBytes.activations)}; ${gibibytes(memoryBytes.total)} in all`,
  `in all at most ${count(tokens)} tokens, about ${duration(seconds)} (at most ${
    duration(mostSeconds)
  }); nothing was trained`
]
