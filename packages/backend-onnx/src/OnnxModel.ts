/**
 * A checkpoint, resident: its weights are held once and fed to every session, so that a sampler sees what a learner
 * changes, and so that samplers and learners of several adapters share one base.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Adapter } from "./checkpoint/Adapter.ts"
import * as Checkpoint from "./checkpoint/Checkpoint.ts"
import { CheckpointError } from "./checkpoint/CheckpointError.ts"
import * as Device from "./graph/device.ts"
import { DeviceError, keepsTensors } from "./graph/device.ts"
import type { ElementType, Graph } from "./graph/Graph.ts"
import * as GraphModule from "./graph/Graph.ts"
import * as Session from "./graph/session.ts"
import { EngineError } from "./graph/session.ts"
import { type Plan, ropeNames } from "./model/decoder.ts"
import * as Joined from "./model/joined.ts"
import * as Packed from "./model/packed.ts"
import * as Parameters from "./model/parameters.ts"
import * as Rope from "./model/rope.ts"
import * as Storage from "./model/storage.ts"
import type { WeightType } from "./model/storage.ts"

/**
 * How sessions run.
 *
 * - `device`: "cpu", "webgpu", "cuda", "dml" or "coreml"; "cpu" by default.
 * - `threads`: of one operator, on the CPU; all cores by default.
 * - `decode`: what decoding reads matrices in; "float32" by default, which is as they are held.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Session.SessionOptions {
  readonly decode?: DecodeType | undefined
}

/**
 * How a model is loaded: `dtype` is what its matrices are held in. All but "float32", the default, are frozen: only
 * adapters of such a model can be trained.
 *
 * - "float16": half the memory, and an error of one part in 2,000.
 * - "int8": a quarter, with a scale for each row.
 * - "int4": an eighth, with a scale for each 32 numbers of a row; embeddings stay in eight bits.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoadOptions extends Options {
  readonly dtype?: WeightType | undefined
}

/**
 * What decoding reads the matrices of a frozen model in. All but "float32", the default, hold a second copy of them in
 * fewer bits, packed once, which a step of decoding reads faster; what is sampled so is not quite what `score` and a
 * learner compute. Only on the CPU.
 *
 * - "int8": a scale for each 32 numbers. Log-probabilities of SmolLM2-135M change by 0.07 on average.
 * - "int4": the same in four bits, by 0.3; the matrix of the vocabulary stays in eight.
 *
 * @category models
 * @since 0.1.0
 */
export type DecodeType = Packed.DecodeType

export type { Device } from "./graph/device.ts"
export type { WeightType }
export { CheckpointError, DeviceError, EngineError }

/**
 * A resident model.
 *
 * @category models
 * @since 0.1.0
 */
export interface OnnxModel {
  readonly checkpoint: Checkpoint.Description
  readonly device: Device.Device
  readonly weightType: WeightType
  readonly decodeType: DecodeType
  /** @internal The matrices that decoding reads in fewer bits, packed at each call for the graph that holds them. */
  readonly packed: () => Plan["packed"]
  /** @internal The weights as one flat buffer that may be changed in place; a frozen model has none. */
  readonly flat: Float32Array | undefined
  /** @internal The weights as named tensors. */
  readonly weights: Session.Feeds
  /**
   * @internal The weights, and those of an adapter, where the device has them: sent again only when `changed` was told
   * of them.
   */
  readonly resident: (adapter: Adapter | undefined) => Effect.Effect<Session.Feeds, Session.EngineError>
  /** @internal The tables of rotary positions, for sequences of at least so many tokens. */
  readonly ropes: (positions: number) => Session.Feeds
  /** @internal Loads a graph into a session that lives as long as the model. One session for each key. */
  readonly session: (key: string, graph: () => Graph) => Effect.Effect<Session.Session, Session.EngineError>
  /**
   * Milliseconds that runs have taken so far, by the first word of the session's key: prefill, extend, decode, score,
   * train.
   */
  readonly timings: Map<string, number>
}

