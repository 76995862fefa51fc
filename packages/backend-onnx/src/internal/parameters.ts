// All parameters of a model in one flat buffer, so that clipping and Adam are single loops and a gradient is one buffer too.
import type { ParameterShape } from "./architecture.ts"

export interface Parameter extends ParameterShape {
  readonly offset: number
  readonly size: number
}

export interface Layout {
  readonly parameters: ReadonlyArray<Parameter>
  /** Elements of the flat buffer, padding included. */
  readonly length: number
}

// Each parameter begins on a 64-byte border, which the kernels' vector loads like.
const alignment = 16

export const layout = (shapes: ReadonlyArray<ParameterShape>): Layout => {
  let offset = 0
  const parameters = shapes.map(({ name, shape }): Parameter => {
    const size = shape.reduce((product, dimension) => product * dimension, 1)
    const parameter = { name, shape, offset, size }
    offset += Math.ceil(size / alignment) * alignment
    return parameter
  })
  return { parameters, length: offset }
}

/** The part of a flat buffer that holds a parameter, as a view. */
export const view = (flat: Float32Array, { offset, size }: Parameter): Float32Array => flat.subarray(offset, offset + size)
