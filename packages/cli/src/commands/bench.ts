/**
 * `memory-r1 bench train-step | decode | grpo-step`
 */
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { type Learner, Objective } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as ChildProcess from "effect/process/ChildProcess"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Output from "../Output.ts"
import { count } from "../shared.ts"

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const timed = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const started = performance.now()
  const value = yield* effect
  return { value, seconds: (performance.now() - started) / 1000 }
})

const peakRssBytes = (): number => process.resourceUsage().maxRSS * 1024

/**
 * The peer's program failed.
 */
export class PeerError extends Schema.TaggedError<PeerError>()("PeerError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const PeerResult = Schema.fromJsonString(Schema.Struct({
  engine: Schema.String,
  stepSeconds: Schema.Array(Schema.Finite),
  tokensPerSecond: Schema.Finite
}))

const peerFlag = Flag.String("peer").pipe(
  Flag.withDescription("a Python with torch and transformers: also runs tools/parity/bench_torch.py, in turn, and prints the ratio"),
  Flag.optional
)
const model = Flag.String("model").pipe(Flag.withDescription("a Hugging Face model directory"))
const steps = count("steps").pipe(Flag.withDescription("timed steps in each round"), Flag.withDefault(5))
const rounds = count("rounds").pipe(Flag.withDescription("how often this engine and its peer take turns"), Flag.withDefault(3))

const peer = Effect.fnUntraced(function*(python: string, args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const text = yield* spawner.string(ChildProcess.make(python, ["tools/parity/bench_torch.py", ...args], { stderr: "ignore" })).pipe(
    Effect.mapError((cause) => new PeerError({ reason: `${python} tools/parity/bench_torch.py failed: ${String(cause)}` }))
  )
  return yield* Schema.decodeUnknownEffect(PeerResult)(text.trim().split("\n").at(-1)).pipe(
    Effect.mapError(() => new PeerError({ reason: `${python} tools/parity/bench_torch.py printed no result; are torch and transformers installed?` }))
  )
})

// Runs the engine's rounds and, in turn with them, the peer's; ratios are of tokens per second over the same round.
const compared = Effect.fnUntraced(function*<E, R>(
  options: {
    readonly rounds: number
    readonly steps: number
    readonly tokensPerStep: number
    readonly peer: Option.Option<string>
    readonly args: ReadonlyArray<string>
  },
  step: Effect.Effect<unknown, E, R>
) {
  const stepSeconds: Array<number> = []
  const ratios: Array<number> = []
  const peers: Array<typeof PeerResult.Type> = []
  for (let round = 0; round < options.rounds; round++) {
    // Once without the clock: sessions are made at the first run, and threads wake up.
    yield* step
    const own: Array<number> = []
    for (let i = 0; i < options.steps; i++) own.push((yield* timed(step)).seconds)
    stepSeconds.push(...own)
    if (Option.isNone(options.peer)) continue
    const other = yield* peer(options.peer.value, options.args)
    peers.push(other)
    ratios.push(median(other.stepSeconds) / median(own))
  }
  const tokensPerSecond = options.tokensPerStep / median(stepSeconds)
  const result = {
    stepSeconds,
    medianStepSeconds: median(stepSeconds),
    tokensPerSecond,
    peakRssBytes: peakRssBytes(),
    ...(peers.length === 0 ? {} : {
      peer: { engine: peers[0]!.engine, tokensPerSecond: median(peers.map((other) => other.tokensPerSecond)) },
      ratios,
      medianRatio: median(ratios)
    })
  }
  const lines = [
    `${Math.round(tokensPerSecond).toLocaleString("en")} token/s (median of ${stepSeconds.length} steps, ${(result.medianStepSeconds * 1000).toFixed(1)} ms)`,
    ...(result.peer === undefined ? [] : [
      `${Math.round(result.peer.tokensPerSecond).toLocaleString("en")} token/s: ${result.peer.engine}`,
      `ratio ${result.medianRatio!.toFixed(2)} (rounds: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`
    ])
  ]
  return { result, lines }
})

