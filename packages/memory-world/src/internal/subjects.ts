// What the Memory World's people can talk about: each subject with its values, its memory text and how that is read
// back.
import * as Phrases from "./phrases.ts"
import * as Values from "./values.ts"

/** One value that a later one replaces, a list that grows and shrinks, or a date of one named thing. */
export type Shape = "single" | "list" | "date"

/**
 * What can be talked about.
 *
 * @category models
 * @since 0.1.0
 */
export type SubjectName =
  | "city"
  | "job"
  | "food"
  | "partner"
  | "friend"
  | "pets"
  | "siblings"
  | "hobbies"
  | "languages"
  | "trips"

export interface Subject {
  readonly name: SubjectName
  readonly shape: Shape
  readonly pool: Values.Pool
  readonly phrases: Phrases.SubjectPhrases
  /** What tells two slots of one subject apart: the kind of pet, the destination of a trip. */
  readonly details?:
    | { readonly train: ReadonlyArray<string>; readonly heldOut: ReadonlyArray<string> }
    | "drawn"
    | undefined
  readonly memory: (person: string, values: ReadonlyArray<string>, detail: string) => string
  /** Person, values and detail out of a memory text; groups `person`, `values`, and `detail` where there is one. */
  readonly pattern: RegExp
}

/** "Buddy, Max and Scout". */
export const joined = (values: ReadonlyArray<string>): string =>
  values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} and ${values.at(-1)}`

export const separated = (text: string): ReadonlyArray<string> =>
  text.split(/, | and /).map((value) => value.trim()).filter((value) => value !== "")

export const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`

const P = "(?<person>[A-Z][\\p{L}-]*)"
const pattern = (rest: string): RegExp => new RegExp(`^${P} ${rest}$`, "u")

export const subjects: Readonly<Record<SubjectName, Subject>> = {
  city: {
    name: "city",
    shape: "single",
    pool: Values.cities,
    phrases: Phrases.city,
    memory: (person, [value]) => `${person} lives in ${value}`,
    pattern: pattern("lives in (?<values>.+)")
  },
  job: {
    name: "job",
    shape: "single",
    pool: Values.jobs,
    phrases: Phrases.job,
    memory: (person, [value]) => `${person} works as ${withArticle(value!)}`,
    pattern: pattern("works as an? (?<values>.+)")
  },
  food: {
    name: "food",
    shape: "single",
    pool: Values.foods,
    phrases: Phrases.food,
    memory: (person, [value]) => `${person} likes ${value} best`,
    pattern: pattern("likes (?<values>.+) best")
  },
  partner: {
    name: "partner",
    shape: "single",
    pool: Values.people,
    phrases: Phrases.partner,
    memory: (person, [value]) => `${person} is dating ${value}`,
    pattern: pattern("is dating (?<values>.+)")
  },
  friend: {
    name: "friend",
    shape: "single",
    pool: Values.people,
    phrases: Phrases.friend,
    memory: (person, [value]) => `${person} has a best friend named ${value}`,
    pattern: pattern("has a best friend named (?<values>.+)")
  },
  pets: {
    name: "pets",
    shape: "list",
    pool: Values.petNames,
    phrases: Phrases.pets,
    details: { train: Values.petKinds, heldOut: Values.petKinds },
    memory: (person, values, kind) =>
      `${person} has ${values.length > 1 ? `${kind}s` : `a ${kind}`} named ${joined(values)}`,
    pattern: pattern(`has (?:a )?(?<detail>${Values.petKinds.join("|")})s? named (?<values>.+)`)
  },
  siblings: {
    name: "siblings",
    shape: "list",
    pool: Values.people,
    phrases: Phrases.siblings,
    memory: (person, values) => `${person} has ${values.length > 1 ? "siblings" : "a sibling"} named ${joined(values)}`,
    pattern: pattern("has (?:a sibling|siblings) named (?<values>.+)")
  },
  hobbies: {
    name: "hobbies",
    shape: "list",
    pool: Values.hobbies,
    phrases: Phrases.hobbies,
    memory: (person, values) => `${person} enjoys ${joined(values)}`,
    pattern: pattern("enjoys (?<values>.+)")
  },
  languages: {
    name: "languages",
    shape: "list",
    pool: Values.languages,
    phrases: Phrases.languages,
    memory: (person, values) => `${person} speaks ${joined(values)}`,
    pattern: pattern("speaks (?<values>.+)")
  },
  trips: {
    name: "trips",
    shape: "date",
    pool: Values.cities,
    phrases: Phrases.trips,
    details: "drawn",
    memory: (person, [date], place) => `${person} is going to ${place} in ${date}`,
    pattern: pattern("is going to (?<detail>.+) in (?<values>\\w+ \\d{4})")
  }
}

/**
 * A slot that memories are about: a person, a subject, and a detail (empty where the subject has none).
 *
 * @category models
 * @since 0.1.0
 */
export interface Slot {
  readonly person: string
  readonly subject: SubjectName
  readonly detail: string
}

export const slotKey = ({ detail, person, subject }: Slot): string => `${person}/${subject}/${detail}`

/** What one memory text says, or `undefined` where it is none of the world's statements. */
export const readMemory = (
  text: string
): { readonly slot: Slot; readonly values: ReadonlyArray<string> } | undefined => {
  for (const subject of Object.values(subjects)) {
    const groups = subject.pattern.exec(text)?.groups
    if (groups === undefined) continue
    const values = subject.shape === "list" ? separated(groups["values"]!) : [groups["values"]!]
    if (values.length > 0) {
      return { slot: { person: groups["person"]!, subject: subject.name, detail: groups["detail"] ?? "" }, values }
    }
  }
  return undefined
}

export const memoryText = ({ detail, person, subject }: Slot, values: ReadonlyArray<string>): string =>
  subjects[subject].memory(person, values, detail)
