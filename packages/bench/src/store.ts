/**
 * `memory-r1 bench store`: how fast stores commit, embed and open, and what a bank costs, beside plain SQLite and mem0.
 */
import { Flags, Output, Progress } from "@memory-r1/cli/extension"
import { MemoryBank, MemoryStore, Retriever } from "@memory-r1/core"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import { median, timed } from "./compared.ts"
import * as Mem0 from "./mem0.ts"
import { add, type Corpus, corpus, memory, model } from "./memories.ts"
import * as PlainSqlite from "./plainSqlite.ts"
import * as Stores from "./stores.ts"

interface Rounds {
  readonly commits: number
  readonly rounds: number
}

interface Peer<E> {
  readonly engine: string
  readonly write: (place: number) => Effect.Effect<void, E>
}

// Memories one by one from a place on, in rounds, in turn with peers that write the same ones. Ratios are of rounds
// next to each other, own rate to theirs.
const inTurn = Effect.fnUntraced(function*<E, R, E2>(
  { commits, rounds }: Rounds,
  from: number,
  write: (place: number) => Effect.Effect<unknown, E, R>,
  peers: ReadonlyArray<Peer<E2>>
) {
  const rates: Array<number> = []
  const others = peers.map(({ engine }) => ({ engine, rates: [] as Array<number> }))
  // The round before the first is without the clock.
  for (let round = 0; round <= rounds; round++) {
    const places = Array.from({ length: commits }, (_, i) => from + round * commits + i)
    const own = yield* timed(Effect.forEach(places, write, { discard: true }))
    if (round > 0) rates.push(commits / own.seconds)
    for (const [i, peer] of peers.entries()) {
      const other = yield* timed(Effect.forEach(places, peer.write, { discard: true }))
      if (round > 0) others[i]!.rates.push(commits / other.seconds)
    }
  }
  return {
    perSecond: median(rates),
    peers: others.map((other) => ({
      engine: other.engine,
      perSecond: median(other.rates),
      ratio: median(rates.map((rate, i) => rate / other.rates[i]!))
    }))
  }
})

// Edits of one commit, or of one round.
const atATime = 1000

// Of ten operations six are an ADD, three an UPDATE and one a DELETE; these are of the memories that came last.
const mixed = (corpus: Corpus, last: number): ReadonlyArray<MemoryBank.Edit> =>
  Array.from({ length: Math.min(atATime, last + 1) }, (_, i) => {
    const id = Stores.idAt(last - i)
    if (i % 10 < 6) return add(corpus, last + 1 + i)
    return i % 10 < 9
      ? MemoryBank.Edit.Update({ id, text: `${corpus.texts[last - i]!} now` })
      : MemoryBank.Edit.Delete({ id })
  })

// Commits, each computed against the one before it.
const committer = (store: MemoryStore.MemoryStore["Service"], base: number) => {
  let revision = base
  return Effect.fnUntraced(function*(edits: ReadonlyArray<MemoryBank.Edit>) {
    revision = (yield* store.commit(Stores.scope, { base: revision, edits })).revision
  })
}

// A store that is filled and written to.
const written = Effect.fnUntraced(
  function*<E>(
    subject: Stores.Subject,
    corpus: Corpus,
    { memories, ...rounds }: Rounds & { readonly memories: number },
    peers: ReadonlyArray<Peer<E>>
  ) {
    const embedding = yield* model(corpus)
    const before = yield* Stores.rssBytes
    const store = MemoryStore.fromJournal(yield* subject.journal, Retriever.make({ embedding }))
    const filled = yield* timed(Stores.commitAll(store, corpus, { base: 0, from: 0, to: memories }, atATime))
    const commit = committer(store, filled.value)
    const single = yield* inTurn(rounds, memories, (place) => commit([add(corpus, place)]), peers)
    const edits = mixed(corpus, memories + rounds.commits * (rounds.rounds + 1) - 1)
    const changed = yield* timed(commit(edits))
    const embed = yield* timed(store.embed(Stores.scope))
    return {
      batchedPerSecond: memories / filled.seconds,
      mixedPerSecond: edits.length / changed.seconds,
      single,
      embeddedPerSecond: embed.value.embedded / embed.seconds,
      rssBytes: (yield* Stores.rssBytes) - before
    }
  },
  Effect.scoped
)

// The same store, opened again.
const reopened = Effect.fnUntraced(function*(subject: Stores.Subject, text: string) {
  const opening = yield* timed(Effect.gen(function*() {
    const store = MemoryStore.fromJournal(yield* subject.journal)
    yield* store.search(Stores.scope, { text, limit: 30 })
    return store
  }))
  const folding = yield* timed(opening.value.current(Stores.scope))
  return { openSeconds: opening.seconds, foldSeconds: folding.seconds }
}, Effect.scoped)

// A bank of so many memories: edits in rounds that all begin with the same bank, and forks of it.
const bankOf = (corpus: Corpus, memories: number, rounds: number) => {
  const bank = MemoryBank.applyAll(MemoryBank.empty, Array.from({ length: memories }, (_, i) => add(corpus, i)))
  const microseconds = (times: number, run: () => void): number => {
    run()
    return median(Array.from({ length: rounds }, () => {
      const started = performance.now()
      run()
      return (performance.now() - started) * 1000 / times
    }))
  }
  const edits = mixed(corpus, memories - 1)
  const forks = 1_000_000
  return {
    applyMicroseconds: microseconds(edits.length, () => void MemoryBank.applyAll(bank, edits)),
    forkMicroseconds: microseconds(forks, () => {
      for (let i = 0; i < forks; i++) MemoryBank.fork(bank)
    })
  }
}

