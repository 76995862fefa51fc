// A journal over a log: rows, words and vectors are folded from it, and kept in the memory of the process.
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Semaphore from "effect/Semaphore"
import type { MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import type { Scope } from "../Scope.ts"
import * as Bm25 from "../store/Bm25.ts"
import * as SignIndex from "../store/SignIndex.ts"
import { failure, StoreError } from "../store/StoreError.ts"
import { bankOf, changedRows, rowsOf } from "./commit.ts"
import { fingerprint } from "./fingerprint.ts"
import type { Change, Head, Journal, Log, Ranked, Reader, Row, Where } from "./journal.ts"
import { dot, unit } from "./vectors.ts"
import { isAmong } from "./where.ts"

interface Dense {
  readonly index: SignIndex.SignIndex
  /** Unit vectors by the order of the row. */
  readonly vectors: Map<number, Float32Array>
}

interface State {
  /** One body at a time, so that what it reads belongs together and what it writes is based on it. */
  readonly alone: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  head: Head
  entries: Array<MemoryLog.Entry>
  readonly rows: Map<MemoryId, Row>
  readonly byOrder: Map<number, Row>
  readonly byFingerprint: Map<number, Set<MemoryId>>
  readonly words: Bm25.Index<number>
  /** The orders of live rows that have no vector. */
  readonly unembedded: Set<number>
  dense: Dense | undefined
}

const empty = (): State => ({
  alone: Semaphore.makeUnsafe(1).withPermit,
  head: { revision: 0, at: 0, created: 0 },
  entries: [],
  rows: new Map(),
  byOrder: new Map(),
  byFingerprint: new Map(),
  words: Bm25.makeIndex(),
  unembedded: new Set(),
  dense: undefined
})

const readerOf = (state: State): Reader => {
  const ordered = () => Array.from(state.rows.values()).sort((a, b) => a.order - b.order)
  const best = (scored: Iterable<readonly [number, number]>, limit: number, where: Where): ReadonlyArray<Ranked> =>
    Array.from(scored)
      .sort(([a, left], [b, right]) => right - left || b - a)
      .flatMap(([order, score]) => {
        const row = state.byOrder.get(order)!
        return isAmong(row, where) ? [{ id: row.memory.id, score }] : []
      })
      .slice(0, limit)
  return {
    head: Effect.sync(() => state.head),
    entries: ({ after = 0, upTo } = {}) => Effect.sync(() => state.entries.slice(after, upTo)),
    rows: (ids) => Effect.sync(() => ids.flatMap((id) => state.rows.get(id) ?? [])),
    list: ({ beyond, limit, newestFirst = false, tombstones = false, where }) =>
      Effect.sync(() => {
        const rows = ordered().filter((row) =>
          (isAmong(row, where) || (tombstones && isAmong({ ...row, deleted: false }, where))) &&
          (beyond === undefined || (newestFirst ? row.order < beyond : row.order > beyond))
        )
        return (newestFirst ? rows.reverse() : rows).slice(0, limit)
      }),
    speakers: Effect.sync(
      () => [...new Set(ordered().filter(({ deleted }) => !deleted).map(({ memory }) => memory.speaker ?? null))]
    ),
    alike: (fingerprints, unexpiredAt) =>
      Effect.sync(() =>
        fingerprints.flatMap((one) => Array.from(state.byFingerprint.get(one) ?? [], (id) => state.rows.get(id)!))
          .filter((row) => isAmong(row, { unexpiredAt }))
      ),
    lexical: ({ limit, text, where }) => Effect.sync(() => best(state.words.scores(text), limit, where)),
    dense: ({ limit, vector, where }) =>
      Effect.sync(() => {
        const { dense } = state
        if (dense === undefined) return []
        const query = unit(vector)
        const found = SignIndex.search(dense.index, SignIndex.signs(query), limit, (orders) =>
          orders.flatMap((order) => {
            if (!isAmong(state.byOrder.get(order)!, where)) return []
            const other = dense.vectors.get(order)!
            return [{ order, score: dot(query, other) }]
          }))
        return best(found.map(({ order, score }) => [order, score]), limit, where)
      }),
    unembedded: (limit) =>
      Effect.sync(() =>
        Array.from(state.unembedded).sort((a, b) => a - b).slice(0, limit).map((order) => state.byOrder.get(order)!)
      )
  }
}

const unindex = (state: State, { memory, order }: Row): void => {
  state.words.remove(order)
  state.byFingerprint.get(fingerprint(memory))?.delete(memory.id)
}
const forgetVector = (state: State, order: number): void => {
  state.dense?.vectors.delete(order)
  state.dense?.index.remove(order)
  state.unembedded.delete(order)
}
const replaced = (entries: ReadonlyArray<MemoryLog.Entry>, replace: ReadonlyArray<MemoryLog.Entry>) => {
  const by = new Map(replace.map((entry) => [entry.revision, entry]))
  return entries.map((entry) => by.get(entry.revision) ?? entry)
}
const apply = (state: State, { append, created, drop = [], put = [], replace = [] }: Change): void => {
  for (const id of drop) {
    const row = state.rows.get(id)
    if (row === undefined) continue
    unindex(state, row)
    forgetVector(state, row.order)
    state.rows.delete(id)
    state.byOrder.delete(row.order)
  }
  for (const row of put) {
    const before = state.rows.get(row.memory.id)
    if (before !== undefined) unindex(state, before)
    if (before?.memory.text !== row.memory.text || row.deleted) forgetVector(state, row.order)
    state.rows.set(row.memory.id, row)
    state.byOrder.set(row.order, row)
    if (row.deleted) continue
    state.words.set(row.order, row.memory.text)
    if (state.dense?.vectors.has(row.order) !== true) state.unembedded.add(row.order)
    const key = fingerprint(row.memory)
    const alike = state.byFingerprint.get(key)
    if (alike === undefined) state.byFingerprint.set(key, new Set([row.memory.id]))
    else alike.add(row.memory.id)
  }
  if (replace.length > 0) state.entries = replaced(state.entries, replace)
  for (const entry of append) state.entries.push(entry)
  const { at, revision } = state.entries.at(-1) ?? state.head
  state.head = { revision, at, created }
}

// What an entry of edits changes, worked out on the rows that it names.
const changeOf = (state: State, edits: ReadonlyArray<MemoryBank.Edit>, entry: MemoryLog.Entry): Change => {
  const named = new Set(edits.flatMap(MemoryBank.touched))
  const before = bankOf(Array.from(named).flatMap((id) => state.rows.get(id) ?? []), state.head.created)
  const bank = MemoryBank.applyAll(before, edits)
  return { append: [entry], created: bank.created, put: changedRows(before, bank, entry.at) }
}

// The state of a whole log. Rows that are as they were keep their vectors.
const become = (state: State, entries: ReadonlyArray<MemoryLog.Entry>): void => {
  const bank = MemoryLog.replay(entries)
  const times = MemoryLog.changedAt(entries)
  const rows = new Map(rowsOf(bank, ({ id }) => times.get(id) ?? 0).map((row) => [row.memory.id, row]))
  const drop = Array.from(state.rows.values()).filter(({ memory, order }) => rows.get(memory.id)?.order !== order)
  const put = Array.from(rows.values()).filter((row) => !Equal.equals(state.rows.get(row.memory.id), row))
  apply(state, { append: [], created: bank.created, drop: drop.map(({ memory }) => memory.id), put })
  state.entries = [...entries]
  state.head = { revision: entries.length, at: entries.at(-1)?.at ?? 0, created: bank.created }
}

/**
 * The journal of a log. Rows, words and vectors are kept in the memory of the process, folded from the log of each
 * scope when it is first used, and from what others have appended since. Vectors are nowhere else: a process that
 * starts again computes them anew. For a log that is too large for that, write a whole `Journal`.
 *
 * @example
 * ```ts
 * import { MemoryBank, type MemoryLog, MemoryStore, Scope } from "@memory-r1/core"
 * import { Journal } from "@memory-r1/core/store"
 * import { Effect } from "effect"
 *
 * const logs = new Map<string, ReadonlyArray<MemoryLog.Entry>>()
 * const write = (scope: string, entries: ReadonlyArray<MemoryLog.Entry>) =>
 *   Effect.sync(() => {
 *     const known = logs.get(scope) ?? []
 *     if (known.length !== entries.at(-1)!.revision - 1) return false
 *     logs.set(scope, [...known.slice(0, entries[0]!.revision - 1), ...entries])
 *     return true
 *   })
 * const journal = () =>
 *   Journal.fromLog({
 *     name: "a map",
 *     read: (scope, after) => Effect.sync(() => (logs.get(scope) ?? []).slice(after)),
 *     append: write,
 *     rewrite: write
 *   })
 * const ann = Scope.make({ user: "ann" })
 * const edits = [MemoryBank.Edit.Add({ memory: { text: "Ann plays chess" } })]
 * await Effect.runPromise(MemoryStore.fromJournal(journal()).commit(ann, { base: 0, edits }))
 * // Another process, over the same log.
 * const listed = await Effect.runPromise(MemoryStore.fromJournal(journal()).list(ann))
 * listed.map(({ memory }) => memory.text) // => ["Ann plays chess"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromLog = (log: Log): Journal => {
  const states = new Map<Scope, State>()
  let probe: Float32Array | undefined
  const stateOf = (scope: Scope): State => {
    let state = states.get(scope)
    if (state === undefined) states.set(scope, state = empty())
    return state
  }
  const attempt = <A>(doing: string, effect: Effect.Effect<A, unknown>): Effect.Effect<A, StoreError> =>
    Effect.mapError(effect, (cause) => failure(log.name, doing, cause))

  const read = Effect.fnUntraced(function*(scope: Scope, after: number) {
    const entries = yield* attempt("to read", log.read(scope, after))
    const gap = entries.findIndex(({ revision }, i) => revision !== after + i + 1)
    if (gap === -1) return entries
    const detail = `the log of ${scope} has revision ${entries[gap]!.revision} where ${after + gap + 1} comes next`
    return yield* new StoreError({ store: log.name, doing: "to read", reason: "Corrupt", detail })
  })
  // Takes in what another process has appended.
  const refresh = Effect.fnUntraced(function*(scope: Scope, state: State) {
    const { revision } = state.head
    const since = yield* read(scope, revision)
    if (since.length === 0) return
    if (revision === 0) return become(state, since)
    // What an erasure or a revert has changed lies before it.
    if (since.some(({ _tag }) => _tag !== "Committed")) return become(state, yield* read(scope, 0))
    for (const entry of since) {
      if (entry._tag === "Committed") apply(state, changeOf(state, entry.edits, entry))
    }
  })
  // `false` where another process was faster.
  const write = (scope: Scope, state: State, change: Change): Effect.Effect<boolean, StoreError> => {
    const { append, replace = [] } = change
    const written = replace.length === 0
      ? log.append(scope, append)
      : log.rewrite(scope, [...replaced(state.entries, replace), ...append])
    return Effect.uninterruptible(Effect.map(attempt("to write", written), (isWritten) => {
      if (isWritten) apply(state, change)
      return isWritten
    }))
  }

  return {
    name: log.name,
    read: (scope, body) =>
      Effect.suspend(() => {
        const state = stateOf(scope)
        return state.alone(Effect.andThen(refresh(scope, state), Effect.suspend(() => body(readerOf(state)))))
      }),
    write: (scope, body) =>
      Effect.suspend(() => {
        const state = stateOf(scope)
        return state.alone(Effect.gen(function*() {
          yield* refresh(scope, state)
          for (;;) {
            const { revision } = state.head
            const { change, value } = yield* body(readerOf(state))
            if (change === undefined || (yield* write(scope, state, change))) return value
            yield* refresh(scope, state)
            if (state.head.revision === revision) {
              const detail = `the log of ${scope} takes no entry after revision ${revision}, and has none`
              return yield* new StoreError({ store: log.name, doing: "to write", reason: "Other", detail })
            }
          }
        }))
      }),
    purge: attempt("to remove what was erased", log.purge ?? Effect.void),
    probe: Effect.sync(() => probe),
    embed: (scope, vectors, model) =>
      Effect.suspend(() => {
        const state = stateOf(scope)
        return state.alone(Effect.sync(() => {
          probe = model
          const dense = state.dense ??= { index: SignIndex.make(model.length), vectors: new Map() }
          for (const { id, text, vector } of vectors) {
            const row = state.rows.get(id)
            if (row === undefined || row.deleted || row.memory.text !== text) continue
            dense.vectors.set(row.order, unit(vector))
            dense.index.set(row.order, SignIndex.signs(vector))
            state.unembedded.delete(row.order)
          }
        }))
      }),
    forgetVectors: Effect.suspend(() => {
      probe = undefined
      return Effect.forEach(Array.from(states.values()), (state) =>
        state.alone(Effect.sync(() => {
          state.dense = undefined
          for (const { deleted, order } of state.rows.values()) if (!deleted) state.unembedded.add(order)
        })), { discard: true })
    })
  }
}

/**
 * A journal that lives as long as the process: what the others are measured by.
 *
 * @category constructors
 * @since 0.1.0
 */
export const inMemory = (): Journal =>
  fromLog({
    name: "memory",
    read: () => Effect.succeed([]),
    append: () => Effect.succeed(true),
    rewrite: () => Effect.succeed(true)
  })
