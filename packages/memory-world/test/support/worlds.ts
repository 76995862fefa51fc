// Worlds to test on, and what happens to a bank when somebody plays them.
import { MemoryBank } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import { Arbitrary, Schema } from "effect"
import * as Prng from "../../src/internal/prng.ts"
import * as MemoryWorld from "../../src/MemoryWorld.ts"
import type { ManagerMode } from "../../src/Teacher.ts"

export const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const seeds = between(0, 2_000_000_000)

/** Worlds of all sizes and splits. */
export const worlds = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    seed: seeds,
    sessions: between(1, 5),
    turnsPerSession: between(1, 14),
    values: Schema.Literals(["train", "heldOut"]),
    phrasing: Schema.Literals(["train", "heldOut"])
  })),
  ({ seed, ...options }) => ({ seed, options, world: MemoryWorld.generate(seed, options) })
)

export const keyOf = ({ detail, person, subject }: MemoryWorld.Slot): string => `${person}/${subject}/${detail}`

/** What is true before the turn `at`: the values of every slot that was told of. */
export const truth = (world: MemoryWorld.World, at = world.events.length): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(
    world.events.slice(0, at).flatMap(({ after, slot }) => slot === undefined ? [] : [[keyOf(slot), after] as const])
  )

export interface Step {
  readonly event: MemoryWorld.Event
  readonly snapshot: MemoryOperation.Snapshot
  readonly before: MemoryBank.MemoryBank
  readonly after: MemoryBank.MemoryBank
}

export const snapshotOf = (bank: MemoryBank.MemoryBank): MemoryOperation.Snapshot => ({
  revision: bank.revision,
  memories: MemoryBank.memories(bank)
})

export const factOf = ({ turn }: MemoryWorld.Event) => ({
  text: turn.text,
  speaker: turn.speaker,
  sources: [turn.id],
  observedAt: turn.observedAt
})

/** What operations do to a bank, all of whose memories were shown. */
export const apply = (
  bank: MemoryBank.MemoryBank,
  event: MemoryWorld.Event,
  operations: ReadonlyArray<MemoryOperation.MemoryOperation>
): MemoryBank.MemoryBank => {
  const parsed = { operations: operations.map((operation) => ({ operation, position: 0 })), rejections: [] }
  return MemoryBank.applyAll(bank, MemoryOperation.bind(parsed, snapshotOf(bank), factOf(event)).edits)
}

/** Every turn of a world, decided by one who sees the whole bank. */
export const played = (
  world: MemoryWorld.World,
  decide: (
    event: MemoryWorld.Event,
    snapshot: MemoryOperation.Snapshot
  ) => ReadonlyArray<MemoryOperation.MemoryOperation>
): ReadonlyArray<Step> => {
  let bank = MemoryBank.empty
  return world.events.map((event) => {
    const before = bank
    bank = apply(before, event, decide(event, snapshotOf(before)))
    return { event, snapshot: snapshotOf(before), before, after: bank }
  })
}

/** A generator whose only choice, that of a mode, is made. */
export const forced = (mode: ManagerMode): Prng.Prng => ({
  ...Prng.make(1),
  weighted: <K extends string>() => mode as string as K
})

/** One turn about Ann's dogs, and whatever else a test wants to be different. */
export const dogs = (
  event: Partial<MemoryWorld.Event> & Pick<MemoryWorld.Event, "kind" | "said">,
  text: string,
  id = "D1:1"
): MemoryWorld.Event => ({
  turn: { id, speaker: "Ann", text, observedAt: "3 May 2023" },
  slot: { person: "Ann", subject: "pets", detail: "dog" },
  before: [],
  after: [],
  ...event
})
