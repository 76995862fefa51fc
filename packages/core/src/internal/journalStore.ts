// The rules of a store, once for all databases.
import type { AiError, EmbeddingModel } from "effect/ai"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import * as Retriever from "../Retriever.ts"
import type { Scope } from "../Scope.ts"
import { Conflict, type StoreError, UnknownMemory, UnknownRevision, type VectorError } from "../store/StoreError.ts"
import { clean, cleanDecision, cleanText } from "./clean.ts"
import * as Commits from "./commit.ts"
import { defined } from "./defined.ts"
import * as Embeddings from "./embedding.ts"
import type { Head, Journal, Reader } from "./journal.ts"
import { type Among, type Searchable, whereOf } from "./retrieval.ts"
import type { Listed, MemoryStore, Versioned } from "./storeService.ts"
import { whole } from "./whole.ts"

// Banks that are kept folded.
const cached = 256

// Speakers are kept without what no database takes.
const cleaned = <A extends Among>(among: A): A =>
  typeof among.speaker === "string" ? { ...among, speaker: cleanText(among.speaker) } : among

export const journalStore = (
  journal: Journal,
  retriever: Retriever.Service = Retriever.make()
): MemoryStore["Service"] => {
  const embeddings = new Map<EmbeddingModel.EmbeddingModel, Embeddings.Embedding>()
  const embeddingOf = (model: EmbeddingModel.EmbeddingModel): Embeddings.Embedding => {
    let embedding = embeddings.get(model)
    if (embedding === undefined) embeddings.set(model, embedding = Embeddings.embedding(journal, model))
    return embedding
  }
  const embedding = retriever.embedding === undefined ? undefined : embeddingOf(retriever.embedding)
  const banks = new Map<Scope, Versioned>()

  // The bank of a scope as the reader sees it: the one that was folded last, and what has been committed since.
  const bankIn = Effect.fnUntraced(function*(scope: Scope, reader: Reader): Effect.fn.Return<Versioned, StoreError> {
    const { revision } = yield* reader.head
    const known = banks.get(scope)
    if (known?.revision === revision) return known
    const since = known === undefined || known.revision > revision
      ? []
      : yield* reader.entries({ after: known.revision })
    const goesOn = since.length > 0 && since.every((entry) => entry._tag === "Committed")
    const bank = goesOn
      ? since.reduce(
        (bank, entry) => MemoryBank.applyAll(bank, entry._tag === "Committed" ? entry.edits : []),
        known!.bank
      )
      : MemoryLog.replay(yield* reader.entries())
    const versioned = { revision, bank }
    banks.delete(scope)
    banks.set(scope, versioned)
    if (banks.size > cached) banks.delete(banks.keys().next().value!)
    return versioned
  })

  const nowAfter = (reader: Reader) =>
    Effect.zipWith(reader.head, Clock.currentTimeMillis, ({ at }, now) => Math.max(at, Math.trunc(now)))

  const revisionOf = (
    scope: Scope,
    current: number,
    entries: ReadonlyArray<MemoryLog.Entry>,
    moment: number | Date
  ) => {
    // A date that is none is no time before the first entry.
    const revision = typeof moment === "number" || Number.isNaN(moment.getTime())
      ? Number(moment)
      : MemoryLog.revisionAt(entries, moment.getTime())
    return Number.isInteger(revision) && revision >= 0 && revision <= current
      ? Effect.succeed(revision)
      : Effect.fail(new UnknownRevision({ scope, revision, current }))
  }

  const current = Effect.fn("MemoryStore.current")((scope: Scope) =>
    journal.read(scope, (reader) => bankIn(scope, reader))
  )
  const log = Effect.fn("MemoryStore.log")((scope: Scope) => journal.read(scope, (reader) => reader.entries()))

  const adopt = Effect.fn("MemoryStore.adopt")((scope: Scope, entries: ReadonlyArray<MemoryLog.Entry>) =>
    journal.write(
      scope,
      Effect.fnUntraced(function*(reader) {
        const head = yield* reader.head
        if (head.revision !== 0) return yield* new Conflict({ scope, base: 0, current: head.revision, entries: [] })
        const bank = MemoryLog.replay(entries)
        const times = MemoryLog.changedAt(entries)
        const put = Commits.rowsOf(bank, ({ id }) => times.get(id) ?? 0)
        const value: Versioned = { revision: entries.length, bank }
        return { change: { append: entries, created: bank.created, put }, value }
      })
    )
  )

  const degrades = <A, E>(missing: string, effect: Effect.Effect<A, AiError.AiError | E>) =>
    Effect.catchTag(
      effect as Effect.Effect<A, AiError.AiError | StoreError | VectorError>,
      "AiError",
      (error) => Effect.as(Effect.logWarning(`${journal.name}: ${missing}: ${error.message}`), undefined)
    )

  const searchable = (
    scope: Scope,
    now: number,
    onRead: (head: Head) => void
  ): Searchable<StoreError | VectorError> => ({
    now,
    attempt: degrades,
    embed: (model, text) => {
      const { fill, query } = embeddingOf(model)
      return degrades(
        "the embedding model cannot be reached, memories are ranked by their words alone",
        Effect.andThen(fill(scope), query(text))
      )
    },
    read: (body) =>
      journal.read(
        scope,
        (reader) => Effect.andThen(Effect.map(reader.head, onRead), Effect.suspend(() => body(reader)))
      )
  })

  return {
    current,
    log,
    adopt,
    asOf: Effect.fn("MemoryStore.asOf")((scope, moment) =>
      journal.read(
        scope,
        Effect.fnUntraced(function*(reader) {
          const entries = yield* reader.entries()
          const revision = yield* revisionOf(scope, entries.length, entries, moment)
          return { revision, bank: MemoryLog.replay(entries, revision) }
        })
      )
    ),
    commit: Effect.fn("MemoryStore.commit")(function*(scope, { base, decision: decided, edits: given }) {
      const edits = yield* Effect.forEach(given, clean)
      const decision = decided === undefined ? undefined : yield* cleanDecision(decided)
      return yield* journal.write(
        scope,
        Effect.fnUntraced(function*(reader) {
          const { revision: current } = yield* reader.head
          if (base !== current) {
            const entries = Number.isInteger(base) && base >= 0 && base < current
              ? yield* reader.entries({ after: base })
              : []
            return yield* new Conflict({ scope, base, current, entries })
          }
          const at = yield* nowAfter(reader)
          const resolved = yield* Commits.resolve(reader, edits, at)
          const entry: MemoryLog.Entry = {
            _tag: "Committed",
            revision: current + 1,
            at,
            edits: resolved.edits,
            ...defined({ decision })
          }
          return {
            change: { append: [entry], created: resolved.created, put: resolved.rows },
            value: { revision: entry.revision, edits: resolved.edits }
          }
        })
      )
    }),
    history: Effect.fn("MemoryStore.history")((scope, id) =>
      Effect.map(log(scope), (entries) => MemoryLog.versions(entries, id))
    ),
    revert: Effect.fn("MemoryStore.revert")((scope, moment) =>
      journal.write(
        scope,
        Effect.fnUntraced(function*(reader) {
          const entries = yield* reader.entries()
          const to = yield* revisionOf(scope, entries.length, entries, moment)
          const at = yield* nowAfter(reader)
          const before = MemoryLog.replay(entries)
          const bank = { ...MemoryLog.replay(entries, to), created: before.created }
          const put = Commits.changedRows(before, bank, at)
          // What was made since is undone without a tombstone.
          const kept = new Set(Commits.rowsOf(bank, () => at).map(({ memory }) => memory.id))
          const drop = Commits.rowsOf(before, () => at).flatMap(({ memory: { id } }) => kept.has(id) ? [] : [id])
          const revision = entries.length + 1
          return {
            change: { append: [{ _tag: "Reverted", revision, at, to }], created: bank.created, put, drop },
            value: { revision, bank }
          }
        })
      )
    ),
    fork: Effect.fn("MemoryStore.fork")((from, to) => Effect.flatMap(log(from), (entries) => adopt(to, entries))),
    erase: Effect.fn("MemoryStore.erase")(function*(scope, id) {
      const ids = [...new Set(typeof id === "string" ? [id] : id)]
      const erased = yield* journal.write(
        scope,
        Effect.fnUntraced(function*(reader) {
          const entries = yield* reader.entries()
          const told = new Set<MemoryId>(
            entries.flatMap((entry) => entry._tag === "Committed" ? entry.edits.flatMap(MemoryBank.touched) : [])
          )
          const unknown = ids.find((id) => !told.has(id))
          if (unknown !== undefined) return yield* new UnknownMemory({ scope, id: unknown })
          const { created, revision } = yield* reader.head
          const at = yield* nowAfter(reader)
          const rest = MemoryLog.without(entries, ids)
          const entry: MemoryLog.Entry = { _tag: "Erased", revision: revision + 1, at, created }
          const times = MemoryLog.changedAt(rest)
          const put = Commits.changedRows(MemoryLog.replay(entries), MemoryLog.replay(rest), at)
            .flatMap((row) => ids.includes(row.memory.id) ? [] : [{ ...row, at: times.get(row.memory.id) ?? at }])
          return {
            change: {
              append: [entry],
              created,
              put,
              drop: ids,
              replace: rest.filter((entry, i) => entry !== entries[i])
            },
            value: { revision: entry.revision }
          }
        })
      )
      banks.delete(scope)
      yield* journal.purge
      return erased
    }, Effect.uninterruptible),
    search: Effect.fn("MemoryStore.search")(function*(scope, query) {
      // Of the first moment that is read: a decision on what was found conflicts with all that came after it.
      let first: Head | undefined
      const memories = searchable(scope, yield* Clock.currentTimeMillis, (head) => first ??= head)
      const found = yield* retriever.retrieve(memories, cleaned(query))
      const { revision } = first ?? (yield* journal.read(scope, ({ head }) => head))
      return { revision, memories: found }
    }),
    list: Effect.fn("MemoryStore.list")(function*(scope, query = {}) {
      const where = whereOf(cleaned(query), yield* Clock.currentTimeMillis)
      const { after, limit = Number.POSITIVE_INFINITY, tombstones = false } = query
      const rows = yield* journal.read(
        scope,
        (reader) => reader.list({ where, limit: whole(limit), tombstones, beyond: after })
      )
      return rows.map(({ at, deleted, memory, order }): Listed => ({
        memory,
        order,
        changedAt: at,
        ...(deleted ? { deletedAt: at } : {})
      }))
    }),
    embed: Effect.fn("MemoryStore.embed")((scope) =>
      embedding === undefined
        ? Effect.succeed({ embedded: 0 })
        : Effect.map(embedding.fill(scope), (embedded) => ({ embedded }))
    ),
    reembed: Effect.fn("MemoryStore.reembed")((scope) =>
      embedding === undefined
        ? Effect.succeed({ embedded: 0 })
        : Effect.map(embedding.refill(scope), (embedded) => ({ embedded }))
    )
  }
}
