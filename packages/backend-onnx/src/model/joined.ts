// Projections of one input lie behind each other in the flat weights: a step of decoding, whose rows are few, takes
// them as one matrix.
import type { Decoder } from "./architecture.ts"
import { parameterShapes } from "./architecture.ts"
import * as Parameters from "./parameters.ts"

/** Projections of the same input, by the module that they belong to. */
export const members = {
  self_attn: ["q_proj", "k_proj", "v_proj"],
  mlp: ["gate_proj", "up_proj"]
} as const

/** The name that the projections of a module have together. */
export const nameOf = (layer: number, module: keyof typeof members): string =>
  `model.layers.${layer}.${module}.${members[module].join("+")}`

const together = (
  layer: number,
  module: keyof typeof members,
  suffix: "weight" | "bias",
  parts: ReadonlyMap<string, Parameters.Part>
) => {
  const found = members[module].flatMap((member) =>
    parts.get(`model.layers.${layer}.${module}.${member}.${suffix}`) ?? []
  )
  const [first] = found
  // Each begins on a border, which leaves a gap where the one before it has an odd size.
  if (
    first === undefined || found.some(({ offset }, i) => i > 0 && offset !== found[i - 1]!.offset + found[i - 1]!.size)
  ) return []
  const rows = found.reduce((sum, { shape }) => sum + shape[0]!, 0)
  return [{
    members: found,
    part: {
      name: `${nameOf(layer, module)}.${suffix}`,
      shape: [rows, first.shape[1] ?? 1],
      offset: first.offset,
      size: found.reduce((sum, { size }) => sum + size, 0)
    }
  }]
}

/**
 * What flat weights hold for decoding: all parts, with those that can be taken together in place of their members; and
 * the former alone.
 */
export const parts = (
  decoder: Decoder
): { readonly all: ReadonlyArray<Parameters.Part>; readonly joined: ReadonlyArray<Parameters.Part> } => {
  const all = groups(decoder)
  return { all, joined: all.filter(({ parts }) => parts.length > 1) }
}

/** All of `parts`, each with its members in their order, which are itself where it has no others. */
export const groups = (
  decoder: Decoder
): ReadonlyArray<Parameters.Part & { readonly parts: ReadonlyArray<Parameters.Part> }> => {
  const single = Parameters.parts(Parameters.layout(parameterShapes(decoder)))
  const byName = new Map(single.map((part) => [part.name, part]))
  const found = Array.from(
    { length: decoder.layers },
    (_, layer) =>
      (["self_attn", "mlp"] as const).flatMap((module) =>
        (["weight", "bias"] as const).flatMap((suffix) => together(layer, module, suffix, byName))
      )
  ).flat()
  const replaced = new Set(found.flatMap(({ members }) => members))
  return [
    ...single.flatMap((part) => replaced.has(part) ? [] : [{ ...part, parts: [part] }]),
    ...found.map(({ members, part }) => ({ ...part, parts: members }))
  ]
}
