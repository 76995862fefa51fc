// What a model holds goes with its scope: every session is released, and no weights stay behind.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import {
  Adapter,
  OnnxEmbeddingModel,
  OnnxLanguageModel,
  OnnxLearner,
  OnnxModel,
  OnnxSampler
} from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Effect, Fiber, type Scope } from "effect"
import { EmbeddingModel, LanguageModel } from "effect/ai"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as ort from "onnxruntime-node"
import { vi } from "vitest"
import * as Checkpoints from "./support/checkpoints.ts"

setFlagsFromString("--expose_gc")
const collect = runInNewContext("gc") as () => void

const qwen2 = Checkpoints.directory("qwen2")
const groups = [{ prompt: [5, 9, 7], completions: [[8, 4, 6], [9]] }]
const batch = groups.map(({ completions, prompt }) => ({
  prompt,
  completions: completions.map((tokens) => ({ tokens, returns: tokens.map(() => 1) }))
}))
const loaded = (options: OnnxModel.LoadOptions = {}) => OnnxModel.load(qwen2, { threads: 1, ...options })

const samples = Effect.gen(function*() {
  const sampler = yield* OnnxSampler.make(yield* loaded())
  return yield* sampler.sample({ prompts: [[5, 9, 7]], n: 2, maxTokens: 3, temperature: 1, seed: 1 })
})
const trains = Effect.gen(function*() {
  const { learner } = yield* OnnxLearner.make(yield* loaded())
  yield* learner.forwardBackward(batch, Objective.sft)
  return yield* learner.optimStep({ learningRate: 1e-3 })
})

type Use = Effect.Effect<unknown, unknown, Scope.Scope>

// Each is a use of a model from its loading to its last answer.
const uses: Readonly<Record<string, Use>> = {
  "a sampler that samples": samples,
  "a sampler that scores": Effect.flatMap(
    loaded(),
    (model) => Effect.flatMap(OnnxSampler.make(model), (sampler) => sampler.score({ groups }))
  ),
  "a learner": trains,
  "a learner with a critic": Effect.gen(function*() {
    const { learner } = yield* OnnxLearner.make(yield* loaded(), { critic: true })
    yield* learner.values(groups)
    return yield* learner.forwardBackward(batch, Objective.valueLoss())
  }),
  "an adapter over a frozen base": Effect.gen(function*() {
    const model = yield* loaded({ dtype: "int8" })
    const { learner } = yield* OnnxLearner.make(model, {
      adapter: yield* Adapter.initialize(model.checkpoint, { rank: 2 }, 1)
    })
    yield* learner.forwardBackward(batch, Objective.sft)
    return yield* learner.sampler.score({ groups })
  }),
  "two samplers of one model": Effect.gen(function*() {
    const model = yield* loaded()
    for (let i = 0; i < 2; i++) yield* Effect.flatMap(OnnxSampler.make(model), (sampler) => sampler.score({ groups }))
  }),
  "a language model": Effect.provide(
    LanguageModel.generateText({ prompt: "the dog" }),
    OnnxLanguageModel.layer({ model: qwen2, threads: 1, config: { maxTokens: 2 } })
  ),
  "an embedding model": Effect.provide(
    EmbeddingModel.EmbeddingModel.use((model) => model.embed("the cat")),
    OnnxEmbeddingModel.layer({ model: Checkpoints.directory("bert"), threads: 1 })
  ),
  "a request that fails": Effect.flip(Effect.gen(function*() {
    const { learner } = yield* OnnxLearner.make(yield* loaded())
    yield* learner.forwardBackward(batch, Objective.sft)
    return yield* learner.forwardBackward(batch, Objective.grpo())
  })),
  "a request that is interrupted": Effect.gen(function*() {
    const sampler = yield* OnnxSampler.make(yield* loaded())
    yield* sampler.score({ groups })
    const fiber = yield* Effect.forkChild(
      sampler.sample({ prompts: [[5, 9, 7]], maxTokens: 100, temperature: 1, seed: 1 })
    )
    yield* Effect.yieldNow
    return yield* Fiber.interrupt(fiber)
  })
}

describe("every session that is opened is released:", () => {
  for (const [title, use] of Object.entries(uses)) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
          ...given: ReadonlyArray<unknown>
        ) => Promise<ort.InferenceSession>
        const open = new Set<ort.InferenceSession>()
        let opened = 0
        const spy = vi.spyOn(ort.InferenceSession, "create").mockImplementation(
          async (...given: ReadonlyArray<unknown>) => {
            const session = await create(...given)
            const release = session.release.bind(session)
            session.release = async () => {
              await release()
              open.delete(session)
            }
            opened++
            open.add(session)
            return session
          }
        )
        yield* Effect.scoped(use).pipe(Effect.ensuring(Effect.sync(() => spy.mockRestore())))
        assert.isAbove(opened, 0)
        assert.strictEqual(open.size, 0, `${open.size} of ${opened} sessions are still open`)
      }), 120_000)
  }
})

describe("nothing of a closed model stays in memory:", () => {
  for (const [title, use] of Object.entries<Use>({ "a sampler": samples, "a learner": trains })) {
    it.live(title, () =>
      Effect.gen(function*() {
        const held = Effect.gen(function*() {
          // What a finished fiber or a native handle still names goes a turn later.
          for (let turn = 0; turn < 3; turn++) {
            collect()
            yield* Effect.promise(() => new Promise((resume) => setImmediate(resume)))
          }
          const { arrayBuffers, external } = process.memoryUsage()
          return { arrayBuffers, external }
        })
        const { flat } = yield* Effect.scoped(loaded())
        yield* Effect.scoped(use)
        const before = yield* held
        for (let load = 0; load < 6; load++) yield* Effect.scoped(use)
        const after = yield* held
        // One set of weights left behind by each would be six.
        for (const kind of ["arrayBuffers", "external"] as const) {
          assert.isBelow(after[kind] - before[kind], 2 * flat!.byteLength, kind)
        }
      }), 120_000)
  }
})
