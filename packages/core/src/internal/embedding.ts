// The vectors of a store: checked, of one model, and made where they are missing.
import type { AiError, EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import { Progress } from "../rl/Progress.ts"
import type { Scope } from "../Scope.ts"
import { type StoreError, VectorError } from "../store/StoreError.ts"
import type { Journal, Reader } from "./journal.ts"
import { batch, cosine, embed, embedMany } from "./vectors.ts"

export interface Embedding {
  readonly query: (text: string) => Effect.Effect<Float32Array, AiError.AiError | StoreError | VectorError>
  /** Makes the vectors that are missing. */
  readonly fill: (scope: Scope) => Effect.Effect<number, AiError.AiError | StoreError | VectorError>
  readonly refill: (scope: Scope) => Effect.Effect<number, AiError.AiError | StoreError | VectorError>
}

// Embedded once by every process: two models, or two sizes of one, give it different vectors.
const probeText = "Ann has a dog named Buddy and lives in Oslo."
// Of a model with itself, computed in another precision or on another machine.
const sameModel = 0.98

export const embedding = (journal: Journal, model: EmbeddingModel.EmbeddingModel): Embedding => {
  const store = journal.name
  let own: Float32Array | undefined
  // The probe of the model, compared with that of the vectors that the store has: another process may have computed
  // them anew.
  const probe = Effect.gen(function*() {
    own ??= yield* embed(model, store, probeText)
    const kept = yield* journal.probe
    if (kept !== undefined && (kept.length !== own.length || cosine(kept, own) < sameModel)) {
      return yield* new VectorError({
        store,
        reason: "OtherModel",
        detail: `its vectors are of another embedding model (${kept.length} components, this one gives ` +
          `${own.length}): use that model, or compute all vectors anew (reembed)`
      })
    }
    return own
  })

  const missingOf = (scope: Scope, limit: number) => journal.read(scope, (reader: Reader) => reader.unembedded(limit))

  const fill = Effect.fnUntraced(function*(scope: Scope) {
    const own = yield* probe
    let missing = yield* missingOf(scope, batch)
    // How many there are is asked only where they are more than one request.
    const { length: total } = missing.length < batch ? missing : yield* missingOf(scope, Number.MAX_SAFE_INTEGER)
    return yield* Progress.use(({ part }) =>
      part("embed memories", total, ({ update }) =>
        Effect.gen(function*() {
          let embedded = 0
          while (missing.length > 0) {
            const vectors = yield* embedMany(model, store, missing.map(({ memory }) => memory.text), own)
            yield* journal.embed(
              scope,
              missing.map(({ memory: { id, text } }, i) => ({ id, text, vector: vectors[i]! })),
              own
            )
            yield* update(embedded += missing.length)
            missing = yield* missingOf(scope, batch)
          }
          return embedded
        }))
    )
  })
  return {
    query: (text) => Effect.flatMap(probe, (own) => embed(model, store, text, own)),
    fill,
    refill: Effect.fnUntraced(function*(scope) {
      yield* journal.forgetVectors
      return yield* fill(scope)
    })
  }
}