const randomTokens = Effect.fnUntraced(function*(count: number, vocabulary: number) {
  return yield* Effect.forEach(Array.from({ length: count }), () => Random.nextIntBetween(3, vocabulary, { halfOpen: true }))
})

const load = Effect.fnUntraced(function*(directory: string) {
  const model = yield* OnnxModel.load(directory)
  return { model, ...(yield* OnnxLearner.make(model, { microBatchTokens: 4096 })) }
})

const optimizer = { learningRate: 1e-4, weightDecay: 0.01, maxGradNorm: 1 } as const

// What both of the compared benchmarks are told; rows are made up to whole groups.
const shape = (defaults: { readonly prompt: number; readonly tokens: number }) => ({
  model,
  rows: count("rows").pipe(Flag.withDescription("completions that are worked on at a time"), Flag.withDefault(16)),
  group: count("group").pipe(Flag.withDescription("completions of each prompt"), Flag.withDefault(1)),
  prompt: count("prompt").pipe(Flag.withDescription("tokens of a prompt"), Flag.withDefault(defaults.prompt)),
  tokens: count("tokens").pipe(Flag.withDescription("tokens of a completion, with no early stop"), Flag.withDefault(defaults.tokens)),
  steps,
  rounds,
  peer: peerFlag
})

type Engine = Effect.Success<ReturnType<typeof load>>

// Runs `task` here and in PyTorch: `stepOf` makes one step of it from a loaded model and random prompts.
const comparison = <E, R>(
  task: "train-step" | "decode",
  stepOf: (engine: Engine, shape: { readonly group: number; readonly prompts: ReadonlyArray<ReadonlyArray<number>>; readonly tokens: number }) => Effect.Effect<Effect.Effect<unknown, E>, E, R>
) =>
  Effect.fnUntraced(function*({ model: directory, peer, rounds, steps, ...asked }: {
    readonly model: string
    readonly rows: number
    readonly group: number
    readonly prompt: number
    readonly tokens: number
    readonly steps: number
    readonly rounds: number
    readonly peer: Option.Option<string>
  }) {
    const { group, prompt, tokens } = asked
    const groups = Math.ceil(asked.rows / group)
    const rows = groups * group
    const { lines, result } = yield* Effect.scoped(Effect.gen(function*() {
      const engine = yield* load(directory)
      const { vocabularySize } = engine.model.checkpoint.decoder
      const prompts = yield* Effect.forEach(Array.from({ length: groups }), () => randomTokens(prompt, vocabularySize))
      const step = yield* stepOf(engine, { group, prompts, tokens })
      const args = [task, "--model", directory, "--rows", `${rows}`, "--tokens", `${tokens}`, "--prompt", `${prompt}`, "--steps", `${steps}`]
      return yield* compared({ rounds, steps, tokensPerStep: rows * tokens, peer, args }, step)
    })).pipe(Random.withSeed(1))
    yield* Output.document({ rows, group, prompt, tokens, ...result }, lines)
  })

const trainStep = Command.make("train-step", shape({ prompt: 1, tokens: 128 }), comparison("train-step", ({ learner, model }, { group, prompts, tokens }) =>
  Effect.gen(function*() {
    const { vocabularySize } = model.checkpoint.decoder
    const batch = yield* Effect.forEach(prompts, (prompt) =>
      Effect.map(
        Effect.forEach(Array.from({ length: group }), () => randomTokens(tokens, vocabularySize)),
        (completions): Learner.PromptGroup => ({ prompt, completions: completions.map((tokens) => ({ tokens })) })
      ))
    return Effect.andThen(learner.forwardBackward(batch, Objective.sft), learner.optimStep(optimizer))
  }))).pipe(Command.withDescription("Forward, backward, clipping and AdamW on random tokens"))

