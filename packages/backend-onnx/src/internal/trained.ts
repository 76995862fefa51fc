// What a learner trains: flat weights, each with the gradient that is kept for them and Adam's moments.
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Adapter from "../checkpoint/Adapter.ts"
import * as Checkpoint from "../checkpoint/Checkpoint.ts"
import * as OptimizerFile from "../checkpoint/optimizerFile.ts"
import * as Safetensors from "../checkpoint/Safetensors.ts"
import { type Feeds, float } from "../graph/session.ts"
import * as Adam from "../model/adam.ts"
import * as Critic from "../model/critic.ts"
import { gradientName } from "../model/decoderGraphs.ts"
import * as Parameters from "../model/parameters.ts"
import * as OnnxModel from "../OnnxModel.ts"

/** Weights with the kind of directory that they are kept in. */
export interface Source {
  readonly layout: Parameters.Layout
  readonly weights: Float32Array
  /** The file beside the weights for what the optimizer knows of them. */
  readonly optimizer: string
  readonly save: (directory: string) => Effect.Effect<void, Checkpoint.CheckpointError>
  readonly read: (directory: string) => Effect.Effect<Float32Array, Checkpoint.CheckpointError>
}

export const ofAdapter = ({ checkpoint }: OnnxModel.OnnxModel, adapter: Adapter.Adapter): Source => ({
  layout: adapter.layout,
  weights: adapter.weights,
  optimizer: "optimizer.safetensors",
  save: (directory) => Adapter.save(adapter, directory, checkpoint.directory),
  read: Effect.fnUntraced(function*(directory) {
    const found = yield* Adapter.load(directory, checkpoint)
    if (
      JSON.stringify([found.plan.scale, found.plan.parts]) === JSON.stringify([adapter.plan.scale, adapter.plan.parts])
    ) return found.weights
    const reason = "has another rank, factor or other target modules than the adapter that is trained"
    return yield* new Checkpoint.CheckpointError({ file: directory, reason })
  })
})

export const ofModel = ({ checkpoint }: OnnxModel.OnnxModel, weights: Float32Array): Source => ({
  layout: checkpoint.layout,
  weights,
  optimizer: "optimizer.safetensors",
  save: (directory) => Checkpoint.save({ ...checkpoint, weights }, directory),
  read: (directory) => Checkpoint.readWeights({ ...checkpoint, directory })
})

/** The head of a critic: that of a directory where it has one, else one that says zero. */
export const ofCritic = Effect.fnUntraced(function*({ checkpoint: { decoder } }: OnnxModel.OnnxModel, start: string) {
  const layout = Critic.layout(decoder)
  const read = Effect.fnUntraced(
    function*(directory: string) {
      const weights = new Float32Array(layout.length)
      const reader = yield* Safetensors.openFile(join(directory, Critic.file))
      for (const parameter of layout.parameters) {
        const shape = reader.tensors.get(parameter.name)?.shape
        if (shape?.join() !== parameter.shape.join()) {
          const reason = shape === undefined
            ? "is missing"
            : `has shape [${shape.join(", ")}], the model asks for [${parameter.shape.join(", ")}]`
          return yield* new Checkpoint.CheckpointError({ file: reader.file, tensor: parameter.name, reason })
        }
        yield* reader.read(parameter.name, Parameters.view(weights, parameter))
      }
      return weights
    },
    Effect.scoped
  )
  const weights = existsSync(join(start, Critic.file)) ? yield* read(start) : new Float32Array(layout.length)
  return {
    layout,
    weights,
    optimizer: "value_head.optimizer.safetensors",
    save: (directory) =>
      Safetensors.writeFile(
        join(directory, Critic.file),
        layout.parameters.map((parameter) => ({
          name: parameter.name,
          shape: parameter.shape,
          data: Parameters.view(weights, parameter)
        }))
      ),
    read
  } satisfies Source
})

/** Named views of a flat buffer, as graphs take and give them. */
export const tensors = (
  layout: Parameters.Layout,
  flat: Float32Array,
  nameOf: (name: string) => string = (name) => name
): Feeds =>
  Object.fromEntries(
    Parameters.parts(layout).map((part) => [nameOf(part.name), float(Parameters.view(flat, part), part.shape)])
  )

export interface Trained {
  readonly source: Source
  readonly gradient: Float32Array
  /**
   * A pass writes its gradient into one of the two: the first one since the last step, and those after it, which are
   * added.
   */
  readonly first: Feeds
  readonly later: Feeds
  /** Adds what a later pass has written. */
  readonly add: () => void
  readonly forget: () => void
  readonly step: (scale: number, options: Adam.AdamOptions) => void
  readonly saveOptimizer: (directory: string) => Effect.Effect<void, Checkpoint.CheckpointError>
  readonly readOptimizer: (directory: string) => Effect.Effect<Adam.AdamState, Checkpoint.CheckpointError>
  /** Other weights, with what the optimizer knows of them: nothing, by default. */
  readonly restore: (weights: Float32Array, optimizer?: Adam.AdamState) => void
}

export const make = (source: Source): Trained => {
  const { layout, weights } = source
  let adam = Adam.make(layout.length)
  const gradient = new Float32Array(layout.length)
  const scratch = new Float32Array(layout.length)
  return {
    source,
    gradient,
    first: tensors(layout, gradient, gradientName),
    later: tensors(layout, scratch, gradientName),
    add: () => {
      for (let i = 0; i < gradient.length; i++) gradient[i]! += scratch[i]!
    },
    forget: () => void gradient.fill(0),
    step: (scale, options) => {
      Adam.step(adam, weights, gradient, scale, options)
      OnnxModel.changed(weights)
    },
    saveOptimizer: (directory) => OptimizerFile.write(directory, source.optimizer, adam),
    readOptimizer: (directory) => OptimizerFile.read(directory, source.optimizer, layout.length),
    restore: (loaded, optimizer = Adam.make(layout.length)) => {
      weights.set(loaded)
      OnnxModel.changed(weights)
      adam = optimizer
    }
  }
}
