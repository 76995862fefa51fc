/**
 * How much of the evidence of questions a search finds, before anybody answers: the share of the turns that hold an
 * answer which are among the sources of the best memories.
 *
 * @since 0.1.0
 */
import { type Memory } from "@memory-r1/core"
import { type Dialogue, Progress, Statistics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Locomo from "./Locomo.ts"

/**
 * Means over `n` questions, of the 10 and of the 30 best memories.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Recall = Schema.Struct({ n: Schema.Int, at10: Schema.Finite, at30: Schema.Finite })

/**
 * The type of `Recall`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recall extends Schema.Schema.Type<typeof Recall> {}

/**
 * Over all questions, and by their category.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Result = Schema.Struct({ overall: Recall, byCategory: Schema.Record(Schema.String, Recall) })

/**
 * The type of `Result`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Result extends Schema.Schema.Type<typeof Result> {}

/**
 * As deep as it is measured.
 *
 * @category models
 * @since 0.1.0
 */
export const depth = 30

/**
 * The share of the evidence that some memories come from. There has to be some evidence.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (evidence: ReadonlyArray<string>, memories: ReadonlyArray<Memory.Memory>): number => {
  const sources = new Set(memories.flatMap((memory) => memory.sources))
  return evidence.filter((id) => sources.has(id)).length / evidence.length
}

const mean = (found: ReadonlyArray<{ readonly at10: number; readonly at30: number }>): Recall => ({
  n: found.length,
  at10: Statistics.mean(found.map(({ at10 }) => at10)),
  at30: Statistics.mean(found.map(({ at30 }) => at30))
})

/**
 * Asks every question that has evidence, of the categories that have answers (`Locomo.answered`) unless others are
 * named. `search` gives the `depth` best memories, best first; it finds the dialogue by its place in the list.
 *
 * @example
 * ```ts
 * import { MemoryBank, Retriever } from "@memory-r1/core"
 * import { type Dialogue } from "@memory-r1/core/rl"
 * import { Evaluation, EvidenceRecall } from "@memory-r1/eval"
 * import { Effect } from "effect"
 *
 * const dialogue: Dialogue.Dialogue = {
 *   id: "conv-1",
 *   speakers: ["Ann", "Bob"],
 *   sessions: [{ index: 1, turns: [{ id: "D1:1", speaker: "Ann", text: "I live in Oslo." }] }],
 *   questions: [{ id: "conv-1/0", question: "Where does Ann live?", answer: "Oslo", category: 4, evidence: ["D1:1"] }],
 *   observations: []
 * }
 * const edits = Evaluation.turnFacts(dialogue).map((memory) => MemoryBank.Edit.Add({ memory }))
 * const bank = MemoryBank.applyAll(MemoryBank.empty, edits)
 * const search = (text: string) =>
 *   Effect.succeed(Retriever.bm25(bank, { text, limit: EvidenceRecall.depth }).map(({ memory }) => memory))
 * const { overall } = await Effect.runPromise(EvidenceRecall.measure([dialogue], search))
 * overall // => { n: 1, at10: 1, at30: 1 }
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const measure = Effect.fn("EvidenceRecall.measure")(function*<E, R>(
  dialogues: ReadonlyArray<Dialogue.Dialogue>,
  search: (question: string, dialogue: number) => Effect.Effect<ReadonlyArray<Memory.Memory>, E, R>,
  categories: ReadonlyArray<number> = Locomo.answered
) {
  const asked = dialogues.flatMap(({ questions }, dialogue) =>
    questions.flatMap((question) =>
      categories.includes(question.category) && question.evidence.length > 0 ? [{ dialogue, question }] : []
    )
  )
  const found = yield* Progress.Progress.use(({ part }) =>
    part("search for the evidence of questions", asked.length, ({ update }) =>
      Effect.forEach(
        asked,
        ({ dialogue, question: { category, evidence, question } }, i) =>
          Effect.tap(
            Effect.map(search(question, dialogue), (memories) => ({
              category,
              at10: of(evidence, memories.slice(0, 10)),
              at30: of(evidence, memories.slice(0, depth))
            })),
            () => update(i + 1)
          )
      ))
  )
  const result: Result = {
    overall: mean(found),
    byCategory: Object.fromEntries(
      [...new Set(found.map(({ category }) => category))].sort((a, b) => a - b).map((
        category
      ) => [category, mean(found.filter((one) => one.category === category))])
    )
  }
  return result
})
