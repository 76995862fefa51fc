/**
 * The `Learner` of core on ONNX Runtime: AdamW on all weights, or on those of an adapter over a frozen model.
 */
import { Learner, Objective } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Adapter from "./Adapter.ts"
import * as Checkpoint from "./Checkpoint.ts"
import * as Adam from "./internal/adam.ts"
import * as Batch from "./internal/batch.ts"
import * as DecoderGraphs from "./internal/decoderGraphs.ts"
import * as ObjectiveGraph from "./internal/objectiveGraph.ts"
import * as Parameters from "./internal/parameters.ts"
import * as Requests from "./internal/requests.ts"
import { describe, type Feeds, float } from "./internal/session.ts"
import * as OnnxModel from "./OnnxModel.ts"
import * as OnnxSampler from "./OnnxSampler.ts"
import type * as Safetensors from "./Safetensors.ts"

/**
 * - `microBatchTokens`: padded tokens of one run of the training graph; larger batches are split and their gradients added.
 * - `gradientCheckpointing`: layers are computed a second time for the gradient; what they hold meanwhile is then a small part of it.
 * - `adapter`: what is trained in place of the model's own weights. `save` and `load` then are of PEFT directories.
 */
export interface Options {
  readonly microBatchTokens?: number
  readonly gradientCheckpointing?: boolean
  readonly adapter?: Adapter.Adapter
}

// What is trained: flat weights, and the kind of directory that they are kept in.
interface Trained {
  readonly layout: Parameters.Layout
  readonly weights: Float32Array
  readonly save: (directory: string) => Effect.Effect<void, Checkpoint.CheckpointError>
  readonly read: (directory: string) => Effect.Effect<Float32Array, Checkpoint.CheckpointError>
}

const ofAdapter = ({ checkpoint }: OnnxModel.OnnxModel, adapter: Adapter.Adapter): Trained => ({
  layout: adapter.layout,
  weights: adapter.weights,
  save: (directory) => Adapter.save(adapter, directory, checkpoint.directory),
  read: Effect.fnUntraced(function*(directory) {
    const found = yield* Adapter.load(directory, checkpoint)
    if (JSON.stringify([found.plan.scale, found.plan.parts]) === JSON.stringify([adapter.plan.scale, adapter.plan.parts])) return found.weights
    const reason = "has another rank, factor or other target modules than the adapter that is trained"
    return yield* new Checkpoint.CheckpointError({ file: directory, reason })
  })
})

const ofModel = ({ checkpoint }: OnnxModel.OnnxModel, weights: Float32Array): Trained => ({
  layout: checkpoint.layout,
  weights,
  save: (directory) => Checkpoint.save({ ...checkpoint, weights }, directory),
  read: (directory) => Checkpoint.readWeights(directory, checkpoint.layout)
})

const fail = (reason: string, cause?: unknown) =>
  new Learner.LearnerError({ reason, ...(cause === undefined ? {} : { cause }) })

// JSON has no infinity, which an objective may hold as a bound.
const keyOf = ({ loss }: Objective.Objective, blocks: number, variant: string): string =>
  `train ${blocks}${variant} ${JSON.stringify(loss, (_, value: unknown) => typeof value === "number" ? String(value) : value)}`

const countOf = (completion: Learner.TrainingCompletion): number => {
  if (completion.mask === undefined) return completion.tokens.length
  let count = 0
  for (let t = 0; t < completion.tokens.length; t++) count += completion.mask[t]!
  return count
}

const problemOf = (
  batch: ReadonlyArray<Learner.PromptGroup>,
  objective: Objective.Objective,
  temperature: number,
  decoder: Checkpoint.Checkpoint["decoder"]
): string | undefined => {
  const wanted = [...Objective.quantities(objective)].filter((name) => name !== "logp")
  const ofCompletion = (where: string, completion: Learner.TrainingCompletion): string | undefined => {
    const { mask = [], tokens } = completion
    if (completion.mask !== undefined && mask.length !== tokens.length) {
      return `${where} has ${tokens.length} tokens but ${mask.length} numbers of mask`
    }
    for (let t = 0; t < mask.length; t++) {
      const problem = Requests.atLeast0(`mask ${t} of ${where}`, mask[t])
      if (problem !== undefined) return problem
    }
    for (const name of wanted) {
      const given = completion[name]
      if (given === undefined) return `objective ${objective.name} reads ${name}, which ${where} does not have`
      if (typeof given === "number") {
        if (!Number.isFinite(given)) return `${name} of ${where} is ${given}`
        continue
      }
      if (given.length !== tokens.length) return `${where} has ${tokens.length} tokens but ${given.length} numbers of ${name}`
      for (let t = 0; t < given.length; t++) {
        // What a token without loss has does not matter.
        if (mask[t] !== 0 && !Number.isFinite(given[t])) return `${name} ${t} of ${where} is ${given[t]}`
      }
    }
    return undefined
  }
  const empty = batch.findIndex(({ completions }) => completions.length === 0)
  return Requests.first(
    empty < 0 ? undefined : `group ${empty} has no completions`,
    Requests.positive("temperature", temperature),
    Requests.groups(batch, decoder, ofCompletion),
    Objective.Aggregation.$is("ConstantLength")(objective.aggregation)
      ? Requests.positive("the length of the aggregation", objective.aggregation.length)
      : undefined
  )
}

