/**
 * mem0's TypeScript SDK as a peer: its `Memory` with the store that runs in the process ("memory", a SQLite file that
 * it reads whole for every search), its history beside it in another file as it is by default, and no language model
 * (`infer: false`). Its vectors come through its LangChain embedder, from the corpus.
 */
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createHash, randomUUID } from "node:crypto"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { type Corpus, vectorAt } from "./memories.ts"

/**
 * What `--mem0` names cannot be used.
 */
export class Mem0Error
  extends Schema.TaggedError<Mem0Error>()("Mem0Error", { folder: Schema.String, reason: Schema.String })
{
  override get message(): string {
    return `${this.folder}: mem0 cannot be used (${this.reason}); npm install mem0ai better-sqlite3 there`
  }
}

interface Memory {
  readonly add: (text: string, options: { readonly userId: string; readonly infer: false }) => Promise<unknown>
  readonly search: (
    text: string,
    options: { readonly topK: number; readonly filters: { readonly user_id: string } }
  ) => Promise<{ readonly results: ReadonlyArray<unknown> }>
  readonly vectorStore: {
    readonly insert: (
      vectors: ReadonlyArray<ReadonlyArray<number>>,
      ids: ReadonlyArray<string>,
      payloads: ReadonlyArray<object>
    ) => Promise<void>
  }
}

/**
 * - `add`: one memory, as the SDK adds it.
 * - `fill`: memories into the store behind the SDK, a thousand at a time, with the payloads that `add` writes: by `add`
 *   it would take minutes.
 * - `search`: the SDK's search, which fuses meaning, words and entities.
 */
export interface Mem0 {
  readonly engine: string
  readonly file: string
  readonly add: (text: string) => Effect.Effect<void, Mem0Error>
  readonly fill: (from: number, to: number) => Effect.Effect<void, Mem0Error>
  readonly search: (text: string, limit: number) => Effect.Effect<number, Mem0Error>
}

const user = "bench"

/**
 * Opens it on new files in a folder.
 */
export const open = Effect.fnUntraced(function*(installed: string, folder: string, corpus: Corpus) {
  const failure = (cause: unknown) => new Mem0Error({ folder: installed, reason: messageOf(cause).split("\n")[0]! })
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: failure })
  const known = new Map(corpus.questions.map(({ text, vector }) => [text, vector]))
  corpus.texts.forEach((text, i) => known.set(text, vectorAt(corpus, i)))
  const embedQuery = (text: string) => Promise.resolve(Array.from(known.get(text) ?? vectorAt(corpus, 0)))
  const file = join(folder, "mem0.db")
  const { memory, version } = yield* Effect.try({
    try: () => {
      // It asks nobody and sends nothing; its own settings lie in the temporary folder.
      process.env["MEM0_TELEMETRY"] = "false"
      process.env["MEM0_DIR"] = folder
      const load = createRequire(join(resolve(installed), "package.json"))
      const { Memory } = load("mem0ai/oss") as { readonly Memory: new(config: object) => Memory }
      const { version } = load(join(resolve(installed), "node_modules/mem0ai/package.json")) as {
        readonly version: string
      }
      const memory = new Memory({
        embedder: {
          provider: "langchain",
          config: {
            model: { embedQuery, embedDocuments: (texts: ReadonlyArray<string>) => Promise.all(texts.map(embedQuery)) }
          }
        },
        vectorStore: {
          provider: "memory",
          config: { collectionName: "memories", dimension: corpus.dimensions, dbPath: file }
        },
        historyDbPath: join(folder, "mem0-history.db"),
        llm: { provider: "openai", config: { apiKey: "none" } }
      })
      return { memory, version }
    },
    catch: failure
  })
  const mem0: Mem0 = {
    engine: `mem0ai ${version}`,
    file,
    add: (text) => Effect.asVoid(attempt(() => memory.add(text, { userId: user, infer: false }))),
    fill: (from, to) =>
      attempt(async () => {
        for (let i = from; i < to; i += 1000) {
          const places = Array.from({ length: Math.min(1000, to - i) }, (_, k) => i + k)
          await memory.vectorStore.insert(
            places.map((place) => Array.from(vectorAt(corpus, place))),
            places.map(() => randomUUID()),
            places.map((place) => {
              const data = corpus.texts[place]!
              return {
                user_id: user,
                data,
                hash: createHash("md5").update(data).digest("hex"),
                textLemmatized: data,
                createdAt: new Date().toISOString()
              }
            })
          )
        }
      }),
    search: (text, limit) =>
      Effect.map(
        attempt(() => memory.search(text, { topK: limit, filters: { user_id: user } })),
        ({ results }) => results.length
      )
  }
  // The store is there once something was added.
  yield* mem0.add(corpus.texts[0]!)
  return mem0
})
