/**
 * Banks that last: a log of commits per scope is the source of truth, the bank is its fold.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Memory, MemoryId } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import * as Retriever from "./Retriever.ts"
import type { Scope } from "./Scope.ts"

/**
 * Somebody else committed since `base`: what was decided was decided on an old snapshot. Decide again on the new one.
 */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  scope: Schema.String,
  base: Schema.Finite,
  current: Schema.Int
}) {
  override get message(): string {
    return `${this.scope} is at revision ${this.current}, the commit was computed against ${this.base}: decide again`
  }
}

/**
 * A revision that the scope never had.
 */
export class UnknownRevision extends Schema.TaggedError<UnknownRevision>()("UnknownRevision", {
  scope: Schema.String,
  revision: Schema.Finite,
  current: Schema.Int
}) {
  override get message(): string {
    return `${this.scope} has revisions 0 to ${this.current}, not ${this.revision}`
  }
}

/**
 * A bank with the number of log entries that made it.
 */
export interface Versioned {
  readonly revision: number
  readonly bank: MemoryBank.MemoryBank
}

/**
 * One entry of the log. `Erased` says that something was removed for good, and nothing of what it was; `created` is the number of
 * ids given until then, so that the fold gives none of them again.
 */
export type LogEntry =
  & { readonly revision: number; readonly at: number }
  & (
    | { readonly _tag: "Committed"; readonly edits: ReadonlyArray<MemoryBank.Edit> }
    | { readonly _tag: "Reverted"; readonly to: number }
    | { readonly _tag: "Erased"; readonly created: number }
  )

/**
 * The store.
 *
 * - `current`, `asOf`: the bank now, or as it was at a revision.
 * - `commit`: applies edits that were computed against revision `base` (optimistic concurrency).
 * - `log`, `history`: every entry; every version of one memory, in the order of time (one that a revert brought back comes again).
 * - `revert`: a new revision whose bank is that of an earlier one. The log keeps what was undone.
 * - `fork`: copies a scope's log to a scope that has none yet.
 * - `erase`: removes a memory and every trace of its text, from the log too.
 * - `search`: the bank's memories, ranked by BM25.
 */
export class MemoryStore extends Context.Service<MemoryStore, {
  readonly current: (scope: Scope) => Effect.Effect<Versioned>
  readonly asOf: (scope: Scope, revision: number) => Effect.Effect<Versioned, UnknownRevision>
  readonly commit: (
    scope: Scope,
    commit: { readonly base: number; readonly edits: ReadonlyArray<MemoryBank.Edit> }
  ) => Effect.Effect<Versioned, Conflict>
  readonly log: (scope: Scope) => Effect.Effect<ReadonlyArray<LogEntry>>
  readonly history: (scope: Scope, id: MemoryId) => Effect.Effect<ReadonlyArray<Memory>>
  readonly revert: (scope: Scope, revision: number) => Effect.Effect<Versioned, UnknownRevision>
  readonly fork: (from: Scope, to: Scope) => Effect.Effect<Versioned, Conflict>
  readonly erase: (scope: Scope, id: MemoryId) => Effect.Effect<Versioned>
  readonly search: (scope: Scope, query: Retriever.Query) => Effect.Effect<ReadonlyArray<Retriever.Scored>>
}>()("@memory-r1/core/MemoryStore") {}

const fold = (
  log: ReadonlyArray<LogEntry>,
  see: (bank: MemoryBank.MemoryBank) => void = () => {}
): MemoryBank.MemoryBank => {
  let bank = MemoryBank.empty
  const banks = [bank]
  for (const entry of log) {
    switch (entry._tag) {
      case "Committed":
        for (const edit of entry.edits) see(bank = MemoryBank.apply(bank, edit))
        break
      case "Reverted":
        // Ids are never given twice, also not those of undone memories.
        see(bank = { ...banks[entry.to]!, created: bank.created })
        break
      case "Erased":
        bank = { ...bank, created: Math.max(bank.created, entry.created) }
    }
    banks.push(bank)
  }
  return bank
}

/**
 * The fold: the bank after the first `revision` entries of a log.
 */
export const replay = (log: ReadonlyArray<LogEntry>, revision: number = log.length): MemoryBank.MemoryBank =>
  fold(log.slice(0, revision))

/**
 * Every version of one memory that a log tells of, in the order of time. One that a revert brought back comes again.
 */
export const versions = (log: ReadonlyArray<LogEntry>, id: MemoryId): ReadonlyArray<Memory> => {
  const found: Array<Memory> = []
  fold(log, (bank) => {
    const memory = Option.getOrUndefined(MemoryBank.get(bank, id))
    if (memory !== undefined && memory !== found.at(-1)) found.push(memory)
  })
  return found
}

