/**
 * `memory-r1 bench train-step` and `bench decode`: parts of a step, beside PyTorch and transformers.
 */
import { Engine, Flags, Output } from "@memory-r1/cli/extension"
import { type Learner, Objective } from "@memory-r1/core/rl"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Random from "effect/Random"
import { compared, peer, randomTokens, rounds, steps, timed } from "./compared.ts"

/**
 * What every benchmark's optimizer does.
 */
export const optimizer = { learningRate: 1e-4, weightDecay: 0.01, maxGradNorm: 1 } as const

// What both of the compared benchmarks are told; rows are made up to whole groups.
const shape = (defaults: { readonly prompt: number; readonly tokens: number }) => ({
  model: Engine.model,
  ...Engine.training,
  rows: Flags.count("rows").pipe(
    Flag.withDescription("completions that are worked on at a time"),
    Flag.withDefault(16)
  ),
  group: Flags.count("group").pipe(Flag.withDescription("completions of each prompt"), Flag.withDefault(1)),
  prompt: Flags.count("prompt").pipe(Flag.withDescription("tokens of a prompt"), Flag.withDefault(defaults.prompt)),
  tokens: Flags.count("tokens").pipe(
    Flag.withDescription("tokens of a completion, with no early stop"),
    Flag.withDefault(defaults.tokens)
  ),
  steps,
  rounds: rounds(3),
  peer: peer("torch and transformers", "bench_torch.py")
})

type Loaded = Effect.Success<ReturnType<typeof Engine.learner>>
type Asked = Parameters<typeof Engine.learner>[1] & {
  readonly model: string
  readonly rows: number
  readonly group: number
  readonly prompt: number
  readonly tokens: number
  readonly steps: number
  readonly rounds: number
  readonly peer: Option.Option<string>
}

// Runs `task` here and in PyTorch: `stepOf` makes one step of it from a loaded model and random prompts.
const comparison = <E, R>(
  task: "train-step" | "decode",
  stepOf: (
    engine: Loaded,
    shape: { readonly group: number; readonly prompts: ReadonlyArray<ReadonlyArray<number>>; readonly tokens: number }
  ) => Effect.Effect<Effect.Effect<unknown, E>, E, R>
) =>
  Effect.fnUntraced(function*(asked: Asked) {
    const { group, model: directory, prompt, rounds, steps, tokens } = asked
    const groups = Math.ceil(asked.rows / group)
    const rows = groups * group
    const { lines, result } = yield* Effect.scoped(Effect.gen(function*() {
      const engine = yield* Engine.learner(directory, asked)
      const { vocabularySize } = engine.model.checkpoint.decoder
      const prompts = yield* Effect.forEach(Array.from({ length: groups }), () => randomTokens(prompt, vocabularySize))
      const step = yield* stepOf(engine, { group, prompts, tokens })
      const args = [
        task,
        "--model",
        directory,
        "--rows",
        `${rows}`,
        "--tokens",
        `${tokens}`,
        "--prompt",
        `${prompt}`,
        "--steps",
        `${steps}`
      ]
      const round = Effect.gen(function*() {
        // Once without the clock: sessions are made at the first run, and threads wake up.
        yield* step
        const seconds: Array<number> = []
        for (let i = 0; i < steps; i++) seconds.push((yield* timed(step)).seconds)
        return seconds
      })
      return yield* compared({
        rounds,
        tokensPerStep: rows * tokens,
        peer: { python: asked.peer, script: "bench_torch.py", args }
      }, round)
    })).pipe(Random.withSeed(1))
    yield* Output.document({ rows, group, prompt, tokens, ...result }, lines)
  })

export const trainStep = Command.make(
  "train-step",
  shape({ prompt: 1, tokens: 128 }),
  comparison("train-step", ({ learner, model }, { group, prompts, tokens }) =>
    Effect.gen(function*() {
      const { vocabularySize } = model.checkpoint.decoder
      const batch = yield* Effect.forEach(prompts, (prompt) =>
        Effect.map(
          Effect.forEach(Array.from({ length: group }), () => randomTokens(tokens, vocabularySize)),
          (completions): Learner.PromptGroup => ({ prompt, completions: completions.map((tokens) => ({ tokens })) })
        ))
      return Effect.andThen(learner.forwardBackward(batch, Objective.sft), learner.optimStep(optimizer))
    }))
).pipe(Command.withDescription("Forward, backward, clipping and AdamW on random tokens"))

export const decode = Command.make(
  "decode",
  shape({ prompt: 128, tokens: 64 }),
  comparison(
    "decode",
    ({ learner }, { group, prompts, tokens }) =>
      Effect.succeed(learner.sampler.sample({ prompts, n: group, maxTokens: tokens, temperature: 1, stopTokens: [] }))
  )
).pipe(
  Command.withDescription("Sampling from random prompts, prefill included")
)
