// All parameters of a model in one flat buffer, so that clipping and Adam are single loops and a gradient is one buffer
// too.
import type { ParameterShape } from "./architecture.ts"

/** A stretch of the flat buffer, by the name that graphs know it by. */
export interface Part {
  readonly name: string
  readonly shape: ReadonlyArray<number>
  readonly offset: number
  readonly size: number
}

export interface Parameter extends Part {
  readonly parts: ReadonlyArray<Part>
}

export interface Layout {
  readonly parameters: ReadonlyArray<Parameter>
  /** Elements of the flat buffer, padding included. */
  readonly length: number
}

// Each parameter begins on a 64-byte border, which the kernels' vector loads like.
const alignment = 16

const sizeOf = (shape: ReadonlyArray<number>): number => shape.reduce((product, dimension) => product * dimension, 1)

export const layout = (shapes: ReadonlyArray<ParameterShape>): Layout => {
  let offset = 0
  const parameters = shapes.map(({ name, parts, shape }): Parameter => {
    let at = offset
    const placed = parts.map((part): Part => {
      const size = sizeOf(part.shape)
      at += size
      return { ...part, size, offset: at - size }
    })
    const parameter = { name, shape, offset, size: at - offset, parts: placed }
    offset += Math.ceil(parameter.size / alignment) * alignment
    return parameter
  })
  return { parameters, length: offset }
}

/** The part of a flat buffer that holds a parameter, or a part of one, as a view. */
export const view = (flat: Float32Array, { offset, size }: Part): Float32Array => flat.subarray(offset, offset + size)

/** What graphs take and give: the parts of all parameters. */
export const parts = ({ parameters }: Layout): ReadonlyArray<Part> => parameters.flatMap(({ parts }) => parts)
