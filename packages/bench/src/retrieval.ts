/**
 * `memory-r1 bench retrieval`: how long stores search and what they find, beside sqlite-vec and mem0.
 */
import { Flags, Output, Progress } from "@memory-r1/cli/extension"
import { MemoryStore, Retriever } from "@memory-r1/core"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import { timed } from "./compared.ts"
import { evidence } from "./evidence.ts"
import * as Mem0 from "./mem0.ts"
import { type Corpus, corpus, model, nearest, recall } from "./memories.ts"
import * as PlainSqlite from "./plainSqlite.ts"
import * as Stores from "./stores.ts"

// As many as the paper retrieves for each speaker.
const limit = 30
// Questions to those that look at every memory, and about how many seconds are spent on them.
const few = 100
const patience = 5

type Question = Corpus["questions"][number]

// Each search for itself, after some without the clock.
const ask = Effect.fnUntraced(
  function*<A, E, R>(
    questions: ReadonlyArray<Question>,
    search: (question: Question) => Effect.Effect<A, E, R>,
    before = 50
  ) {
    yield* Effect.forEach(questions.slice(0, before), search)
    const found = yield* Effect.forEach(questions, (question) => timed(search(question)))
    return { values: found.map(({ value }) => value), latency: Stores.latency(found.map(({ seconds }) => seconds)) }
  }
)

// The same of a peer that may take seconds for each.
const askPatiently = Effect.fnUntraced(
  function*<A, E, R>(questions: ReadonlyArray<Question>, search: (question: Question) => Effect.Effect<A, E, R>) {
    const { seconds } = yield* timed(search(questions[0]!))
    return yield* ask(questions.slice(0, Math.max(3, Math.min(few, Math.floor(patience / seconds)))), search, 0)
  }
)

const measure = Effect.fnUntraced(
  function*(subject: Stores.Subject, corpus: Corpus, exact: ReadonlyArray<ReadonlyArray<number>>) {
    const embedding = yield* model(corpus)
    const before = yield* Stores.rssBytes
    const journal = yield* subject.journal
    const lexical = MemoryStore.fromJournal(journal)
    const hybrid = MemoryStore.fromJournal(journal, Retriever.make({ embedding }))
    yield* Stores.commitAll(lexical, corpus, { base: 0, from: 0, to: corpus.texts.length }, 1000)
    yield* hybrid.embed(Stores.scope)
    const byWords = yield* ask(corpus.questions, ({ text }) => lexical.search(Stores.scope, { text, limit }))
    // What a search does for its vectors, without the words.
    const byVector = yield* ask(
      corpus.questions,
      ({ vector }) =>
        journal.read(Stores.scope, (reader) =>
          Effect.gen(function*() {
            const found = yield* reader.dense({ vector, limit, where: {} })
            yield* reader.rows(found.map(({ id }) => id))
            return found.map(({ id }) => Stores.placeOf(id))
          }))
    )
    const byBoth = yield* ask(corpus.questions, ({ text }) => hybrid.search(Stores.scope, { text, limit }))
    return {
      lexical: byWords.latency,
      dense: { ...byVector.latency, recall: recall(byVector.values, exact) },
      hybrid: byBoth.latency,
      rssBytes: (yield* Stores.rssBytes) - before
    }
  },
  Effect.scoped
)

type Measured = Effect.Success<ReturnType<typeof measure>>

const peerOf = (
  engine: string,
  { latency, values }: { readonly latency: Stores.Latency; readonly values: ReadonlyArray<unknown> },
  own: Stores.Latency
) => ({
  engine,
  n: values.length,
  ...latency,
  ratio: latency.p50 / own.p50
})

const line = (name: string, text: string): string => `  ${name.padEnd(16)}  ${text}`

const storeLines = (
  name: string,
  { dense, fileBytes, hybrid, lexical, rssBytes }: Measured & { readonly fileBytes?: number | undefined }
): ReadonlyArray<string> => [
  line(`${name} lexical`, Stores.inMilliseconds(lexical)),
  line(`${name} dense`, `${Stores.inMilliseconds(dense)}, recall@${limit} ${dense.recall.toFixed(4)}`),
  line(`${name} hybrid`, Stores.inMilliseconds(hybrid)),
  line(
    "",
    `memory ${Stores.inMegabytes(rssBytes)}${fileBytes === undefined ? "" : `, file ${Stores.inMegabytes(fileBytes)}`}`
  )
]