type Written = Effect.Success<ReturnType<typeof written>>

const singleLines = ({ peers, perSecond }: Written["single"]): ReadonlyArray<string> => [
  `  ${Stores.perSecond(perSecond)} commits of one memory`,
  ...peers.map((peer) =>
    `    beside ${Stores.perSecond(peer.perSecond)} of ${peer.engine}: ratio ${peer.ratio.toFixed(2)}`
  )
]

const writtenLines = (
  name: string,
  { batchedPerSecond, embeddedPerSecond, mixedPerSecond, rssBytes, single }: Written
): ReadonlyArray<string> => [
  `  ${name}: ${Stores.perSecond(batchedPerSecond)} ADD and ${
    Stores.perSecond(mixedPerSecond)
  } operations of all kinds, ${atATime} a commit; ${Stores.perSecond(embeddedPerSecond)} embedded; memory ${
    Stores.inMegabytes(rssBytes)
  }`,
  ...singleLines(single)
]

/**
 * `memory-r1 bench store [--sizes N,N] [--mem0 DIR]`
 */
export const store = Command.make(
  "store",
  {
    ...Stores.flags,
    commits: Flags.count("commits").pipe(
      Flag.withDescription("commits of one memory in each round"),
      Flag.withDefault(200)
    ),
    rounds: Flags.count("rounds").pipe(
      Flag.withDescription("how often the store and its peers take turns"),
      Flag.withDefault(5)
    )
  },
  Effect.fn(function*({ commits, dimensions, folder: place, mem0, rounds, seed, sizes }) {
    const path = yield* Path.Path
    const { phase } = yield* Progress.Progress
    const shape = { commits, rounds }
    // New files, and the peers in theirs, with as many memories.
    const prepared = Effect.fnUntraced(function*(memories: number) {
      const folder = yield* Stores.temporary(place)
      const given = yield* corpus(memories + commits * (rounds + 1) + atATime, { dimensions, questions: 1 })
      const plain = yield* PlainSqlite.inserts(path.join(folder, "plain.db"))
      plain.fill(given, memories)
      const peers: Array<Peer<Mem0.Mem0Error>> = [{
        engine: plain.engine,
        write: (place) => Effect.sync(() => plain.insert(memory(given, place)))
      }]
      if (Option.isSome(mem0)) {
        const peer = yield* Mem0.open(mem0.value, folder, given)
        yield* peer.fill(1, memories)
        peers.push({ engine: peer.engine, write: (place) => peer.add(given.texts[place]!) })
      }
      return { given, peers, ...yield* Stores.subjects(folder) }
    })
    const empty = Effect.gen(function*() {
      const { given, peers, sqlite } = yield* prepared(0)
      const commit = committer(MemoryStore.fromJournal(yield* sqlite.journal), 0)
      return { single: yield* inTurn(shape, 0, (place) => commit([add(given, place)]), peers) }
    }).pipe(Effect.scoped, Random.withSeed(`${seed}/0`))
    const ofSize = (memories: number) =>
      Effect.gen(function*() {
        const { given, peers, sqlite, ...others } = yield* prepared(memories)
        const stores = {
          sqlite: {
            ...yield* written(sqlite, given, { memories, ...shape }, peers),
            fileBytes: yield* sqlite.fileBytes,
            ...yield* reopened(sqlite, given.questions[0]!.text)
          },
          memory: yield* written(others.memory, given, { memories, ...shape }, [])
        }
        return { memories, stores, bank: bankOf(given, memories, rounds) }
      }).pipe(Effect.scoped, Random.withSeed(`${seed}/${memories}`))
    const measured = yield* phase(
      "bench store",
      sizes.length,
      Effect.fnUntraced(function*({ update }) {
        return {
          empty: yield* empty,
          results: yield* Effect.forEach(
            sizes,
            (memories, i) => Effect.tap(ofSize(memories), () => update(i + 1, `${memories} memories`))
          )
        }
      })
    )
    yield* Output.document({ dimensions, seed, ...shape, ...measured }, [
      "an empty SQLite file",
      ...singleLines(measured.empty.single),
      ...measured.results.flatMap(({ bank, memories, stores: { memory, sqlite } }) => [
        `${memories.toLocaleString("en")} memories`,
        ...writtenLines("SQLite", sqlite),
        `  file ${Stores.inMegabytes(sqlite.fileBytes)}; opened and searched in ${
          (sqlite.openSeconds * 1000).toFixed(1)
        } ms, its bank folded in ${(sqlite.foldSeconds * 1000).toFixed(0)} ms`,
        ...writtenLines("in memory", memory),
        `  bank: ${bank.applyMicroseconds.toFixed(2)} µs an edit, ${
          (bank.forkMicroseconds * 1000).toFixed(1)
        } ns a fork`
      ]),
      ...(Option.isNone(mem0) ? [Stores.withoutMem0] : [])
    ])
  })
).pipe(Command.withDescription("Commits, embedding and opening of stores, and banks: rates, times, memory"))