// A context can be far longer than what is ever asked for: the tables grow by doubling.
const ropesOf = ({ contextLength, ropes }: Checkpoint.Description["decoder"]): OnnxModel["ropes"] => {
  let reach = 0
  let feeds: Session.Feeds = {}
  return (positions) => {
    if (positions <= reach) return feeds
    reach = Math.min(contextLength, Math.max(1024, 2 ** Math.ceil(Math.log2(positions))))
    feeds = Object.fromEntries(ropes.flatMap((rope, i) => {
      const { cos, sin } = Rope.tables(rope, reach)
      const names = ropeNames(i)
      const shape = [reach, rope.inverseFrequencies.length]
      return [[names.cos, Session.float(cos, shape)], [names.sin, Session.float(sin, shape)]]
    }))
    return feeds
  }
}

// How often flat weights were changed in place.
const versions = new WeakMap<Float32Array, number>()

/**
 * @internal Says that flat weights, a model's or an adapter's, are not what they were.
 *
 * @category running
 * @since 0.1.0
 */
export const changed = (weights: Float32Array): void => void versions.set(weights, (versions.get(weights) ?? 0) + 1)

// Copies tensors to the device: the results of a graph that does nothing stay there, as long as its session is open.
const uploader = Effect.fnUntraced(function*(device: Device.Device, like: Session.Feeds) {
  const graph = GraphModule.make()
  for (const [name, { dims, type }] of Object.entries(like)) {
    GraphModule.output(graph, name, GraphModule.input(graph, `sent.${name}`, type as ElementType, dims))
  }
  const { run } = yield* Session.make(graph, { device, results: "device" })
  return (feeds: Session.Feeds) =>
    Effect.tryPromise({
      try: () => run(Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [`sent.${name}`, tensor]))),
      catch: (cause) => new Session.EngineError({ reason: `the weights cannot be sent to device ${device}`, cause })
    })
})

interface Sent {
  readonly upload: Effect.Success<ReturnType<typeof uploader>>
  readonly version: number
  readonly feeds: Session.Feeds
}

const adapterFeeds = (adapter: Adapter): Session.Feeds =>
  Object.fromEntries(
    adapter.plan.parts.map((
      part
    ) => [part.name, Session.float(Parameters.view(adapter.weights, part as Parameters.Part), part.shape)])
  )

const residency = (
  device: Device.Device,
  weights: Session.Feeds,
  flat: Float32Array | undefined,
  scope: Scope.Scope
): OnnxModel["resident"] => {
  const sent = new WeakMap<object, Sent>()
  const own = flat ?? {}
  const placed = Effect.fnUntraced(function*(key: object, flat: Float32Array | undefined, feeds: () => Session.Feeds) {
    if (!keepsTensors(device)) return feeds()
    const version = flat === undefined ? 0 : versions.get(flat) ?? 0
    const known = sent.get(key)
    if (known?.version === version) return known.feeds
    const now = feeds()
    const upload = known?.upload ?? (yield* uploader(device, now).pipe(Effect.provideService(Scope.Scope, scope)))
    for (const tensor of Object.values(known?.feeds ?? {})) tensor.dispose()
    const placed = yield* upload(now)
    sent.set(key, { upload, version, feeds: placed })
    return placed
  })
  return Effect.fnUntraced(function*(adapter) {
    const base = yield* placed(own, flat, () => weights)
    return adapter === undefined
      ? base
      : { ...base, ...(yield* placed(adapter.weights, adapter.weights, () => adapterFeeds(adapter))) }
  })
}

// The matrices of a model in fewer bits.
const packedOf = (
  { checkpoint: { decoder }, weightType, weights }: Pick<OnnxModel, "checkpoint" | "weights" | "weightType">,
  decode: DecodeType
): Plan["packed"] => {
  if (decode === "float32") return undefined
  return new Map(
    Packed.matrices(decoder).map((matrix) => {
      const [rows, columns] = matrix.shape as [number, number]
      return [
        matrix.name,
        Packed.pack(rows, columns, Packed.bitsOf(matrix, decode), Storage.reader(weights, matrix.parts, weightType))
      ]
    })
  )
}

