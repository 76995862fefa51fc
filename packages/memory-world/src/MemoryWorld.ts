/**
 * The Memory World: seeded dialogues of two people about their lives, over several sessions, with the truth about every
 * turn.
 *
 * People tell new facts, add to them ("we adopted another dog, Scout": Buddy stays), replace them, take them back,
 * repeat them in other words, and make small talk. Values (names, cities, ...) and phrasings have a part that training
 * never sees. The same seed and options give the same dialogue.
 *
 * @since 0.1.0
 */
import { FactExtractor } from "@memory-r1/core"
import type { Dialogue } from "@memory-r1/core/rl"
import type { Episode } from "@memory-r1/core/rl"
import { type EventKind, type Move, move, type Person, say, slotsOf } from "./internal/moves.ts"
import * as Phrases from "./internal/phrases.ts"
import * as PrngModule from "./internal/prng.ts"
import { expand, fill } from "./internal/sentence.ts"
import { joined, type Slot, slotKey, type Subject, subjects } from "./internal/subjects.ts"
import * as Values from "./internal/values.ts"

export type { EventKind } from "./internal/moves.ts"
export type { Slot, SubjectName } from "./internal/subjects.ts"

/**
 * A turn with its truth. `said` are the values that it tells, adds or takes back; `before` and `after` those of the
 * slot.
 *
 * @category models
 * @since 0.1.0
 */
export interface Event {
  readonly kind: EventKind
  readonly turn: Dialogue.Turn
  readonly slot?: Slot | undefined
  readonly said: ReadonlyArray<string>
  readonly before: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
}

/**
 * A dialogue in LoCoMo's schema, with the event of every turn, and what its people never speak of.
 *
 * @category models
 * @since 0.1.0
 */
export interface World {
  readonly dialogue: Dialogue.Dialogue
  readonly events: ReadonlyArray<Event>
  readonly untold: ReadonlyArray<Slot>
}

/**
 * What dialogues are made of. `values` and `phrasing` say which part of the pools is used; `weights` how often each
 * kind of event is tried (an event that is not possible, such as adding to nothing, becomes another one). `invented` is
 * the share of made-up words among training values: a model that sees enough of them learns to copy what it has never
 * seen.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly values?: Values.Split | undefined
  readonly phrasing?: Values.Split | undefined
  readonly sessions?: number | undefined
  readonly turnsPerSession?: number | undefined
  readonly weights?: Readonly<Record<EventKind, number>> | undefined
  readonly invented?: number | undefined
}

/**
 * How often each kind of event is tried by default.
 *
 * @category models
 * @since 0.1.0
 */
export const defaultWeights: Readonly<Record<EventKind, number>> = {
  new: 0.36,
  additive: 0.22,
  replace: 0.12,
  retract: 0.09,
  duplicate: 0.1,
  talk: 0.11
}

const firstYear = 2023

// A month by its number, counted from the first year's January.
const monthAt = (index: number): string => `${Values.months[index % 12]} ${firstYear + Math.floor(index / 12)}`

const categories = { single: 1, list: 2, date: 3, none: 4 } as const

/**
 * What kind of answer some values are.
 *
 * @category getters
 * @since 0.1.0
 */
export const answerKind = (slot: Slot, values: ReadonlyArray<string>): NonNullable<Dialogue.Question["kind"]> =>
  values.length === 0
    ? "none"
    : subjects[slot.subject].shape === "date"
    ? "date"
    : values.length > 1
    ? "list"
    : "single"

