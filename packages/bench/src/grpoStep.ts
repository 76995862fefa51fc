/**
 * `memory-r1 bench grpo-step`: whole steps of GRPO, beside TRL.
 */
import { Arithmetic, Engine, Flags, Output } from "@memory-r1/cli/extension"
import { Objective } from "@memory-r1/core/rl"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { compared, peer, pythonPeer, randomTokens, rounds, steps, timed } from "./compared.ts"
import { optimizer } from "./parts.ts"

export const grpoStep = Command.make(
  "grpo-step",
  {
    model: Engine.model,
    ...Engine.training,
    prompt: Flags.count("prompt").pipe(Flag.withDefault(512)),
    group: Flags.count("group").pipe(Flag.withDefault(8)),
    completion: Flags.count("completion").pipe(Flag.withDefault(48)),
    prompts: Flags.count("prompts").pipe(Flag.withDefault(2)),
    steps,
    rounds: rounds(1),
    peer: peer("trl, and peft where there is LoRA", "grpo_trl.py"),
    peerMicroBatch: Flags.count("peer-micro-batch").pipe(
      Flag.withDescription("completions of one pass of the peer; all if omitted"),
      Flag.optional
    )
  },
  Effect.fn(function*(asked) {
    const { completion, group, loraRank, model: directory, prompt, prompts: many, steps } = asked
    const completionTokens = many * group * completion
    const promptTokens = many * prompt
    const seconds = { prefill: 0, decode: 0, score: 0, train: 0, optimizer: 0 }
    let counted = 0
    let flops = 0
    // Loaded anew in each round: a peer that runs in between has the memory to itself.
    const round = Effect.gen(function*() {
      const { learner, model } = yield* Engine.learner(directory, asked)
      const prompts = yield* Effect.forEach(
        Array.from({ length: many }),
        () => randomTokens(prompt, model.checkpoint.decoder.vocabularySize)
      )
      const objective = Objective.grpo()
      const step = Effect.gen(function*() {
        const groups = yield* learner.sampler.sample({
          prompts,
          n: group,
          maxTokens: completion,
          temperature: 1,
          stopTokens: [],
          seed: yield* Random.nextInt
        })
        yield* learner.forwardBackward(
          groups.map((completions, i) => ({
            prompt: prompts[i]!,
            completions: completions.map(({ logprobs, tokens }, g) => ({
              tokens,
              oldLogp: logprobs,
              advantage: g % 2 === 0 ? 1 : -1
            }))
          })),
          objective
        )
        return (yield* timed(learner.optimStep(optimizer))).seconds
      })
      yield* step
      model.timings.clear()
      const stepSeconds: Array<number> = []
      for (let i = 0; i < steps; i++) {
        const { seconds: whole, value: optimizing } = yield* timed(step)
        stepSeconds.push(whole)
        seconds.optimizer += optimizing
      }
      for (const part of ["prefill", "decode", "score", "train"] as const) {
        seconds[part] += (model.timings.get(part) ?? 0) / 1000
      }
      counted += steps
      // Sampling reads every prompt once and every completion token once. The gradient passes over both again, and
      // backward as often as there are gradients of activations and of weights; an adapter's weights are next to none.
      const passes = Option.isSome(loraRank) ? 3 : 4
      const { decoder } = model.checkpoint
      flops = (promptTokens * Arithmetic.flopsPerToken(decoder, false) +
        completionTokens * Arithmetic.flopsPerToken(decoder, true)) * passes
      return stepSeconds
    }).pipe(Effect.scoped, Random.withSeed(1))
    const args = [
      "--model",
      directory,
      ...Object.entries({ prompt, group, completion, prompts: many, steps }).flatMap((
        [name, value]
      ) => [`--${name}`, `${value}`]),
      ...(Option.isSome(asked.threads) ? ["--threads", `${asked.threads.value}`] : []),
      ...(Option.isSome(loraRank) ? ["--lora-rank", `${loraRank.value}`] : []),
      ...(Option.isSome(asked.peerMicroBatch) ? ["--micro-batch", `${asked.peerMicroBatch.value}`] : [])
    ]
    const { lines, result } = yield* compared(
      {
        rounds: asked.rounds,
        tokensPerStep: promptTokens + completionTokens,
        peers: pythonPeer(asked.peer, "grpo_trl.py", args)
      },
      round
    )
    const parts = Object.fromEntries(Object.entries(seconds).map(([part, total]) => [part, total / counted]))
    const gflops = flops / result.medianStepSeconds / 1e9
    yield* Output.document({ ...result, parts, gflops }, [
      ...lines,
      `${Object.entries(parts).map(([name, seconds]) => `${name} ${(seconds * 1000).toFixed(0)} ms`).join(", ")}; ${
        gflops.toFixed(0)
      } GFLOP/s, ${(result.peakRssBytes / 2 ** 30).toFixed(2)} GiB`
    ])
  })
).pipe(Command.withDescription("Whole GRPO steps: sample, gradient, Adam"))
