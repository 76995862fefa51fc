// The header of a GGUF file: what it says is believed only as far as the file can bear it out.
import { readSync } from "node:fs"
import * as GgufBlocks from "./ggufBlocks.ts"

/** What is wrong with a file. */
export class Broken extends Error {
  readonly reason: string
  readonly tensor: string | undefined
  constructor(reason: string, tensor?: string) {
    super(reason)
    this.reason = reason
    this.tensor = tensor
  }
}

export interface Tensor {
  readonly type: GgufBlocks.BlockType
  readonly shape: ReadonlyArray<number>
  readonly offset: number
  readonly bytes: number
}

export interface Header {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tensors: ReadonlyMap<string, Tensor>
}

const windowBytes = 1 << 20
// More than any vocabulary has.
const mostEntries = 1 << 24
const decoder = new TextDecoder()

// Reads values one after the other, through a window of the file.
const cursor = (descriptor: number, size: number) => {
  let bytes = new Uint8Array(0)
  let view = new DataView(bytes.buffer)
  let start = 0
  let at = 0
  const take = (count: number, what: string): number => {
    if (at + count > size) throw new Broken(`is cut off: it ends within ${what}`)
    if (at + count > start + bytes.length) {
      bytes = new Uint8Array(Math.min(Math.max(windowBytes, count), size - at))
      view = new DataView(bytes.buffer)
      start = at
      for (let filled = 0; filled < bytes.length;) {
        const read = readSync(descriptor, bytes, filled, bytes.length - filled, at + filled)
        if (read === 0) throw new Broken("is cut off: it got shorter while it was read")
        filled += read
      }
    }
    at += count
    return at - count - start
  }
  const number = (count: number, read: (view: DataView, at: number) => number) => (what: string): number => {
    const place = take(count, what)
    return read(view, place)
  }
  const big = (read: (view: DataView, at: number) => bigint) => (what: string): bigint => {
    const place = take(8, what)
    return read(view, place)
  }
  const uint64 = big((view, at) => view.getBigUint64(at, true))
  const left = (): number => size - at
  // A count of things of which each takes so many bytes at least.
  const count = (what: string, least: number): number => {
    const found = uint64(what)
    if (found > BigInt(Math.floor(left() / least))) {
      throw new Broken(`says ${what} is ${found}, more than the ${left()} bytes that are left can hold`)
    }
    return Number(found)
  }
  return {
    place: () => at,
    left,
    count,
    uint8: number(1, (view, at) => view.getUint8(at)),
    int8: number(1, (view, at) => view.getInt8(at)),
    uint16: number(2, (view, at) => view.getUint16(at, true)),
    int16: number(2, (view, at) => view.getInt16(at, true)),
    uint32: number(4, (view, at) => view.getUint32(at, true)),
    int32: number(4, (view, at) => view.getInt32(at, true)),
    float32: number(4, (view, at) => view.getFloat32(at, true)),
    float64: number(8, (view, at) => view.getFloat64(at, true)),
    uint64,
    int64: big((view, at) => view.getBigInt64(at, true)),
    text: (what: string): string => {
      const length = count(`the length of ${what}`, 1)
      const place = take(length, what)
      return decoder.decode(bytes.subarray(place, place + length))
    }
  }
}

type Cursor = ReturnType<typeof cursor>

// How values are read, by the numbers of their types, and the fewest bytes that one takes.
const valueTypes: ReadonlyMap<
  number,
  { readonly least: number; readonly read: (from: Cursor, what: string) => unknown }
> = new Map([
  [0, { least: 1, read: (from, what) => from.uint8(what) }],
  [1, { least: 1, read: (from, what) => from.int8(what) }],
  [2, { least: 2, read: (from, what) => from.uint16(what) }],
  [3, { least: 2, read: (from, what) => from.int16(what) }],
  [4, { least: 4, read: (from, what) => from.uint32(what) }],
  [5, { least: 4, read: (from, what) => from.int32(what) }],
  [6, { least: 4, read: (from, what) => from.float32(what) }],
  [7, { least: 1, read: (from, what) => from.uint8(what) !== 0 }],
  [8, { least: 8, read: (from, what) => from.text(what) }],
  [9, { least: 12, read: (from, what) => list(from, what) }],
  [10, { least: 8, read: (from, what) => from.uint64(what) }],
  [11, { least: 8, read: (from, what) => from.int64(what) }],
  [12, { least: 8, read: (from, what) => from.float64(what) }]
])

const typeOf = (from: Cursor, what: string) => {
  const number = from.uint32(`the type of ${what}`)
  const type = valueTypes.get(number)
  if (type === undefined) throw new Broken(`has a value of an unknown type ${number} under ${what}`)
  return { ...type, isList: number === 9 }
}

