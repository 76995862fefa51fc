// From prompt groups to the padded arrays that the graphs take.
import type { Feeds } from "../graph/session.ts"
import { float, integers } from "../graph/session.ts"
import type { Decoder } from "./architecture.ts"

/** The mask value that no softmax lets through, and that stays finite. */
export const hidden = -1e9

// What the queries of a block see of the keys up to its end: `[rows, columns]`, the last `rows` of which are the
// queries' own.
const triangle = (rows: number, columns: number, window = Infinity): Float32Array => {
  const mask = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const own = columns - rows + row
    mask.fill(hidden, row * columns, row * columns + Math.max(0, own - window + 1))
    mask.fill(hidden, row * columns + own + 1, (row + 1) * columns)
  }
  return mask
}

/** The window of a decoder's layers, where some have one; layers with several different ones there are not. */
export const windowOf = ({ layerKinds }: Pick<Decoder, "layerKinds">): number | undefined =>
  layerKinds.find(({ window }) => window !== undefined)?.window

const causalFeeds = (name: string, rows: number, columns: number, window: number | undefined): Feeds => ({
  [`${name}.causal`]: float(triangle(rows, columns), [rows, columns]),
  ...(window === undefined ? {} : { [`${name}.causalWindow`]: float(triangle(rows, columns, window), [rows, columns]) })
})

/** Sizes, fed as one-element tensors. */
export const sizes = (named: Readonly<Record<string, number>>): Feeds =>
  Object.fromEntries(Object.entries(named).map(([name, size]) => [`size.${name}`, integers([size], [1])]))

/** Queries of a prompt that go together; longer prompts are cut into equal blocks of at most as many. */
export const blockTokens = 256

/** Into how many blocks prompts are cut that have so many tokens to be computed. */
export const blocksOf = (lengths: ReadonlyArray<number>): number => Math.ceil(Math.max(1, ...lengths) / blockTokens)

/**
 * Prompts without their last token, padded at the end to P tokens (at least one, so that no dimension is empty), in
 * equal blocks.
 */
export const promptFeeds = (prompts: ReadonlyArray<ReadonlyArray<number>>, window: number | undefined) => {
  const N = prompts.length
  const lengths = prompts.map((prompt) => prompt.length - 1)
  const blocks = blocksOf(lengths)
  const B = Math.ceil(Math.max(1, ...lengths) / blocks)
  const P = B * blocks
  const tokens = new Int32Array(N * P)
  const positions = new Int32Array(N * P)
  prompts.forEach((prompt, n) => {
    // Padding stays at position 0: behind a long prompt it would run out of the context.
    for (let p = 0; p < prompt.length - 1; p++) {
      tokens[n * P + p] = prompt[p]!
      positions[n * P + p] = p
    }
  })
  const feeds: Feeds = {
    "prompt.tokens": integers(tokens, [N * P]),
    "prompt.positions": integers(positions, [N, P]),
    ...causalFeeds("prompt", B, P, window),
    ...(blocks === 1 ? {} : sizes({ B }))
  }
  return { N, P, blocks, feeds }
}

/** What completions see of P slots that hold their prompts' first tokens, from how many of which on they start. */
export const visibleFeeds = (
  starts: ReadonlyArray<number>,
  { C, P, window }: { readonly P: number; readonly C: number; readonly window: number | undefined }
): Feeds => {
  const N = starts.length
  const full = new Float32Array(N * P)
  starts.forEach((start, n) => full.fill(hidden, n * P + start, (n + 1) * P))
  const feeds = { "completion.visible": float(full, [N, 1, 1, 1, 1, P]) }
  if (window === undefined) return feeds
  const near = new Float32Array(N * C * P)
  starts.forEach((start, n) => {
    for (let t = 0; t < C; t++) {
      const row = (n * C + t) * P
      near.fill(hidden, row, row + Math.min(P, Math.max(0, start + t - window + 1)))
      near.fill(hidden, row + start, row + P)
    }
  })
  return { ...feeds, "completion.visibleWindow": float(near, [N, 1, 1, 1, C, P]) }
}

/** Rows of tokens after their group's first `start` tokens, padded at the end to G rows of C tokens. */
export const completionFeeds = (
  groups: ReadonlyArray<{ readonly start: number; readonly rows: ReadonlyArray<ReadonlyArray<number>> }>,
  { C, G, window }: { readonly G: number; readonly C: number; readonly window: number | undefined }
): Feeds => {
  const N = groups.length
  const tokens = new Int32Array(N * G * C)
  const positions = new Int32Array(N * G * C)
  groups.forEach(({ rows, start }, n) => {
    for (let g = 0; g < G; g++) {
      const row = (n * G + g) * C
      const own = rows[g] ?? []
      for (let t = 0; t < own.length; t++) positions[row + t] = start + t
      tokens.set(own, row)
    }
  })
  return {
    "completion.tokens": integers(tokens, [N * G * C]),
    "completion.positions": integers(positions, [N * G, C]),
    ...causalFeeds("completion", C, C, window)
  }
}

