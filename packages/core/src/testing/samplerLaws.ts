import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type Completion, Sampler, type SampleRequest, withoutStop } from "../rl/Sampler.ts"
import { assertClose, sum } from "./numbers.ts"

/**
 * - `prompts`: plain texts of different lengths. They and `maxTokens` more tokens have to fit the context.
 * - `maxTokens`: length of the completions.
 * - `tolerance`: how far two log-probabilities of one token may lie apart.
 * - `timeout`: milliseconds for each law.
 */
export interface SamplerLawsOptions {
  readonly prompts?: readonly [string, string, string] | undefined
  readonly maxTokens?: number | undefined
  readonly tolerance?: number | undefined
  readonly timeout?: number | undefined
}

const tokensOf = (groups: ReadonlyArray<ReadonlyArray<Completion>>) =>
  groups.map((group) => group.map((completion) => [...completion.tokens]))

/**
 * The laws of a `Sampler`, as a vitest suite over a layer.
 *
 * Use it in the test file of every engine; a small model with random weights does. The laws: completions come in the
 * order of the prompts, a seed repeats them, temperature 0 takes the likeliest token, samples follow the distribution
 * that `score` gives, log-probabilities of `sample` and `score` agree (also for shared prompts and split completions),
 * and completions end where they should. A sampler that breaks one of them trains on wrong numbers.
 *
 * @example
 * ```typescript
 * import { samplerLaws } from "@memory-r1/core/testing"
 * import { OnnxSampler } from "@memory-r1/backend-onnx"
 *
 * samplerLaws("onnx", OnnxSampler.layer("models/tiny"))
 * ```
 */
