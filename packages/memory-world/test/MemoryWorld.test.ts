// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Dialogue } from "@memory-r1/core/rl"
import { DialogueFile } from "@memory-r1/eval"
import { Schema } from "effect"
import * as Phrases from "../src/internal/phrases.ts"
import * as Values from "../src/internal/values.ts"
import * as MemoryWorld from "../src/MemoryWorld.ts"
import { between, keyOf, seeds, truth, worlds } from "./support/worlds.ts"

const joined = (values: ReadonlyArray<string>): string =>
  values.length === 0
    ? "none"
    : values.length === 1
    ? values[0]!
    : `${values.slice(0, -1).join(", ")} and ${values.at(-1)}`
const texts = ({ events }: MemoryWorld.World) => events.map(({ turn }) => turn.text)
const lists: ReadonlyArray<string> = ["pets", "siblings", "hobbies", "languages"]
const only = (kind: MemoryWorld.EventKind) => ({
  new: 0,
  additive: 0,
  replace: 0,
  retract: 0,
  duplicate: 0,
  talk: 0,
  [kind]: 1
})
const monthAt = (date: string): number => Values.months.indexOf(/[A-Z][a-z]+/.exec(date)![0])

// Every value of the pools, in one part.
const pools = (split: Values.Split): ReadonlySet<string> =>
  new Set([Values.people, Values.petNames, Values.cities, Values.jobs, Values.foods, Values.hobbies, Values.languages]
    .flatMap((pool) => pool[split]))
const valuesOf = ({ dialogue, events, untold }: MemoryWorld.World): ReadonlyArray<string> => [
  ...dialogue.speakers,
  ...events.flatMap(({ said, slot }) => slot?.subject === "trips" ? [slot.detail] : said),
  ...untold.flatMap(({ detail, subject }) => subject === "trips" ? [detail] : [])
]

