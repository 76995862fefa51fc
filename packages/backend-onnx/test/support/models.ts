// Resident tiny models, whose runs can be counted.
import { OnnxLearner, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import * as Checkpoints from "./checkpoints.ts"

/** A model whose runs of ONNX Runtime are told to `onRun` before they begin, with how many there were before. */
export const load = Effect.fnUntraced(function*(
  name: typeof Checkpoints.families[number] = "llama-tied",
  options: OnnxModel.Options = { threads: 1 },
  onRun: (before: number) => void = () => {}
) {
  const model = yield* OnnxModel.load(Checkpoints.directory(name), options)
  let runs = 0
  const session: OnnxModel.OnnxModel["session"] = (key, graph) =>
    Effect.map(model.session(key, graph), ({ run }) => ({
      run: (feeds, into) => {
        onRun(runs++)
        return run(feeds, into)
      }
    }))
  return { model: { ...model, session }, runs: () => runs }
})

export const sampler = (...options: Parameters<typeof load>) =>
  Effect.flatMap(
    load(...options),
    ({ model, runs }) => Effect.map(OnnxSampler.make(model), (sampler) => ({ sampler, model, runs }))
  )

export const learner = (options: OnnxLearner.Options, ...load_: Parameters<typeof load>) =>
  Effect.flatMap(
    load(...load_),
    ({ model, runs }) =>
      Effect.map(OnnxLearner.make(model, options), ({ gradients, learner }) => ({ learner, gradients, model, runs }))
  )

/** Some tokens, the same for the same numbers. */
export const tokens = (length: number, step: number): ReadonlyArray<number> =>
  Array.from({ length }, (_, i) => 3 + (i * i + step * i + 7 * step) % 125)
