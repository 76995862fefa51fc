/**
 * The log of a scope: what was changed, when, and on whose decision. It is the source of truth of every store, the bank
 * is its fold. Where samples are recorded, its decisions can be scored again under another policy.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { EditSchema } from "./internal/bank.ts"
import { defined } from "./internal/defined.ts"
import { folded } from "./internal/fingerprint.ts"
import { type Memory, MemoryId } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import { Fact } from "./Turn.ts"

export { EditSchema as Edit } from "./internal/bank.ts"

/**
 * What a policy sampled for a decision: the tokens of its prompt, those that it wrote, and the log-probability of each
 * of these, at the temperature at which it was sampled. Off-policy evaluation needs no more.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Sample = Schema.Struct({
  prompt: Schema.Array(Schema.Int),
  tokens: Schema.Array(Schema.Int),
  logprobs: Schema.Array(Schema.Finite),
  temperature: Schema.Finite
})

/**
 * The type of `Sample`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sample extends Schema.Schema.Type<typeof Sample> {}

/**
 * Who decided what is committed.
 *
 * - `model`: its name; `promptHash`: SHA-256 of the prompt, in hexadecimal digits; `logProbability`: of the text that
 *   it wrote, where the engine tells.
 * - `fact`: what was decided on, `shown`: the memories that were shown, in the order of their handles, `raw`: what was
 *   written.
 * - `sample`: what the policy sampled, if that is recorded (`recordSamples` of `MemoryAgent`).
 *
 * An erasure takes `promptHash`, `fact`, `raw` and `sample` away from every decision that saw or wrote what was erased.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DecisionRecord = Schema.Struct({
  model: Schema.optional(Schema.String),
  promptHash: Schema.optional(Schema.String),
  logProbability: Schema.optional(Schema.Finite),
  fact: Schema.optional(Fact),
  shown: Schema.Array(MemoryId),
  raw: Schema.optional(Schema.String),
  sample: Schema.optional(Sample)
})

/**
 * The type of `DecisionRecord`.
 *
 * @category models
 * @since 0.1.0
 */
export interface DecisionRecord extends Schema.Schema.Type<typeof DecisionRecord> {}

const stamp = { revision: Schema.Int, at: Schema.Int }

/**
 * One entry. `at` is in milliseconds since 1970.
 *
 * - `Committed`: edits, each with the ids that it was given, all at once.
 * - `Reverted`: the bank is again what it was at revision `to`.
 * - `Erased`: something was removed for good, and nothing of what it was; `created` is the number of ids given until
 *   then, so that the fold gives none of them again.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Entry = Schema.TaggedUnion({
  Committed: { ...stamp, edits: Schema.Array(EditSchema), decision: Schema.optional(DecisionRecord) },
  Reverted: { ...stamp, to: Schema.Int },
  Erased: { ...stamp, created: Schema.Int }
})

/**
 * The type of `Entry`.
 *
 * @category models
 * @since 0.1.0
 */
export type Entry = typeof Entry.Type

/**
 * Reads and writes an entry as one line of JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EntryJson = Schema.fromJsonString(Entry)

/**
 * Goes through a log from the first entry, or on from a bank that has `revision` of them behind it; `see` is shown
 * every bank on the way, and the edit that made it where one did.
 */
const fold = (
  entries: ReadonlyArray<Entry>,
  see: (bank: MemoryBank.MemoryBank, entry: Entry, edit?: MemoryBank.Edit) => void = () => {}
): MemoryBank.MemoryBank => {
  let bank = MemoryBank.empty
  const banks = [bank]
  for (const entry of entries) {
    switch (entry._tag) {
      case "Committed":
        for (const edit of entry.edits) see(bank = MemoryBank.apply(bank, edit), entry, edit)
        break
      case "Reverted":
        // Ids are never given twice, also not those of undone memories.
        see(bank = { ...banks[entry.to]!, created: bank.created }, entry)
        break
      case "Erased":
        see(bank = { ...bank, created: Math.max(bank.created, entry.created) }, entry)
    }
    banks.push(bank)
  }
  return bank
}

/**
 * The fold: the bank after the first `revision` entries of a log.
 *
 * @category getters
 * @since 0.1.0
 */
export const replay = (entries: ReadonlyArray<Entry>, revision: number = entries.length): MemoryBank.MemoryBank =>
  fold(entries.slice(0, revision))

/**
 * Every version of one memory that a log tells of, in the order of time. One that a revert brought back comes again.
 *
 * @category getters
 * @since 0.1.0
 */
export const versions = (entries: ReadonlyArray<Entry>, id: MemoryId): ReadonlyArray<Memory> => {
  const found: Array<Memory> = []
  fold(entries, (bank) => {
    const memory = Option.getOrUndefined(MemoryBank.get(bank, id))
    if (memory !== undefined && memory !== found.at(-1)) found.push(memory)
  })
  return found
}

/**
 * The last revision that a log had at a moment, 0 before the first.
 *
 * @category getters
 * @since 0.1.0
 */
export const revisionAt = (entries: ReadonlyArray<Entry>, time: number): number =>
  entries.findLast(({ at }) => at <= time)?.revision ?? 0

