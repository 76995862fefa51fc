// Words that nobody has said before.
import type { Prng } from "./prng.ts"

const list = (text: string): ReadonlyArray<string> => text.split(", ")
const onsets = list(
  "b, br, c, cl, d, dr, f, fl, g, gr, h, j, k, l, m, n, p, pl, qu, r, s, sh, st, t, tr, v, w, y, z, th, sk, sp"
)
const vowels = list("a, e, i, o, u, ai, ea, oo, ei, ou, ia")
const codas = ["", "", "", ...list("n, r, l, s, m, t, k, nd, rt, sh, x, th, ng, lo, ry, ta, dy")]

const syllables = (random: Prng): string =>
  Array.from({ length: 2 + random.int(2) }, () => random.pick(onsets) + random.pick(vowels)).join("") +
  random.pick(codas)

const [least, most] = [3, 11]

/**
 * An inventor of words: half of them are put together from syllables, which gives combinations of every sort; half are
 * written letter by letter as `words` are (a Markov chain of order two), which gives those that names and nouns have.
 * None of `never` comes out.
 */
export const inventor = (words: Iterable<string>, never: ReadonlySet<string>): (random: Prng) => string => {
  const followers = new Map<string, Array<string>>()
  for (const word of words) {
    const letters = [...word, ""]
    letters.forEach((letter, i) => {
      const context = word.slice(Math.max(0, i - 2), i)
      followers.set(context, [...(followers.get(context) ?? []), letter])
    })
  }
  const letters = (random: Prng): string => {
    let word = ""
    for (;;) {
      const letter = random.pick(followers.get(word.slice(-2))!)
      if (letter === "" || word.length > most) return word
      word += letter
    }
  }
  return (random) => {
    for (;;) {
      const word = random.chance(0.5) ? syllables(random) : letters(random)
      if (word.length >= least && word.length <= most && !never.has(word)) return word
    }
  }
}