// What a template can become: choices are alternatives, and values (of one or two words) stand for their placeholders.
const value = "[\\p{L}\\d-]+(?: [\\p{L}-]+)?"
const pattern = (template: string): string =>
  template.replace(/[.?]/g, "\\$&").replace(/\(/g, "(?:").replace(
    /\{(.+?)\}/g,
    (_, name: string) =>
      name === "k" ? `(?:${Values.petKinds.join("|")})` : name.startsWith("a ") ? `an? ${value}` : value
  )
const anyOf = (templates: ReadonlyArray<string>): string => `(?:${templates.map(pattern).join("|")})`
const subjects: ReadonlyArray<Phrases.SubjectPhrases> = [
  Phrases.city,
  Phrases.job,
  Phrases.food,
  Phrases.partner,
  Phrases.friend,
  Phrases.pets,
  Phrases.siblings,
  Phrases.hobbies,
  Phrases.languages,
  Phrases.trips
]
const bodies = (split: Values.Split): ReadonlyArray<string> =>
  subjects.flatMap((phrases) =>
    (["new", "add", "replace", "remove", "again"] as const).flatMap((kind) => phrases[kind]?.[split] ?? [])
  )
const asked = (split: Values.Split): ReadonlyArray<string> => subjects.flatMap(({ question }) => question[split])
const whole = (source: string): RegExp => new RegExp(`^${source}$`, "iu")
const bySplit = <A>(make: (split: Values.Split) => A): Readonly<Record<Values.Split, A>> => ({
  train: make("train"),
  heldOut: make("heldOut")
})
const turnOf = (opener: ReadonlyArray<string>, split: Values.Split, closer: ReadonlyArray<string>): RegExp =>
  whole(`(?:${anyOf(opener)}${anyOf(bodies(split))}${anyOf(closer)}|${anyOf(Phrases.smallTalk[split])})`)
const saidAs = bySplit((split) => turnOf(Phrases.openers[split], split, Phrases.closers[split]))
// The sentences of one part, whatever is put before and after them.
const spokenAs = bySplit((split) =>
  turnOf([...Phrases.openers.train, ...Phrases.openers.heldOut], split, [
    ...Phrases.closers.train,
    ...Phrases.closers.heldOut
  ])
)
const askedAs = bySplit((split) => whole(anyOf(asked(split))))
const other = { train: "heldOut", heldOut: "train" } as const

describe("MemoryWorld", () => {
  it.prop("repeats itself from a seed", { made: worlds }, ({ made: { options, seed, world } }) => {
    const again = MemoryWorld.generate(seed, options)
    assert.deepStrictEqual(again, world)
    assert.deepStrictEqual(MemoryWorld.episode(again), MemoryWorld.episode(world))
  }, { arbitrary: { runs: 100, seed: 1 } })

  it.prop("is another world for another seed", { seed: seeds, further: between(1, 100_000) }, ({ further, seed }) => {
    assert.notDeepEqual(texts(MemoryWorld.generate(seed)), texts(MemoryWorld.generate(seed + further)))
  }, { arbitrary: { runs: 200, seed: 2 } })

  it.prop(
    "is what LoCoMo's schema carries: encoded and decoded, it is the same",
    { made: worlds },
    ({ made: { world } }) => {
      const json = JSON.stringify(Schema.encodeSync(DialogueFile.Dialogues)([world.dialogue]))
      assert.deepStrictEqual(Schema.decodeUnknownSync(DialogueFile.Dialogues)(JSON.parse(json)), [world.dialogue])
    },
    { arbitrary: { runs: 100, seed: 3 } }
  )

  it.prop(
    "has as many turns as it was asked for, by two who take turns",
    { made: worlds },
    ({ made: { options, world } }) => {
      const { dialogue, events } = world
      assert.deepStrictEqual(
        dialogue.sessions.map(({ turns }) => turns.length),
        Array(options.sessions).fill(options.turnsPerSession)
      )
      assert.deepStrictEqual(Dialogue.turns(dialogue), events.map(({ turn }) => turn))
      assert.notStrictEqual(dialogue.speakers[0], dialogue.speakers[1])
      for (const { turns } of dialogue.sessions) {
        turns.forEach(({ speaker }, t) => assert.strictEqual(speaker, dialogue.speakers[t % 2]))
      }
      for (const { slot, turn } of events) if (slot !== undefined) assert.strictEqual(slot.person, turn.speaker)
    },
    { arbitrary: { runs: 100, seed: 4 } }
  )

  it("has time stamps that never go backwards, for up to five sessions", () => {
    for (let seed = 0; seed < 300; seed++) {
      const times = MemoryWorld.generate(seed, { sessions: 5, turnsPerSession: 1 }).dialogue.sessions.map((
        { observedAt }
      ) => Date.parse(observedAt!))
      assert.isFalse(times.some(Number.isNaN))
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b), `seed ${seed}`)
    }
  })

  it.prop(
    "before and after chain: what a slot held is what the turn before left it",
    { made: worlds },
    ({ made: { world } }) => {
      const held = new Map<string, ReadonlyArray<string>>()
      for (const { after, before, slot } of world.events) {
        if (slot === undefined) continue
        assert.deepStrictEqual(before, held.get(keyOf(slot)) ?? [])
        held.set(keyOf(slot), after)
      }
      assert.deepStrictEqual(held, truth(world))
    },
    { arbitrary: { runs: 200, seed: 5 } }
  )

  it.prop("kinds do what they say", { made: worlds }, ({ made: { world } }) => {
    const told = new Set<string>()
    for (const { after, before, kind, said, slot } of world.events) {
      if (kind === "talk") {
        assert.isUndefined(slot)
        assert.deepStrictEqual([said, before, after], [[], [], []])
        continue
      }
      const { subject } = slot!
      assert.strictEqual(said.length, 1)
      if (kind === "new") {
        assert.isFalse(told.has(keyOf(slot!)))
        assert.deepStrictEqual([before, after], [[], said])
      } else assert.isTrue(told.has(keyOf(slot!)))
      if (kind === "additive") {
        assert.isTrue(lists.includes(subject))
        assert.isFalse(before.includes(said[0]!))
        assert.deepStrictEqual(after, [...before, ...said])
        assert.isTrue(before.length > 0 && after.length <= 3)
      }
      if (kind === "replace") {
        assert.isFalse(lists.includes(subject))
        assert.strictEqual(before.length, 1)
        assert.deepStrictEqual(after, said)
        // A trip is at times put off to the month that it was in.
        if (subject !== "trips") assert.notDeepEqual(before, after)
      }
      if (kind === "retract") {
        assert.include(before, said[0])
        assert.deepStrictEqual(after, before.filter((value) => value !== said[0]))
      }
      if (kind === "duplicate") {
        assert.include(before, said[0])
        assert.deepStrictEqual(after, before)
      }
      told.add(keyOf(slot!))
    }
  }, { arbitrary: { runs: 300, seed: 6 } })

  it("every kind of event happens, and hardly more or less often than it is tried", () => {
    const events = Array.from({ length: 200 }, (_, seed) => MemoryWorld.generate(seed).events).flat()
    for (const [kind, weight] of Object.entries(MemoryWorld.defaultWeights)) {
      const share = events.filter((event) => event.kind === kind).length / events.length
      // What is not possible yet becomes something new.
      assert.isTrue(share > weight * 0.6 && share < weight * 1.8, `${kind}: ${share}`)
    }
  })

  it("weights choose the kinds; what is impossible becomes something new", () => {
    const kinds = (weights: Readonly<Record<MemoryWorld.EventKind, number>>) =>
      new Set(
        Array.from({ length: 30 }, (_, seed) => MemoryWorld.generate(seed, { weights }).events.map(({ kind }) => kind))
          .flat()
      )
    assert.deepStrictEqual(kinds(only("talk")), new Set(["talk"]))
    assert.deepStrictEqual(kinds(only("new")), new Set(["new"]))
    for (const kind of ["additive", "replace", "retract", "duplicate"] as const) {
      assert.deepStrictEqual(kinds(only(kind)), new Set(["new", kind]))
    }
  })

  it("somebody who has told everything makes small talk", () => {
    const { events, untold } = MemoryWorld.generate(1, { sessions: 1, turnsPerSession: 60, weights: only("new") })
    const kinds = events.map(({ kind }) => kind)
    assert.deepStrictEqual(new Set(kinds.slice(-10)), new Set(["talk"]))
    assert.deepStrictEqual(untold, [])
  })

  it.prop("turns say what their event says", { made: worlds }, ({ made: { world } }) => {
    for (const { kind, said, slot, turn } of world.events) {
      assert.notMatch(turn.text, /[{}()|]|\s\s|undefined/)
      assert.strictEqual(turn.text[0], turn.text[0]!.toUpperCase())
      if (slot === undefined) continue
      const text = turn.text.toLowerCase()
      if (slot.subject === "trips") {
        assert.include(text, slot.detail.toLowerCase())
        if (kind !== "retract") assert.include(text, said[0]!.split(" ")[0]!.toLowerCase())
      } else if (kind !== "retract" || lists.includes(slot.subject)) assert.include(text, said[0]!.toLowerCase())
    }
  }, { arbitrary: { runs: 300, seed: 7 } })

  it.prop("a name means one thing in a dialogue", { made: worlds }, ({ made: { world } }) => {
    const meaning = new Map<string, string>(world.dialogue.speakers.map((name) => [name, "a speaker"]))
    for (const { said, slot } of world.events) {
      if (slot === undefined || slot.subject === "trips") continue
      for (const value of said) {
        assert.strictEqual(meaning.get(value) ?? keyOf(slot), keyOf(slot), value)
        meaning.set(value, keyOf(slot))
      }
    }
  }, { arbitrary: { runs: 200, seed: 8 } })

  it.prop("trips lie ahead", { made: worlds }, ({ made: { world } }) => {
    for (const { kind, said, slot, turn } of world.events) {
      if (slot?.subject !== "trips" || kind === "retract" || kind === "duplicate") continue
      assert.match(said[0]!, /^[A-Z][a-z]+ 2023$/)
      assert.isAbove(monthAt(said[0]!), monthAt(turn.observedAt!))
    }
  }, { arbitrary: { runs: 200, seed: 9 } })
})

