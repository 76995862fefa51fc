/**
 * Exercises in copying, for a model from scratch: what a memory agent does first of all is to carry over names that it
 * has never seen.
 *
 * A small decoder that learns the Memory World directly learns the names of its training pools by heart, long before it
 * copies. Some hundred steps on these exercises give it the circuit that copies (an induction head); see Olsson et al.
 * 2022, "In-context Learning and Induction Heads".
 *
 * @since 0.1.0
 */
import type { Episode } from "@memory-r1/core/rl"
import * as Prng from "./internal/prng.ts"
import { joined } from "./internal/subjects.ts"
import * as Values from "./internal/values.ts"

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
 * import { Copying } from "@memory-r1/memory-world"
 *
 * const { completions, prompt } = Copying.repeats(3)[0]!
 * completions[0]?.target === prompt.trim() // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const repeats = (seed: number): ReadonlyArray<Episode.Demonstration> => {
  const random = Prng.make(seed ^ 0x27d4eb2f)
  return Array.from({ length: 32 }, () => {
    const line = words(random, 3 + random.int(8), new Set()).join(" ")
    return { prompt: `${line}\n`, completions: [{ target: line }] }
  })
}

// A value of one word, or of two as "park ranger" is: who stops after the first word has not copied it.
const value = (random: Prng.Prng, taken: Set<string>): string =>
  words(random, random.chance(0.3) ? 2 : 1, taken).join(" ")

// Some of the lines that two lists of words can begin, each with up to `most` values more.
const keyed = (
  random: Prng.Prng,
  { firsts, least, most }: { readonly firsts: number; readonly least: number; readonly most: number }
) => {
  const taken = new Set<string>()
  const [before, after] = [words(random, firsts, taken), words(random, 2 + random.int(4), taken)]
  const keys = before.flatMap((first) => after.map((second) => [first, second] as const))
  const lines = random.sample(keys, Math.max(least, Math.round(keys.length * (0.4 + 0.5 * random.next()))))
    .map(([first, second]) => ({
      first,
      second,
      values: Array.from({ length: 1 + random.int(most) }, () => value(random, taken))
    }))
  return {
    keys,
    lines,
    valuesOf: (first: string, second: string) =>
      lines.find((line) => line.first === first && line.second === second)?.values ?? [],
    another: () => value(random, taken)
  }
}

/**
 * Lines with the two words that each is found by; both of them, in either order, are answered with the line and the
 * rest of it, or with "none" where no line has both. What a question about memories comes to: the person and the
 * subject have to fit, and nothing is known where only one of them does.
 *
 * @example
 * ```ts
 * import { Copying } from "@memory-r1/memory-world"
 *
 * /(^|\n)= ./.test(Copying.lookUps(3)[0]!.completions[0]!.target) // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const lookUps = (seed: number): ReadonlyArray<Episode.Demonstration> => {
  const random = Prng.make(seed ^ 0x165667b1)
  return Array.from({ length: 8 }, () => {
    const { keys, lines, valuesOf } = keyed(random, { firsts: 2 + random.int(2), least: 2, most: 3 })
    return {
      prompt: lines.map(({ first, second, values }) => `${first} ${second} ${values.join(" ")}\n`).join(""),
      completions: random.sample(keys, 8).map(([first, second]) => {
        const rest = valuesOf(first, second).join(" ")
        return {
          context: `${(random.chance(0.5) ? [first, second] : [second, first]).join(" ")}\n`,
          target: rest === "" ? "= none" : `${first} ${second} ${rest}\n= ${rest}`
        }
      })
    }
  })
}

/**
 * Lines with the two words that each is found by, and one value more for two such words: what a manager does that keeps
 * a list. The line is written anew with the value at its end; where no line has both it is a new line, and where the
 * line has the value already there is nothing to do. Targets are written as `ManagerFormat.format` writes them.
 *
 * @example
 * ```ts
 * import { Copying } from "@memory-r1/memory-world"
 *
 * /^(ADD|UPDATE|NOOP)/.test(Copying.additions(3)[0]!.completions[0]!.target) // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const additions = (seed: number): ReadonlyArray<Episode.Demonstration> => {
  const random = Prng.make(seed ^ 0x2545f491)
  return Array.from({ length: 8 }, () => {
    const { another, keys, lines, valuesOf } = keyed(random, { firsts: 1 + random.int(2), least: 1, most: 2 })
    return {
      prompt: lines.map(({ first, second, values }) => `${first} ${second} ${joined(values)}\n`).join(""),
      completions: random.sample(keys, 8).map(([first, second]) => {
        const values = valuesOf(first, second)
        const told = values.length > 0 && random.chance(0.2) ? random.pick(values) : another()
        const said = random.pick([[first, second, told], [second, first, told], [told, second, first], [
          first,
          told,
          second
        ]])
        const before = `${first} ${second} ${joined(values)}`
        return {
          context: `${said.join(" ")}\n`,
          target: values.includes(told)
            ? "NOOP"
            : values.length === 0
            ? `ADD ${first} ${second} ${told}`
            : `UPDATE ${before}\n= ${first} ${second} ${joined([...values, told])}`
        }
      })
    }
  })
}