/**
 * A question about a slot.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ask = (random: PrngModule.Prng, { detail, person, subject }: Slot, phrasing: Values.Split): string =>
  fill(expand(random, random.pick(subjects[subject].phrases.question[phrasing])), { p: person, v: detail, k: detail })

const questionAbout = (
  random: PrngModule.Prng,
  slot: Slot,
  values: ReadonlyArray<string>,
  split: Values.Split
): Omit<Dialogue.Question, "id" | "evidence"> => {
  const kind = answerKind(slot, values)
  return {
    question: ask(random, slot, split),
    answer: values.length === 0 ? "none" : joined(values),
    category: categories[kind],
    kind
  }
}

/**
 * Makes a dialogue.
 *
 * @example
 * ```ts
 * import { MemoryWorld } from "@memory-r1/memory-world"
 *
 * const { dialogue, events } = MemoryWorld.generate(7, { sessions: 2, turnsPerSession: 8 })
 * events.length // => 16
 * dialogue.sessions.map((session) => session.turns.length) // => [8, 8]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const generate = (seed: number, options: Options = {}): World => {
  const {
    invented = 0.25,
    phrasing = "train",
    sessions: sessionCount = 3,
    turnsPerSession = 8,
    values: valueSplit = "train",
    weights = defaultWeights
  } = options
  const random = PrngModule.make(seed)
  const first = Values.draw(random, Values.people, valueSplit, new Set(), invented)
  const second = Values.draw(random, Values.people, valueSplit, new Set([first]), invented)
  const speakers: readonly [string, string] = [first, second]
  // A name means one thing in a dialogue.
  const taken = new Set<string>(speakers)
  const people = speakers.map((name): Person => ({
    name,
    slots: slotsOf(random, name, valueSplit, invented, taken),
    known: new Map()
  }))
  const draw = (month: number) => (subject: Subject, before: string | undefined): string => {
    if (subject.shape === "date") {
      const ahead = Array.from({ length: 11 - Math.min(month % 12, 9) }, (_, i) => monthAt(month + 1 + i))
      return random.pick(ahead.filter((date) => date !== before))
    }
    const value = Values.draw(random, subject.pool, valueSplit, taken, invented)
    taken.add(value)
    return value
  }

  const events: Array<Event> = []
  const sessions = Array.from({ length: sessionCount }, (_, s) => {
    const month = s * 2 + random.int(2)
    const observedAt = `${1 + random.int(28)} ${monthAt(month)}`
    const turns = Array.from({ length: turnsPerSession }, (_, t): Dialogue.Turn => {
      const person = people[t % 2]!
      const listener = speakers[(t + 1) % 2]!
      const tell = (text: string): Dialogue.Turn => ({
        id: `D${s + 1}:${t + 1}`,
        speaker: person.name,
        text,
        observedAt
      })
      let chosen: Move | undefined
      while (chosen === undefined) {
        const kind = random.weighted(weights)
        if (kind === "talk") break
        chosen = move(random, kind, person, draw(month)) ?? move(random, "new", person, draw(month))
        // Somebody who has told everything makes small talk.
        if (chosen === undefined && !person.slots.some((slot) => !person.known.has(slotKey(slot)))) break
      }
      if (chosen === undefined) {
        const turn = tell(fill(expand(random, random.pick(Phrases.smallTalk[phrasing])), { other: listener }))
        events.push({ kind: "talk", turn, said: [], before: [], after: [] })
        return turn
      }
      const turn = tell(say(random, chosen, listener, phrasing))
      const key = slotKey(chosen.slot)
      const before = person.known.get(key)
      person.known.set(key, {
        slot: chosen.slot,
        values: chosen.after,
        evidence: [...(chosen.kind === "replace" ? [] : before?.evidence ?? []), turn.id]
      })
      events.push({
        kind: chosen.kind,
        turn,
        slot: chosen.slot,
        said: chosen.said,
        before: before?.values ?? [],
        after: chosen.after
      })
      return turn
    })
    return { index: s + 1, observedAt, turns }
  })

  const id = `world-${seed}`
  const untold = people.flatMap(({ known, slots }) =>
    slots.filter((slot) => !known.has(slotKey(slot)) && slot.subject !== "trips")
  )
  const asked = people.flatMap(({ known, name }) => {
    const told = [...known.values()].map(({ evidence, slot, values }) => ({
      ...questionAbout(random, slot, values, phrasing),
      evidence
    }))
    // One question a person about something that was never told.
    const nothing = random.sample(untold.filter(({ person }) => person === name), 1)
    return [...told, ...nothing.map((slot) => ({ ...questionAbout(random, slot, [], phrasing), evidence: [] }))]
  })
  return {
    dialogue: {
      id,
      speakers,
      sessions,
      questions: asked.map((question, i) => ({ ...question, id: `${id}/${i}` })),
      observations: []
    },
    events,
    untold
  }
}

/**
 * What was spoken of in the turns before a given one.
 *
 * @category getters
 * @since 0.1.0
 */
export const toldUntil = ({ events }: World, turn: number): ReadonlyArray<Slot> => [
  ...new Map(events.slice(0, turn).flatMap(({ slot }) => slot === undefined ? [] : [[slotKey(slot), slot] as const]))
    .values()
]

/**
 * A world as an episode: each turn as one fact, with linked questions: the one about the slot that the turn touches,
 * three times as heavy as up to `others` about what else its speaker has told, so that damage done to other memories is
 * seen.
 *
 * @category constructors
 * @since 0.1.0
 */
export const episode = (
  world: World,
  options: { readonly phrasing?: Values.Split | undefined; readonly others?: number | undefined } = {}
): Episode.Episode => {
  const { others = 4, phrasing = "train" } = options
  const random = PrngModule.make(world.events.length * 31 + Number(world.dialogue.id.replace(/\D/g, "")))
  const state = new Map<string, { readonly slot: Slot; readonly values: ReadonlyArray<string> }>()
  const linked = (id: string, slot: Slot, values: ReadonlyArray<string>, weight: number): Episode.LinkedQuestion => {
    const { answer, kind, question } = questionAbout(random, slot, values, phrasing)
    return { id, question, gold: answer, list: kind === "list", kind: kind!, weight, subject: slotKey(slot) }
  }
  const steps = world.events.flatMap((event): ReadonlyArray<Episode.Step> => {
    if (event.slot !== undefined) state.set(slotKey(event.slot), { slot: event.slot, values: event.after })
    const touched = event.slot === undefined ? undefined : slotKey(event.slot)
    const rest = [...state].filter(([key, { slot }]) => key !== touched && slot.person === event.turn.speaker)
    const questions = [
      ...(event.slot === undefined ? [] : [linked(`${event.turn.id}/0`, event.slot, event.after, 3)]),
      ...random.sample(rest, others).map(([, { slot, values }], i) =>
        linked(`${event.turn.id}/${i + 1}`, slot, values, 1)
      )
    ]
    const session = Number(/^D(\d+):/.exec(event.turn.id)![1])
    return FactExtractor.verbatim(event.turn).map((fact) => ({ fact, session, questions }))
  })
  return {
    id: world.dialogue.id,
    steps,
    questions: world.dialogue.questions.map(({ answer, id, kind, question }) => ({
      id,
      question,
      gold: answer,
      list: kind === "list",
      kind
    }))
  }
}
