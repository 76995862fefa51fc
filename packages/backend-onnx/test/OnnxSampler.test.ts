// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Adapter, Checkpoint, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import type { Sampler } from "@memory-r1/core/rl"
import { samplerLaws } from "@memory-r1/core/testing"
import { Deferred, Effect, Fiber } from "effect"
import * as Checkpoints from "./support/checkpoints.ts"
import * as Models from "./support/models.ts"
import * as Statistics from "./support/statistics.ts"

for (const name of Checkpoints.names) {
  samplerLaws(`onnx, ${name}`, OnnxSampler.layer(Checkpoints.directory(name), { threads: 1 }))
}

const assertClose = (found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
  assert.strictEqual(found.length, expected.length, what)
  for (let i = 0; i < expected.length; i++) assert.closeTo(found[i]!, expected[i]!, 1e-4, `${what}, token ${i}`)
}

const tokensOf = (groups: ReadonlyArray<ReadonlyArray<Sampler.Completion>>) =>
  groups.map((group) => group.map(({ tokens }) => tokens))

const { tokens } = Models

describe("OnnxSampler", () => {
  const trunk = tokens(20, 5)
  const alike = [
    [...trunk, ...tokens(3, 2)],
    [...trunk, ...tokens(9, 3)],
    // One that is the beginning of others, one that is there twice, one that shares only a part.
    trunk,
    [...trunk, ...tokens(3, 2)],
    [...trunk.slice(0, 17), 4, 4],
    ...Array.from({ length: 14 }, (_, i) => [...trunk, 5 + i, ...tokens(i % 4, i)]),
    [7],
    tokens(40, 9)
  ]
  for (const temperature of [0, 1]) {
    it.effect(`prompts that begin alike give what each gives alone, at temperature ${temperature}`, () =>
      Effect.gen(function*() {
        const { runs, sampler } = yield* Models.sampler()
        const request = { maxTokens: 12, temperature, seed: 3, stopTokens: [20, 21, 22] }
        const together = yield* sampler.sample({ ...request, prompts: alike })
        const atOnce = runs()
        for (const [i, prompt] of alike.entries()) {
          // At its place, since a draw depends on it; before it are prompts that nothing begins like.
          const prompts = [...Array.from({ length: i }, (_, j) => [3 + j]), prompt]
          const alone = (yield* sampler.sample({ ...request, prompts }))[i]!
          assert.deepStrictEqual(tokensOf([together[i]!]), tokensOf([alone]), `prompt ${i}`)
          assertClose(together[i]![0]!.logprobs, alone[0]!.logprobs, `prompt ${i}`)
        }
        assert.isBelow(atOnce, alike.length * 5, "they were generated one by one")
      }))
  }

  it.effect("a completion is the same whatever it is sampled with", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      const request = { maxTokens: 6, seed: 5, stopTokens: [] }
      const [four] = yield* sampler.sample({ ...request, prompts: [trunk], n: 4 })
      const [one] = yield* sampler.sample({ ...request, prompts: [trunk] })
      assert.deepStrictEqual(tokensOf([four!.slice(0, 1)]), tokensOf([one!]))
      const many = yield* sampler.sample({ ...request, prompts: [trunk, ...alike], n: 4 })
      assert.deepStrictEqual(tokensOf(many.slice(0, 1)), tokensOf([four!]))
      assert.lengthOf(new Set(tokensOf(many).flat().map(String)), 4 * many.length)
    }))

  it.effect("what goes on when others have ended has the probabilities of its own tokens", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      // Long enough for the cache to grow, and few that get there.
      const prompts = alike.slice(0, 8)
      const groups = yield* sampler.sample({ prompts, n: 6, maxTokens: 60, seed: 8, stopTokens: [20, 21] })
      const lengths = groups.flatMap((group) => group.map(({ tokens }) => tokens.length))
      assert.isAbove(Math.max(...lengths), 40)
      assert.isAbove(new Set(lengths).size, 12)
      const scores = yield* sampler.score({
        groups: groups.map((completions, i) => ({
          prompt: prompts[i]!,
          completions: completions.map(({ tokens }) => tokens)
        }))
      })
      groups.forEach((group, i) =>
        group.forEach(({ logprobs }, g) => assertClose(logprobs, scores[i]![g]!, `completion ${g} of prompt ${i}`))
      )
    }))

  const filters: ReadonlyArray<Pick<Sampler.SampleRequest, "topK" | "topP" | "temperature">> = [
    {},
    { temperature: 0.4 },
    { topK: 5 },
    { topP: 0.3 },
    { topK: 8, topP: 0.2, temperature: 2 }
  ]
  for (const filter of filters) {
    it.effect(`frequencies are the probabilities of the tokens that ${JSON.stringify(filter)} keeps`, () =>
      Effect.gen(function*() {
        const { sampler } = yield* Models.sampler()
        const { temperature = 1, topK = Infinity, topP = 1 } = filter
        const vocabulary = Array.from({ length: sampler.tokenizer.vocabularySize }, (_, token) => token)
        const [scores] = yield* sampler.score({
          groups: [{ prompt: trunk, completions: vocabulary.map((token) => [token]) }],
          temperature
        })
        const probabilities = scores!.map(([logp]) => Math.exp(logp!))
        const order = vocabulary.toSorted((a, b) => probabilities[b]! - probabilities[a]!)
        let mass = 0
        const kept = new Set(order.filter((token, rank) => {
          const isKept = rank < topK && mass < topP
          mass += probabilities[token]!
          return isKept
        }))
        const total = [...kept].reduce((sum, token) => sum + probabilities[token]!, 0)
        const sampled = yield* sampler.sample({
          ...filter,
          prompts: Array.from({ length: 40 }, () => trunk),
          n: 50,
          maxTokens: 1,
          seed: 1
        })
        const counts = vocabulary.map(() => 0)
        for (const { tokens: [token] } of sampled.flat()) counts[token!]!++
        const expected = vocabulary.map((token) => kept.has(token) ? probabilities[token]! / total : 0)
        Statistics.assertFrequencies(counts, expected)
      }))
  }

  it.effect("ends at the tokenizer's own end token, and at none where there is none", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      const request = { prompts: [trunk, [1]], n: 20, maxTokens: 30, temperature: 3, seed: 1 }
      const ended = (yield* sampler.sample(request)).flat()
      assert.isAbove(ended.filter(({ finishReason }) => finishReason === "stop").length, 3)
      for (const { finishReason, tokens } of ended) {
        assert.strictEqual(tokens.indexOf(2), finishReason === "stop" ? tokens.length - 1 : -1)
      }
      const endless = (yield* sampler.sample({ ...request, stopTokens: [] })).flat()
      assert.isTrue(endless.every(({ tokens }) => tokens.length === 30))
      // The same draws, up to where they end.
      ended.forEach(({ tokens }, i) => assert.deepStrictEqual(tokens, endless[i]!.tokens.slice(0, tokens.length)))
    }))

  it.effect("with an adapter, of all projections or of some, it samples with the logprobs that it scores", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("qwen2", {
        "config.json": (json) => ({
          ...json,
          hidden_size: 512,
          num_attention_heads: 4,
          num_key_value_heads: 2,
          num_hidden_layers: 1
        })
      })
      const checkpoint = yield* Checkpoint.initialize(folder, 1)
      const { layout, weights } = checkpoint
      for (const { name, offset, size } of layout.parameters) {
        if (name.endsWith("bias")) weights.fill(0.3, offset, offset + size)
      }
      const model = yield* OnnxModel.fromCheckpoint(checkpoint)
      const adapted = yield* Effect.forEach(
        [{}, { targetModules: ["k_proj", "up_proj", "o_proj"] }],
        (targets) =>
          Effect.map(Adapter.initialize(checkpoint, { rank: 2, ...targets }, 1), (adapter) => {
            for (const { offset, size } of adapter.layout.parameters) {
              for (let i = 0; i < size; i++) adapter.weights[offset + i]! += 0.02 * Math.cos(i)
            }
            return { adapter }
          })
      )
      for (const options of [{}, ...adapted]) {
        const sampler = yield* OnnxSampler.make(model, options)
        const prompts = [tokens(20, 1), tokens(7, 2)]
        const samples = yield* sampler.sample({ prompts, n: 3, maxTokens: 12, stopTokens: [], seed: 2 })
        const scores = yield* sampler.score({
          groups: prompts.map((prompt, i) => ({ prompt, completions: samples[i]!.map(({ tokens }) => tokens) }))
        })
        samples.forEach((group, i) =>
          group.forEach(({ logprobs }, j) => assertClose(logprobs, scores[i]![j]!, `group ${i}, completion ${j}`))
        )
      }
    }))

  it.effect("fills the context to its last token", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      const prompts = [tokens(250, 3), tokens(20, 4)]
      const sampled = yield* sampler.sample({ prompts, n: 3, maxTokens: 6, stopTokens: [] })
      const scores = yield* sampler.score({
        groups: sampled.map((group, i) => ({ prompt: prompts[i]!, completions: group.map(({ tokens }) => tokens) }))
      })
      sampled.forEach((group, i) =>
        group.forEach(({ logprobs }, j) => assertClose(scores[i]![j]!, logprobs, `prompt ${i}, completion ${j}`))
      )
    }))

  it.effect("a long prompt is scored beside a long completion, which it could not have", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      const groups = [
        { prompt: tokens(240, 7), completions: [tokens(10, 11), tokens(16, 2)] },
        { prompt: tokens(10, 13), completions: [tokens(240, 3)] },
        { prompt: [5], completions: [] },
        { prompt: [6], completions: [[], [9]] }
      ]
      const together = yield* sampler.score({ groups })
      assert.deepStrictEqual(together.map((group) => group.map(({ length }) => length)), [[10, 16], [240], [], [0, 1]])
      for (const [i, group] of groups.entries()) {
        const [alone] = yield* sampler.score({ groups: [group] })
        alone!.forEach((logprobs, j) => assertClose(together[i]![j]!, logprobs, `group ${i}, completion ${j}`))
      }
      assert.deepStrictEqual(yield* sampler.score({ groups: [] }), [])
      assert.deepStrictEqual(yield* sampler.sample({ prompts: [], maxTokens: 1 }), [])
    }))

  it.effect("a long sample that is interrupted stops, and the sampler goes on", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const { runs, sampler } = yield* Models.sampler("llama-tied", { threads: 1 }, (before) => {
        if (before === 20) Deferred.doneUnsafe(started, Effect.void)
      })
      const request = { prompts: [trunk], n: 2, maxTokens: 200, seed: 1, stopTokens: [] }
      const fiber = yield* Effect.forkChild(sampler.sample(request))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      const stopped = runs()
      assert.isBelow(stopped, 40)
      const short = tokensOf(yield* sampler.sample({ ...request, maxTokens: 5 })).flat()
      assert.isAtMost(runs(), stopped + 8, "the interrupted sample went on")
      const whole = tokensOf(yield* sampler.sample(request)).flat()
      assert.lengthOf(whole[0]!, 200)
      assert.deepStrictEqual(short, whole.map((completion) => completion.slice(0, 5)))
    }))

  it.effect("two fibers sample at once", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      const request = (seed: number) => ({ prompts: [trunk, [9]], n: 2, maxTokens: 8, seed })
      const both = yield* Effect.forEach([1, 2], (seed) => sampler.sample(request(seed)), { concurrency: 2 })
      for (const [i, seed] of [1, 2].entries()) {
        assert.deepStrictEqual(tokensOf(both[i]!), tokensOf(yield* sampler.sample(request(seed))))
      }
    }))

  it.effect("what was sampled before changes nothing", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Models.sampler()
      const short = { prompts: [trunk, [9]], n: 2, maxTokens: 30, seed: 4, stopTokens: [7] }
      const fresh = yield* sampler.sample(short)
      yield* sampler.sample({
        prompts: [tokens(180, 3), tokens(90, 5), tokens(4, 6)],
        n: 5,
        maxTokens: 60,
        stopTokens: []
      })
      assert.deepStrictEqual(yield* sampler.sample(short), fresh)
    }))

  it.effect("the same request gives the same bits, in another session and with other threads' work", () =>
    Effect.gen(function*() {
      const request = { prompts: [trunk, tokens(30, 8)], n: 3, maxTokens: 20, seed: 11 }
      const sample = Effect.gen(function*() {
        const sampler = yield* OnnxSampler.make(yield* OnnxModel.load(Checkpoints.directory("qwen2"), { threads: 2 }))
        return yield* sampler.sample(request)
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* sample, yield* sample)
    }))

  it.effect("weights that are no numbers are found out", () =>
    Effect.gen(function*() {
      const { model, sampler } = yield* Models.sampler()
      const sound = yield* sampler.sample({ prompts: [trunk], maxTokens: 20 })
      const weight = model.flat![5]!
      model.flat![5] = NaN
      const request = { prompts: [[3]], maxTokens: 2 }
      for (const temperature of [0, 1]) {
        const error = yield* Effect.flip(sampler.sample({ ...request, temperature }))
        assert.include(error.message, "probabilities that are NaN")
      }
      const error = yield* Effect.flip(sampler.score({ groups: [{ prompt: [3], completions: [[4]] }] }))
      assert.include(error.message, "log-probabilities that are NaN or infinite")
      // Nothing of them is left.
      model.flat![5] = weight
      assert.deepStrictEqual(yield* sampler.sample({ prompts: [trunk], maxTokens: 20 }), sound)
    }))
})

