// A journal in the memory of the process.
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Bm25 from "../Bm25.ts"
import * as Filter from "../Filter.ts"
import type { Change, Head, Journal, Ranked, Reader, Row, Where } from "../Journal.ts"
import type { MemoryId } from "../Memory.ts"
import type { Entry } from "../MemoryLog.ts"
import type { Scope } from "../Scope.ts"
import * as SignIndex from "../SignIndex.ts"
import { fingerprint } from "./fingerprint.ts"

interface Dense {
  readonly index: SignIndex.SignIndex
  /** Unit vectors by the order of the row. */
  readonly vectors: Map<number, Float32Array>
}

interface State {
  head: Head
  entries: Array<Entry>
  readonly rows: Map<MemoryId, Row>
  readonly byOrder: Map<number, Row>
  readonly byFingerprint: Map<number, Set<MemoryId>>
  readonly words: Bm25.Index<number>
  /** The orders of live rows that have no vector. */
  readonly unembedded: Set<number>
  dense: Dense | undefined
}

const unit = (vector: Float32Array): Float32Array => {
  const norm = Math.hypot(...vector)
  return norm === 0 ? vector : vector.map((component) => component / norm)
}

const isAmong = ({ at, deleted, memory }: Row, { filter, since, speaker, unexpiredAt }: Where): boolean =>
  !deleted &&
  (speaker === undefined || (memory.speaker ?? null) === speaker) &&
  (since === undefined || at >= since) &&
  (unexpiredAt === undefined || memory.expiresAt === undefined || memory.expiresAt > unexpiredAt) &&
  (filter === undefined || Filter.matches(filter, memory.metadata))

export const inMemoryJournal = (): Journal => {
  const states = new Map<Scope, State>()
  let probe: Float32Array | undefined
  const stateOf = (scope: Scope): State => {
    let state = states.get(scope)
    if (state === undefined) {
      state = {
        head: { revision: 0, at: 0, created: 0 },
        entries: [],
        rows: new Map(),
        byOrder: new Map(),
        byFingerprint: new Map(),
        words: Bm25.makeIndex(),
        unembedded: new Set(),
        dense: undefined
      }
      states.set(scope, state)
    }
    return state
  }

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
              if (!isAmong(state.byOrder.get(order)!, where)) {
                return []
              }
              const other = dense.vectors.get(order)!
              let score = 0
              for (let i = 0; i < query.length; i++) {
                score += query[i]! * other[i]!
              }
              return [{ order, score }]
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
    const replaced = new Map(replace.map((entry) => [entry.revision, entry]))
    if (replaced.size > 0) state.entries = state.entries.map((entry) => replaced.get(entry.revision) ?? entry)
    state.entries.push(...append)
    const { at, revision } = state.entries.at(-1) ?? state.head
    state.head = { revision, at, created }
  }

  // One body at a time, so that what it reads belongs together and what it writes is based on it.
  const alone = Semaphore.makeUnsafe(1).withPermit
  return {
    name: "memory",
    read: (scope, body) => alone(Effect.suspend(() => body(readerOf(stateOf(scope))))),
    write: (scope, body) =>
      alone(Effect.suspend(() => {
        const state = stateOf(scope)
        return Effect.map(body(readerOf(state)), ({ change, value }) => {
          if (change !== undefined) apply(state, change)
          return value
        })
      })),
    purge: Effect.void,
    probe: Effect.sync(() => probe),
    embed: (scope, vectors, model) =>
      alone(Effect.sync(() => {
        const state = stateOf(scope)
        probe = model
        const dense = state.dense ??= { index: SignIndex.make(model.length), vectors: new Map() }
        for (const { id, text, vector } of vectors) {
          const row = state.rows.get(id)
          if (row === undefined || row.deleted || row.memory.text !== text) continue
          dense.vectors.set(row.order, unit(vector))
          dense.index.set(row.order, SignIndex.signs(vector))
          state.unembedded.delete(row.order)
        }
      })),
    forgetVectors: alone(Effect.sync(() => {
      probe = undefined
      for (const state of states.values()) {
        state.dense = undefined
        for (const { deleted, order } of state.rows.values()) if (!deleted) state.unembedded.add(order)
      }
    }))
  }
}
