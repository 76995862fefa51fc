/**
 * `memory-r1 bench retrieval --locomo FILE`: what share of the evidence of LoCoMo's questions is found among the turns
 * of their dialogues, each turn being a memory.
 */
import { OnnxEmbeddingModel } from "@memory-r1/backend-onnx"
import { Engine, Output } from "@memory-r1/cli/extension"
import { type Memory, MemoryBank, MemoryStore, Retriever, Scope } from "@memory-r1/core"
import { Evaluation, EvidenceRecall, Locomo } from "@memory-r1/eval"
import { SqliteStore } from "@memory-r1/store-sqlite"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Stores from "./stores.ts"

const limit = EvidenceRecall.depth

const row = (name: string, { at10, at30, n }: EvidenceRecall.Recall): string =>
  `  ${name.padEnd(10)}  ${String(n).padStart(5)}  ${at10.toFixed(4)}  ${at30.toFixed(4)}`

/**
 * Of a bank and of the SQLite store by words; with a model also of the store's vectors, and of both together.
 */
export const evidence = Effect.fnUntraced(
  function*(
    asked: { readonly file: string; readonly model: Option.Option<string>; readonly folder: Option.Option<string> }
  ) {
    const { dataset, dialogues, sha256 } = yield* Locomo.load(asked.file)
    const { banks } = yield* Evaluation.bm25.build(dialogues)
    const folder = yield* Stores.temporary(asked.folder)
    const journal = yield* SqliteStore.journal({ file: (yield* Path.Path).join(folder, "memories.db") })
    const scopes = dialogues.map(({ id }) => Scope.make({ user: id }))
    const measure = <E>(search: (text: string, dialogue: number) => Effect.Effect<ReadonlyArray<Memory.Memory>, E>) =>
      EvidenceRecall.measure(dialogues, search)
    const inStore = (store: MemoryStore.MemoryStore["Service"]) =>
      measure((text, i) =>
        Effect.map(store.search(scopes[i]!, { text, limit }), ({ memories }) => memories.map(({ memory }) => memory))
      )

    const lexical = MemoryStore.fromJournal(journal)
    yield* Effect.forEach(banks, (bank, i) =>
      lexical.commit(scopes[i]!, {
        base: 0,
        edits: MemoryBank.memories(bank).map((memory) => MemoryBank.Edit.Add({ memory, id: memory.id }))
      }))
    const byWords = {
      "bank, words": yield* measure((text, i) =>
        Effect.sync(() => Retriever.bm25(banks[i]!, { text, limit }).map(({ memory }) => memory))
      ),
      "SQLite, words": yield* inStore(lexical)
    }
    const byVectors = yield* Effect.forEach(
      Option.toArray(asked.model),
      Effect.fnUntraced(function*(name) {
        const embedding = yield* OnnxEmbeddingModel.make({ model: yield* Engine.directory(name) })
        const retriever = Retriever.make({ embedding })
        const hybrid = MemoryStore.fromJournal(journal, retriever)
        yield* Effect.forEach(scopes, hybrid.embed)
        return {
          "SQLite, vectors": yield* measure((text, i) =>
            Effect.flatMap(
              embedding.embed(text),
              ({ vector }) =>
                journal.read(scopes[i]!, (reader) =>
                  Effect.gen(function*() {
                    const ranked = yield* reader.dense({ vector: Float32Array.from(vector), limit, where: {} })
                    const known = new Map(
                      (yield* reader.rows(ranked.map(({ id }) => id))).map(({ memory }) => [memory.id, memory])
                    )
                    return ranked.map(({ id }) => known.get(id)!)
                  }))
            )
          ),
          "SQLite, both": yield* inStore(hybrid),
          "bank, both": yield* measure((text, i) =>
            Effect.map(
              retriever.retrieve(Retriever.inBank(banks[i]!), { text, limit }),
              (found) => found.map(({ memory }) => memory)
            )
          )
        }
      })
    )
    const recall: Readonly<Record<string, EvidenceRecall.Result>> = { ...byWords, ...byVectors[0] }
    const memories = banks.reduce((sum, bank) => sum + MemoryBank.size(bank), 0)
    yield* Output.document({
      dataset,
      sha256,
      memories,
      ...(Option.isSome(asked.model) ? { model: asked.model.value } : {}),
      recall
    }, [
      `${
        memories.toLocaleString("en")
      } turns of ${dialogues.length} dialogues; the share of the evidence among the 10 and the 30 best`,
      ...Object.entries(recall).flatMap(([name, { byCategory, overall }]) => [
        name,
        ...Object.entries(byCategory).map(([category, recall]) => row(category, recall)),
        row("all", overall)
      ]),
      ...(Option.isNone(asked.model) ? ["vectors were not measured: --model names an encoder"] : [])
    ])
  },
  Effect.scoped
)
