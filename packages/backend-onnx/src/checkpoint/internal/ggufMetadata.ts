// Values of a GGUF file's metadata, read by key. What is wrong is said in one line that names the key.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The key/value pairs of a file. Numbers of 64 bits may be bigints, arrays of numbers typed. */
export type Metadata = Readonly<Record<string, unknown>>

/** A tensor of a file. Shapes are in the order of Hugging Face: a matrix is `[out, in]`. */
export interface Tensor {
  readonly name: string
  readonly shape: ReadonlyArray<number>
}

export const positive = Schema.Int.check(Schema.isGreaterThan(0))
export const tokenId = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
export const above0 = Schema.Finite.check(Schema.isGreaterThan(0))

const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return Number(value)
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain)
  return value
}

/** The value of a key, or nothing where the file has none. */
export const optional = <A>(metadata: Metadata, key: string, schema: Schema.Decoder<A>) => {
  const value = Object.hasOwn(metadata, key) ? plain(metadata[key]) : undefined
  if (value === undefined) return Result.succeed<A | undefined>(undefined)
  return Result.mapError(
    Schema.decodeUnknownResult(schema)(value),
    ({ message }) => `has a ${key} that is not understood: ${message.replaceAll(/\s+/g, " ")}`
  )
}

/** The value of a key that has to be there. */
export const required = <A>(metadata: Metadata, key: string, schema: Schema.Decoder<A>): Result.Result<A, string> =>
  Result.flatMap(
    optional(metadata, key, schema),
    (value) => value === undefined ? Result.fail(`has no ${key}`) : Result.succeed(value)
  )

/** Texts of the tokens, by id. Names are unique, as a vocabulary needs them. */
export const tokens = (metadata: Metadata): Result.Result<ReadonlyArray<string>, string> =>
  Result.flatMap(required(metadata, "tokenizer.ggml.tokens", Schema.Array(Schema.String)), (texts) => {
    const ids = new Map<string, number>()
    for (const [id, text] of texts.entries()) {
      const before = ids.get(text)
      if (before !== undefined && text !== "") {
        return Result.fail(`has a tokenizer.ggml.tokens with ${JSON.stringify(text)} twice, as ${before} and ${id}`)
      }
      ids.set(text, id)
    }
    return texts.length === 0
      ? Result.fail("has a tokenizer.ggml.tokens without tokens")
      // A token without a text is no text's; a vocabulary needs a name for it.
      : Result.succeed(texts.map((text, id) => text === "" ? `[EMPTY_${id}]` : text))
  })

/** A token by its key, which has to be one of the file's tokens. */
export const token = (metadata: Metadata, key: string, size: number): Result.Result<number | undefined, string> =>
  Result.flatMap(optional(metadata, key, tokenId), (id) =>
    id !== undefined && id >= size
      ? Result.fail(`has a ${key} of ${id}, but only ${size} tokens`)
      : Result.succeed(id))
