// The vectors of a store: checked, of one model, and made where they are missing.
import * as Effect from "effect/Effect"
import type { AiError, EmbeddingModel } from "effect/ai"
import type { Journal, Reader } from "../Journal.ts"
import type { Scope } from "../Scope.ts"
import { type StoreError, VectorError } from "../StoreError.ts"

export interface Embedding {
  readonly query: (text: string) => Effect.Effect<Float32Array, AiError.AiError | StoreError | VectorError>
  /** Makes the vectors that are missing. */
  readonly fill: (scope: Scope) => Effect.Effect<number, AiError.AiError | StoreError | VectorError>
  readonly refill: (scope: Scope) => Effect.Effect<number, AiError.AiError | StoreError | VectorError>
}

// Embedded once by every process: two models, or two sizes of one, give it different vectors.
const probeText = "Ann has a dog named Buddy and lives in Oslo."
const batch = 128
// Of a model with itself, computed in another precision or on another machine.
const sameModel = 0.98

const cosine = (a: Float32Array, b: Float32Array): number => {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    aa += a[i]! ** 2
    bb += b[i]! ** 2
  }
  // A vector of zeros has no direction: it is like another one only.
  const norm = Math.sqrt(aa * bb)
  return norm === 0 ? Number(aa === bb) : dot / norm
}

export const embedding = (journal: Journal, model: EmbeddingModel.EmbeddingModel): Embedding => {
  const store = journal.name
  const vectorOf = (components: ReadonlyArray<number>, like?: Float32Array): Effect.Effect<Float32Array, VectorError> => {
    const vector = Float32Array.from(components)
    if (!vector.every(Number.isFinite)) {
      return Effect.fail(new VectorError({ store, reason: "NotFinite", detail: "the embedding model gave a vector with a component that is no number" }))
    }
    if (like !== undefined && like.length !== vector.length) {
      return Effect.fail(new VectorError({ store, reason: "Dimensions", detail: `the embedding model gave a vector of ${vector.length} components, the others have ${like.length}` }))
    }
    return Effect.succeed(vector)
  }

  // A model whose answer is no vector of numbers ends in a defect.
  const careful = <A>(embed: Effect.Effect<A, AiError.AiError>) =>
    Effect.catchDefect(embed, (defect) =>
      Effect.fail(new VectorError({ store, reason: "NotFinite", detail: `the embedding model gave no vector of numbers: ${defect instanceof Error ? defect.message : defect}` })))
  let own: Float32Array | undefined
  // The probe of the model, compared with that of the vectors that the store has: another process may have computed them anew.
  const probe = Effect.gen(function*() {
    own ??= yield* vectorOf((yield* careful(model.embed(probeText))).vector)
    const kept = yield* journal.probe
    if (kept !== undefined && (kept.length !== own.length || cosine(kept, own) < sameModel)) {
      return yield* new VectorError({
        store,
        reason: "OtherModel",
        detail: `its vectors are of another embedding model (${kept.length} components, this one gives ${own.length}): use that model, or compute all vectors anew (reembed)`
      })
    }
    return own
  })

  const fill = Effect.fnUntraced(function*(scope: Scope) {
    const own = yield* probe
    for (let embedded = 0;;) {
      const missing = yield* journal.read(scope, (reader: Reader) => reader.unembedded(batch))
      if (missing.length === 0) return embedded
      const { embeddings } = yield* careful(model.embedMany(missing.map(({ memory }) => memory.text)))
      const vectors = yield* Effect.forEach(embeddings, ({ vector }) => vectorOf(vector, own))
      yield* journal.embed(scope, missing.map(({ memory: { id, text } }, i) => ({ id, text, vector: vectors[i]! })), own)
      embedded += missing.length
    }
  })
  return {
    query: Effect.fnUntraced(function*(text) {
      const own = yield* probe
      return yield* vectorOf((yield* careful(model.embed(text))).vector, own)
    }),
    fill,
    refill: Effect.fnUntraced(function*(scope) {
      yield* journal.forgetVectors
      return yield* fill(scope)
    })
  }
}