const make = Effect.fnUntraced(function*(
  held: Pick<OnnxModel, "checkpoint" | "flat" | "weights" | "weightType">,
  options: Options
): Effect.fn.Return<OnnxModel, DeviceError, Scope.Scope> {
  const { decode = "float32", device = "cpu" } = options
  if (decode !== "float32" && device !== "cpu") return yield* Device.withoutPacked(device, decode)
  const scope = yield* Effect.scope
  const services = yield* Effect.context<never>()
  const sessions = new Map<string, Session.Session>()
  const timings = new Map<string, number>()
  // One after the other, so that fibers that want the same session at once get the same one.
  const building = yield* Semaphore.make(1)
  const session: OnnxModel["session"] = Effect.fnUntraced(function*(key, graph) {
    const known = sessions.get(key)
    if (known !== undefined) return known
    const built = yield* Effect.try({
      try: graph,
      catch: (cause) => new Session.EngineError({ reason: "the graph cannot be built", cause })
    })
    const part = key.split(" ", 1)[0]!
    const { run } = yield* Session.make(built, options, (operators) => {
      const named = [...operators].map(([operator, nodes]) => `${operator} x ${nodes}`).join(", ")
      Effect.runSyncWith(services)(
        Effect.logInfo(`${part}: device ${device} left to the CPU ${named === "" ? "nothing" : named}`)
      )
    }).pipe(Effect.provideService(Scope.Scope, scope))
    const made: Session.Session = {
      run: async (feeds, into) => {
        const started = performance.now()
        const result = await run(feeds, into)
        timings.set(part, (timings.get(part) ?? 0) + performance.now() - started)
        return result
      }
    }
    sessions.set(key, made)
    return made
  }, building.withPermit)
  return {
    ...held,
    device,
    decodeType: decode,
    packed: () => packedOf(held, decode),
    ropes: ropesOf(held.checkpoint.decoder),
    session,
    timings,
    resident: residency(device, held.weights, held.flat, scope)
  }
})

/**
 * Makes a checkpoint resident. The sessions are closed with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromCheckpoint = Effect.fn("OnnxModel.fromCheckpoint")(
  function*(checkpoint: Checkpoint.Checkpoint, options: Options = {}) {
    yield* Session.require(options.device ?? "cpu")
    // On other devices a second view would be a second copy.
    const joined = (options.device ?? "cpu") === "cpu" ? Joined.parts(checkpoint.decoder).joined : []
    const weights = Object.fromEntries([...Parameters.parts(checkpoint.layout), ...joined].map((part) => [
      part.name,
      Session.float(Parameters.view(checkpoint.weights, part), part.shape)
    ]))
    return yield* make({ checkpoint, flat: checkpoint.weights, weights, weightType: "float32" }, options)
  }
)

/**
 * Reads a Hugging Face directory or a GGUF file, and makes it resident.
 *
 * Fails with a `CheckpointError` that names the file at fault, and with a `DeviceError` where the device is not there.
 *
 * @category constructors
 * @since 0.1.0
 */
export const load = Effect.fn("OnnxModel.load")(
  function*(directory: string, { dtype: weightType = "float32", ...options }: LoadOptions = {}) {
    if (weightType === "float32") return yield* fromCheckpoint(yield* Checkpoint.load(directory), options)
    yield* Session.require(options.device ?? "cpu", weightType === "float16" ? "float16" : "float32")
    const checkpoint = yield* Checkpoint.open(directory)
    const weights = yield* Checkpoint.readFrozen(checkpoint, weightType)
    return yield* make({ checkpoint, flat: undefined, weights, weightType }, options)
  }
)

/**
 * @internal What the graphs of a model are built for, with one of its adapters or with none; `key` tells apart what
 * differs.
 *
 * @category getters
 * @since 0.1.0
 */
export const planOf = (
  { checkpoint: { decoder }, device, weightType }: OnnxModel,
  adapter: Adapter | undefined
): { readonly plan: Plan; readonly key: string } => {
  const base = { decoder, weightType, portable: device !== "cpu" }
  if (adapter === undefined) return { plan: base, key: "" }
  const { plan } = adapter
  return { plan: { ...base, adapter: plan }, key: ` adapter ${JSON.stringify([plan.scale, plan.parts])}` }
}
