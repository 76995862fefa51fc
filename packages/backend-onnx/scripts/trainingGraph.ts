// Writes the training graph of a checkpoint, and what it is fed, for plainSessions.ts.
// Usage: node packages/backend-onnx/scripts/trainingGraph.ts MODEL FOLDER
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { serialize } from "node:v8"
import * as ort from "onnxruntime-node"

const [model, folder] = process.argv.slice(2)
if (model === undefined || folder === undefined) throw new Error("usage: trainingGraph.ts MODEL FOLDER")

type Create = (graph: Uint8Array, options?: ort.InferenceSession.SessionOptions) => Promise<ort.InferenceSession>
const create: Create = ort.InferenceSession.create.bind(ort.InferenceSession)
const watched: Create = async (graph, options) => {
  writeFileSync(join(folder, "graph.onnx"), graph)
  const session = await create(graph, options)
  const run = session.run.bind(session)
  session.run = (feeds: ort.InferenceSession.FeedsType, ...rest: ReadonlyArray<never>) => {
    const fed = Object.entries(feeds).map(([name, value]) => {
      const { data, dims, type } = value as ort.Tensor
      return [name, type, dims, data]
    })
    writeFileSync(join(folder, "feeds.bin"), serialize(fed))
    return run(feeds, ...rest)
  }
  return session
}
Object.assign(ort.InferenceSession, { create: watched })

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(model, { threads: 1 }))
  yield* learner.forwardBackward([{ prompt: [1, 5, 9], completions: [{ tokens: [3, 4] }] }], Objective.sft)
})))
