import { assert, describe, it } from "@effect/vitest"
import { type Environment, Rollout } from "@memory-r1/trainer"
import { Effect, Random } from "effect"
import { environment } from "./support/letters.ts"
import * as Scripted from "./support/scripted.ts"

const group = (reward: number, tokens: number): Rollout.Group => ({
  asked: "?",
  prompt: [1, 2, 3],
  completions: [{
    tokens: new Array<number>(tokens).fill(5),
    logprobs: new Float32Array(tokens).fill(-0.5),
    finishReason: tokens === 4 ? "length" : "stop"
  }],
  texts: ["ADD x"],
  outcomes: [{
    reward: { value: reward, parts: { answers: reward, growth: -1 } },
    labels: ["add"],
    figures: { memories: tokens },
    result: ""
  }],
  later: [[]],
  credits: "all"
})

describe("Rollout", () => {
  it("summarises rewards, parts, labels, lengths and entropy", () => {
    const found = Rollout.summary({ groups: [group(1, 2), group(0, 4)], tooLong: 0 }, 2)
    assert.strictEqual(found["reward"], 0.5)
    assert.strictEqual(found["reward.growth"], -1)
    assert.strictEqual(found["share.add"], 1)
    assert.strictEqual(found["rewardOf.add"], 0.5)
    assert.strictEqual(found["completionTokens"], 3)
    assert.strictEqual(found["truncated"], 0.5)
    assert.strictEqual(found["entropy"], 0.5)
    // 6 completion tokens and two prompts of three, in two seconds
    assert.strictEqual(found["tokensPerSecond"], 6)
    assert.strictEqual(found["memories"], 3)
    assert.notProperty(found, "tooLong")
  })

  it("counts tokens whose ratio is clipped, and the largest mismatch", () => {
    const batch = [{ prompt: [1], completions: [{ tokens: [7, 8, 9], oldLogp: [-1, -1, -1] }] }]
    const found = Rollout.ratios(batch, [[Float32Array.of(-1, -1 + Math.log(1.5), -1 + Math.log(0.5))]])
    assert.closeTo(found.ratio, 1, 1e-6)
    assert.closeTo(found.clipped, 2 / 3, 1e-6)
    assert.closeTo(found.mismatch, Math.log(2), 1e-6)
    assert.strictEqual(Rollout.ratios(batch, [[Float32Array.of(-1, -1.1, -0.9)]]).clipped, 0)
  })
})

describe("Rollout.collect", () => {
  const sampler = Scripted.sampler((prompt, member) => `${prompt}${member}`)
  const collect = (of: Partial<Record<keyof Environment.Environment<string>, unknown>>, by = sampler) =>
    Rollout.collect({ ...environment, ...of } as Environment.Environment<string>, by, {
      count: 2,
      groupSize: 4,
      temperature: 1
    }).pipe(Random.withSeed(1))
  const reason = (of: Parameters<typeof collect>[0], by = sampler) =>
    Effect.map(Effect.flip(collect(of, by)), (error) => {
      assert.strictEqual(error._tag, "TrainingError")
      return error.message
    })
  const outcome = { reward: { value: 1, parts: {} }, labels: [], result: "" }
  const scores = (given: unknown) => ({ score: () => Effect.succeed(given) })
  const four = [outcome, outcome, outcome, outcome]

  it.effect.each<[name: string, given: unknown, expected: string]>([
    ["fewer outcomes than texts", [[outcome], four], "outcomes by environment letter of task 0: 4 expected, 1 given"],
    [
      "more outcomes than texts",
      [four, [...four, outcome]],
      "outcomes by environment letter of task 1: 4 expected, 5 given"
    ],
    ["no outcomes of a task", [four, []], "outcomes by environment letter of task 1: 4 expected, 0 given"],
    [
      "undefined for a task",
      [undefined, four],
      "outcomes by environment letter of task 0: 4 expected, undefined given"
    ],
    ["fewer groups", [four], "outcomes by environment letter: 2 expected, 1 given"],
    ["more groups", [four, four, four], "outcomes by environment letter: 2 expected, 3 given"],
    [
      "the right number in the wrong groups",
      [[outcome, outcome], [...four, outcome, outcome]],
      "outcomes by environment letter of task 0: 4 expected, 2 given"
    ],
    ["all outcomes in one list", [...four, ...four], "outcomes by environment letter: 2 expected, 8 given"],
    ["nothing", undefined, "outcomes by environment letter: 2 expected, undefined given"]
  ])("%s", ([, given, expected]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* reason(scores(given)), expected)
    }))

  it.effect.each<[name: string, given: unknown, expected: string]>([
    ["NaN", { ...outcome, reward: { value: NaN, parts: {} } }, "NaN"],
    ["-Infinity", { ...outcome, reward: { value: -Infinity, parts: {} } }, "-Infinity"],
    ["nothing", { ...outcome, reward: { parts: {} } }, "undefined"],
    ["null", { ...outcome, reward: { value: null, parts: {} } }, "null"],
    ["a text", { ...outcome, reward: { value: "1", parts: {} } }, "\"1\""],
    ["a number without parts", { ...outcome, reward: 1 }, "undefined"],
    ["no reward", { labels: [], result: "" }, "undefined"],
    ["no outcome", undefined, "undefined"],
    ["no outcome but null", null, "undefined"],
    ["a part that is no number", { ...outcome, reward: { value: 1, parts: { f1: NaN } } }, "{\"reward\":"],
    ["a figure that is no number", { ...outcome, figures: { words: "three" } }, "{\"reward\":"],
    ["labels that are no list", { ...outcome, labels: "add" }, "{\"reward\":"]
  ])("a reward that is %s", ([, given, expected]) =>
    Effect.gen(function*() {
      const message = yield* reason(scores([four, [outcome, outcome, given, outcome]]))
      assert.include(message, `environment letter rewards completion 2 of task 1 with ${expected}`)
      assert.include(message, "\"b2\"")
    }))

  it.effect("other callbacks that do not give what they were asked for", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* reason({ tasks: () => Effect.succeed(undefined) }),
        "tasks by environment letter: 2 expected, undefined given"
      )
      assert.strictEqual(
        yield* reason({ prompt: () => undefined }),
        "environment letter asks task 0 with undefined: a text or messages expected"
      )
      const sequences = (next: unknown) => ({ sequences: { next: () => Effect.succeed(next), credits: () => "all" } })
      assert.strictEqual(yield* reason(sequences(["a"])), "next tasks by environment letter: 8 expected, 1 given")
      assert.strictEqual(
        yield* reason(sequences(undefined)),
        "next tasks by environment letter: 8 expected, undefined given"
      )
      const one = {
        ...sampler,
        sample: (request: Parameters<typeof sampler.sample>[0]) => sampler.sample({ ...request, n: 1 })
      }
      assert.strictEqual(yield* reason({}, one), "completions by the sampler of task 0: 4 expected, 1 given")
    }))

  it.effect("fewer tasks than asked for are a smaller batch", () =>
    Effect.gen(function*() {
      assert.lengthOf((yield* collect({ tasks: () => Effect.succeed(["a"]) })).groups, 1)
    }))
})
