// What a retriever searches and what it gives, in a bank and in a store. `Retriever` exports it.
import type { AiError, EmbeddingModel } from "effect/ai"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Filter from "../Filter.ts"
import type { Memory } from "../Memory.ts"
import type * as Journal from "./journal.ts"

/**
 * A retriever that depends on something that failed, such as a remote embedding model.
 *
 * @category errors
 * @since 0.1.0
 */
export class RetrieverError extends Schema.TaggedError<RetrieverError>()("RetrieverError", {
  cause: Schema.Defect()
}) {}

/**
 * Which memories to look among. `speaker: null` means those of nobody. `since`: those that became what they are at that
 * time (milliseconds since 1970) or later. What has expired is omitted, unless `showExpired`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Among {
  readonly speaker?: string | null | undefined
  readonly filter?: Filter.Filter | undefined
  readonly since?: number | undefined
  readonly showExpired?: boolean | undefined
}

/**
 * A query: `limit` memories at most. With `perSpeaker` the limit is that of each speaker, and the best come speaker by
 * speaker.
 *
 * @category models
 * @since 0.1.0
 */
export interface Query extends Among {
  readonly text: string
  readonly limit: number
  readonly perSpeaker?: boolean | undefined
}

/**
 * A memory that was found. The unit of the score is the retriever's own, larger is better; `order` is the memory's
 * place among those of the bank or scope, by their creation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hit {
  readonly memory: Memory
  readonly order: number
  readonly score: number
}

/**
 * Memories in one moment: what of `Journal.Reader` searches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader<E = never>
  extends Pick<Journal.Reader<E>, "dense" | "lexical" | "list" | "rows" | "speakers">
{}

/**
 * What a retriever searches: a bank, or a scope of a store.
 *
 * - `now`: when memories may have expired, in milliseconds since 1970.
 * - `read`: what a body reads belongs to one moment. No model should be asked in it: a database waits for its end.
 * - `attempt`: what a model does that may be out of reach. Where somebody waits for what is found (a store), a warning
 *   says what is missing, and the result is `undefined`. Where it is measured (a bank), the search fails.
 * - `embed`: the vector of a text, by the rule of `attempt`. Afterwards `dense` compares the vectors that this model
 *   gives the memories.
 *
 * @category models
 * @since 0.1.0
 */
export interface Searchable<E = never> {
  readonly now: number
  readonly read: <A, E2, R>(body: (reader: Reader<E>) => Effect.Effect<A, E2, R>) => Effect.Effect<A, E | E2, R>
  readonly attempt: <A>(missing: string, effect: Effect.Effect<A, AiError.AiError>) => Effect.Effect<A | undefined, E>
  readonly embed: (model: EmbeddingModel.EmbeddingModel, text: string) => Effect.Effect<Float32Array | undefined, E>
}

export const whereOf = ({ filter, showExpired = false, since, speaker }: Among, now: number): Journal.Where => ({
  speaker,
  filter,
  since,
  unexpiredAt: showExpired ? undefined : now
})