describe("MemoryWorld's questions", () => {
  it.prop(
    "name the turns that they depend on, and have the truth for answer",
    { made: worlds },
    ({ made: { world } }) => {
      const { dialogue, events } = world
      const at = truth(world)
      const told = dialogue.questions.filter(({ evidence }) => evidence.length > 0)
      assert.strictEqual(told.length, at.size)
      const asked = told.map(({ answer, evidence, kind, question }) => {
        const slot = events.find(({ turn }) => turn.id === evidence[0])!.slot!
        const about = events.filter((event) => event.slot !== undefined && keyOf(event.slot) === keyOf(slot))
        // Nothing depends on what was said before a value was replaced.
        const from = about.findLastIndex((event) => event.kind === "replace")
        assert.deepStrictEqual(evidence, about.slice(Math.max(0, from)).map(({ turn }) => turn.id))
        const values = at.get(keyOf(slot))!
        assert.strictEqual(answer, joined(values))
        assert.strictEqual(
          kind,
          values.length === 0 ? "none" : slot.subject === "trips" ? "date" : values.length > 1 ? "list" : "single"
        )
        assert.include(question, slot.person)
        if (slot.detail !== "") assert.include(question, slot.detail)
        return keyOf(slot)
      })
      assert.deepStrictEqual(new Set(asked), new Set(at.keys()))
      const untold = dialogue.questions.filter(({ evidence }) => evidence.length === 0)
      assert.isAtMost(untold.length, 2)
      for (const { answer, category, kind } of untold) {
        assert.deepStrictEqual([answer, kind, category], [
          "none",
          "none",
          4
        ])
      }
      for (const slot of world.untold) assert.isFalse(at.has(keyOf(slot)))
      const ids = dialogue.questions.map(({ id }) => id)
      assert.strictEqual(new Set(ids).size, ids.length)
    },
    { arbitrary: { runs: 200, seed: 11 } }
  )

  it.prop(
    "of an episode's steps have the truth of their time for answer",
    { made: worlds, others: between(0, 6) },
    ({ made: { world }, others }) => {
      const { questions, steps } = MemoryWorld.episode(world, { others })
      assert.deepStrictEqual(steps.map(({ fact }) => fact.text), texts(world))
      assert.deepStrictEqual(
        questions.map(({ gold, id }) => [id, gold]),
        world.dialogue.questions.map(({ answer, id }) => [id, answer])
      )
      steps.forEach(({ fact, questions }, i) => {
        const { slot, turn } = world.events[i]!
        assert.deepStrictEqual([fact.speaker, fact.observedAt, fact.sources], [turn.speaker, turn.observedAt, [
          turn.id
        ]])
        const at = truth(world, i + 1)
        const heavy = questions.filter(({ weight }) => weight === 3)
        assert.deepStrictEqual(heavy.map(({ gold }) => gold), slot === undefined ? [] : [joined(at.get(keyOf(slot))!)])
        const light = questions.filter(({ weight }) => weight === 1)
        assert.strictEqual(heavy.length + light.length, questions.length)
        const rest = [...at].filter(([key]) =>
          key.startsWith(`${turn.speaker}/`) && (slot === undefined || key !== keyOf(slot))
        )
        assert.strictEqual(light.length, Math.min(others, rest.length))
        const golds = rest.map(([, values]) => joined(values))
        for (const { gold } of light) assert.include(golds, gold)
        for (const { gold, kind, list, question } of questions) {
          assert.include(question, turn.speaker)
          assert.strictEqual(list, kind === "list")
          assert.strictEqual(kind === "none", gold === "none")
        }
      })
    },
    { arbitrary: { runs: 150, seed: 12 } }
  )

  it.prop(
    "toldUntil is what was spoken of before a turn",
    { made: worlds, at: between(0, 70) },
    ({ at, made: { world } }) => {
      assert.deepStrictEqual(MemoryWorld.toldUntil(world, at).map(keyOf), [...truth(world, at).keys()])
    },
    { arbitrary: { runs: 100, seed: 13 } }
  )
})

