/**
 * What `createMemory` gives: a memory whose methods return promises.
 *
 * @since 0.1.0
 */
import type * as Brand from "effect/Brand"
import type * as Memory from "./Memory.ts"
import type * as MemoryAgent from "./MemoryAgent.ts"
import type * as MemoryStore from "./MemoryStore.ts"
import type * as AnswerFormat from "./rl/AnswerFormat.ts"
import type { Turn } from "./Turn.ts"

/**
 * A value as programs without Effect see it: ids are plain strings.
 */
type Plain<A> = A extends string & Brand.Brand<string> ? string
  : A extends object ? { readonly [K in keyof A]: Plain<A[K]> }
  : A

/**
 * A memory, as `Memory.Memory` describes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredMemory extends Plain<Memory.Memory> {}

/**
 * What became of a turn, as `MemoryAgent.Remembered` describes it.
 */
interface Remembered extends Plain<MemoryAgent.Remembered> {}

/**
 * An answer and the memories that it comes from, as `AnswerFormat.Answer` describes it.
 */
interface Answer extends Plain<AnswerFormat.Answer> {}

/**
 * `signal` aborts a call: its work is interrupted, and the promise is rejected with the signal's reason. A commit is
 * made as a whole or not at all; of a turn with several facts, those that were committed before stay.
 */
interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Which memories to recall: `limit` of them (10 when it is omitted), of one speaker, with a `filter`, since a time. See
 * `MemoryStore.Among`.
 */
interface RecallOptions extends MemoryStore.Among, CallOptions {
  readonly limit?: number | undefined
}

/**
 * A memory. A promise is rejected with a typed error: those of stores are classes of `MemoryStore` (`StoreError`,
 * `UnknownMemory`, `UnknownRevision`), those of models `AiError` of `effect/ai`. Turns are remembered one after the
 * other, in the order of the calls, also where nobody waits in between.
 *
 * @category models
 * @since 0.1.0
 */
export interface AgentMemory {
  /**
   * Remembers what was said. What a model failed on is kept as it was said and named in `kept`, also where the promise
   * is rejected since the model is out of reach. See `MemoryAgent`.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo.", observedAt: "2023-05-08" })
   * const { decisions } = await memory.remember({ speaker: "Ann", text: "I live in Bergen." })
   * decisions.map(({ raw }) => raw) // => ["UPDATE 0 I live in Bergen."]
   * ```
   */
  readonly remember: (
    turn: Pick<Turn, "speaker" | "text"> & Partial<Turn>,
    options?: CallOptions
  ) => Promise<Remembered>
  /**
   * Works again on what was kept as it was said: its facts take its place.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * const { decisions } = await memory.extractAgain()
   * decisions // => []
   * ```
   */
  readonly extractAgain: (options?: CallOptions) => Promise<Remembered>
  /**
   * The memories that are nearest to a query, the nearest first.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.remember({ speaker: "Ben", text: "I play chess." })
   * const found = await memory.recall("Who plays chess?", { limit: 1, signal: AbortSignal.timeout(5000) })
   * found.map(({ speaker, text }) => `${speaker}: ${text}`) // => ["Ben: I play chess."]
   * ```
   */
  readonly recall: (query: string, options?: RecallOptions) => Promise<ReadonlyArray<StoredMemory>>
  /**
   * What `recall` finds, as a block of text for a prompt. Where it comes back in a turn it is not taken for news.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * const context = await memory.context("Where does Ann live?")
   * const { decisions } = await memory.remember({ speaker: "Assistant", text: context })
   * context // => "<recalled-memories>\n- I live in Oslo.\n</recalled-memories>"
   * decisions // => []
   * ```
   */
  readonly context: (query: string, options?: RecallOptions) => Promise<string>
  /**
   * Answers a question from the memories.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I adopted a dog named Buddy." })
   * const { selected, text } = await memory.answer("What is the name of Ann's dog?")
   * text // => "Buddy"
   * selected.map(({ id }) => id) // => ["m1"]
   * ```
   */
  readonly answer: (question: string, options?: CallOptions) => Promise<Answer>
  /**
   * All memories, oldest first.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.memories() // => []
   * ```
   */
  readonly memories: (options?: CallOptions) => Promise<ReadonlyArray<StoredMemory>>
  /**
   * Every version of a memory, oldest first.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.remember({ speaker: "Ann", text: "I live in Bergen." })
   * const versions = await memory.history("m1")
   * versions.map(({ text }) => text) // => ["I live in Oslo.", "I live in Bergen."]
   * ```
   */
  readonly history: (id: string, options?: CallOptions) => Promise<ReadonlyArray<StoredMemory>>
  /**
   * Makes the memory what it was at a time, or at a revision (a number).
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.remember({ speaker: "Ann", text: "I live in Bergen." })
   * await memory.revert(1)
   * const [home] = await memory.memories()
   * home?.text // => "I live in Oslo."
   * ```
   */
  readonly revert: (moment: number | Date, options?: CallOptions) => Promise<void>
  /**
   * Removes memories for good, with all that is known of them.
   *
   * @example
   * ```ts
   * import { createMemory, MemoryStore } from "@memory-r1/core"
   *
   * await using memory = await createMemory()
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.forget("m1")
   * const error = await memory.forget("m1").catch((error: unknown) => error)
   * error instanceof MemoryStore.UnknownMemory // => true
   * ```
   */
  readonly forget: (ids: string | ReadonlyArray<string>, options?: CallOptions) => Promise<void>
  /**
   * Closes the store and the models. `await using memory = await createMemory()` does it at the end of a block.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   *
   * const memory = await createMemory()
   * await memory.close()
   * ```
   */
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}
