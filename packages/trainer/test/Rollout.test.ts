import { assert, describe, it } from "@effect/vitest"
import type { Environment } from "@memory-r1/core/rl"
import { Batch, Rollout, type Trajectory } from "@memory-r1/trainer"
import { Effect, Random } from "effect"
import { environment } from "./support/letters.ts"
import * as Scripted from "./support/scripted.ts"

const transition = (tokens: number): Trajectory.Transition => {
  const logprobs = new Float32Array(tokens).fill(-0.5)
  return {
    prompt: [1, 2, 3],
    tokens: new Array<number>(tokens).fill(5),
    text: "ADD x",
    finishReason: tokens === 4 ? "length" : "stop",
    samplerLogp: logprobs,
    oldLogp: logprobs
  }
}
const trajectory = (reward: number, ...lengths: [number, ...Array<number>]): Trajectory.Trajectory => {
  const [first, ...later] = lengths.map(transition)
  return {
    transitions: [first!, ...later],
    outcome: {
      reward: { value: reward, parts: { answers: reward, growth: -1 } },
      labels: ["add"],
      metrics: { memories: lengths[0] },
      result: ""
    }
  }
}
const group = (credit: "all" | "first", ...trajectories: Array<Trajectory.Trajectory>): Trajectory.TrajectoryGroup => ({
  observation: "?",
  credit,
  trajectories
})

describe("Batch", () => {
  it("summarizes rewards, parts, labels, lengths and entropy", () => {
    const groups = [group("all", trajectory(1, 2)), group("all", trajectory(0, 4))]
    const found = Batch.metrics({ groups, tooLong: 0 }, 2)
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
    // A prompt that members share counts once, those of later transitions each.
    assert.strictEqual(
      Batch.metrics({ groups: [group("all", trajectory(1, 2, 3), trajectory(1, 2))], tooLong: 1 }, 1)[
        "tokensPerSecond"
      ],
      2 + 3 + 2 + 3 + 3
    )
  })

  it("learns first transitions together, later ones each, and only those that a reward is credited to", () => {
    const members = [trajectory(1, 2, 3), trajectory(0, 1, 2, 2)]
    const lengths = (credit: "all" | "first") =>
      Batch.promptGroups([group(credit, ...members)]).map(({ completions }) =>
        completions.map(({ tokens }) => tokens.length)
      )
    assert.deepStrictEqual(lengths("all"), [[2, 1], [3], [2], [2]])
    assert.deepStrictEqual(lengths("first"), [[2, 1]])
  })

  it.effect("adds a quantity to the transitions that it was computed of", () =>
    Effect.gen(function*() {
      const members = [trajectory(1, 2, 3), trajectory(0, 1, 2)]
      let count = 0
      const found = yield* Batch.withQuantity(
        { groups: [group("all", ...members)], tooLong: 0 },
        "refLogp",
        (sequences) =>
          Effect.sync(() =>
            sequences.map(({ completions }) => completions.map(({ length }) => new Float32Array(length).fill(count++)))
          )
      )
      assert.deepStrictEqual(
        found.groups[0]!.trajectories.map(({ transitions }) => transitions.map(({ refLogp }) => Array.from(refLogp!))),
        [[[0, 0], [2, 2, 2]], [[1], [3, 3]]]
      )
    }))
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
  const scores = (given: unknown) => ({ rewards: () => Effect.succeed(given) })
  const four = [outcome, outcome, outcome, outcome]

  it.effect.each<[name: string, given: unknown, expected: string]>([
    ["fewer outcomes than texts", [[outcome], four], "outcomes by environment letter of group 0: 4 expected, 1 given"],
    [
      "more outcomes than texts",
      [four, [...four, outcome]],
      "outcomes by environment letter of group 1: 4 expected, 5 given"
    ],
    ["no outcomes of a group", [four, []], "outcomes by environment letter of group 1: 4 expected, 0 given"],
    [
      "undefined for a group",
      [undefined, four],
      "outcomes by environment letter of group 0: 4 expected, undefined given"
    ],
    ["fewer groups", [four], "outcomes by environment letter: 2 expected, 1 given"],
    ["more groups", [four, four, four], "outcomes by environment letter: 2 expected, 3 given"],
    [
      "the right number in the wrong groups",
      [[outcome, outcome], [...four, outcome, outcome]],
      "outcomes by environment letter of group 0: 4 expected, 2 given"
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
    ["a metric that is no number", { ...outcome, metrics: { words: "three" } }, "{\"reward\":"],
    ["labels that are no list", { ...outcome, labels: "add" }, "{\"reward\":"]
  ])("a reward that is %s", ([, given, expected]) =>
    Effect.gen(function*() {
      const message = yield* reason(scores([four, [outcome, outcome, given, outcome]]))
      assert.include(message, `environment letter rewards member 2 of group 1 with ${expected}`)
      assert.include(message, "\"b2\"")
    }))

  it.effect("other callbacks that do not give what they were asked for", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* reason({ groups: () => Effect.succeed(undefined) }),
        "groups by environment letter: 2 expected, undefined given"
      )
      assert.strictEqual(
        yield* reason({ observation: () => undefined }),
        "environment letter observes state 0 as undefined: a text or messages expected"
      )
      const steps = (next: unknown) => ({ step: () => Effect.succeed(next) })
      assert.strictEqual(yield* reason(steps(["a"])), "next states by environment letter: 8 expected, 1 given")
      assert.strictEqual(
        yield* reason(steps(undefined)),
        "next states by environment letter: 8 expected, undefined given"
      )
      const one = {
        ...sampler,
        sample: (request: Parameters<typeof sampler.sample>[0]) => sampler.sample({ ...request, n: 1 })
      }
      assert.strictEqual(yield* reason({}, one), "completions by the sampler of group 0: 4 expected, 1 given")
    }))

  it.effect("fewer groups than asked for are a smaller batch", () =>
    Effect.gen(function*() {
      assert.lengthOf((yield* collect({ groups: () => Effect.succeed([{ state: "a" }]) })).groups, 1)
    }))
})