describe("OnnxSampler refuses, before anything runs", () => {
  const wrong: ReadonlyArray<readonly [title: string, change: Partial<Sampler.SampleRequest>, reason: string]> = [
    ["an empty prompt", { prompts: [[3], []] }, "prompt 1 is empty"],
    ["a token beyond the vocabulary", { prompts: [[3, 128]] }, "prompt 0 has token 128; the vocabulary has 128"],
    ["a token below zero", { prompts: [[-1]] }, "prompt 0 has token -1; the vocabulary has 128"],
    ["a token that is no number", { prompts: [[3], [NaN]] }, "prompt 1 has token NaN; the vocabulary has 128"],
    [
      "a prompt that is too long",
      { prompts: [[3], tokens(250, 1)] },
      "prompt 1 has 250 tokens; with 8 more it does not fit into the model's 256: shorten it"
    ],
    ["no tokens to sample", { maxTokens: 0 }, "maxTokens is 0, it has to be a positive whole number"],
    ["half a token", { maxTokens: 1.5 }, "maxTokens is 1.5, it has to be a positive whole number"],
    ["endless completions", { maxTokens: Infinity }, "maxTokens is Infinity, it has to be a positive whole number"],
    ["no completions", { n: 0 }, "n is 0, it has to be a positive whole number"],
    ["a temperature that is no number", { temperature: NaN }, "temperature is NaN, it has to be 0 or more"],
    ["a temperature below zero", { temperature: -1 }, "temperature is -1, it has to be 0 or more"],
    ["an endless temperature", { temperature: Infinity }, "temperature is Infinity, it has to be 0 or more"],
    ["topK 0", { topK: 0 }, "topK is 0, it has to be a positive whole number"],
    ["topP 0", { topP: 0 }, "topP is 0, it has to be above 0 and at most 1"],
    ["topP above 1", { topP: 90 }, "topP is 90, it has to be above 0 and at most 1"],
    ["topP that is no number", { topP: NaN }, "topP is NaN, it has to be above 0 and at most 1"],
    ["a seed that is no whole number", { seed: 0.5 }, "seed is 0.5, it has to be a whole number"]
  ]
  for (const [title, change, reason] of wrong) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const { runs, sampler } = yield* Models.sampler()
        const error = yield* Effect.flip(sampler.sample({ prompts: [[3]], maxTokens: 8, ...change }))
        assert.deepStrictEqual([error._tag, error.reason, runs()], ["SamplerError", reason, 0])
      }))
  }

  const scores: ReadonlyArray<readonly [title: string, change: Partial<Sampler.ScoreRequest>, reason: string]> = [
    ["to score without a prompt", { groups: [{ prompt: [], completions: [[3]] }] }, "the prompt of group 0 is empty"],
    [
      "to score a token beyond the vocabulary",
      { groups: [{ prompt: [3], completions: [[4], [5, 4096]] }] },
      "completion 1 of group 0 has token 4096; the vocabulary has 128"
    ],
    [
      "to score a completion that is too long",
      { groups: [{ prompt: tokens(250, 1), completions: [[], tokens(7, 1)] }] },
      "the prompt of group 0 has 250 tokens; with 7 more it does not fit into the model's 256: shorten it"
    ],
    ["to score at temperature 0", { temperature: 0 }, "temperature is 0, it has to be a number above 0"],
    ["to score at no temperature", { temperature: NaN }, "temperature is NaN, it has to be a number above 0"]
  ]
  for (const [title, change, reason] of scores) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const { runs, sampler } = yield* Models.sampler()
        const error = yield* Effect.flip(sampler.score({ groups: [{ prompt: [3], completions: [[4]] }], ...change }))
        assert.deepStrictEqual([error._tag, error.reason, runs()], ["SamplerError", reason, 0])
      }))
  }
})
