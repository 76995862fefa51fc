/**
 * LoCoMo (Maharana et al. 2024): ten long conversations with 1,986 questions. Its license is CC BY-NC 4.0, so the file
 * is not part of this package; `locomo10.json` is at https://github.com/snap-research/locomo.
 *
 * @since 0.1.0
 */
import type { DataFile, Dialogue } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as DialogueFile from "./DialogueFile.ts"

/**
 * What the file holds. See `DialogueFile.File`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Locomo extends DialogueFile.File {
  readonly dataset: "locomo"
}

/**
 * Reads `locomo10.json`.
 *
 * In the file as it is published (SHA-256 `79fa87e9…`), six answers are numbers, four pieces of evidence hold several
 * ids, and four name no turn: they are in `dropped`. Errors are those of `DialogueFile.read`.
 *
 * @example
 * ```ts
 * import { Locomo } from "@memory-r1/eval"
 * import { Effect, FileSystem } from "effect"
 *
 * const noFile = FileSystem.layerNoop({})
 * const error = await Effect.runPromise(Effect.provide(Effect.flip(Locomo.load("locomo10.json")), noFile))
 * error.message // => "locomo10.json: no such file"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const load = Effect.fn("Locomo.load")(function*(
  file: string
): Effect.fn.Return<Locomo, DataFile.DataFileError, FileSystem.FileSystem> {
  const content = yield* DialogueFile.read(file)
  const locomo: Locomo = { ...content, dataset: "locomo" }
  return locomo
})

/**
 * Which dialogues train, which validate; all others test.
 *
 * - `paper`: Memory-R1's 1 : 1 : 8. The paper gives only the counts 152 / 81 / 1,307, and these ids are the only ones
 *   that fit. The validation dialogue has no question of category 3.
 * - `memoryR2`: the split of Memory-R2.
 *
 * @category models
 * @since 0.1.0
 */
export const splits = {
  paper: { train: ["conv-26"], validation: ["conv-30"] },
  memoryR2: { train: ["conv-43", "conv-47"], validation: ["conv-44"] }
} as const

/**
 * Dialogues, divided.
 *
 * @category models
 * @since 0.1.0
 */
export interface Split {
  readonly train: ReadonlyArray<Dialogue.Dialogue>
  readonly validation: ReadonlyArray<Dialogue.Dialogue>
  readonly test: ReadonlyArray<Dialogue.Dialogue>
}

/**
 * Divides dialogues by one of `splits`.
 *
 * @example
 * ```ts
 * import { Locomo } from "@memory-r1/eval"
 *
 * const speakers = ["Ann", "Bob"] as const
 * const dialogue = (id: string) => ({ id, speakers, sessions: [], questions: [], observations: [] })
 * const { test, train } = Locomo.split([dialogue("conv-26"), dialogue("conv-30"), dialogue("conv-41")], "paper")
 * train.map(({ id }) => id) // => ["conv-26"]
 * test.map(({ id }) => id) // => ["conv-41"]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const split = (dialogues: ReadonlyArray<Dialogue.Dialogue>, name: keyof typeof splits): Split => {
  const train: ReadonlyArray<string> = splits[name].train
  const validation: ReadonlyArray<string> = splits[name].validation
  return {
    train: dialogues.filter(({ id }) => train.includes(id)),
    validation: dialogues.filter(({ id }) => validation.includes(id)),
    test: dialogues.filter(({ id }) => !train.includes(id) && !validation.includes(id))
  }
}

/**
 * What a category is called. Two namings of the same numbers are in circulation, that of LoCoMo's own scorer
 * (`official`) and that of mem0's papers and of most that quote them (`mem0`), so that tables with equal labels may
 * show different questions. Name a category by its number.
 *
 * @example
 * ```ts
 * import { Locomo } from "@memory-r1/eval"
 *
 * Locomo.categories[1] // => { official: "multi-hop", mem0: "single-hop" }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export const categories = {
  1: { official: "multi-hop", mem0: "single-hop" },
  2: { official: "temporal", mem0: "temporal" },
  3: { official: "open-domain", mem0: "multi-hop" },
  4: { official: "single-hop", mem0: "open-domain" },
  5: { official: "adversarial", mem0: "adversarial" }
} as const

/**
 * The categories that nearly everybody reports. Category 5 asks what the dialogue does not say; it has no gold answers,
 * and putting it in the average once made a difference of 25 points between two reports on one system.
 *
 * @category getters
 * @since 0.1.0
 */
export const answered: ReadonlyArray<number> = [1, 2, 3, 4]

/**
 * The questions of these categories, `answered` unless given: 1,540 in the whole of LoCoMo.
 *
 * @category getters
 * @since 0.1.0
 */
export const questions = (
  dialogues: ReadonlyArray<Dialogue.Dialogue>,
  options: { readonly categories?: ReadonlyArray<number> | undefined } = {}
): ReadonlyArray<Dialogue.Question> => {
  const wanted = options.categories ?? answered
  return dialogues.flatMap((dialogue) => dialogue.questions).filter(({ category }) => wanted.includes(category))
}
