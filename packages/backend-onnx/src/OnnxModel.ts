/**
 * A checkpoint, resident: its weights are held once and fed to every session, so that a sampler sees what a learner changes, and so that
 * samplers and learners of several adapters share one base.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Adapter } from "./Adapter.ts"
import * as Checkpoint from "./Checkpoint.ts"
import type { Graph } from "./Graph.ts"
import { type Plan, ropeNames } from "./internal/decoder.ts"
import * as Parameters from "./internal/parameters.ts"
import * as Rope from "./internal/rope.ts"
import * as Session from "./internal/session.ts"
import type { WeightType } from "./internal/storage.ts"

/**
 * How sessions run. `threads` is the number of threads of one operator; all cores when it is left out.
 */
export type Options = Session.SessionOptions

/**
 * How a model is loaded: `dtype` is what its matrices are held in. All but "float32", the default, are frozen: only adapters of such
 * a model can be trained.
 *
 * - "float16": half the memory, and an error of one part in 2,000.
 * - "int8": a quarter, with a scale for each row.
 * - "int4": an eighth, with a scale for each 32 numbers of a row; embeddings stay in eight bits.
 */
export interface LoadOptions extends Options {
  readonly dtype?: WeightType
}

export type { WeightType }

/**
 * A resident model.
 */
export interface OnnxModel {
  readonly checkpoint: Checkpoint.Description
  readonly weightType: WeightType
  /** The weights as one flat buffer that may be changed in place; a frozen model has none. */
  readonly flat: Float32Array | undefined
  /** The weights as named tensors. */
  readonly weights: Session.Feeds
  /** The tables of rotary positions, for sequences of at least so many tokens. */
  readonly ropes: (positions: number) => Session.Feeds
  /** Loads a graph into a session that lives as long as the model. One session for each key. */
  readonly session: (key: string, graph: () => Graph) => Effect.Effect<Session.Session, Session.EngineError>
  /** Milliseconds that runs have taken so far, by the first word of the session's key: prefill, extend, decode, score, train. */
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

const make = Effect.fnUntraced(function*(
  held: Pick<OnnxModel, "checkpoint" | "flat" | "weights" | "weightType">,
  options: Options
) {
  const scope = yield* Effect.scope
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
    const { run } = yield* Session.make(built, options).pipe(Effect.provideService(Scope.Scope, scope))
    const part = key.split(" ", 1)[0]!
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
  return { ...held, ropes: ropesOf(held.checkpoint.decoder), session, timings } satisfies OnnxModel
})

/**
 * Makes a checkpoint resident. The sessions are closed with the scope.
 */
export const fromCheckpoint = Effect.fn("OnnxModel.fromCheckpoint")(
  function*(checkpoint: Checkpoint.Checkpoint, options: Options = {}) {
    const weights = Object.fromEntries(Parameters.parts(checkpoint.layout).map((part) => [
      part.name,
      Session.float(Parameters.view(checkpoint.weights, part), part.shape)
    ]))
    return yield* make({ checkpoint, flat: checkpoint.weights, weights, weightType: "float32" }, options)
  }
)

/**
 * Reads a Hugging Face directory and makes it resident.
 *
 * Fails with a `CheckpointError` that names the file at fault.
 */
export const load = Effect.fn("OnnxModel.load")(function*(directory: string, { dtype: weightType = "float32", ...options }: LoadOptions = {}) {
  if (weightType === "float32") return yield* fromCheckpoint(yield* Checkpoint.load(directory), options)
  const checkpoint = yield* Checkpoint.open(directory)
  const weights = yield* Checkpoint.readFrozen(directory, checkpoint.layout, weightType)
  return yield* make({ checkpoint, flat: undefined, weights, weightType }, options)
})

/** @internal What the graphs of a model are built for, with one of its adapters or with none; `key` tells apart what differs. */
export const planOf = ({ checkpoint: { decoder }, weightType }: OnnxModel, adapter: Adapter | undefined): { readonly plan: Plan; readonly key: string } => {
  if (adapter === undefined) return { plan: { decoder, weightType }, key: "" }
  const { plan } = adapter
  return { plan: { decoder, weightType, adapter: plan }, key: ` adapter ${JSON.stringify([plan.scale, plan.parts])}` }
}

/** @internal The matrices of an adapter as named tensors. */
export const adapterFeeds = (adapter: Adapter | undefined): Session.Feeds =>
  adapter === undefined
    ? {}
    : Object.fromEntries(adapter.plan.parts.map((part) => [part.name, Session.float(Parameters.view(adapter.weights, part as Parameters.Part), part.shape)]))