/**
 * When each memory of the last bank, and each tombstone, became what it is.
 *
 * @category getters
 * @since 0.1.0
 */
export const changedAt = (entries: ReadonlyArray<Entry>): ReadonlyMap<MemoryId, number> => {
  const times = new Map<MemoryId, number>()
  let before = MemoryBank.empty
  const graves = (bank: MemoryBank.MemoryBank): MemoryBank.MemoryBank => ({ ...bank, entries: bank.tombstones })
  fold(entries, (bank, entry, edit) => {
    if (edit === undefined) {
      for (const { added, updated } of [MemoryBank.diff(before, bank), MemoryBank.diff(graves(before), graves(bank))]) {
        for (const { id } of [...added, ...updated.map(({ after }) => after)]) times.set(id, entry.at)
      }
    } else if (bank !== before) { for (const id of MemoryBank.touched(edit)) times.set(id, entry.at) }
    before = bank
  })
  return times
}

const withoutIds = (edit: MemoryBank.Edit, ids: ReadonlySet<MemoryId>): ReadonlyArray<MemoryBank.Edit> => {
  if (edit._tag !== "Supersede") return MemoryBank.touched(edit).some((id) => ids.has(id)) ? [] : [edit]
  const [old, next] = [ids.has(edit.id), edit.newId !== undefined && ids.has(edit.newId)]
  if (old && next) return []
  if (next) return [MemoryBank.Edit.Delete({ id: edit.id })]
  if (!old) return [edit]
  // Without a new id it found nothing to take the place of.
  return edit.newId === undefined ? [] : [MemoryBank.Edit.Add({ memory: edit.memory, id: edit.newId })]
}

/**
 * A log without some memories: no edit of them, and no decision that tells of them, be it that it saw them, changed
 * them, was about a turn that they come from, or has their text in it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const without = (entries: ReadonlyArray<Entry>, erased: ReadonlyArray<MemoryId>): ReadonlyArray<Entry> => {
  const ids = new Set(erased)
  const seen = new Set<Memory>()
  // One way through the log, however many they are.
  fold(entries, (bank, _, edit) => {
    for (const id of edit === undefined ? ids : MemoryBank.touched(edit)) {
      if (ids.has(id)) {
        Option.map(MemoryBank.get(bank, id), (memory) => seen.add(memory))
      }
    }
  })
  const told = [...seen]
  const sources = new Set(told.flatMap((memory) => memory.sources))
  // Also in other letters, as what is said again may come.
  const texts = [...new Set(told.map(({ text }) => folded(text)))]
  const tells = ({ fact, raw = "", shown }: DecisionRecord, edits: ReadonlyArray<MemoryBank.Edit>): boolean =>
    shown.some((id) => ids.has(id)) || edits.flatMap(MemoryBank.touched).some((id) => ids.has(id)) ||
    fact?.sources.some((source) => sources.has(source)) === true ||
    [raw, fact?.text ?? ""].map(folded).some((written) => texts.some((text) => written.includes(text)))
  return entries.map((entry) => {
    if (entry._tag !== "Committed") return entry
    const { decision, edits } = entry
    const kept = edits.flatMap((edit) => withoutIds(edit, ids))
    const scrubbed = decision !== undefined && tells(decision, edits)
      ? {
        ...Struct.omit(decision, ["fact", "raw", "promptHash", "sample"]),
        shown: decision.shown.filter((id) => !ids.has(id))
      }
      : decision
    if (scrubbed === decision && kept.length === edits.length && kept.every((edit, i) => edit === edits[i])) {
      return entry
    }
    return { ...entry, edits: kept, ...defined({ decision: scrubbed }) }
  })
}

/**
 * A decision of a log that can be scored again under another policy: what was sampled, and the edits that came of it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SampledDecision = Schema.Struct({
  ...stamp,
  edits: Schema.Array(EditSchema),
  decision: Schema.Struct({ ...DecisionRecord.fields, sample: Sample })
})

/**
 * The type of `SampledDecision`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SampledDecision extends Schema.Schema.Type<typeof SampledDecision> {}

/**
 * Reads and writes a decision as one line of JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SampledDecisionJson = Schema.fromJsonString(SampledDecision)

/**
 * The decisions of a log whose samples are recorded.
 *
 * @category getters
 * @since 0.1.0
 */
export const sampledDecisions = (entries: ReadonlyArray<Entry>): ReadonlyArray<SampledDecision> =>
  entries.flatMap((entry) => {
    if (entry._tag !== "Committed" || entry.decision?.sample === undefined) return []
    const { at, decision, edits, revision } = entry
    return [{ at, edits, revision, decision: { ...decision, sample: entry.decision.sample } }]
  })

/**
 * SHA-256 of a prompt, in hexadecimal digits.
 *
 * @category getters
 * @since 0.1.0
 */
export const hash = (prompt: unknown): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() =>
      crypto.subtle.digest(
        "SHA-256",
        new TextEncoder().encode(typeof prompt === "string" ? prompt : JSON.stringify(prompt))
      )
    ),
    (digest) => Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")
  )
