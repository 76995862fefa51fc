/**
 * The memory of an agent, for programs that do not use Effect.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Semaphore from "effect/Semaphore"
import * as AnswerAgent from "./AnswerAgent.ts"
import type { Answer } from "./AnswerFormat.ts"
import * as FactExtractor from "./FactExtractor.ts"
import type { Memory } from "./Memory.ts"
import * as MemoryAgent from "./MemoryAgent.ts"
import * as MemoryManager from "./MemoryManager.ts"
import * as MemoryStore from "./MemoryStore.ts"
import * as Retriever from "./Retriever.ts"
import * as Scope from "./Scope.ts"
import type { Turn } from "./Turn.ts"

/**
 * The parts of a memory; each is a layer, and each has a default that needs no model and no network.
 */
export interface Options {
  readonly store?: Layer.Layer<MemoryStore.MemoryStore, unknown>
  readonly manager?: Layer.Layer<MemoryManager.MemoryManager, unknown>
  readonly answerAgent?: Layer.Layer<AnswerAgent.AnswerAgent, unknown>
  readonly extractor?: Layer.Layer<FactExtractor.FactExtractor, unknown>
  readonly scope?: Scope.Parts
}

/**
 * A memory: `remember` what was said, `recall` memories, `answer` a question from them. Errors reject the promise. Turns are
 * remembered one after the other, in the order of the calls, also where nobody waits in between.
 */
export interface AgentMemory {
  readonly remember: (turn: Pick<Turn, "speaker" | "text"> & Partial<Turn>) => Promise<MemoryAgent.Remembered>
  readonly recall: (query: string, limit?: number) => Promise<ReadonlyArray<Memory>>
  readonly answer: (question: string) => Promise<Answer>
  readonly memories: () => Promise<ReadonlyArray<Memory>>
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
  const scope = Scope.make(options.scope ?? {})
  const runtime = ManagedRuntime.make(Layer.mergeAll(
    options.store ?? MemoryStore.layerInMemory,
    options.manager ?? MemoryManager.layerRuleBased(),
    options.answerAgent ?? AnswerAgent.layerExtractive,
    options.extractor ?? FactExtractor.layerVerbatim,
    Retriever.layerBm25
  ))
  // Builds the layers now, so that a model that cannot be loaded rejects here and not at the first call.
  await runtime.context()
  // Decisions that overlap would conflict, and be made again and again.
  const oneAtATime = Semaphore.makeUnsafe(1).withPermit
  let turns = 0
  return {
    remember: (turn) => runtime.runPromise(oneAtATime(MemoryAgent.remember(scope, { id: `turn-${++turns}`, ...turn }))),
    recall: (text, limit = 10) =>
      runtime.runPromise(
        MemoryStore.MemoryStore.use((store) => store.search(scope, { text, limit })).pipe(
          Effect.map((found) => found.map(({ memory }) => memory))
        )
      ),
    answer: (question) => runtime.runPromise(MemoryAgent.ask(scope, question)),
    memories: () => runtime.runPromise(MemoryAgent.memories(scope)),
    close: () => runtime.dispose()
  }
}
