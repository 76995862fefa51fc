// The values of the Memory World. Each pool has a part for training and a part that only held-out dialogues use.
// Invented words join the training part, so that a model learns to copy what it has never seen instead of learning the
// pool by heart.
import data from "./data/values.json" with { type: "json" }
import { inventor } from "./invented.ts"
import type { Prng } from "./prng.ts"

export type Split = "train" | "heldOut"

export interface Pool {
  readonly train: ReadonlyArray<string>
  readonly heldOut: ReadonlyArray<string>
  readonly capital: boolean
}

const list = (lines: ReadonlyArray<string>): ReadonlyArray<string> => lines.flatMap((line) => line.split(", "))
const pool = ({ capital, heldOut, train }: Pool): Pool => ({ train: list(train), heldOut: list(heldOut), capital })

export const people = pool(data.people)
export const petNames = pool(data.petNames)
export const cities = pool(data.cities)
export const jobs = pool(data.jobs)
export const foods = pool(data.foods)
export const hobbies = pool(data.hobbies)
export const languages = pool(data.languages)
export const petKinds = list(data.petKinds)
export const months = list(data.months)

const everyWord = (capital: boolean, split: Split): ReadonlyArray<string> =>
  [people, petNames, cities, jobs, foods, hobbies, languages]
    .filter((pool) => pool.capital === capital)
    .flatMap((pool) => pool[split].flatMap((value) => value.toLowerCase().split(/[ -]/)))

const heldOutWords = new Set([...everyWord(true, "heldOut"), ...everyWord(false, "heldOut")])
const nameLike = inventor(everyWord(true, "train"), heldOutWords)
const nounLike = inventor(everyWord(false, "train"), heldOutWords)

// Of as many words as some value of the pool; of several, each is at times one that the pool has.
const invent = (random: Prng, { capital, train }: Pool): string => {
  const model = train.length === 0 ? [""] : random.pick(train).split(" ")
  const words = model.map((word) =>
    model.length > 1 && random.chance(0.5) ? word : (capital ? nameLike : nounLike)(random)
  )
  const value = words.join(" ")
  return capital ? value[0]!.toUpperCase() + value.slice(1) : value
}

/** A value that is none of `taken`; a training value is invented with the given probability. */
export const draw = (random: Prng, pool: Pool, split: Split, taken: ReadonlySet<string>, invented: number): string => {
  for (;;) {
    const value = split === "train" && random.chance(invented) ? invent(random, pool) : random.pick(pool[split])
    if (!taken.has(value)) return value
  }
}