export const samplerLaws = <E>(name: string, live: Layer.Layer<Sampler, E>, options: SamplerLawsOptions = {}): void => {
  const { maxTokens = 8, timeout = 60_000, tolerance = 1e-4 } = options
  const texts = options.prompts ?? ["once upon a time", "the dog", "a little girl went to the park with a red ball and"]
  const setup = Effect.map(Sampler, (sampler) => ({
    sampler,
    prompts: texts.map((text) => sampler.tokenizer.encode(text)),
    // No stop tokens: completions of one length, whatever the model likes to say.
    request: (rest: Partial<SampleRequest>): SampleRequest => ({
      prompts: texts.map((text) => sampler.tokenizer.encode(text)),
      maxTokens,
      stopTokens: [],
      ...rest
    }),
    // All tokens of a small vocabulary, the first ones of a large one.
    vocabulary: Array.from({ length: Math.min(sampler.tokenizer.vocabularySize, 4096) }, (_, token) => token)
  }))

  layer(live, { excludeTestServices: true })(`Sampler laws: ${name}`, (it) => {
    it.effect("the tokenizer gives tokens of its vocabulary, and the text back", () =>
      Effect.gen(function*() {
        const { prompts, sampler: { contextLength, tokenizer } } = yield* setup
        for (const token of [...prompts.flat(), ...tokenizer.stopTokens]) {
          assert.isTrue(Number.isInteger(token) && token >= 0 && token < tokenizer.vocabularySize, `token ${token}`)
        }
        for (const text of texts) {
          const tokens = tokenizer.encode(text, { addSpecialTokens: false })
          assert.strictEqual(tokenizer.decode(tokens).trim(), text)
          assert.isAtMost(
            tokens.length + maxTokens,
            contextLength,
            "the prompts of these laws are too long for the model"
          )
        }
      }), timeout)

    it.effect("what is written like a control token is text: no user ends a turn", () =>
      Effect.gen(function*() {
        const { sampler: { tokenizer } } = yield* setup
        const written = [
          "</s>",
          "<|im_end|>",
          "<|endoftext|>",
          "<|eot_id|>",
          "<|end_of_text|>",
          "<end_of_turn>",
          "<eos>",
          "[SEP]"
        ]
        const bare = tokenizer.encode("")
        for (const text of written) {
          const tokens = tokenizer.encode(`a${text}b`).slice(bare.length)
          assert.isFalse(tokens.some((token) => tokenizer.stopTokens.includes(token)), text)
        }
      }), timeout)

    it.effect(
      "n completions for each prompt, in the order of the prompts, with finite log-probabilities",
      () =>
        Effect.gen(function*() {
          const { prompts, request, sampler } = yield* setup
          const groups = yield* sampler.sample(request({ n: 3, temperature: 1, seed: 1 }))
          assert.deepStrictEqual(groups.map((group) => group.length), prompts.map(() => 3))
          for (const { finishReason, logprobs, tokens } of groups.flat()) {
            assert.lengthOf(tokens, maxTokens)
            assert.strictEqual(finishReason, "length")
            assert.strictEqual(logprobs.length, tokens.length)
            // A log-softmax in float32 may give a certain token a little more than 0.
            assert.isTrue(logprobs.every((logp) => Number.isFinite(logp) && logp <= 1e-5), String(logprobs))
            assert.isTrue(
              tokens.every((token) => Number.isInteger(token) && token >= 0 && token < sampler.tokenizer.vocabularySize)
            )
          }
          const one = yield* sampler.sample(request({ maxTokens: 1, temperature: 1, seed: 1 }))
          assert.deepStrictEqual(one.map((group) => group.map(({ tokens }) => tokens.length)), prompts.map(() => [1]))
        }),
      timeout
    )

    it.effect(
      "the same seed gives the same completions, whatever was sampled in between",
      () =>
        Effect.gen(function*() {
          const { request, sampler } = yield* setup
          const first = yield* sampler.sample(request({ n: 2, temperature: 1, seed: 7 }))
          const other = yield* sampler.sample(request({ n: 2, temperature: 1, seed: 8 }))
          const again = yield* sampler.sample(request({ n: 2, temperature: 1, seed: 7 }))
          assert.deepStrictEqual(tokensOf(again), tokensOf(first))
          again.flat().forEach(({ logprobs }, i) =>
            assertClose(logprobs, first.flat()[i]!.logprobs, tolerance, "log-probabilities")
          )
          // Where all of it has a probability below e^-20, chance does not repeat it: not over seeds, and not within a
          // group.
          if (sum(first.flat().map(({ logprobs }) => sum(logprobs))) < -20) {
            assert.notDeepEqual(tokensOf(other), tokensOf(first), "two seeds gave the same")
          }
          if (sum(first.map(([completion]) => sum(completion!.logprobs))) < -20) {
            assert.isTrue(
              first.some(([one, two]) => String(one!.tokens) !== String(two!.tokens)),
              "the completions of a group are all the same"
            )
          }
        }),
      timeout
    )

    it.effect("temperature 0 repeats itself, and takes the likeliest token", () =>
      Effect.gen(function*() {
        const { prompts, request, sampler, vocabulary } = yield* setup
        const first = yield* sampler.sample(request({ temperature: 0 }))
        assert.deepStrictEqual(tokensOf(yield* sampler.sample(request({ temperature: 0, seed: 3 }))), tokensOf(first))
        const [[scores]] = [
          yield* sampler.score({ groups: [{ prompt: prompts[0]!, completions: vocabulary.map((token) => [token]) }] })
        ]
        const [{ logprobs }] = first[0] as readonly [Completion]
        for (const [token, [logp]] of scores!.map((logps) => [...logps] as const).entries()) {
          assert.isAtMost(logp!, logprobs[0]! + tolerance, `token ${token} is likelier than the one that was taken`)
        }
        const narrow = { temperature: 1, seed: 5 }
        assert.deepStrictEqual(
          tokensOf(yield* sampler.sample(request({ ...narrow, topK: 1 }))),
          tokensOf(first),
          "topK 1"
        )
        assert.deepStrictEqual(
          tokensOf(yield* sampler.sample(request({ ...narrow, topP: 1e-6 }))),
          tokensOf(first),
          "topP near 0"
        )
      }), timeout)

    it.effect("probabilities sum to one, and temperature divides the logits", () =>
      Effect.gen(function*() {
        const { prompts, sampler, vocabulary } = yield* setup
        const groups = [{ prompt: prompts[1]!, completions: vocabulary.map((token) => [token]) }]
        const [plain] = yield* sampler.score({ groups })
        const [sharp] = yield* sampler.score({ groups, temperature: 0.5 })
        for (const scores of [plain!, sharp!]) {
          const total = sum(scores.map(([logp]) => Math.exp(logp!)))
          assert.isAtMost(total, 1 + 1e-3)
          if (vocabulary.length === sampler.tokenizer.vocabularySize) assert.isAtLeast(total, 1 - 1e-3)
        }
        const offset = sharp![0]![0]! - plain![0]![0]! / 0.5
        assertClose(
          sharp!.map(([logp]) => logp! - offset),
          plain!.map(([logp]) => logp! / 0.5),
          10 * tolerance,
          "log-probabilities at temperature 0.5"
        )
      }), timeout)

    it.effect("samples follow the distribution", () =>
      Effect.gen(function*() {
        const { prompts, request, sampler } = yield* setup
        const n = 256
        const prompt = prompts[1]!
        const [[greedy]] = (yield* sampler.sample(request({ prompts: [prompt], maxTokens: 1, temperature: 0 }))) as [
          [Completion]
        ]
        // The low one is there for models with random weights, whose tokens are all about as likely at 1.
        for (const temperature of [1, 0.5, 0.1]) {
          const [[logp]] =
            (yield* sampler.score({ groups: [{ prompt, completions: [greedy.tokens] }], temperature })) as [
              [Float32Array]
            ]
          const [group] = yield* sampler.sample(request({ prompts: [prompt], maxTokens: 1, n, temperature, seed: 11 }))
          const taken = group!.filter(({ tokens }) => tokens[0] === greedy.tokens[0]).length
          const p = Math.min(Math.exp(logp[0]!), 1)
          // Five standard deviations: chance goes further once in a million engines.
          assert.isAtMost(
            Math.abs(taken - n * p),
            5 * Math.sqrt(n * p * (1 - p)) + 1,
            `${taken} of ${n} at probability ${p}`
          )
        }
      }), timeout)

    it.effect(
      "log-probabilities of sample and score agree, at the request's temperature and before top-k and top-p",
      () =>
        Effect.gen(function*() {
          const { prompts, request, sampler } = yield* setup
          for (
            const rest of [{ temperature: 1 }, { temperature: 0.7 }, { temperature: 1, topK: 3 }, {
              temperature: 1,
              topP: 0.5
            }, { temperature: 0 }]
          ) {
            const sampled = yield* sampler.sample(request({ n: 2, seed: 2, ...rest }))
            const scored = yield* sampler.score({
              groups: sampled.map((group, i) => ({
                prompt: prompts[i]!,
                completions: group.map(({ tokens }) => tokens)
              })),
              // At temperature 0 a completion has the log-probabilities of the model itself.
              temperature: rest.temperature === 0 ? 1 : rest.temperature
            })
            sampled.forEach((group, i) =>
              group.forEach(({ logprobs }, j) =>
                assertClose(
                  logprobs,
                  scored[i]![j]!,
                  tolerance,
                  `prompt ${i}, completion ${j} of ${JSON.stringify(rest)}`
                )
              )
            )
          }
        }),
      timeout
    )

    it.effect(
      "a score does not depend on what it is scored with, nor on where prompt ends and completion begins",
      () =>
        Effect.gen(function*() {
          const { prompts, request, sampler } = yield* setup
          const sampled = yield* sampler.sample(request({ n: 2, temperature: 1, seed: 4 }))
          // Of different lengths, so that padding shows.
          const groups = sampled.map((group, i) => ({
            prompt: prompts[i]!,
            completions: group.map(({ tokens }, j) => j === 0 ? tokens : tokens.slice(0, maxTokens - 2))
          }))
          const together = yield* sampler.score({ groups })
          for (const [i, { completions, prompt }] of groups.entries()) {
            for (const [j, completion] of completions.entries()) {
              const [[alone]] = (yield* sampler.score({ groups: [{ prompt, completions: [completion] }] })) as [
                [Float32Array]
              ]
              assertClose(together[i]![j]!, alone, tolerance, `prompt ${i}, completion ${j} alone`)
              const [[rest]] = (yield* sampler.score({
                groups: [{ prompt: [...prompt, completion[0]!], completions: [completion.slice(1)] }]
              })) as [[Float32Array]]
              assertClose(
                together[i]![j]!.slice(1),
                rest,
                tolerance,
                `prompt ${i}, completion ${j} with its first token in the prompt`
              )
            }
          }
        }),
      timeout
    )

    it.effect("a stop token ends a completion and is its last token", () =>
      Effect.gen(function*() {
        const { prompts, request, sampler } = yield* setup
        const greedy = (rest: Partial<SampleRequest>) =>
          Effect.map(sampler.sample(request({ prompts: [prompts[0]!], temperature: 0, ...rest })), ([group]) =>
            group![0]!)
        const { tokens } = yield* greedy({})
        const at = tokens.findLastIndex((token, i) =>
          tokens.indexOf(token) === i
        )
        const stopTokens = [tokens[at]!]
        for (const limit of [maxTokens, at + 1]) {
          const stopped = yield* greedy({ stopTokens, maxTokens: limit })
          assert.deepStrictEqual([...stopped.tokens], tokens.slice(0, at + 1))
          assert.strictEqual(stopped.finishReason, "stop")
          assert.strictEqual(stopped.logprobs.length, stopped.tokens.length)
          assert.deepStrictEqual([...withoutStop(stopped)], tokens.slice(0, at))
        }
        if (at > 0) {
          const cut = yield* greedy({ stopTokens, maxTokens: at })
          assert.deepStrictEqual([...cut.tokens], tokens.slice(0, at))
          assert.strictEqual(cut.finishReason, "length")
        }
      }), timeout)

    it.effect("completions of one request may end at different lengths", () =>
      Effect.gen(function*() {
        const { request, sampler, vocabulary } = yield* setup
        // Every second token stops: most completions end early, each for itself.
        const stopTokens = vocabulary.filter((token) => token % 2 === 0)
        const groups = yield* sampler.sample(request({ n: 4, temperature: 1, seed: 6, stopTokens }))
        for (const { finishReason, logprobs, tokens } of groups.flat()) {
          assert.strictEqual(logprobs.length, tokens.length)
          assert.isFalse(tokens.slice(0, -1).some((token) => stopTokens.includes(token)), "a stop token in the middle")
          assert.strictEqual(finishReason, stopTokens.includes(tokens.at(-1)!) ? "stop" : "length")
          if (finishReason === "length") assert.lengthOf(tokens, maxTokens)
        }
      }), timeout)

    it.effect("an empty prompt is a typed error", () =>
      Effect.gen(function*() {
        const { request, sampler } = yield* setup
        assert.strictEqual((yield* Effect.flip(sampler.sample(request({ prompts: [[]] }))))._tag, "SamplerError")
      }), timeout)
  })
}
