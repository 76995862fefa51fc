// Frozen weights in fewer bits. Every type is fed to the graphs as it is stored and widened where it is used, so that
// one copy serves all sessions, and so that sampling and training see the same numbers.
import * as GraphModule from "../graph/Graph.ts"
import type { Graph, Value } from "../graph/Graph.ts"
import * as HalfFloat from "../graph/halfFloat.ts"
import * as Op from "../graph/Op.ts"
import { type Feeds, float, float16, uint8 } from "../graph/session.ts"
import type { Decoder } from "./architecture.ts"
import type { Part } from "./parameters.ts"

/** What the matrices of a frozen model are stored in. */
export type WeightType = "float32" | "float16" | "int8" | "int4"

/** A tensor by name. */
export type Named = Pick<Part, "name" | "shape">

/** Numbers that share a scale in int4. */
const block = 32

/** Whether a tensor is a matrix with a row for each token of the vocabulary. */
export const isHead = ({ name }: Pick<Named, "name">): boolean =>
  name === "model.embed_tokens.weight" || name === "lm_head.weight"

/** The matrix that makes logits. */
export const headOf = ({ tied }: Pick<Decoder, "tied">): string => tied ? "model.embed_tokens.weight" : "lm_head.weight"

/**
 * How a tensor is stored in a model of some type: norms and biases are few and stay as they are; embeddings, which are
 * looked up by rows, and matrices whose rows are no whole blocks take eight bits in place of four.
 */
export const typeOf = ({ name, shape }: Named, type: WeightType): WeightType => {
  if (shape.length < 2) return "float32"
  return type === "int4" && (isHead({ name }) || shape[1]! % block !== 0) ? "int8" : type
}

/** Names of what a tensor is fed as. */
const scaleName = (name: string): string => `${name}.scale`

/** A stored tensor in a graph. */
export interface Declared {
  /** The input itself where it is stored as it is computed with: what can be trained. */
  readonly value: Value | undefined
  readonly whole: (dependency: Value) => Value
  readonly rows: (indices: Value) => Value
  /**
   * All rows in pieces that are widened one by one: that of a vocabulary, whole, would take as much as the rest of a
   * small model.
   */
  readonly pieces: (dependency: Value) => ReadonlyArray<Value>
}

// Rows of one piece.
const pieceRows = 16_384

const piecesOf = ({ name, shape }: Named): ReadonlyArray<Named & { readonly from: number }> => {
  const [rows, ...rest] = shape as [number, ...Array<number>]
  return Array.from({ length: Math.ceil(rows / pieceRows) }, (_, i) => ({
    name: `${name}.piece.${i}`,
    shape: [Math.min(pieceRows, rows - i * pieceRows), ...rest],
    from: i * pieceRows
  }))
}

/**
 * Declares a tensor as inputs of a graph; `whole` widens it to float32, `rows` those that indices choose. What is
 * widened waits for the values that it is multiplied with: nodes that depend on nothing may run long before.
 */
export const declare = (graph: Graph, { name, shape }: Named, type: WeightType): Declared => {
  const [rows, columns] = shape as [number, number]
  const pieces = (dependency: Value) =>
    piecesOf({ name, shape }).map((piece) => declare(graph, piece, type).whole(dependency))
  const transient = (from: Value, dependency: Value, build: (from: Value) => Value): Value =>
    GraphModule.transient(graph, dependency, (dependency) => build(Op.after(graph, from, dependency)))
  switch (type) {
    case "float32": {
      const value = GraphModule.input(graph, name, "float32", shape)
      return { value, whole: () => value, rows: (indices) => Op.gather(graph, value, indices), pieces: () => [value] }
    }
    case "float16": {
      const value = GraphModule.input(graph, name, "float16", shape)
      return {
        value: undefined,
        pieces,
        whole: (dependency) => transient(value, dependency, (value) => Op.cast(graph, value)),
        rows: (indices) => Op.cast(graph, Op.gather(graph, value, indices))
      }
    }
    case "int8": {
      const value = GraphModule.input(graph, name, "uint8", shape)
      const scale = GraphModule.input(graph, scaleName(name), "float32", [rows])
      return {
        value: undefined,
        pieces,
        whole: (dependency) =>
          transient(
            value,
            dependency,
            (value) => Op.dequantize(graph, value, scale, GraphModule.bytes(graph, rows, 128))
          ),
        rows: (indices) => {
          const scales = Op.gather(graph, Op.reshape(graph, scale, [rows, 1]), indices)
          const centered = Op.sub(
            graph,
            Op.cast(graph, Op.gather(graph, value, indices)),
            GraphModule.scalar(graph, 128)
          )
          return Op.mul(graph, centered, scales)
        }
      }
    }
    case "int4": {
      const value = GraphModule.input(graph, name, "uint8", [rows, columns / block, block / 2])
      const scale = GraphModule.input(graph, scaleName(name), "float32", [rows, columns / block, 1])
      const number = (x: number) => GraphModule.scalar(graph, x)
      return {
        value: undefined,
        pieces,
        // A byte holds a number of the first half of a block, and 16 times one of the second.
        whole: (dependency) =>
          transient(value, dependency, (value) => {
            const both = Op.cast(graph, value)
            const high = Op.floor(graph, Op.mul(graph, both, number(1 / 16)))
            const low = Op.sub(graph, both, Op.mul(graph, high, number(16)))
            const centered = Op.sub(graph, Op.concat(graph, [low, high], 2, block), number(8))
            return Op.reshape(graph, Op.mul(graph, centered, scale), shape)
          }),
        rows: () => {
          throw new RangeError(`${name} is looked up by rows, which int4 is not stored for`)
        }
      }
    }
  }
}

