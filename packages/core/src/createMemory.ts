/**
 * The memory of an agent, for programs that do not use Effect.
 */
import type { EmbeddingModel, LanguageModel } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Semaphore from "effect/Semaphore"
import * as AnswerAgent from "./AnswerAgent.ts"
import type { Answer } from "./AnswerFormat.ts"
import * as FactExtractor from "./FactExtractor.ts"
import { defined } from "./internal/defined.ts"
import { type Memory, MemoryId } from "./Memory.ts"
import * as MemoryAgent from "./MemoryAgent.ts"
import * as MemoryManager from "./MemoryManager.ts"
import * as MemoryStore from "./MemoryStore.ts"
import * as Ranking from "./Ranking.ts"
import * as Recalled from "./Recalled.ts"
import * as Scope from "./Scope.ts"
import type { Turn } from "./Turn.ts"

/**
 * The parts of a memory; each is a layer, and each has a default that needs no model and no network.
 *
 * - `store`: `MemoryStore.layerInMemory` where it is left out.
 * - `model`: a language model, for each of `manager`, `answerAgent` and `extractor` that is left out. Without it they
 *   go by rules.
 * - `embedding`: an embedding model, with which memories are found by their meaning, too.
 * - `scope`: whose memory it is.
 * - `deletions`, `confirmDeletions`: how many memories one turn may delete, and who is asked above that
 *   (`MemoryAgent.Options`).
 */
export interface Options {
  readonly store?: Layer.Layer<MemoryStore.MemoryStore, unknown> | undefined
  readonly model?: Layer.Layer<LanguageModel.LanguageModel, unknown> | undefined
  readonly embedding?: Layer.Layer<EmbeddingModel.EmbeddingModel, unknown> | undefined
  readonly manager?: Layer.Layer<MemoryManager.MemoryManager, unknown> | undefined
  readonly answerAgent?: Layer.Layer<AnswerAgent.AnswerAgent, unknown> | undefined
  readonly extractor?: Layer.Layer<FactExtractor.FactExtractor, unknown> | undefined
  readonly scope?: Scope.Parts | undefined
  readonly deletions?: number | undefined
  readonly confirmDeletions?: ((memories: ReadonlyArray<Memory>) => boolean | Promise<boolean>) | undefined
}

/**
 * A memory. Errors reject the promise. Turns are remembered one after the other, in the order of the calls, also where
 * nobody waits in between.
 *
 * - `remember`: what was said; what a model failed on is kept as it was said, and named in `kept`, also where the
 *   promise is rejected since the model is out of reach. `extractAgain`: works again on what was kept so. See
 *   `MemoryAgent`.
 * - `recall`: the memories that are nearest to a query. `context`: the same as a block of text for a prompt, which is
 *   not taken for news where it comes back in a turn. `answer`: a question.
 * - `memories`: all of them, oldest first. `history`: every version of one, oldest first. `revert`: makes the memory
 *   what it was at a time or revision.
 * - `forget`: removes memories for good, and all that is known of them.
 */
export interface AgentMemory {
  readonly remember: (turn: Pick<Turn, "speaker" | "text"> & Partial<Turn>) => Promise<MemoryAgent.Remembered>
  readonly extractAgain: () => Promise<MemoryAgent.Remembered>
  readonly recall: (
    query: string,
    options?: number | (MemoryStore.Among & { readonly limit?: number | undefined })
  ) => Promise<ReadonlyArray<Memory>>
  readonly context: (query: string, limit?: number) => Promise<string>
  readonly answer: (question: string) => Promise<Answer>
  readonly memories: () => Promise<ReadonlyArray<Memory>>
  readonly history: (id: string) => Promise<ReadonlyArray<Memory>>
  readonly revert: (moment: number | Date) => Promise<void>
  readonly forget: (...ids: ReadonlyArray<string>) => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Opens a memory.
 *
 * @example
 * ```ts
 * import { createMemory } from "@memory-r1/core"
 *
 * const memory = await createMemory()
 * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
 * const { text } = await memory.answer("What is the dog of Ann called?")
 * await memory.close()
 * text // => "Buddy"
 * ```
 */
export const createMemory = async (options: Options = {}): Promise<AgentMemory> => {
  const { confirmDeletions, deletions, embedding, model, store = MemoryStore.layerInMemory } = options
  const scope = Scope.make(options.scope ?? {})
  const part = <A>(
    given: Layer.Layer<A, unknown> | undefined,
    prompted: Layer.Layer<A, never, LanguageModel.LanguageModel>,
    plain: Layer.Layer<A>
  ) => given ?? (model === undefined ? plain : Layer.provide(prompted, model))
  const runtime = ManagedRuntime.make(Layer.mergeAll(
    embedding === undefined ? store : Layer.provide(store, Layer.provide(Ranking.layerHybrid, embedding)),
    part(options.manager, MemoryManager.layerPrompted(), MemoryManager.layerRuleBased()),
    part(options.answerAgent, AnswerAgent.layerPrompted(), AnswerAgent.layerExtractive),
    part(options.extractor, FactExtractor.layerPrompted(), FactExtractor.layerVerbatim)
  ))
  // Builds the layers now, so that a model that cannot be loaded rejects here and not at the first call.
  await runtime.context()
  // Decisions that overlap would conflict, and be made again and again.
  const oneAtATime = Semaphore.makeUnsafe(1).withPermit
  const agent: MemoryAgent.Options = {
    deletions,
    ...(confirmDeletions === undefined
      ? {}
      : { confirmDeletions: (memories) => Effect.promise(async () => confirmDeletions(memories)) })
  }
  const inStore = <A, E>(use: (store: MemoryStore.MemoryStore["Service"]) => Effect.Effect<A, E>): Promise<A> =>
    runtime.runPromise(MemoryStore.MemoryStore.use(use))
  const recall: AgentMemory["recall"] = async (text, among = {}) => {
    const query = typeof among === "number" ? { limit: among } : among
    const { memories } = await inStore((store) => store.search(scope, { limit: 10, ...defined(query), text }))
    return memories.map(({ memory }) => memory)
  }
  return {
    remember: (turn) =>
      runtime.runPromise(oneAtATime(MemoryAgent.remember(scope, { id: crypto.randomUUID(), ...turn }, agent))),
    extractAgain: () => runtime.runPromise(oneAtATime(MemoryAgent.extractAgain(scope, agent))),
    recall,
    context: async (query, limit) => Recalled.render(await recall(query, limit)),
    answer: (question) => runtime.runPromise(MemoryAgent.ask(scope, question)),
    memories: () => runtime.runPromise(MemoryAgent.memories(scope)),
    history: (id) => inStore((store) => store.history(scope, MemoryId.make(id))),
    revert: (moment) => inStore((store) => Effect.asVoid(store.revert(scope, moment))),
    forget: (...ids) => inStore((store) => Effect.asVoid(store.erase(scope, ids.map((id) => MemoryId.make(id))))),
    close: () => runtime.dispose()
  }
}