/**
 * Prompt groups as the score and train graphs take them; `blocks` says which of them: 0 where no prompt has more than
 * one token.
 */
export const groupFeeds = (
  groups: ReadonlyArray<
    { readonly prompt: ReadonlyArray<number>; readonly completions: ReadonlyArray<ReadonlyArray<number>> }
  >,
  temperature: number,
  window: number | undefined
) => {
  const N = groups.length
  const prompts = groups.some(({ prompt }) => prompt.length > 1)
    ? promptFeeds(groups.map(({ prompt }) => prompt), window)
    : undefined
  const G = Math.max(...groups.map(({ completions }) => completions.length))
  const C = Math.max(1, ...groups.flatMap(({ completions }) => completions.map((tokens) => tokens.length)))
  const targets = new Int32Array(N * G * C)
  groups.forEach(({ completions }, n) => completions.forEach((tokens, g) => targets.set(tokens, (n * G + g) * C)))
  const inputs = groups.map(({ completions, prompt }) => ({
    start: prompt.length - 1,
    rows: completions.map((tokens) => [prompt.at(-1)!, ...tokens.slice(0, -1)])
  }))
  const feeds: Feeds = {
    ...(prompts === undefined ? {} : {
      ...prompts.feeds,
      ...sizes({ P: prompts.P }),
      ...visibleFeeds(inputs.map(({ start }) => start), { P: prompts.P, C, window })
    }),
    ...completionFeeds(inputs, { G, C, window }),
    ...sizes({ N, G, C }),
    targets: integers(targets, [N * G * C, 1]),
    inverseTemperature: float(Float32Array.of(1 / temperature), [])
  }
  return { G, C, N, blocks: prompts?.blocks ?? 0, feeds }
}

/**
 * Splits items into micro-batches of at most `budget` padded tokens. Gives their indices. What is padded to the longest
 * of a batch is a prompt once and a completion for each of the group, so items go together by completion length (in
 * steps of 8) and then by prompt.
 */
export const microBatches = (
  items: ReadonlyArray<{ readonly prompt: number; readonly group: number; readonly completion: number }>,
  budget: number
): ReadonlyArray<ReadonlyArray<number>> => {
  const step = (length: number): number => Math.ceil(length / 8)
  const order = Array.from(items.keys()).sort((a, b) =>
    items[a]!.group - items[b]!.group
    || step(items[a]!.completion) - step(items[b]!.completion)
    || items[a]!.prompt - items[b]!.prompt
    || a - b
  )
  const batches: Array<Array<number>> = []
  let current: Array<number> = []
  let widest = { prompt: 0, completion: 0, group: 0 }
  for (const index of order) {
    const item = items[index]!
    const next = {
      prompt: Math.max(widest.prompt, item.prompt),
      completion: Math.max(widest.completion, item.completion),
      group: Math.max(widest.group, item.group)
    }
    const padded = (current.length + 1) * (next.prompt + next.group * next.completion)
    const wanted = widest.prompt + widest.group * widest.completion
    // A batch ends when it is full, or when an item would make all the others much longer.
    const stretches = next.prompt + next.group * next.completion > 1.5 * wanted && current.length * wanted > budget / 4
    if (current.length > 0 && (padded > budget || stretches)) {
      batches.push(current)
      current = []
      widest = item
    } else {
      widest = next
    }
    current.push(index)
  }
  if (current.length > 0) batches.push(current)
  return batches
}

/** The sizes of a prompt group, for `microBatches`. */
export const sizeOf = (
  group: { readonly prompt: ReadonlyArray<number>; readonly completions: ReadonlyArray<{ readonly length: number }> }
) => ({
  prompt: group.prompt.length,
  group: group.completions.length,
  completion: Math.max(1, ...group.completions.map(({ length }) => length))
})

/** Tokens of the longest sequence. */
export const longest = (
  groups: ReadonlyArray<
    { readonly prompt: ReadonlyArray<number>; readonly completions: ReadonlyArray<{ readonly length: number }> }
  >
): number =>
  groups.reduce(
    (most, group) =>
      Math.max(most, group.prompt.length + group.completions.reduce((n, { length }) => Math.max(n, length), 0)),
    1
  )