/** A tensor's place: `fill` stores the next rows, `feeds` is what graphs take. */
export interface Store {
  readonly fill: (row: number, values: Float32Array) => void
  readonly feeds: Feeds
}

const largest = (values: Float32Array, from: number, to: number): number => {
  let most = 0
  for (let i = from; i < to; i++) most = Math.max(most, Math.abs(values[i]!))
  return most
}

// Views of a vocabulary's matrix, of which graphs take one or the other form.
const withPieces = (named: Named, feeds: (named: Named, from: number, to: number) => Feeds): Feeds =>
  isHead(named)
    ? Object.assign(
      {},
      feeds(named, 0, named.shape[0]!),
      ...piecesOf(named).map((piece) => feeds(piece, piece.from, piece.from + piece.shape[0]!))
    ) as Feeds
    : feeds(named, 0, named.shape[0]!)

/** Room for a tensor. */
export const make = (named: Named, type: WeightType): Store => {
  const { name, shape } = named
  const columns = shape.length < 2 ? 1 : shape[1]!
  const rows = shape[0]!
  switch (type) {
    case "float32": {
      const data = new Float32Array(rows * columns)
      return { fill: (row, values) => data.set(values, row * columns), feeds: { [name]: float(data, shape) } }
    }
    case "float16": {
      const data = new Uint16Array(rows * columns)
      return {
        fill: (row, values) => {
          const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
          for (let i = 0; i < bits.length; i++) data[row * columns + i] = HalfFloat.toHalf(bits[i]!)
        },
        feeds: withPieces(
          named,
          ({ name, shape }, from, to) => ({ [name]: float16(data.subarray(from * columns, to * columns), shape) })
        )
      }
    }
    // Symmetric, a scale for each row. Kept as bytes with zero at 128: GPUs hold no signed ones between runs.
    case "int8": {
      const data = new Uint8Array(rows * columns)
      const scales = new Float32Array(rows)
      return {
        fill: (row, values) => {
          for (let r = 0; r < values.length / columns; r++) {
            const scale = largest(values, r * columns, (r + 1) * columns) / 127
            scales[row + r] = scale
            for (let i = 0; i < columns; i++) {
              data[(row + r) * columns + i] = 128 + (scale === 0 ? 0 : Math.round(values[r * columns + i]! / scale))
            }
          }
        },
        feeds: withPieces(named, ({ name, shape }, from, to) => ({
          [name]: uint8(data.subarray(from * columns, to * columns), shape),
          [scaleName(name)]: float(scales.subarray(from, to), [to - from])
        }))
      }
    }
    // A scale for each block, which the number furthest from zero has as -8 of, so that all sixteen values are used.
    case "int4": {
      const data = new Uint8Array(rows * columns / 2)
      const scales = new Float32Array(rows * columns / block)
      return {
        fill: (row, values) => {
          for (let b = 0; b < values.length / block; b++) {
            let furthest = 0
            for (let i = 0; i < block; i++) {
              const value = values[b * block + i]!
              if (Math.abs(value) > Math.abs(furthest)) furthest = value
            }
            const at = row * columns / block + b
            const scale = furthest / -8
            scales[at] = scale
            const level = (i: number): number =>
              scale === 0 ? 8 : Math.min(15, Math.max(0, Math.round(values[b * block + i]! / scale) + 8))
            for (let i = 0; i < block / 2; i++) data[at * block / 2 + i] = level(i) | (level(i + block / 2) << 4)
          }
        },
        feeds: {
          [name]: uint8(data, [rows, columns / block, block / 2]),
          [scaleName(name)]: float(scales, [rows, columns / block, 1])
        }
      }
    }
  }
}

// The numbers of some rows of a stored tensor, out of what graphs are fed.
const readerOf = (feeds: Feeds, { name, shape }: Named, type: WeightType) => {
  const columns = shape.length < 2 ? 1 : shape[1]!
  const { data } = feeds[name]!
  const scales = feeds[scaleName(name)]?.data as Float32Array | undefined
  return (row: number, into: Float32Array): void => {
    const from = row * columns
    switch (type) {
      case "float32":
        into.set((data as Float32Array).subarray(from, from + into.length))
        break
      case "float16":
        for (let i = 0; i < into.length; i++) into[i] = HalfFloat.fromHalf((data as Uint16Array)[from + i]!)
        break
      case "int8":
        for (let i = 0; i < into.length; i++) {
          into[i] = ((data as Uint8Array)[from + i]! - 128) * scales![Math.floor((from + i) / columns)]!
        }
        break
      case "int4":
        for (let i = 0; i < into.length; i++) {
          const at = Math.floor((from + i) / block)
          const inner = (from + i) % block
          const byte = (data as Uint8Array)[at * block / 2 + inner % (block / 2)]!
          into[i] = ((inner < block / 2 ? byte & 15 : byte >> 4) - 8) * scales![at]!
        }
    }
  }
}

/** Reads rows of tensors that lie behind each other, as float32, out of what graphs are fed. */
export const reader = (feeds: Feeds, parts: ReadonlyArray<Named>, type: WeightType) => {
  const readers = parts.map((part) => ({
    rows: part.shape[0]!,
    columns: part.shape[1]!,
    read: readerOf(feeds, part, typeOf(part, type))
  }))
  return (row: number, into: Float32Array): void => {
    let first = 0
    let done = 0
    for (const { columns, read, rows } of readers) {
      const from = Math.max(row + done / columns - first, 0)
      const count = Math.min(rows - from, (into.length - done) / columns)
      if (count > 0) {
        read(from, into.subarray(done, done + count * columns))
        done += count * columns
      }
      first += rows
    }
  }
}