/**
 * The learner of a resident model. It changes the model's weights, or the adapter's, in place: samplers of the same follow.
 *
 * Fails with a `LearnerError` for a frozen model, whose weights are no float32, without an adapter.
 */
export const make = Effect.fn("OnnxLearner.make")(function*(model: OnnxModel.OnnxModel, options: Options = {}) {
  const { adapter, gradientCheckpointing: checkpointing = false, microBatchTokens = 2048 } = options
  const { decoder } = model.checkpoint
  const trained = adapter !== undefined ? ofAdapter(model, adapter) : model.flat !== undefined ? ofModel(model, model.flat) : undefined
  if (trained === undefined) {
    return yield* fail(`a model in ${model.weightType} is frozen: train an adapter of it, or load it in float32`)
  }
  const { layout } = trained
  const { key: variant, plan } = OnnxModel.planOf(model, adapter)
  const sampler = yield* OnnxSampler.make(model, adapter === undefined ? {} : { adapter })

  let adam = Adam.make(layout.length)
  const gradient = new Float32Array(layout.length)
  const scratch = new Float32Array(layout.length)
  let kept = false
  // Passes of several fibers would mix their gradients.
  const oneAtATime = yield* Semaphore.make(1)
  const outputsOver = (flat: Float32Array): Feeds =>
    Object.fromEntries(Parameters.parts(layout).map((part) => [
      DecoderGraphs.gradientName(part.name),
      float(Parameters.view(flat, part), part.shape)
    ]))
  const intoGradient = outputsOver(gradient)
  const intoScratch = outputsOver(scratch)

  const forget = (): void => {
    gradient.fill(0)
    kept = false
  }

  const accumulate = Effect.fnUntraced(
    function*(batch: ReadonlyArray<Learner.PromptGroup>, objective: Objective.Objective, temperature: number) {
      const counts = batch.map(({ completions }) => completions.map(countOf))
      const sequences = counts.reduce((sum, group) => sum + group.length, 0)
      const tokens = counts.flat().reduce((sum, count) => sum + count, 0)
      const given = [...Objective.quantities(objective)].filter((name) => name !== "logp")
      const sizes = batch.map(({ completions, prompt }) => Batch.sizeOf({ prompt, completions: completions.map(({ tokens }) => tokens) }))
      const logprobs: Array<ReadonlyArray<Float32Array>> = new Array(batch.length)
      const longest = Batch.longest(batch.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) })))
      const weights = yield* Effect.mapError(model.resident(adapter), (error) => fail(error.message, error))
      let loss = 0
      for (const indices of Batch.microBatches(sizes, microBatchTokens)) {
        const groups = indices.map((i) => batch[i]!)
        const { C, G, N, blocks, feeds } = Batch.groupFeeds(
          groups.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) })),
          temperature,
          Batch.windowOf(decoder)
        )
        const perToken = { mask: new Float32Array(N * G * C), weight: new Float32Array(N * G * C) }
        const quantities = Object.fromEntries(given.map((name) => [name, new Float32Array(N * G * C)]))
        const inverseCount = new Float32Array(N * G)
        groups.forEach(({ completions }, n) =>
          completions.forEach((completion, g) => {
            const row = (n * G + g) * C
            const count = counts[indices[n]!]![g]!
            const weight = ObjectiveGraph.tokenWeight(objective.aggregation, { sequences, tokens, tokensOfSequence: count })
            inverseCount[n * G + g] = count === 0 ? 0 : 1 / count
            for (let t = 0; t < completion.tokens.length; t++) {
              const mask = completion.mask?.[t] ?? 1
              perToken.mask[row + t] = mask
              perToken.weight[row + t] = mask * weight
              if (mask === 0) continue
              for (const name of given) {
                const quantity = completion[name]!
                quantities[name]![row + t] = typeof quantity === "number" ? quantity : quantity[t]!
              }
            }
          })
        )
        const shape = [N * G, C]
        const session = yield* Effect.mapError(
          model.session(keyOf(objective, blocks, checkpointing ? `${variant} checkpointing` : variant), () => DecoderGraphs.train({ ...plan, checkpointing }, objective, blocks)),
          (error) => fail(error.message, error)
        )
        const result = yield* Effect.tryPromise({
          try: () =>
            session.run({
              ...weights,
              ...model.ropes(longest),
              ...feeds,
              ...Object.fromEntries(Object.entries({ ...perToken, ...quantities }).map(([name, data]) => [name, float(data, shape)])),
              inverseCount: float(inverseCount, [N * G, 1])
            }, kept ? intoScratch : intoGradient),
          catch: (cause) => fail(`the training graph failed in ONNX Runtime: ${describe(cause)}`, cause)
        })
        if (kept) for (let i = 0; i < gradient.length; i++) gradient[i]! += scratch[i]!
        kept = true
        loss += (result["loss"]!.data as Float32Array)[0]!
        const flat = result["logp"]!.data as Float32Array
        indices.forEach((index, n) => {
          logprobs[index] = batch[index]!.completions.map(({ tokens }, g) => flat.slice((n * G + g) * C, (n * G + g) * C + tokens.length))
        })
      }
      if (!Number.isFinite(loss)) {
        return yield* fail(`the loss is ${loss}; the gradient since the last step was dropped, the weights are as they were`)
      }
      return { loss, logprobs }
    },
    // What failed or was interrupted halfway has left a part of its gradient, which must not be stepped by.
    Effect.onError(() => Effect.sync(forget))
  )

  const forwardBackward: Learner.Learner["Service"]["forwardBackward"] = Effect.fn("OnnxLearner.forwardBackward")(
    function*(batch, objective, { temperature = 1 } = {}) {
      const problem = problemOf(batch, objective, temperature, decoder)
      if (problem !== undefined) return yield* fail(problem)
      return yield* accumulate(batch, objective, temperature)
    },
    oneAtATime.withPermit
  )

  return {
    learner: Learner.Learner.of({
      capabilities: { critic: false, fullFineTuning: adapter === undefined },
      forwardBackward,
      optimStep: Effect.fn("OnnxLearner.optimStep")(function*(step) {
        const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, learningRate, maxGradNorm, weightDecay = 0 } = step
        const problem = Requests.first(
          Requests.atLeast0("learningRate", learningRate),
          Requests.below1("beta1", beta1),
          Requests.below1("beta2", beta2),
          Requests.positive("epsilon", epsilon),
          Requests.atLeast0("weightDecay", weightDecay),
          Requests.positive("maxGradNorm", maxGradNorm)
        )
        if (problem !== undefined) return yield* fail(problem)
        if (!kept) return { gradNorm: 0 }
        const gradNorm = Adam.norm(gradient)
        if (!Number.isFinite(gradNorm)) {
          forget()
          return yield* fail("the gradient is not finite; the weights were left as they are")
        }
        const scale = maxGradNorm !== undefined && gradNorm > maxGradNorm ? maxGradNorm / gradNorm : 1
        Adam.step(adam, trained.weights, gradient, scale, { learningRate, beta1, beta2, epsilon, weightDecay })
        OnnxModel.changed(trained.weights)
        forget()
        return { gradNorm }
      }, oneAtATime.withPermit),
      // A step in between would write the weights of two moments.
      save: Effect.fn("OnnxLearner.save")(
        (directory) => Effect.mapError(trained.save(directory), (error) => fail(error.message, error)),
        oneAtATime.withPermit
      ),
      load: Effect.fn("OnnxLearner.load")(function*(directory) {
        const loaded = yield* Effect.mapError(trained.read(directory), (error) => fail(error.message, error))
        trained.weights.set(loaded)
        OnnxModel.changed(trained.weights)
        adam = Adam.make(layout.length)
        forget()
      }, oneAtATime.withPermit),
      sampler
    }),
    /** The gradient that is kept, parameter by parameter: for inspection. */
    gradients: (): ReadonlyArray<Safetensors.NamedTensor> =>
      layout.parameters.map((parameter) => ({
        name: parameter.name,
        shape: parameter.shape,
        data: Parameters.view(gradient, parameter)
      }))
  }
})

/**
 * The learner of a Hugging Face directory, as a layer.
 */
export const layer = (directory: string, options: Omit<Options, "adapter"> & OnnxModel.Options = {}) =>
  Layer.effect(
    Learner.Learner,
    Effect.flatMap(OnnxModel.load(directory, options), (model) => Effect.map(make(model, options), ({ learner }) => learner))
  )
