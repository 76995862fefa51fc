// The matrices of a frozen model as decoding reads them: whole numbers in blocks along a row, each with a scale, as
// ONNX Runtime's `MatMulNBits` takes them. They are constants of their session, so that it packs them once.
import type { Decoder } from "./architecture.ts"
import * as Joined from "./joined.ts"
import type * as Parameters from "./parameters.ts"
import * as Storage from "./storage.ts"

/** What decoding reads matrices in: as they are, or in eight or four bits. */
export type DecodeType = "float32" | "int8" | "int4"

/** A matrix `[rows, columns]`: `data` `[rows, blocks, bytes]`, `scales` `[rows, blocks]`; zero is in the middle. */
export interface Packed {
  readonly rows: number
  readonly columns: number
  readonly bits: 8 | 4
  readonly data: Uint8Array
  readonly scales: Float32Array
}

/** Numbers that share a scale. */
export const block = 32

/** Blocks of a row; the last one may be filled up. */
export const blocksOf = (columns: number): number => Math.ceil(columns / block)

/**
 * Packs a matrix; `read` fills a buffer with the numbers of some rows. The number furthest from zero of a block has the
 * lowest level, so that all levels are used.
 */
export const pack = (
  rows: number,
  columns: number,
  bits: Packed["bits"],
  read: (row: number, into: Float32Array) => void
): Packed => {
  const blocks = blocksOf(columns)
  const bytes = block * bits / 8
  const middle = 1 << (bits - 1)
  const data = new Uint8Array(rows * blocks * bytes)
  const scales = new Float32Array(rows * blocks)
  const step = Math.max(1, Math.floor((1 << 18) / columns))
  const buffer = new Float32Array(step * columns)
  const levels = new Uint8Array(block)
  for (let from = 0; from < rows; from += step) {
    const count = Math.min(step, rows - from)
    read(from, buffer.subarray(0, count * columns))
    for (let row = 0; row < count; row++) {
      for (let b = 0; b < blocks; b++) {
        const start = row * columns + b * block
        const size = Math.min(block, columns - b * block)
        let furthest = 0
        for (let i = start; i < start + size; i++) {
          const value = buffer[i]!
          if (value > furthest ? value > -furthest : -value > Math.abs(furthest)) furthest = value
        }
        const at = (from + row) * blocks + b
        const scale = furthest / -middle
        scales[at] = scale
        const inverse = scale === 0 ? 0 : 1 / scale
        for (let i = 0; i < block; i++) {
          const level = i < size ? Math.round(buffer[start + i]! * inverse) + middle : middle
          levels[i] = level < 0 ? 0 : level > 2 * middle - 1 ? 2 * middle - 1 : level
        }
        if (bits === 8) data.set(levels, at * bytes)
        else for (let i = 0; i < bytes; i++) data[at * bytes + i] = levels[2 * i]! | (levels[2 * i + 1]! << 4)
      }
    }
  }
  return { rows, columns, bits, data, scales }
}

/** The matrices of a decoder that decoding packs, each with the parts that lie behind each other in it. */
export const matrices = (
  decoder: Decoder
): ReadonlyArray<Storage.Named & { readonly parts: ReadonlyArray<Parameters.Part> }> =>
  Joined.groups(decoder).flatMap(({ parts, ...named }) =>
    named.shape.length < 2 || named.name.endsWith(".bias") ||
      (Storage.isHead(named) && named.name !== Storage.headOf(decoder))
      ? []
      : [{ ...named, parts }]
  )

/** Bits of a matrix: that of the vocabulary is read once a token and decides it, and stays in eight. */
export const bitsOf = (named: Pick<Storage.Named, "name">, type: Exclude<DecodeType, "float32">): Packed["bits"] =>
  type === "int4" && !Storage.isHead(named) ? 4 : 8