const list = (from: Cursor, what: string): ReadonlyArray<unknown> => {
  const { isList, least, read } = typeOf(from, what)
  if (isList) throw new Broken(`has a list of lists under ${what}, which no known file has`)
  const count = from.count(`the number of entries of ${what}`, least)
  if (count > mostEntries) throw new Broken(`has ${count} entries under ${what}, more than any model`)
  const values: Array<unknown> = []
  for (let i = 0; i < count; i++) values.push(read(from, what))
  return values
}

const metadataOf = (from: Cursor, count: number): Readonly<Record<string, unknown>> => {
  const metadata = new Map<string, unknown>()
  for (let i = 0; i < count; i++) {
    const key = from.text(`the name of key ${i}`)
    if (metadata.has(key)) throw new Broken(`has the key ${key} twice`)
    metadata.set(key, typeOf(from, key).read(from, key))
  }
  return Object.fromEntries(metadata)
}

// What the header says of one tensor, its offset being that among the tensors.
const describedTensor = (from: Cursor, i: number): [string, Tensor] => {
  const name = from.text(`the name of tensor ${i}`)
  const what = `the description of tensor ${name}`
  const rank = from.uint32(what)
  if (rank < 1 || rank > 4) throw new Broken(`has ${rank} dimensions; known are 1 to 4`, name)
  const dimensions = Array.from({ length: rank }, () => from.uint64(what))
  const number = from.uint32(what)
  const offset = from.uint64(what)
  const type = GgufBlocks.types.get(number)
  if (type === undefined) {
    const known = [...GgufBlocks.types.values()].map(({ name }) => name).join(", ")
    throw new Broken(`is of type ${GgufBlocks.nameOf(number)}, which is not read; known are ${known}`, name)
  }
  const size = dimensions.reduce((product, dimension) => product * dimension, 1n)
  if (size === 0n || size > BigInt(Number.MAX_SAFE_INTEGER) || offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Broken(`has a size of ${dimensions.join(" x ")} at ${offset}, which cannot be`, name)
  }
  const shape = dimensions.toReversed().map(Number)
  const columns = shape.at(-1)!
  if (columns % type.numbers !== 0) {
    throw new Broken(
      `has rows of ${columns} numbers, which are no whole blocks of ${type.numbers} in ${type.name}`,
      name
    )
  }
  return [name, { type, shape, offset: Number(offset), bytes: Number(size) / type.numbers * type.bytes }]
}

const alignmentOf = (metadata: Readonly<Record<string, unknown>>): number => {
  const given = metadata["general.alignment"] ?? 32
  if (typeof given === "number" && given >= 8 && given <= 1 << 20 && Number.isInteger(Math.log2(given))) return given
  throw new Broken(`has a general.alignment ${String(given)}, which is no power of two`)
}

/** Reads and checks the header of an open file of so many bytes. */
export const read = (descriptor: number, size: number): Header => {
  const from = cursor(descriptor, size)
  if (size < 24 || from.uint32("the magic") !== 0x46554747) throw new Broken("is no GGUF file")
  const version = from.uint32("the version")
  if (version === 1) throw new Broken("is GGUF of version 1: convert it anew with a llama.cpp of today")
  if (version !== 2 && version !== 3) {
    const isTurned = version > 0 && (version & 0xffff) === 0
    throw new Broken(isTurned ? "is big-endian, which is not read" : `is GGUF of version ${version}; known are 2 and 3`)
  }
  const tensorCount = from.count("the number of tensors", 24)
  const keyCount = from.count("the number of keys", 13)
  const metadata = metadataOf(from, keyCount)
  const parts = metadata["split.count"]
  if (typeof parts === "number" && parts > 1) {
    throw new Broken(`is one of ${parts} parts of a model: merge them with llama-gguf-split --merge`)
  }
  const alignment = alignmentOf(metadata)
  const described = new Map<string, Tensor>()
  for (let i = 0; i < tensorCount; i++) {
    const [name, tensor] = describedTensor(from, i)
    if (described.has(name)) throw new Broken("is there twice", name)
    described.set(name, tensor)
  }
  const start = Math.ceil(from.place() / alignment) * alignment
  const tensors = new Map([...described].map(([name, tensor]) => [name, { ...tensor, offset: start + tensor.offset }]))
  let end = start
  for (const [name, tensor] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset)) {
    const { bytes, offset } = tensor
    if (offset % alignment !== 0) throw new Broken(`begins at ${offset}, which is no multiple of ${alignment}`, name)
    if (offset < end) throw new Broken("begins within another tensor", name)
    end = offset + bytes
    if (end > size) throw new Broken(`ends at ${end}, and the file has ${size} bytes: fetch it again`, name)
  }
  return { metadata, tensors }
}
