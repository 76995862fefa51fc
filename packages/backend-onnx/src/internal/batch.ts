// From prompt groups to the padded arrays that the graphs take.
import type { Feeds } from "./session.ts"
import { float, integers } from "./session.ts"

/** The mask value that no softmax lets through, and that stays finite. */
export const hidden = -1e9

const triangle = (size: number): Float32Array => {
  const mask = new Float32Array(size * size)
  for (let row = 0; row < size; row++) mask.fill(hidden, row * size + row + 1, (row + 1) * size)
  return mask
}

/** Sizes, fed as one-element tensors. */
export const sizes = (named: Readonly<Record<string, number>>): Feeds =>
  Object.fromEntries(Object.entries(named).map(([name, size]) => [`size.${name}`, integers([size], [1])]))

/** Prompts without their last token, padded at the end to P tokens (at least one, so that no dimension is empty). */
export const promptFeeds = (prompts: ReadonlyArray<ReadonlyArray<number>>) => {
  const N = prompts.length
  const P = Math.max(1, ...prompts.map((prompt) => prompt.length - 1))
  const tokens = new Int32Array(N * P)
  const positions = new Int32Array(N * P)
  const visible = new Float32Array(N * P).fill(hidden)
  prompts.forEach((prompt, n) => {
    for (let p = 0; p < P; p++) positions[n * P + p] = p
    for (let p = 0; p < prompt.length - 1; p++) {
      tokens[n * P + p] = prompt[p]!
      visible[n * P + p] = 0
    }
  })
  const feeds: Feeds = {
    "prompt.tokens": integers(tokens, [N * P]),
    "prompt.positions": integers(positions, [N, P]),
    "prompt.causal": float(triangle(P), [P, P])
  }
  return { N, P, feeds, visible }
}

/** Rows of tokens after their group's first `start` tokens, padded at the end to G rows of C tokens. */
export const completionFeeds = (
  groups: ReadonlyArray<{ readonly start: number; readonly rows: ReadonlyArray<ReadonlyArray<number>> }>,
  { C, G }: { readonly G: number; readonly C: number }
): Feeds => {
  const N = groups.length
  const tokens = new Int32Array(N * G * C)
  const positions = new Int32Array(N * G * C)
  groups.forEach(({ rows, start }, n) => {
    for (let g = 0; g < G; g++) {
      const row = (n * G + g) * C
      const own = rows[g] ?? []
      // Padding stays at position 0: behind a long prompt it would run out of the context.
      for (let t = 0; t < own.length; t++) positions[row + t] = start + t
      tokens.set(own, row)
    }
  })
  return {
    "completion.tokens": integers(tokens, [N * G * C]),
    "completion.positions": integers(positions, [N * G, C]),
    "completion.causal": float(triangle(C), [C, C])
  }
}

const sharedFeeds = (prompts: ReadonlyArray<ReadonlyArray<number>>): Feeds => {
  const { N, P, feeds, visible } = promptFeeds(prompts)
  return { ...feeds, ...sizes({ P }), "completion.visible": float(visible, [N, 1, 1, 1, 1, P]) }
}

/** Prompt groups as the score and train graphs take them; `prompted` says which of the two. */
export const groupFeeds = (
  groups: ReadonlyArray<{ readonly prompt: ReadonlyArray<number>; readonly completions: ReadonlyArray<ReadonlyArray<number>> }>,
  temperature: number
) => {
  const N = groups.length
  const prompted = groups.some(({ prompt }) => prompt.length > 1)
  const G = Math.max(...groups.map(({ completions }) => completions.length))
  const C = Math.max(1, ...groups.flatMap(({ completions }) => completions.map((tokens) => tokens.length)))
  const targets = new Int32Array(N * G * C)
  groups.forEach(({ completions }, n) => completions.forEach((tokens, g) => targets.set(tokens, (n * G + g) * C)))
  const inputs = groups.map(({ completions, prompt }) => ({
    start: prompt.length - 1,
    rows: completions.map((tokens) => [prompt.at(-1)!, ...tokens.slice(0, -1)])
  }))
  const feeds: Feeds = {
    ...(prompted ? sharedFeeds(groups.map(({ prompt }) => prompt)) : {}),
    ...completionFeeds(inputs, { G, C }),
    ...sizes({ N, G, C }),
    targets: integers(targets, [N * G * C, 1]),
    inverseTemperature: float(Float32Array.of(1 / temperature), [])
  }
  return { G, C, N, prompted, feeds }
}

/**
 * Splits items into micro-batches of at most `budget` padded tokens. Gives their indices. What is padded to the longest of a batch is
 * a prompt once and a completion for each of the group, so items go together by completion length (in steps of 8) and then by prompt.
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
export const sizeOf = (group: { readonly prompt: ReadonlyArray<number>; readonly completions: ReadonlyArray<{ readonly length: number }> }) => ({
  prompt: group.prompt.length,
  group: group.completions.length,
  completion: Math.max(1, ...group.completions.map(({ length }) => length))
})
