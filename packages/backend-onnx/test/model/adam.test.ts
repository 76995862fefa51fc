// Adam beside PyTorch's AdamW (fixtures/adam.json, written by tools/parity/adam.py) and beside its formula.
import { assert, describe, it } from "@effect/vitest"
import * as Adam from "../../src/model/adam.ts"
import cases from "../fixtures/adam.json" with { type: "json" }

const settings = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 }

describe("Adam", () => {
  for (const { options: { maxGradNorm, ...options }, steps, weights } of cases) {
    it(`takes PyTorch's steps: ${JSON.stringify({ ...options, maxGradNorm })}`, () => {
      const found = Float32Array.from(weights)
      const state = Adam.make(found.length)
      for (const [i, step] of steps.entries()) {
        const gradient = Float32Array.from(step.gradient)
        const norm = Adam.norm(gradient)
        assert.closeTo(norm, step.norm, 1e-9)
        const scale = maxGradNorm !== undefined && norm > maxGradNorm ? maxGradNorm / norm : 1
        Adam.step(state, found, gradient, scale, { ...settings, ...options })
        step.weights.forEach((weight, j) => assert.closeTo(found[j]!, weight, 1e-6, `step ${i + 1}, weight ${j}`))
      }
      if (maxGradNorm !== undefined) {
        assert.isTrue(steps.some(({ norm }) => norm > maxGradNorm) && steps.some(({ norm }) => norm <= maxGradNorm))
      }
    })
  }

  it("its first step is as long as the learning rate, whatever the gradient's size", () => {
    const weights = new Float32Array(4)
    Adam.step(Adam.make(4), weights, Float32Array.of(1e-4, -1e4, 0, 3), 1, settings)
    ;[-0.1, 0.1, 0, -0.1].forEach((expected, i) => assert.closeTo(weights[i]!, expected, 2e-5))
  })

  it("weight decay shrinks weights beside the gradient's step, not through it", () => {
    const weights = Float32Array.of(2, -2)
    Adam.step(Adam.make(2), weights, new Float32Array(2), 1, { ...settings, weightDecay: 0.5 })
    assert.deepStrictEqual([...weights], [Math.fround(2 * 0.95), Math.fround(-2 * 0.95)])
  })
})
