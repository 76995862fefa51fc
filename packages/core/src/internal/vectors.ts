// Vectors of an embedding model, checked, in stores and in banks.
import type { AiError, EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import { VectorError } from "../store/StoreError.ts"

/** Texts of one request. */
export const batch = 128

export const unit = (vector: Float32Array): Float32Array => {
  const norm = Math.hypot(...vector)
  return norm === 0 ? vector : vector.map((component) => component / norm)
}

export const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export const cosine = (a: Float32Array, b: Float32Array): number => {
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

type Vectors = Effect.Effect<ReadonlyArray<Float32Array>, AiError.AiError | VectorError>

// Vectors of numbers, as long as `like` where it is given. `store`: who is named where the model gives something else.
const checked = Effect.fnUntraced(
  function*(
    store: string,
    embed: Effect.Effect<ReadonlyArray<EmbeddingModel.EmbedResponse>, AiError.AiError>,
    like: Float32Array | undefined
  ) {
    const fail = (reason: VectorError["reason"], detail: string) =>
      new VectorError({ store, reason, detail: `the embedding model gave ${detail}` })
    // A model whose answer is no vector of numbers ends in a defect.
    const embeddings = yield* Effect.catchDefect(
      embed,
      (defect) =>
        Effect.fail(fail("NotFinite", `no vector of numbers: ${defect instanceof Error ? defect.message : defect}`))
    )
    const vectors = embeddings.map(({ vector }) => Float32Array.from(vector))
    for (const vector of vectors) {
      if (!vector.every(Number.isFinite)) {
        return yield* fail("NotFinite", "a vector with a component that is not finite")
      }
      const { length } = like ?? vectors[0]!
      if (length !== vector.length) {
        return yield* fail(
          "Dimensions",
          `a vector of ${vector.length} components, the others have ${length}`
        )
      }
    }
    return vectors
  }
)

export const embedMany = (
  model: EmbeddingModel.EmbeddingModel,
  store: string,
  texts: ReadonlyArray<string>,
  like?: Float32Array
): Vectors => checked(store, Effect.map(model.embedMany(texts), ({ embeddings }) => embeddings), like)

/** One text, in a request with those of other fibers. */
export const embed = (
  model: EmbeddingModel.EmbeddingModel,
  store: string,
  text: string,
  like?: Float32Array
): Effect.Effect<Float32Array, AiError.AiError | VectorError> =>
  Effect.map(checked(store, Effect.map(model.embed(text), (one) => [one]), like), ([vector]) => vector!)
