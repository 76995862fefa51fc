// The tensor types of GGUF files: how many numbers a block holds in how many bytes, and what its bits mean. The
// formulas are those of llama.cpp (ggml-quants.c).
import * as HalfFloat from "../../graph/halfFloat.ts"

/** A tensor type. `widen` writes the numbers of whole blocks. */
export interface BlockType {
  readonly name: string
  /** Numbers of a block. */
  readonly numbers: number
  readonly bytes: number
  readonly widen: (bytes: Uint8Array, into: Float32Array) => void
}

let halves: Float32Array | undefined

// All halves by their bits.
const halfTable = (): Float32Array =>
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => HalfFloat.fromHalf(bits))

// `widen` of blocks, one by one: `block` gets where its bytes and its numbers begin, and reads halves by their place.
const blocks = (
  name: string,
  numbers: number,
  bytes: number,
  block: (data: Uint8Array, at: number, into: Float32Array, to: number, half: (at: number) => number) => void
): BlockType => ({
  name,
  numbers,
  bytes,
  widen: (data, into) => {
    const table = halfTable()
    const half = (at: number): number => table[data[at]! | (data[at + 1]! << 8)]!
    for (let at = 0, to = 0; to < into.length; at += bytes, to += numbers) block(data, at, into, to, half)
  }
})

const floats: BlockType = {
  name: "F32",
  numbers: 1,
  bytes: 4,
  widen: (data, into) => {
    const view = new DataView(data.buffer, data.byteOffset)
    for (let i = 0; i < into.length; i++) into[i] = view.getFloat32(4 * i, true)
  }
}

const bfloats: BlockType = {
  name: "BF16",
  numbers: 1,
  bytes: 2,
  widen: (data, into) => {
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
    for (let i = 0; i < bits.length; i++) bits[i] = (data[2 * i]! << 16) | (data[2 * i + 1]! << 24)
  }
}

// What levels mean: the level less `center`, times the scale at the block's beginning, plus the minimum behind it where
// there is one. Minus zero leaves a zero its sign.
interface Meaning {
  readonly center: number
  readonly hasMinimum: boolean
}

// 32 numbers in four bits: those of the first half in the low ones.
const nibbles = (name: string, { center, hasMinimum }: Meaning): BlockType => {
  const header = hasMinimum ? 4 : 2
  return blocks(name, 32, header + 16, (data, at, into, to, half) => {
    const scale = half(at)
    const minimum = hasMinimum ? half(at + 2) : -0
    for (let i = 0; i < 16; i++) {
      const byte = data[at + header + i]!
      into[to + i] = Math.fround(((byte & 15) - center) * scale) + minimum
      into[to + i + 16] = Math.fround(((byte >> 4) - center) * scale) + minimum
    }
  })
}

// The same with a fifth bit for each.
const fiveBits = (name: string, { center, hasMinimum }: Meaning): BlockType => {
  const header = hasMinimum ? 4 : 2
  return blocks(name, 32, header + 20, (data, at, into, to, half) => {
    const scale = half(at)
    const minimum = hasMinimum ? half(at + 2) : -0
    const from = at + header
    for (let i = 0; i < 16; i++) {
      const byte = data[from + 4 + i]!
      const low = (byte & 15) | (((data[from + (i >> 3)]! >> (i & 7)) & 1) << 4)
      const high = (byte >> 4) | (((data[from + 2 + (i >> 3)]! >> (i & 7)) & 1) << 4)
      into[to + i] = Math.fround((low - center) * scale) + minimum
      into[to + i + 16] = Math.fround((high - center) * scale) + minimum
    }
  })
}

const levelsOfIq4Nl = Float32Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)

// The six-bit scale and minimum of one of eight stretches (get_scale_min_k4).
const scaleOf = (data: Uint8Array, at: number, j: number): number =>
  j < 4 ? data[at + j]! & 63 : (data[at + j + 4]! & 15) | ((data[at + j - 4]! >> 6) << 4)
const minimumOf = (data: Uint8Array, at: number, j: number): number =>
  j < 4 ? data[at + j + 4]! & 63 : (data[at + j + 4]! >> 4) | ((data[at + j]! >> 6) << 4)

const q2k = blocks("Q2_K", 256, 84, (data, at, into, to, half) => {
  const [d, dmin] = [half(at + 80), half(at + 82)]
  for (let stretch = 0; stretch < 16; stretch++) {
    const scale = data[at + stretch]!
    const [factor, minimum] = [Math.fround(d * (scale & 15)), Math.fround(dmin * (scale >> 4))]
    const from = at + 16 + (stretch >> 3) * 32 + (stretch & 1) * 16
    const shift = ((stretch >> 1) & 3) * 2
    for (let i = 0; i < 16; i++) into[to + stretch * 16 + i] = factor * ((data[from + i]! >> shift) & 3) - minimum
  }
})

