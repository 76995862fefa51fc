// What people can tell next, and in which words.
import type { Prng } from "./prng.ts"
import { sentence } from "./sentence.ts"
import { type Slot, slotKey, type Subject, subjects } from "./subjects.ts"
import * as Values from "./values.ts"

/**
 * What a turn does to what is true: `new` fills an empty slot, `additive` adds to a list, `replace` changes a value,
 * `retract` takes one back, `duplicate` repeats, `talk` says nothing that anybody will ask about.
 *
 * @category models
 * @since 0.1.0
 */
export type EventKind = "new" | "additive" | "replace" | "retract" | "duplicate" | "talk"

const maxListLength = 3

/** Somebody, with what they may speak of and what they have told. */
export interface Person {
  readonly name: string
  readonly slots: ReadonlyArray<Slot>
  readonly known: Map<string, { readonly slot: Slot; values: ReadonlyArray<string>; evidence: ReadonlyArray<string> }>
}

/** What a person may speak of. */
export const slotsOf = (
  random: Prng,
  person: string,
  split: Values.Split,
  invented: number,
  taken: Set<string>
): ReadonlyArray<Slot> =>
  Object.values(subjects).flatMap(({ details, name: subject, pool }): ReadonlyArray<Slot> => {
    if (details === undefined) return [{ person, subject, detail: "" }]
    const drawn = details === "drawn"
      ? [1, 2].map(() => {
        const value = Values.draw(random, pool, split, taken, invented)
        taken.add(value)
        return value
      })
      : random.sample(details[split], 2)
    return drawn.map((detail) => ({ person, subject, detail }))
  })

/** Something that a person tells. */
export interface Move {
  readonly kind: EventKind
  readonly slot: Slot
  readonly said: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
  /** The earlier value that the sentence may name. */
  readonly other: string
}

/** One possible event of a kind, or `undefined` where the person's life has none. */
export const move = (
  random: Prng,
  kind: EventKind,
  person: Person,
  draw: (subject: Subject, before: string | undefined) => string
): Move | undefined => {
  const held = person.slots.filter((slot) => (person.known.get(slotKey(slot))?.values.length ?? 0) > 0)
  const valuesOf = (slot: Slot): ReadonlyArray<string> => person.known.get(slotKey(slot))?.values ?? []
  const shapeOf = (slot: Slot) => subjects[slot.subject].shape
  const candidates: Readonly<Record<EventKind, () => ReadonlyArray<Slot>>> = {
    new: () => person.slots.filter((slot) => !person.known.has(slotKey(slot))),
    additive: () => held.filter((slot) => shapeOf(slot) === "list" && valuesOf(slot).length < maxListLength),
    replace: () => held.filter((slot) => shapeOf(slot) !== "list"),
    retract: () => held.filter((slot) => subjects[slot.subject].phrases.remove !== undefined),
    duplicate: () => held,
    talk: () => []
  }
  const options = candidates[kind]()
  if (options.length === 0) return undefined
  // Lists of several are rarer than single values: prefer to take back from them.
  const longer = kind === "retract" ? options.filter((slot) => valuesOf(slot).length > 1) : []
  const slot = longer.length > 0 && random.chance(0.6) ? random.pick(longer) : random.pick(options)
  const values = valuesOf(slot)
  const of = (said: ReadonlyArray<string>, after: ReadonlyArray<string>, other: string): Move => ({
    kind,
    slot,
    said,
    after,
    other
  })
  switch (kind) {
    case "new": {
      const value = draw(subjects[slot.subject], values[0])
      return of([value], [value], "")
    }
    case "additive": {
      const value = draw(subjects[slot.subject], values[0])
      return of([value], [...values, value], random.pick(values))
    }
    case "replace": {
      const value = draw(subjects[slot.subject], values[0])
      return of([value], [value], values[0]!)
    }
    case "retract": {
      const value = random.pick(values)
      return of([value], values.filter((other) => other !== value), value)
    }
    default: {
      const value = random.pick(values)
      return of([value], values, "")
    }
  }
}

const monthOf = (date: string): string => date.split(" ")[0]!

/** A move in words. */
export const say = (
  random: Prng,
  { kind, other, said, slot }: Move,
  listener: string,
  split: Values.Split
): string => {
  const { phrases, shape } = subjects[slot.subject]
  const fresh = phrases.new[split]
  const templates = {
    new: fresh,
    // What is new and what is added or changed is often said in the same words.
    additive: random.chance(0.15) ? fresh : phrases.add?.[split] ?? fresh,
    replace: random.chance(0.15) ? fresh : phrases.replace?.[split] ?? fresh,
    retract: phrases.remove?.[split] ?? [],
    duplicate: random.chance(0.3) ? fresh : phrases.again[split],
    talk: []
  }[kind]
  const values: Readonly<Record<string, string>> = shape === "date"
    ? { other: listener, v: slot.detail, m: monthOf(said[0]!), o: other === "" ? "" : monthOf(other) }
    : { other: listener, v: said[0]!, o: other, k: slot.detail }
  return sentence(random, random.pick(templates), values, split)
}