const decode = Command.make("decode", shape({ prompt: 128, tokens: 64 }), comparison("decode", ({ learner }, { group, prompts, tokens }) =>
  Effect.succeed(learner.sampler.sample({ prompts, n: group, maxTokens: tokens, temperature: 1, stopTokens: [] })))).pipe(
  Command.withDescription("Sampling from random prompts, prefill included")
)

// Multiplications and additions of one token: twice the parameters that it passes through forward, twice that again backward.
const flopsPerToken = ({ checkpoint: { decoder } }: OnnxModel.OnnxModel, withVocabulary: boolean): number => {
  const { headSize, heads, hiddenSize, intermediateSize, keyValueHeads, layers, vocabularySize } = decoder
  const attention = hiddenSize * headSize * (2 * heads + 2 * keyValueHeads)
  return 2 * (layers * (attention + 3 * hiddenSize * intermediateSize) + (withVocabulary ? vocabularySize * hiddenSize : 0))
}

const grpoStep = Command.make("grpo-step", {
  model,
  prompt: count("prompt").pipe(Flag.withDefault(512)),
  group: count("group").pipe(Flag.withDefault(8)),
  completion: count("completion").pipe(Flag.withDefault(48)),
  prompts: count("prompts").pipe(Flag.withDefault(2)),
  steps
}, Effect.fn(function*({ completion, group, model: directory, prompt, prompts: many, steps }) {
  const found = yield* Effect.scoped(Effect.gen(function*() {
    const { learner, model } = yield* load(directory)
    const prompts = yield* Effect.forEach(Array.from({ length: many }), () => randomTokens(prompt, model.checkpoint.decoder.vocabularySize))
    const objective = Objective.grpo()
    let optimizerSeconds = 0
    const step = Effect.gen(function*() {
      const groups = yield* learner.sampler.sample({ prompts, n: group, maxTokens: completion, temperature: 1, stopTokens: [], seed: yield* Random.nextInt })
      yield* learner.forwardBackward(groups.map((completions, i) => ({
        prompt: prompts[i]!,
        completions: completions.map(({ logprobs, tokens }, g) => ({ tokens, oldLogp: logprobs, advantage: g % 2 === 0 ? 1 : -1 }))
      })), objective)
      optimizerSeconds += (yield* timed(learner.optimStep(optimizer))).seconds
    })
    yield* step
    optimizerSeconds = 0
    model.timings.clear()
    const stepSeconds: Array<number> = []
    for (let i = 0; i < steps; i++) stepSeconds.push((yield* timed(step)).seconds)
    const part = (name: string): number => (model.timings.get(name) ?? 0) / 1000 / steps
    const completionTokens = many * group * completion
    const promptTokens = many * prompt
    // Sampling reads every prompt once and every completion token once; the gradient passes three times over both.
    const flops = (promptTokens * flopsPerToken(model, false) + completionTokens * flopsPerToken(model, true)) * 4
    const seconds = median(stepSeconds)
    return {
      stepSeconds,
      medianStepSeconds: seconds,
      parts: { prefill: part("prefill"), decode: part("decode"), score: part("score"), train: part("train"), optimizer: optimizerSeconds / steps },
      tokensPerSecond: (promptTokens + completionTokens) / seconds,
      gflops: flops / seconds / 1e9,
      peakRssBytes: peakRssBytes()
    }
  })).pipe(Random.withSeed(1))
  yield* Output.document(found, [
    `${(found.medianStepSeconds * 1000).toFixed(0)} ms a step, ${Math.round(found.tokensPerSecond).toLocaleString("en")} token/s, ${found.gflops.toFixed(0)} GFLOP/s`,
    Object.entries(found.parts).map(([name, seconds]) => `${name} ${(seconds * 1000).toFixed(0)} ms`).join(", ")
  ])
})).pipe(Command.withDescription("Whole GRPO steps: sample, gradient, Adam"))

/**
 * The command.
 */
export const bench = Command.make("bench").pipe(
  Command.withDescription("Measure the engine, beside PyTorch where a Python with it is given"),
  Command.withSubcommands([trainStep, decode, grpoStep])
)