const q3k = blocks("Q3_K", 256, 110, (data, at, into, to, half) => {
  const d = half(at + 108)
  const scales = at + 96
  for (let stretch = 0; stretch < 16; stretch++) {
    const low = data[scales + (stretch & 7)]! >> (stretch < 8 ? 0 : 4)
    const high = data[scales + 8 + (stretch & 3)]! >> ((stretch >> 2) * 2)
    const factor = Math.fround(d * (((low & 15) | ((high & 3) << 4)) - 32))
    const within = (stretch & 1) * 16
    const from = at + 32 + (stretch >> 3) * 32 + within
    const shift = ((stretch >> 1) & 3) * 2
    const mask = 1 << (stretch >> 1)
    for (let i = 0; i < 16; i++) {
      const level = ((data[from + i]! >> shift) & 3) - (data[at + within + i]! & mask ? 0 : 4)
      into[to + stretch * 16 + i] = factor * level
    }
  }
})

// Q4_K and Q5_K: eight stretches of 32, each with a scale and a minimum.
const stretches = (name: string, bytes: number, levels: number, high: number | undefined): BlockType =>
  blocks(name, 256, bytes, (data, at, into, to, half) => {
    const [d, dmin] = [half(at), half(at + 2)]
    for (let stretch = 0; stretch < 8; stretch++) {
      const factor = Math.fround(d * scaleOf(data, at + 4, stretch))
      const minimum = Math.fround(dmin * minimumOf(data, at + 4, stretch))
      const from = at + levels + (stretch >> 1) * 32
      const shift = (stretch & 1) * 4
      for (let i = 0; i < 32; i++) {
        const fifth = high === undefined ? 0 : ((data[at + high + i]! >> stretch) & 1) << 4
        into[to + stretch * 32 + i] = factor * (((data[from + i]! >> shift) & 15) | fifth) - minimum
      }
    }
  })

const q6k = blocks("Q6_K", 256, 210, (data, at, into, to, half) => {
  const d = half(at + 208)
  for (let i = 0; i < 256; i++) {
    const [part, quarter, l] = [i >> 7, (i >> 5) & 3, i & 31]
    const low = data[at + part * 64 + (quarter & 1) * 32 + l]! >> (quarter < 2 ? 0 : 4)
    const high = data[at + 128 + part * 32 + l]! >> (quarter * 2)
    const scale = (data[at + 192 + (i >> 4)]! << 24) >> 24
    into[to + i] = Math.fround(d * scale) * (((low & 15) | ((high & 3) << 4)) - 32)
  }
})

/** The types that are read, by their numbers in files. */
export const types: ReadonlyMap<number, BlockType> = new Map([
  [0, floats],
  [1, blocks("F16", 1, 2, (_, at, into, to, half) => void (into[to] = half(at)))],
  [2, nibbles("Q4_0", { center: 8, hasMinimum: false })],
  [3, nibbles("Q4_1", { center: 0, hasMinimum: true })],
  [6, fiveBits("Q5_0", { center: 16, hasMinimum: false })],
  [7, fiveBits("Q5_1", { center: 0, hasMinimum: true })],
  [
    8,
    blocks("Q8_0", 32, 34, (data, at, into, to, half) => {
      const d = half(at)
      for (let i = 0; i < 32; i++) into[to + i] = d * ((data[at + 2 + i]! << 24) >> 24)
    })
  ],
  [10, q2k],
  [11, q3k],
  [12, stretches("Q4_K", 144, 16, undefined)],
  [13, stretches("Q5_K", 176, 48, 16)],
  [14, q6k],
  [
    20,
    blocks("IQ4_NL", 32, 18, (data, at, into, to, half) => {
      const d = half(at)
      for (let i = 0; i < 16; i++) {
        const byte = data[at + 2 + i]!
        into[to + i] = d * levelsOfIq4Nl[byte & 15]!
        into[to + i + 16] = d * levelsOfIq4Nl[byte >> 4]!
      }
    })
  ],
  [30, bfloats]
])

// Other types, for whoever has a file of one.
const others: Readonly<Record<number, string>> = {
  9: "Q8_1",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4"
}

/** The name of a type that is not read. */
export const nameOf = (type: number): string => others[type] ?? `number ${type}`
