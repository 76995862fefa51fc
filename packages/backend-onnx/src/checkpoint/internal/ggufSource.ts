// A GGUF file as a checkpoint directory: the files beside the weights, and the weights by their Hugging Face names.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Decoder } from "../../model/architecture.ts"
import { CheckpointError } from "../CheckpointError.ts"
import * as Gguf from "../Gguf.ts"
import * as GgufConfig from "./ggufConfig.ts"
import * as GgufModel from "./ggufModel.ts"
import * as GgufTensors from "./ggufTensors.ts"

const shapesOf = ({ tensors }: Gguf.Reader) => [...tensors].map(([name, { shape }]) => ({ name, shape }))

/** The model in a file, without its weights. Its errors name the file. */
export const model = Effect.fnUntraced(function*(file: string) {
  const reader = yield* Gguf.openFile(file)
  const factors = yield* Effect.forEach(
    GgufModel.ropeTensors.filter((name) => reader.tensors.has(name)),
    Effect.fnUntraced(function*(name) {
      const values = new Float32Array(reader.tensors.get(name)!.shape.reduce((product, size) => product * size, 1))
      yield* reader.read(name, values)
      return [name, Array.from(values)] as const
    })
  )
  return yield* Effect.mapError(
    Effect.fromResult(GgufModel.make(reader.metadata, shapesOf(reader), Object.fromEntries(factors))),
    (reason) => new CheckpointError({ file, reason })
  )
})

/** The files that a directory of the same model has, as text and parsed. */
export const companions = ({ files }: GgufModel.GgufModel) =>
  Object.fromEntries(
    Object.entries(files).map(([name, json]) => [name, { text: `${JSON.stringify(json, null, 2)}\n`, json }])
  )

/**
 * Reads numbers of a parameter, `from` one of them on. Where the file has its rows in another order the whole tensor is
 * read; it is kept until another one is.
 */
export const parameters = Effect.fnUntraced(function*(file: string, decoder: Decoder) {
  const reader = yield* Gguf.openFile(file)
  const sources = yield* Effect.mapError(
    Effect.fromResult(
      Result.flatMap(
        GgufConfig.architecture(reader.metadata),
        (architecture) => GgufTensors.tensors(architecture, decoder, shapesOf(reader))
      )
    ),
    (reason) => new CheckpointError({ file, reason })
  )
  let kept: { readonly tensor: string; readonly values: Float32Array } | undefined
  return Effect.fnUntraced(function*(parameter: string, into: Float32Array, from = 0) {
    const { offset, rowOf, tensor } = sources.parameters.get(parameter)!
    if (rowOf === undefined) yield* reader.read(tensor, into, from)
    else {
      const { shape } = reader.tensors.get(tensor)!
      const columns = shape[1] ?? 1
      if (kept?.tensor !== tensor) {
        kept = { tensor, values: new Float32Array(shape[0]! * columns) }
        yield* reader.read(tensor, kept.values)
      }
      for (let i = 0; i < into.length; i++) {
        const [row, column] = [Math.floor((from + i) / columns), (from + i) % columns]
        into[i] = kept.values[rowOf(row) * columns + column]!
      }
    }
    if (offset !== 0) { for (let i = 0; i < into.length; i++) into[i]! -= offset }
  })
})
