import { assert, describe, it } from "@effect/vitest"
import { Rollout } from "@memory-r1/trainer"

const group = (reward: number, tokens: number): Rollout.Group => ({
  asked: "?",
  prompt: [1, 2, 3],
  completions: [{ tokens: new Array<number>(tokens).fill(5), logprobs: new Float32Array(tokens).fill(-0.5), finishReason: tokens === 4 ? "length" : "stop" }],
  texts: ["ADD x"],
  outcomes: [{ reward: { value: reward, parts: { answers: reward, growth: -1 } }, labels: ["add"], figures: { memories: tokens }, result: "" }],
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
