/**
 * `memory-r1 bench train-step` and `bench decode`: parts of a step, beside PyTorch and transformers.
 */
import { Engine, Flags, Output } from "@memory-r1/cli/extension"
import { type Learner, Objective } from "@memory-r1/core/rl"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { availableParallelism } from "node:os"
import { compared, type Peer, peer, pythonPeer, randomTokens, rounds, steps, timed } from "./compared.ts"

/**
 * What every benchmark's optimizer does.
 */
export const optimizer = { learningRate: 1e-4, weightDecay: 0.01, maxGradNorm: 1 } as const

// What both of the compared benchmarks are told; rows are made up to whole groups.
const shape = (defaults: { readonly prompt: number; readonly tokens: number }) => ({
  model: Engine.model,
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

interface Asked {
  readonly model: string
  readonly rows: number
  readonly group: number
  readonly prompt: number
  readonly tokens: number
  readonly steps: number
  readonly rounds: number
  readonly peer: Option.Option<string>
}

// Runs a task here and in its peers: `stepOf` makes one step of it out of random prompts.
const comparison = Effect.fnUntraced(function*<E, R, E2, R2>(
  task: "train-step" | "decode",
  asked: Asked,
  vocabularySize: number,
  stepOf: (
    shape: { readonly group: number; readonly prompts: ReadonlyArray<ReadonlyArray<number>>; readonly tokens: number }
  ) => Effect.Effect<Effect.Effect<unknown, E, R>, E2, R2>,
  others: (groups: number) => ReadonlyArray<Peer> = () => []
) {
  const { group, model, prompt, rounds, steps, tokens } = asked
  const groups = Math.ceil(asked.rows / group)
  const rows = groups * group
  const prompts = yield* Effect.forEach(Array.from({ length: groups }), () => randomTokens(prompt, vocabularySize))
  const step = yield* stepOf({ group, prompts, tokens })
  const args = Object.entries({ model, rows, tokens, prompt, steps }).flatMap((
    [name, value]
  ) => [`--${name}`, `${value}`])
  const round = Effect.gen(function*() {
    // Once without the clock: sessions are made at the first run, and threads wake up.
    yield* step
    const seconds: Array<number> = []
    for (let i = 0; i < steps; i++) seconds.push((yield* timed(step)).seconds)
    return seconds
  })
  const { lines, result } = yield* compared({
    rounds,
    tokensPerStep: rows * tokens,
    peers: [...pythonPeer(asked.peer, "bench_torch.py", [task, ...args]), ...others(groups)]
  }, round)
  return { lines, document: { rows, group, prompt, tokens, ...result } }
})

export const trainStep = Command.make(
  "train-step",
  { ...shape({ prompt: 1, tokens: 128 }), ...Engine.training },
  Effect.fn(function*(asked) {
    const { document, lines } = yield* Effect.scoped(Effect.gen(function*() {
      const { learner, model } = yield* Engine.learner(asked.model, asked)
      const { vocabularySize } = model.checkpoint.decoder
      return yield* comparison(
        "train-step",
        asked,
        vocabularySize,
        ({ group, prompts, tokens }) =>
          Effect.gen(function*() {
            const batch = yield* Effect.forEach(prompts, (prompt) =>
              Effect.map(
                Effect.forEach(Array.from({ length: group }), () => randomTokens(tokens, vocabularySize)),
                (completions): Learner.PromptGroup => ({
                  prompt,
                  completions: completions.map((tokens) => ({ tokens }))
                })
              ))
            return Effect.andThen(learner.forwardBackward(batch, Objective.sft), learner.optimStep(optimizer))
          })
      )
    })).pipe(Random.withSeed(1))
    yield* Output.document(document, lines)
  })
).pipe(Command.withDescription("Forward, backward, clipping and AdamW on random tokens"))

export const decode = Command.make(
  "decode",
  {
    ...shape({ prompt: 128, tokens: 64 }),
    ...Engine.loading,
    peerLlama: Flag.String("peer-llama").pipe(
      Flag.withDescription("a GGUF file: also decodes it with llama.cpp, in turn, and prints the ratio"),
      Flag.optional
    ),
    llamaFolder: Flag.String("llama-folder").pipe(
      Flag.withDescription("the folder in which npm has installed node-llama-cpp, for --peer-llama"),
      Flag.withDefault(".")
    )
  },
  Effect.fn(function*(asked) {
    const { group, llamaFolder, peerLlama, prompt, steps, threads, tokens } = asked
    const llama = (groups: number): ReadonlyArray<Peer> =>
      Option.toArray(peerLlama).map((file) => ({
        key: "llama",
        command: process.execPath,
        script: "llama_decode.mjs",
        args: [
          llamaFolder,
          file,
          ...[prompt, tokens, groups, group, steps, Option.getOrElse(threads, () => availableParallelism())].map(String)
        ]
      }))
    const { document, lines } = yield* Effect.scoped(Effect.gen(function*() {
      const { model, sampler } = yield* Engine.sampler(asked.model, asked)
      return yield* comparison(
        "decode",
        asked,
        model.checkpoint.decoder.vocabularySize,
        ({ group, prompts, tokens }) => {
          let seed = 0
          return Effect.succeed(
            Effect.suspend(() =>
              sampler.sample({ prompts, n: group, maxTokens: tokens, temperature: 1, stopTokens: [], seed: seed++ })
            )
          )
        },
        llama
      )
    })).pipe(Random.withSeed(1))
    yield* Output.document(document, lines)
  })
).pipe(
  Command.withDescription("Sampling from random prompts, prefill included")
)