const synthetic = Effect.fnUntraced(function*(
  asked: {
    readonly sizes: ReadonlyArray<number>
    readonly dimensions: number
    readonly seed: number
    readonly queries: number
    readonly folder: Option.Option<string>
    readonly mem0: Option.Option<string>
  }
) {
  const path = yield* Path.Path
  const { phase } = yield* Progress.Progress
  const ofSize = (memories: number) =>
    Effect.scoped(Effect.gen(function*() {
      const folder = yield* Stores.temporary(asked.folder)
      const given = yield* corpus(memories, { dimensions: asked.dimensions, questions: asked.queries })
      const exact = given.questions.slice(0, few).map(({ vector }) => nearest(given, vector, limit))
      const { memory, sqlite } = yield* Stores.subjects(folder)
      const stores = {
        sqlite: { ...yield* measure(sqlite, given, exact), fileBytes: yield* sqlite.fileBytes },
        memory: yield* measure(memory, given, exact)
      }
      const vectors = yield* Effect.scoped(Effect.gen(function*() {
        const plain = yield* PlainSqlite.vectors(path.join(folder, "vectors.db"), given)
        const found = yield* askPatiently(
          given.questions,
          ({ vector }) => Effect.sync(() => plain.search(vector, limit))
        )
        return {
          ...peerOf(plain.engine, found, stores.sqlite.dense),
          recall: recall(found.values, exact.slice(0, found.values.length))
        }
      }))
      const mem0 = yield* Effect.forEach(
        Option.toArray(asked.mem0),
        Effect.fnUntraced(function*(installed) {
          const peer = yield* Mem0.open(installed, folder, given)
          yield* peer.fill(1, memories)
          return peerOf(
            peer.engine,
            yield* askPatiently(given.questions, ({ text }) => peer.search(text, limit)),
            stores.sqlite.hybrid
          )
        })
      )
      return { memories, stores, peers: { dense: vectors, hybrid: mem0[0] } }
    })).pipe(Random.withSeed(`${asked.seed}/${memories}`))
  const results = yield* phase(
    "bench retrieval",
    asked.sizes.length,
    ({ update }) =>
      Effect.forEach(
        asked.sizes,
        (memories, i) => Effect.tap(ofSize(memories), () => update(i + 1, `${memories} memories`))
      )
  )
  yield* Output.document({ dimensions: asked.dimensions, seed: asked.seed, queries: asked.queries, limit, results }, [
    ...results.flatMap(({ memories, peers, stores }) => [
      `${memories.toLocaleString("en")} memories`,
      ...storeLines("SQLite", stores.sqlite),
      ...storeLines("in memory", stores.memory),
      line(
        peers.dense.engine,
        `${Stores.inMilliseconds(peers.dense)}, recall@${limit} ${peers.dense.recall.toFixed(4)}: ${
          peers.dense.ratio.toFixed(1)
        } times the time of SQLite dense`
      ),
      ...(peers.hybrid === undefined ? [] : [
        line(
          peers.hybrid.engine,
          `${Stores.inMilliseconds(peers.hybrid)} (${peers.hybrid.n} searches): ${
            peers.hybrid.ratio.toFixed(0)
          } times the time of SQLite hybrid`
        )
      ])
    ]),
    ...(Option.isNone(asked.mem0) ? [Stores.withoutMem0] : [])
  ])
})

/**
 * `memory-r1 bench retrieval [--sizes N,N] [--mem0 DIR]`, or `--locomo FILE [--model DIR]`
 */
export const retrieval = Command.make(
  "retrieval",
  {
    ...Stores.flags,
    queries: Flags.count("queries").pipe(Flag.withDescription("searches that are timed"), Flag.withDefault(200)),
    locomo: Flag.String("locomo").pipe(
      Flag.withDescription(
        "LoCoMo's file: measures what share of the evidence of its questions is found, instead of times"
      ),
      Flag.optional
    ),
    model: Flag.String("model").pipe(
      Flag.withDescription("with --locomo: an encoder, a Hugging Face directory or id, for vectors and both together"),
      Flag.optional
    )
  },
  Effect.fn(function*({ locomo, model, ...asked }) {
    if (Option.isSome(locomo)) yield* evidence({ file: locomo.value, model, folder: asked.folder })
    else yield* synthetic(asked)
  })
).pipe(
  Command.withDescription("Search in stores of made-up memories: times, recall, memory; or recall of LoCoMo's evidence")
)
