/**
 * A checkpoint, resident: its weights are held once and fed to every session, so that a sampler sees what a learner changes.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Graph } from "./Graph.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { ropeNames } from "./internal/decoder.ts"
import * as Parameters from "./internal/parameters.ts"
import * as Rope from "./internal/rope.ts"
import * as Session from "./internal/session.ts"

/**
 * How sessions run. `threads` is the number of threads of one operator; all cores when it is left out.
 */
export type Options = Session.SessionOptions

/**
 * A resident model.
 */
export interface OnnxModel {
  readonly checkpoint: Checkpoint.Checkpoint
  /** The weights as named tensors: views of the checkpoint's flat buffer. */
  readonly weights: Session.Feeds
  /** The tables of rotary positions, for sequences of at least so many tokens. */
  readonly ropes: (positions: number) => Session.Feeds
  /** Loads a graph into a session that lives as long as the model. One session for each key. */
  readonly session: (key: string, graph: () => Graph) => Effect.Effect<Session.Session, Session.EngineError>
  /** Milliseconds that runs have taken so far, by the first word of the session's key: prefill, extend, decode, score, train. */
  readonly timings: Map<string, number>
}

// A context can be far longer than what is ever asked for: the tables grow by doubling.
const ropesOf = ({ contextLength, ropes }: Checkpoint.Checkpoint["decoder"]): OnnxModel["ropes"] => {
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

/**
 * Makes a checkpoint resident. The sessions are closed with the scope.
 */
export const fromCheckpoint = Effect.fn("OnnxModel.fromCheckpoint")(
  function*(checkpoint: Checkpoint.Checkpoint, options: Options = {}) {
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
    const weights = Object.fromEntries(Parameters.parts(checkpoint.layout).map((part) => [
      part.name,
      Session.float(Parameters.view(checkpoint.weights, part), part.shape)
    ]))
    return { checkpoint, weights, ropes: ropesOf(checkpoint.decoder), session, timings } satisfies OnnxModel
  }
)

/**
 * Reads a Hugging Face directory and makes it resident.
 *
 * Fails with a `CheckpointError` that names the file at fault.
 */
export const load = Effect.fn("OnnxModel.load")(function*(directory: string, options: Options = {}) {
  return yield* fromCheckpoint(yield* Checkpoint.load(directory), options)
})
