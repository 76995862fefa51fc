// From what a server gives for a list of texts to one vector for each text.
import * as Result from "effect/Result"

const depthOf = (value: unknown): number => Array.isArray(value) ? 1 + (value.length === 0 ? 0 : depthOf(value[0])) : 0

const isVector = (value: unknown): value is ReadonlyArray<number> =>
  Array.isArray(value) && value.length > 0 && value.every((x) => typeof x === "number" && Number.isFinite(x))

const mean = (rows: ReadonlyArray<ReadonlyArray<number>>): Array<number> => {
  const sum = Array.from(rows[0]!, () => 0)
  for (const row of rows) for (const [i, x] of row.entries()) sum[i]! += x
  return sum.map((x) => x / rows.length)
}

const unitLength = (vector: Array<number>): Array<number> => {
  const norm = Math.hypot(...vector)
  return norm === 0 ? vector : vector.map((x) => x / norm)
}

const vectorOf = (item: unknown, normalize: boolean): Array<number> | undefined => {
  if (isVector(item)) return [...item]
  if (!Array.isArray(item)) return undefined
  // A batch of one around the tokens.
  if (item.length === 1 && depthOf(item) === 3) return vectorOf(item[0], normalize)
  const rows: ReadonlyArray<unknown> = item
  if (rows.length === 0 || !rows.every(isVector) || rows.some((row) => row.length !== rows[0]!.length)) return undefined
  return normalize ? unitLength(mean(rows)) : mean(rows)
}

/**
 * One vector for each text: the server's own, or the mean over the token vectors of a server that does not pool. Where
 * it pools here, `normalize` is done here too. Fails with what is wrong.
 */
export const vectors = (output: ReadonlyArray<unknown>, options: {
  readonly texts: number
  readonly dimensions: number | undefined
  readonly normalize: boolean
}): Result.Result<Array<Array<number>>, string> => {
  const { dimensions, normalize, texts } = options
  const depth = depthOf(output)
  // For a single text some servers leave the outer list out.
  const items = texts === 1 && (depth === 1 || (depth === 2 && output.length > 1)) ? [output] : output
  if (items.length !== texts) return Result.fail(`${items.length} embeddings for ${texts} texts`)
  const found: Array<Array<number>> = []
  for (const [i, item] of items.entries()) {
    const vector = vectorOf(item, normalize)
    if (vector === undefined) {
      return Result.fail(`The embedding of text ${i} is neither a vector nor one vector for each token`)
    }
    if (dimensions !== undefined && vector.length !== dimensions) {
      return Result.fail(`The embedding of text ${i} has ${vector.length} dimensions instead of ${dimensions}`)
    }
    found.push(vector)
  }
  return Result.succeed(found)
}