interface State extends Versioned {
  readonly log: ReadonlyArray<LogEntry>
}

const nothing: State = { revision: 0, bank: MemoryBank.empty, log: [] }

type Entry = LogEntry extends infer E ? E extends LogEntry ? Omit<E, "revision" | "at"> : never : never

const resolve = (bank: MemoryBank.MemoryBank, edits: ReadonlyArray<MemoryBank.Edit>) => {
  const resolved: Array<MemoryBank.Edit> = []
  let next = bank
  for (const edit of edits) {
    const after = MemoryBank.apply(next, edit)
    resolved.push(edit._tag === "Add" ? { ...edit, id: edit.id ?? MemoryId.make(`m${after.created}`) } : edit)
    next = after
  }
  return { bank: next, edits: resolved }
}

const targets = (edit: MemoryBank.Edit, id: MemoryId): boolean => edit._tag !== "Noop" && edit.id === id

/**
 * A store that lives as long as the process.
 */
export const layerInMemory: Layer.Layer<MemoryStore> = Layer.effect(
  MemoryStore,
  Effect.gen(function*() {
    const states = yield* Ref.make(HashMap.empty<Scope, State>())
    const stateOf = (all: HashMap.HashMap<Scope, State>, scope: Scope) => Option.getOrElse(HashMap.get(all, scope), () => nothing)

    const change = Effect.fnUntraced(function*<E>(scope: Scope, step: (state: State, at: number) => Result.Result<State, E>) {
      const at = yield* Clock.currentTimeMillis
      const result = yield* Ref.modify(states, (all) => {
        const next = step(stateOf(all, scope), at)
        return [next, Result.isSuccess(next) ? HashMap.set(all, scope, next.success) : all] as const
      })
      const { bank, revision } = yield* Effect.fromResult(result)
      return { bank, revision }
    })
    const append = (state: State, bank: MemoryBank.MemoryBank, at: number, entry: Entry): State => {
      const revision = state.revision + 1
      return { revision, bank, log: [...state.log, { ...entry, revision, at } as LogEntry] }
    }
    const unknown = (scope: Scope, revision: number, { revision: current }: State) =>
      Number.isInteger(revision) && revision >= 0 && revision <= current
        ? Result.void
        : Result.fail(new UnknownRevision({ scope, revision, current }))

    const current = Effect.fn("MemoryStore.current")(function*(scope: Scope) {
      const { bank, revision } = stateOf(yield* Ref.get(states), scope)
      return { bank, revision }
    })
    const asOf = Effect.fn("MemoryStore.asOf")(function*(scope: Scope, revision: number) {
      const state = stateOf(yield* Ref.get(states), scope)
      yield* Effect.fromResult(unknown(scope, revision, state))
      return { revision, bank: replay(state.log, revision) }
    })
    return MemoryStore.of({
      current,
      asOf,
      commit: Effect.fn("MemoryStore.commit")((scope, { base, edits }) =>
        change(scope, (state, at) => {
          if (base !== state.revision) return Result.fail(new Conflict({ scope, base, current: state.revision }))
          const resolved = resolve(state.bank, edits)
          return Result.succeed(append(state, resolved.bank, at, { _tag: "Committed", edits: resolved.edits }))
        })
      ),
      log: Effect.fn("MemoryStore.log")(function*(scope) {
        return stateOf(yield* Ref.get(states), scope).log
      }),
      history: Effect.fn("MemoryStore.history")(function*(scope, id) {
        return versions(stateOf(yield* Ref.get(states), scope).log, id)
      }),
      revert: Effect.fn("MemoryStore.revert")((scope, revision) =>
        change(scope, (state, at) =>
          Result.map(unknown(scope, revision, state), () => {
            const bank = { ...replay(state.log, revision), created: state.bank.created }
            return append(state, bank, at, { _tag: "Reverted", to: revision })
          }))
      ),
      fork: Effect.fn("MemoryStore.fork")(function*(from, to) {
        const source = stateOf(yield* Ref.get(states), from)
        return yield* change(to, (state) =>
          state.revision === 0
            ? Result.succeed(source)
            : Result.fail(new Conflict({ scope: to, base: 0, current: state.revision })))
      }),
      erase: Effect.fn("MemoryStore.erase")((scope, id) =>
        change(scope, (state, at) => {
          const log = state.log.map((entry) =>
            entry._tag === "Committed" ? { ...entry, edits: entry.edits.filter((edit) => !targets(edit, id)) } : entry
          )
          const { created } = state.bank
          return Result.succeed(append({ ...state, log }, { ...replay(log), created }, at, { _tag: "Erased", created }))
        })
      ),
      search: Effect.fn("MemoryStore.search")(function*(scope, query) {
        return Retriever.bm25((yield* current(scope)).bank, query)
      })
    })
  })
)
