/**
 * The `Learner` of core on ONNX Runtime: AdamW on all weights, or on those of an adapter over a frozen model.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import { Learner, Objective, type Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import type * as Adapter from "./checkpoint/Adapter.ts"
import type * as Checkpoint from "./checkpoint/Checkpoint.ts"
import type * as Safetensors from "./checkpoint/Safetensors.ts"
import { type Feeds, float } from "./graph/session.ts"
import * as Trained from "./internal/trained.ts"
import * as Adam from "./model/adam.ts"
import * as Batch from "./model/batch.ts"
import * as DecoderGraphs from "./model/decoderGraphs.ts"
import * as ObjectiveGraph from "./model/objectiveGraph.ts"
import * as Parameters from "./model/parameters.ts"
import * as Requests from "./model/requests.ts"
import * as OnnxModel from "./OnnxModel.ts"
import * as OnnxSampler from "./OnnxSampler.ts"

/**
 * - `microBatchTokens`: padded tokens of one run of the training graph; larger batches are split and their gradients
 *   added.
 * - `gradientCheckpointing`: layers are computed a second time for the gradient; what they hold meanwhile is then a
 *   small part of it.
 * - `adapter`: what is trained in place of the model's own weights. `save` and `load` then are of PEFT directories.
 * - `critic`: a value head, trained with the rest and kept beside it: objectives may then read `value`. A critic of its
 *   own is a learner over another copy of the model, or over another adapter, of which only the values are used; one
 *   learner for both shares the network. It begins with the head that the model's directory holds, or with one that
 *   says zero; `load` reads it with the rest.
 * - `templateOptions`: of its sampler; see `OnnxSampler.Options`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly microBatchTokens?: number | undefined
  readonly gradientCheckpointing?: boolean | undefined
  readonly adapter?: Adapter.Adapter | undefined
  readonly critic?: boolean | undefined
  readonly templateOptions?: Sampler.TemplateOptions | undefined
}

const fail = (reason: string, cause?: unknown) => new Learner.LearnerError({ reason, cause })

// JSON has no infinity, which an objective may hold as a bound. Coefficients are fed: their values make no other graph.
const keyOf = ({ loss }: Objective.Objective, blocks: number, variant: string): string =>
  `train ${blocks}${variant} ${
    JSON.stringify(loss, (_, part: unknown) =>
      typeof part === "number"
        ? String(part)
        : typeof part === "object" && part !== null && "_tag" in part && part._tag === "Coefficient"
        ? { ...part, value: undefined }
        : part)
  }`

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
  const wanted = Objective.given(objective)
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
      if (given.length !== tokens.length) {
        return `${where} has ${tokens.length} tokens but ${given.length} numbers of ${name}`
      }
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
 * The learner of a resident model. It changes the model's weights, or the adapter's, in place: samplers of the same
 * follow.
 *
 * Fails with a `LearnerError` for a frozen model, whose weights are no float32, without an adapter.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("OnnxLearner.make")(function*(model: OnnxModel.OnnxModel, options: Options = {}) {
  const { adapter, critic = false, gradientCheckpointing: checkpointing = false, microBatchTokens = 2048 } = options
  const { decoder } = model.checkpoint
  const capabilities: Learner.Capabilities = { critic, entropy: true, fullFineTuning: adapter === undefined }
  const policy = adapter !== undefined
    ? Trained.ofAdapter(model, adapter)
    : model.flat !== undefined
    ? Trained.ofModel(model, model.flat)
    : undefined
  if (policy === undefined) {
    return yield* fail(`a model in ${model.weightType} is frozen: train an adapter of it, or load it in float32`)
  }
  if (adapter === undefined && model.decodeType !== "float32") {
    return yield* fail(
      `a model that decodes in ${model.decodeType} is frozen: train an adapter of it, or decode in float32`
    )
  }
  const { key, plan } = OnnxModel.planOf(model, adapter)
  const variant = critic ? `${key} critic` : key
  const sampler = yield* OnnxSampler.make(model, {
    templateOptions: options.templateOptions,
    adapter
  })
  const head = critic
    ? yield* Effect.mapError(Trained.ofCritic(model, model.checkpoint.directory), (error) => fail(error.message, error))
    : undefined
  const headFeeds = head === undefined ? {} : Trained.tensors(head.layout, head.weights)
  const trained = [policy, ...(head === undefined ? [] : [head])].map(Trained.make)
  const [intoFirst, intoLater] = (["first", "later"] as const).map((which): Feeds =>
    Object.assign({}, ...trained.map((part) => part[which]))
  )

  let kept = false
  // Passes of several fibers would mix their gradients.
  const oneAtATime = yield* Semaphore.make(1)
  const forget = (): void => {
    for (const part of trained) part.forget()
    kept = false
  }
  const resident = Effect.mapError(model.resident(adapter), (error) => fail(error.message, error))
  const overFiles = <A>(of: (part: Trained.Trained) => Effect.Effect<A, Checkpoint.CheckpointError>) =>
    Effect.forEach(trained, (part) => Effect.mapError(of(part), (error) => fail(error.message, error)))
  const inShapeOf = (
    flat: Float32Array,
    n: number,
    { C, G }: { readonly C: number; readonly G: number },
    lengths: ReadonlyArray<number>
  ) => lengths.map((length, g) => flat.slice((n * G + g) * C, (n * G + g) * C + length))

  const accumulate = Effect.fnUntraced(
    function*(batch: ReadonlyArray<Learner.PromptGroup>, objective: Objective.Objective, temperature: number) {
      const counts = batch.map(({ completions }) => completions.map(countOf))
      const sequences = counts.reduce((sum, group) => sum + group.length, 0)
      const tokens = counts.flat().reduce((sum, count) => sum + count, 0)
      const given = Objective.given(objective)
      const sizes = batch.map(({ completions, prompt }) =>
        Batch.sizeOf({ prompt, completions: completions.map(({ tokens }) => tokens) })
      )
      const found = new Map<string, Array<ReadonlyArray<Float32Array>>>()
      const longest = Batch.longest(
        batch.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) }))
      )
      const weights = { ...(yield* resident), ...headFeeds }
      const coefficients = Object.fromEntries(
        [...Objective.coefficients(objective)].map((
          [name, value]
        ) => [ObjectiveGraph.coefficientName(name), float(Float32Array.of(value), [])])
      )
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
            const weight = Objective.tokenWeight(objective.aggregation, { sequences, tokens, tokensOfSequence: count })
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
          model.session(
            keyOf(objective, blocks, checkpointing ? `${variant} checkpointing` : variant),
            () => DecoderGraphs.train({ ...plan, checkpointing }, objective, blocks, critic)
          ),
          (error) => fail(error.message, error)
        )
        const result = yield* Effect.tryPromise({
          try: () =>
            session.run({
              ...weights,
              ...model.ropes(longest),
              ...feeds,
              ...Object.fromEntries(
                Object.entries({ ...perToken, ...quantities }).map(([name, data]) => [name, float(data, shape)])
              ),
              ...coefficients,
              inverseCount: float(inverseCount, [N * G, 1])
            }, kept ? intoLater : intoFirst),
          catch: (cause) => fail(`the training graph failed in ONNX Runtime: ${messageOf(cause)}`, cause)
        })
        if (kept) { for (const part of trained) part.add() }
        kept = true
        loss += (result["loss"]!.data as Float32Array)[0]!
        for (const name of ["logp", "entropy", "value"]) {
          const flat = result[name]?.data as Float32Array | undefined
          if (flat === undefined) continue
          const all = found.get(name) ?? new Array<ReadonlyArray<Float32Array>>(batch.length)
          found.set(name, all)
          indices.forEach((index, n) => {
            all[index] = inShapeOf(flat, n, { C, G }, batch[index]!.completions.map(({ tokens }) => tokens.length))
          })
        }
      }
      if (!Number.isFinite(loss)) {
        return yield* fail(
          `the loss is ${loss}; the gradient since the last step was dropped, the weights are as they were`
        )
      }
      const [entropies, values] = [found.get("entropy"), found.get("value")]
      return {
        loss,
        logprobs: found.get("logp") ?? [],
        entropies,
        values
      }
    },
    // What failed or was interrupted halfway has left a part of its gradient, which must not be stepped by.
    Effect.onError(() => Effect.sync(forget))
  )

  const forwardBackward: Learner.Learner["Service"]["forwardBackward"] = Effect.fn("OnnxLearner.forwardBackward")(
    function*(batch, objective, { temperature = 1 } = {}) {
      const problem = problemOf(batch, objective, temperature, decoder)
      if (problem !== undefined) return yield* fail(problem)
      if (Learner.missing(capabilities, objective).includes("critic")) {
        return yield* fail(`objective ${objective.name} reads value, and this learner has no critic: make it with one`)
      }
      return yield* accumulate(batch, objective, temperature)
    },
    oneAtATime.withPermit
  )

  const values = Effect.fn("OnnxLearner.values")(function*(groups: Parameters<Learner.Service["values"]>[0]) {
    if (!critic) return yield* fail("this learner has no critic: make it with one")
    const problem = Requests.groups(
      groups.map(({ completions, prompt }) => ({ prompt, completions: completions.map((tokens) => ({ tokens })) })),
      decoder
    )
    if (problem !== undefined) return yield* fail(problem)
    const weights = { ...(yield* resident), ...headFeeds, ...model.ropes(Batch.longest(groups)) }
    const estimates: Array<ReadonlyArray<Float32Array>> = groups.map(() => [])
    const asked = [...groups.keys()].filter((i) => groups[i]!.completions.length > 0)
    // Twice as many as for a gradient, for which everything on the way is held.
    for (const places of Batch.microBatches(asked.map((i) => Batch.sizeOf(groups[i]!)), 2 * microBatchTokens)) {
      const indices = places.map((place) => asked[place]!)
      const { blocks, feeds, ...shape } = Batch.groupFeeds(indices.map((i) => groups[i]!), 1, Batch.windowOf(decoder))
      const session = yield* Effect.mapError(
        model.session(`values ${blocks}${variant}`, () => DecoderGraphs.values(plan, blocks)),
        (error) => fail(error.message, error)
      )
      const { value } = yield* Effect.tryPromise({
        try: () => session.run({ ...weights, ...feeds }),
        catch: (cause) => fail(`the critic's graph failed in ONNX Runtime: ${messageOf(cause)}`, cause)
      })
      indices.forEach((index, n) => {
        estimates[index] = inShapeOf(
          value!.data as Float32Array,
          n,
          shape,
          groups[index]!.completions.map(({ length }) => length)
        )
      })
    }
    return estimates
  })

  return {
    learner: Learner.Learner.of({
      capabilities,
      forwardBackward,
      values,
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
        const gradNorm = Math.hypot(...trained.map(({ gradient }) => Adam.norm(gradient)))
        if (!Number.isFinite(gradNorm)) {
          forget()
          return yield* fail("the gradient is not finite; the weights were left as they are")
        }
        const scale = maxGradNorm !== undefined && gradNorm > maxGradNorm ? maxGradNorm / gradNorm : 1
        for (const part of trained) part.step(scale, { learningRate, beta1, beta2, epsilon, weightDecay })
        forget()
        return { gradNorm }
      }, oneAtATime.withPermit),
      // A step in between would write the weights of two moments.
      save: Effect.fn("OnnxLearner.save")(
        (directory) => overFiles(({ source }) => source.save(directory)),
        Effect.asVoid,
        oneAtATime.withPermit
      ),
      load: Effect.fn("OnnxLearner.load")(function*(directory) {
        // All are read before one is changed.
        const loaded = yield* overFiles(({ source }) => source.read(directory))
        trained.forEach((part, i) => part.restore(loaded[i]!))
        forget()
      }, oneAtATime.withPermit),
      saveState: Effect.fn("OnnxLearner.saveState")(
        (directory) =>
          overFiles(({ saveOptimizer, source }) => Effect.andThen(source.save(directory), saveOptimizer(directory))),
        Effect.asVoid,
        oneAtATime.withPermit
      ),
      loadState: Effect.fn("OnnxLearner.loadState")(function*(directory) {
        const loaded = yield* overFiles(({ readOptimizer, source }) =>
          Effect.all([source.read(directory), readOptimizer(directory)])
        )
        trained.forEach((part, i) => part.restore(...loaded[i]!))
        forget()
      }, oneAtATime.withPermit),
      sampler
    }),
    /** The gradient that is kept, parameter by parameter: for inspection. */
    gradients: (): ReadonlyArray<Safetensors.NamedTensor> =>
      trained.flatMap(({ gradient, source }) =>
        source.layout.parameters.map((parameter) => ({
          name: parameter.name,
          shape: parameter.shape,
          data: Parameters.view(gradient, parameter)
        }))
      )
  }
})

/**
 * The learner of a Hugging Face directory, as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (directory: string, options: Omit<Options, "adapter"> & OnnxModel.Options = {}) =>
  Layer.effect(
    Learner.Learner,
    Effect.flatMap(OnnxModel.load(directory, options), (model) =>
      Effect.map(make(model, options), ({ learner }) => learner))
  )
