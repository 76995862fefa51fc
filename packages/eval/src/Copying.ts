/**
 * Exercises in copying, for a model from scratch: what a memory agent does first of all is to carry over names that it has never seen.
 *
 * A small decoder that learns the Memory World directly learns the names of its training pools by heart, long before it copies.
 * Some hundred steps on these exercises give it the circuit that copies (an induction head); see Olsson et al. 2022,
 * "In-context Learning and Induction Heads".
 */
import type { Episode } from "@memory-r1/core"
import * as Prng from "./internal/world/prng.ts"
import * as Values from "./internal/world/values.ts"

const invented = (capital: boolean): Values.Pool => ({ train: [], heldOut: [], capital })

const words = (random: Prng.Prng, count: number, taken: Set<string>): ReadonlyArray<string> =>
  Array.from({ length: count }, () => {
    const word = Values.draw(random, invented(random.chance(0.5)), "train", taken, 1)
    taken.add(word)
    return word
  })

/**
 * A line of invented words, and the same line again.
 *
 * @example
 * ```ts
 * import { Copying } from "@memory-r1/eval"
 *
 * const { completions, prompt } = Copying.repeats(3)[0]!
 * completions[0]?.target === prompt.trim() // => true
 * ```
 */
export const repeats = (seed: number): ReadonlyArray<Episode.Demonstration> => {
  const random = Prng.make(seed ^ 0x27d4eb2f)
  return Array.from({ length: 32 }, () => {
    const line = words(random, 3 + random.int(8), new Set()).join(" ")
    return { prompt: `${line}\n`, completions: [{ target: line }] }
  })
}

/**
 * Numbered lines of invented words; the first word of a line is answered with its number and the rest of it.
 *
 * @example
 * ```ts
 * import { Copying } from "@memory-r1/eval"
 *
 * /^\d+ = ./.test(Copying.lookUps(3)[0]!.completions[0]!.target) // => true
 * ```
 */
export const lookUps = (seed: number): ReadonlyArray<Episode.Demonstration> => {
  const random = Prng.make(seed ^ 0x165667b1)
  return Array.from({ length: 16 }, () => {
    const taken = new Set<string>()
    const lines = Array.from({ length: 2 + random.int(8) }, () => words(random, 2 + random.int(4), taken))
    return {
      prompt: lines.map((line, handle) => `${handle} ${line.join(" ")}\n`).join(""),
      completions: random.sample([...lines.entries()], 4).map(([handle, [first, ...rest]]) => ({
        context: `${first}\n`,
        target: `${handle} = ${rest.join(" ")}`
      }))
    }
  })
}