describe("MemoryWorld's held-out part", () => {
  it("shares no value and no template with what is trained on", () => {
    assert.deepStrictEqual([...pools("heldOut")].filter((value) => pools("train").has(value)), [])
    for (const templates of [bodies, asked, (split: Values.Split) => Phrases.smallTalk[split]]) {
      assert.isAbove(templates("heldOut").length, 5)
      assert.deepStrictEqual(templates("heldOut").filter((template) => templates("train").includes(template)), [])
    }
    for (const { heldOut, train } of [Phrases.openers, Phrases.closers]) {
      assert.deepStrictEqual(new Set(heldOut.filter((template) => train.includes(template))), new Set([""]))
    }
  })

  it("says nothing that training says with a word more or less", () => {
    // All that a template can become, as words; "I'm {v}" alone is too short to tell a phrasing.
    const expanded = (template: string): ReadonlyArray<string> => {
      const choice = /\(([^()]*)\)/.exec(template)
      if (choice === null) {
        return [` ${template.toLowerCase().replaceAll("{a v}", "{v}").match(/[a-z{}']+/g)?.join(" ") ?? ""} `]
      }
      const [before, after] = [template.slice(0, choice.index), template.slice(choice.index + choice[0].length)]
      return choice[1]!.split("|").flatMap((part) => expanded(before + part + after))
    }
    const wordings = (templates: ReadonlyArray<string>) =>
      [...new Set(templates.flatMap(expanded))].filter((words) => words.trim().split(" ").length > 2)
    const kinds = subjects.flatMap((phrases) => Object.values(phrases) as ReadonlyArray<Phrases.Phrasings>)
    for (const { heldOut, train } of [...kinds, Phrases.smallTalk]) {
      const trained = wordings(train)
      for (const words of wordings(heldOut)) {
        assert.deepStrictEqual(trained.filter((other) => other.includes(words) || words.includes(other)), [], words)
      }
    }
  })

  it("values: none of one part in dialogues of the other", () => {
    for (let seed = 0; seed < 400; seed++) {
      const train = valuesOf(MemoryWorld.generate(seed))
      const heldOut = valuesOf(MemoryWorld.generate(seed, { values: "heldOut" }))
      assert.deepStrictEqual(train.filter((value) => pools("heldOut").has(value)), [], `seed ${seed}`)
      // All of the held-out values come from their pools: nothing is invented.
      assert.deepStrictEqual(heldOut.filter((value) => !pools("heldOut").has(value)), [], `seed ${seed}`)
    }
  })

  it("values: a share of the training part is invented, and without it all come from the pools", () => {
    const share = (invented: number): number => {
      const values = Array.from({ length: 200 }, (_, seed) => valuesOf(MemoryWorld.generate(seed, { invented }))).flat()
      return values.filter((value) => !pools("train").has(value)).length / values.length
    }
    assert.strictEqual(share(0), 0)
    assert.approximately(share(0.25), 0.25, 0.03)
    // An invented word is at times one that there is.
    assert.isAbove(share(1), 0.95)
  })

  it("values: what is invented has no word of a held-out value, and as many words as the pool's", () => {
    const heldOut = new Set([...pools("heldOut")].flatMap((value) => value.toLowerCase().split(/[ -]/)))
    const values = Array.from({ length: 400 }, (_, seed) => valuesOf(MemoryWorld.generate(seed, { invented: 1 })))
      .flat()
    const invented = values.filter((value) => !pools("train").has(value))
    const shareOfTwo = (values: ReadonlyArray<string>): number =>
      values.filter((value) => value.includes(" ")).length / values.length
    assert.deepStrictEqual(
      invented.filter((value) => value.split(" ").length === 1 && heldOut.has(value.toLowerCase())),
      []
    )
    const asFound = Array.from({ length: 400 }, (_, seed) => valuesOf(MemoryWorld.generate(seed, { invented: 0 })))
      .flat()
    assert.approximately(shareOfTwo(values), shareOfTwo(asFound), 0.03)
  })

  it.prop(
    "phrasings: what is said and asked is of the chosen part, and not of the other",
    { made: worlds },
    ({ made: { options, world } }) => {
      const { phrasing } = options
      for (const text of texts(world)) {
        assert.isTrue(saidAs[phrasing].test(text), text)
        assert.isFalse(spokenAs[other[phrasing]].test(text), text)
      }
      const questions = [
        ...world.dialogue.questions,
        ...MemoryWorld.episode(world, { phrasing }).steps.flatMap((step) => step.questions)
      ]
      for (const { question } of questions) {
        assert.isTrue(askedAs[phrasing].test(question), question)
        assert.isFalse(askedAs[other[phrasing]].test(question), question)
      }
    },
    { arbitrary: { runs: 100, seed: 14 } }
  )
})
