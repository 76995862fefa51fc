/**
 * What was kept as it was said, since the model that should have worked on it failed: nothing that was said is lost,
 * and it can be worked on later (`MemoryAgent.extractAgain`).
 *
 * It is an ordinary memory with a mark in its metadata. Every store can hold it, and stores made before the mark
 * existed still open.
 */
import type { AiError } from "effect/ai"
import * as Filter from "./Filter.ts"
import type { Memory } from "./Memory.ts"
import type { SamplerError } from "./rl/Sampler.ts"

/**
 * What is still to be done: the facts of a `turn` are to be found, or a `fact` is to be decided on.
 *
 * @category models
 * @since 0.1.0
 */
export type Stage = "turn" | "fact"

const key = "notExtracted"

/**
 * The mark, as metadata.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mark = (stage: Stage): Readonly<Record<string, unknown>> => ({ [key]: stage })

/**
 * What a memory still waits for; `undefined` for one that waits for nothing.
 *
 * @example
 * ```ts
 * import { NotExtracted } from "@memory-r1/core"
 *
 * NotExtracted.stageOf({ metadata: NotExtracted.mark("turn") }) // => "turn"
 * NotExtracted.stageOf({}) // => undefined
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const stageOf = ({ metadata }: Pick<Memory, "metadata">): Stage | undefined => {
  const stage = metadata !== undefined && Object.hasOwn(metadata, key) ? metadata[key] : undefined
  return stage === "turn" || stage === "fact" ? stage : undefined
}

/**
 * The memories that wait, for `MemoryStore.list` and `search`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const filter: Filter.Filter = Filter.oneOf(key, ["turn", "fact"] satisfies ReadonlyArray<Stage>)

/**
 * Whether an error says that the model could not be reached or would not serve (a wrong key, no network, no credit, a
 * failing server, a call that took too long), so that the caller has to know of it. Every other one is the model's: it
 * was asked, and gave nothing that can be used (text that does not fit, a refusal, a prompt that is too long for it).
 * To ask the same again would give the same.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isOutOfReach = (error: AiError.AiError | SamplerError): boolean => {
  if (error._tag === "SamplerError") return error.cause !== undefined
  switch (error.reason._tag) {
    case "NetworkError":
    case "AuthenticationError":
    case "RateLimitError":
    case "QuotaExhaustedError":
    case "InternalProviderError":
    case "UnknownError":
      return true
    default:
      return false
  }
}
