/**
 * Data to train on, by name in a configuration.
 *
 * A data set gives dialogues by number, and for a warm start demonstrations. The trainer knows none: the program that
 * uses it registers them (`Registry`), or a configuration names a module of yours (`./my-data.ts#letters`).
 *
 * @since 0.1.0
 */
import type { Episode } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type * as Demonstrations from "./Demonstrations.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * - `sessions`: at most so many in a dialogue.
 *
 * @category models
 * @since 0.1.0
 */
export interface EpisodeOptions {
  readonly sessions?: number | undefined
}

/**
 * - `samples`: so many decisions on one turn.
 *
 * @category models
 * @since 0.1.0
 */
export interface DemonstrationOptions extends EpisodeOptions {
  readonly samples?: number | undefined
}

type ByNumber<Options, A> = (options: Options) => (index: number) => A

/**
 * Dialogues and demonstrations by number.
 *
 * - `episodes`: for single decisions, for whole sessions, and for answers.
 * - `play`: how many dialogues are played at a time for the Answer Agent's banks, if there are only so many.
 * - `validation`: so many dialogues that are not trained on.
 * - `teacher`: demonstrations of decisions and of answers.
 * - `exercises`: further demonstrations by name, such as copying for models from scratch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dataset {
  readonly episodes: Readonly<Record<"answer" | "decision" | "session", ByNumber<EpisodeOptions, Episode.Episode>>>
  readonly play?: number | undefined
  readonly validation: (dialogues: number) => ReadonlyArray<Episode.Episode>
  readonly teacher?:
    | Readonly<Record<"answers" | "decisions", ByNumber<DemonstrationOptions, ReadonlyArray<Episode.Demonstration>>>>
    | undefined
  readonly exercises?: Readonly<Record<string, Demonstrations.Make>> | undefined
}

/**
 * How many memories a decision and an answer see, unless the configuration says so.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits {
  readonly perFact: number
  readonly perSpeaker: number
}

/**
 * A data set as a configuration names it: how its options are read, and how it is made of them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Definition {
  readonly limits: Limits
  readonly options: Schema.Codec<unknown, unknown>
  readonly decode: (options: unknown) => Effect.Effect<Readonly<Record<string, unknown>>, Schema.SchemaError>
  readonly load: (
    options: Readonly<Record<string, unknown>>,
    run: { readonly seed: number }
  ) => Effect.Effect<Dataset, TrainingError, FileSystem.FileSystem | Path.Path>
}

/**
 * Defines a data set.
 *
 * - `options`: a schema of what a configuration may say of it, besides `dataset`, `perFact` and `perSpeaker`.
 * - `limits`: how many memories a decision and an answer see by default.
 * - `load`: makes it. It fails with an error whose message names what is missing.
 *
 * @example
 * ```ts
 * import { Dataset } from "@memory-r1/trainer"
 * import { Effect, Schema } from "effect"
 *
 * const episode = (text: string) => (index: number) => ({
 *   id: `${index}`,
 *   steps: [{ fact: { text, speaker: "Ann", sources: [`D${index}`] }, questions: [] }],
 *   questions: [{ id: `${index}`, question: "Where does Ann live?", gold: "Oslo" }]
 * })
 *
 * const homes = Dataset.define({
 *   options: Schema.Struct({ text: Schema.String }),
 *   limits: { perFact: 5, perSpeaker: 5 },
 *   load: ({ text }) => {
 *     const all = () => episode(text)
 *     return Effect.succeed({
 *       episodes: { decision: all, session: all, answer: all },
 *       validation: (dialogues) => Array.from({ length: dialogues }, (_, i) => episode(text)(i))
 *     })
 *   }
 * })
 * Effect.runSync(homes.decode({ text: "I live in Oslo." })) // => { text: "I live in Oslo." }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <Options extends object, Encoded, E extends Error>({ limits, load, options }: {
  readonly options: Schema.Codec<Options, Encoded>
  readonly limits: Limits
  readonly load: (
    options: Options,
    run: { readonly seed: number }
  ) => Effect.Effect<Dataset, E, FileSystem.FileSystem | Path.Path>
}): Definition => ({
  limits,
  options,
  decode: (given) =>
    Effect.map(
      Schema.decodeUnknownEffect(options)(given, { onExcessProperty: "error", errors: "all" }),
      (decoded) => decoded as unknown as Readonly<Record<string, unknown>>
    ),
  load: (given, run) =>
    Effect.mapError(
      load(given as unknown as Options, run),
      (error) => error instanceof TrainingError ? error : new TrainingError({ reason: error.message })
    )
})
