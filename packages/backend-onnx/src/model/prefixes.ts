// Prompts that begin alike are generated from one computation of their common beginning.

export interface PrefixGroup {
  /** Places of the prompts in the request. */
  readonly members: ReadonlyArray<number>
  /** How many tokens all members have in common; at least one less than the shortest member has. */
  readonly shared: number
}

const common = (a: ReadonlyArray<number>, b: ReadonlyArray<number>, limit: number): number => {
  let length = 0
  while (length < limit && length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}

const compare = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const length = common(a, b, Infinity)
  return (a[length] ?? -1) - (b[length] ?? -1)
}

/**
 * Groups prompts so that each group shares at least `minimum` tokens and at least half of each of its prompts. A group
 * has at most `largest` members: every member sees the slots of the whole group in the cache.
 */
export const group = (
  prompts: ReadonlyArray<ReadonlyArray<number>>,
  options: { readonly minimum: number; readonly largest: number }
): ReadonlyArray<PrefixGroup> => {
  const order = Array.from(prompts.keys()).sort((a, b) => compare(prompts[a]!, prompts[b]!) || a - b)
  const groups: Array<{ members: Array<number>; shared: number }> = []
  for (const index of order) {
    const prompt = prompts[index]!
    const last = groups.at(-1)
    if (last !== undefined && last.members.length < options.largest) {
      const first = prompts[last.members[0]!]!
      // A beginning never includes a whole prompt: its last token is the first input of generation.
      const shared = Math.min(common(first, prompt, last.shared), prompt.length - 1)
      const longest = Math.max(prompt.length, ...last.members.map((member) => prompts[member]!.length))
      if (shared >= options.minimum && shared * 2 >= longest) {
        last.members.push(index)
        last.shared = shared
        continue
      }
    }
    groups.push({ members: [index], shared: prompt.length - 1 })
  }
  return groups
}
