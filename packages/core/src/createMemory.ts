/**
 * The memory of an agent, for programs that do not use Effect.
 *
 * @since 0.1.0
 */
import type { EmbeddingModel, LanguageModel } from "effect/ai"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Semaphore from "effect/Semaphore"
import type { AgentMemory, StoredMemory } from "./agentMemory.ts"
import type { EmbeddingModelLike, LanguageModelLike } from "./AiSdk.ts"
import * as AnswerAgent from "./AnswerAgent.ts"
import * as FactExtractor from "./FactExtractor.ts"
import { defined } from "./internal/defined.ts"
import * as Models from "./internal/models.ts"
import { MemoryId } from "./Memory.ts"
import * as MemoryAgent from "./MemoryAgent.ts"
import * as MemoryManager from "./MemoryManager.ts"
import * as MemoryStore from "./MemoryStore.ts"
import * as Recalled from "./Recalled.ts"
import * as Retriever from "./Retriever.ts"
import * as Scope from "./Scope.ts"

/**
 * The parts of a memory. Each has a default that needs no model and no network.
 *
 * @category models
 * @since 0.1.0
 */
export interface CreateMemoryOptions {
  /**
   * Where memories are kept: `sqlite("memory.db")` of `@memory-r1/store-sqlite`, `postgres({ url })` of
   * `@memory-r1/store-postgres`, or any other layer of a `MemoryStore`. In memory, for as long as the process lives,
   * when it is omitted.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   * import { sqlite } from "@memory-r1/store-sqlite"
   *
   * const store = sqlite("memory.db")
   * const memory = await createMemory({ store })
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.close()
   *
   * const later = await createMemory({ store })
   * const [home] = await later.memories()
   * await later.close()
   * home?.text // => "I live in Oslo."
   * ```
   */
  readonly store?: Layer.Layer<MemoryStore.MemoryStore, unknown> | undefined
  /**
   * A language model, for each of `manager`, `answerAgent` and `extractor` that is omitted. Without one they go by
   * rules.
   *
   * - A model of the AI SDK: `openai("gpt-5-mini")`. `AiSdk.layerLanguageModel` sets a temperature and the like.
   * - The id of a model on Hugging Face: `"Qwen/Qwen3-4B-Instruct-2507"`, or with a provider
   *   `"meta-llama/Llama-3.3-70B-Instruct:groq"`. It needs `@memory-r1/backend-hf`, which takes the token from
   *   `HF_TOKEN`, and is asked with temperature 0.
   * - A layer of `effect/ai`.
   *
   * @example
   * ```ts
   * import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
   * import { createMemory } from "@memory-r1/core"
   *
   * // A server on this machine, or here a fetch that plays one: it finds no fact in what is said.
   * const message = { role: "assistant", content: "{\"facts\":[]}" }
   * const fetch = async () => Response.json({ choices: [{ finish_reason: "stop", message }] })
   * const provider = createOpenAICompatible({ name: "local", baseURL: "http://localhost:8080/v1", fetch })
   *
   * const memory = await createMemory({ model: provider.chatModel("qwen3") })
   * const { decisions } = await memory.remember({ speaker: "Ann", text: "Hello there!" })
   * await memory.close()
   * decisions // => []
   * ```
   */
  readonly model?: Layer.Layer<LanguageModel.LanguageModel, unknown> | LanguageModelLike | string | undefined
  /**
   * An embedding model, with which memories are found by their meaning as well as by their words. It is given as
   * `model` is: `openai.embedding("text-embedding-3-small")`, `"sentence-transformers/all-MiniLM-L6-v2"`, or a layer.
   *
   * @example
   * ```ts
   * import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
   * import { createMemory } from "@memory-r1/core"
   *
   * // A fetch that plays the server: what is about animals lies in one direction.
   * const vector = (text: string) => ({ embedding: /dog|pet/.test(text) ? [1, 0] : [0, 1] })
   * const fetch: typeof globalThis.fetch = async (_url, init) =>
   *   Response.json({ data: JSON.parse(String(init?.body)).input.map(vector) })
   * const provider = createOpenAICompatible({ name: "local", baseURL: "http://localhost:8080/v1", fetch })
   *
   * const memory = await createMemory({ embedding: provider.embeddingModel("minilm") })
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
   * const [pet] = await memory.recall("pets", { limit: 1 })
   * await memory.close()
   * pet?.text // => "My dog is called Buddy."
   * ```
   */
  readonly embedding?: Layer.Layer<EmbeddingModel.EmbeddingModel, unknown> | EmbeddingModelLike | string | undefined
  /**
   * What finds memories: a layer of a `Retriever`. When it is omitted, memories are found by words, and with an
   * `embedding` by words and meaning together.
   *
   * @example
   * ```ts
   * import { createMemory, Reranker, Retriever } from "@memory-r1/core"
   * import { Effect, Layer } from "effect"
   *
   * const shortestFirst: Reranker.Reranker = (_, memories) =>
   *   Effect.succeed(memories.map(({ text }) => -text.length))
   * await using memory = await createMemory({
   *   retriever: Layer.provide(Retriever.layerReranked(shortestFirst), Retriever.layerBm25)
   * })
   * await memory.remember({ speaker: "Ann", text: "My dog is a very old dog." })
   * await memory.remember({ speaker: "Ann", text: "Ben likes my dog." })
   * const [first] = await memory.recall("dog", { limit: 2 })
   * first?.text // => "Ben likes my dog."
   * ```
   */
  readonly retriever?: Layer.Layer<Retriever.Retriever, unknown> | undefined
  /**
   * What decides on every fact: a layer of a `MemoryManager`, such as one that you trained.
   *
   * @example
   * ```ts
   * import { createMemory, MemoryManager } from "@memory-r1/core"
   *
   * const memory = await createMemory({ manager: MemoryManager.layerAddOnly })
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.remember({ speaker: "Ann", text: "I live in Bergen." })
   * const { length } = await memory.memories()
   * await memory.close()
   * length // => 2
   * ```
   */
  readonly manager?: Layer.Layer<MemoryManager.MemoryManager, unknown> | undefined
  /**
   * What answers questions from memories: a layer of an `AnswerAgent`, such as one that you trained.
   *
   * @example
   * ```ts
   * import { AnswerAgent, createMemory } from "@memory-r1/core"
   *
   * const memory = await createMemory({ answerAgent: AnswerAgent.layerExtractive })
   * const { text } = await memory.answer("Where does Ann live?")
   * await memory.close()
   * text // => "none"
   * ```
   */
  readonly answerAgent?: Layer.Layer<AnswerAgent.AnswerAgent, unknown> | undefined
  /**
   * What finds the facts in a turn: a layer of a `FactExtractor`.
   *
   * @example
   * ```ts
   * import { createMemory, FactExtractor } from "@memory-r1/core"
   *
   * const memory = await createMemory({ extractor: FactExtractor.layerVerbatim })
   * const { decisions } = await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.close()
   * decisions.map(({ fact }) => fact.text) // => ["I live in Oslo."]
   * ```
   */
  readonly extractor?: Layer.Layer<FactExtractor.FactExtractor, unknown> | undefined
  /**
   * Whose memory it is. Scopes in one store know nothing of each other.
   *
   * @example
   * ```ts
   * import { createMemory } from "@memory-r1/core"
   * import { sqlite } from "@memory-r1/store-sqlite"
   *
   * const store = sqlite("memory.db")
   * await using ann = await createMemory({ store, scope: { tenant: "acme", user: "ann" } })
   * await using ben = await createMemory({ store, scope: { tenant: "acme", user: "ben" } })
   * await ann.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await ben.memories() // => []
   * ```
   */
  readonly scope?: Scope.Parts | undefined
  /**
   * How many memories one turn may delete before `confirmDeletions` is asked; 2 when it is omitted.
   *
   * @example
   * ```ts
   * import { createMemory, MemoryManager } from "@memory-r1/core"
   * import { MemoryOperation } from "@memory-r1/core/rl"
   * import { Effect, Layer } from "effect"
   *
   * // A manager that adds the first fact, and then deletes what it is shown.
   * const manager = Layer.succeed(MemoryManager.MemoryManager, {
   *   decide: (requests) =>
   *     Effect.sync(() => requests.map(({ fact, snapshot }) => {
   *       const raw = snapshot.memories.length === 0 ? `ADD ${fact.text}` : "DELETE 0"
   *       return { ...MemoryOperation.decode(raw, snapshot, fact), raw }
   *     }))
   * })
   * await using memory = await createMemory({ manager, deletions: 0 })
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * const { decisions } = await memory.remember({ speaker: "Ann", text: "Forget that I live in Oslo." })
   * decisions.map(({ withheld }) => withheld.length) // => [1]
   * ```
   */
  readonly deletions?: number | undefined
  /**
   * Whether the log keeps what a trained policy sampled for each decision, for off-policy evaluation; see
   * `MemoryAgent.Options`. An erasure takes it away with the memories that it quotes. False by default.
   */
  readonly recordSamples?: boolean | undefined
  /**
   * Whether a turn may delete these memories, which are more than `deletions`. They stay when it is omitted.
   *
   * @example
   * ```ts
   * import { createMemory, MemoryManager } from "@memory-r1/core"
   * import { MemoryOperation } from "@memory-r1/core/rl"
   * import { Effect, Layer } from "effect"
   *
   * const manager = Layer.succeed(MemoryManager.MemoryManager, {
   *   decide: (requests) =>
   *     Effect.sync(() => requests.map(({ fact, snapshot }) => {
   *       const raw = snapshot.memories.length === 0 ? `ADD ${fact.text}` : "DELETE 0"
   *       return { ...MemoryOperation.decode(raw, snapshot, fact), raw }
   *     }))
   * })
   * await using memory = await createMemory({
   *   manager,
   *   deletions: 0,
   *   confirmDeletions: async (memories) => memories.every(({ speaker }) => speaker === "Ann")
   * })
   * await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
   * await memory.remember({ speaker: "Ann", text: "Forget that I live in Oslo." })
   * await memory.memories() // => []
   * ```
   */
  readonly confirmDeletions?: ((memories: ReadonlyArray<StoredMemory>) => boolean | Promise<boolean>) | undefined
}

type RecallOptions = NonNullable<Parameters<AgentMemory["recall"]>[1]>

/**
 * Opens a memory. It is rejected with the error of the part that cannot be opened; with `UnusableModel` where that is a
 * model.
 *
 * @example
 * ```ts
 * import { createMemory } from "@memory-r1/core"
 *
 * await using memory = await createMemory()
 * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
 * const { text } = await memory.answer("What is the dog of Ann called?")
 * text // => "Buddy"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const createMemory = async (options: CreateMemoryOptions = {}): Promise<AgentMemory> => {
  const { confirmDeletions, deletions, recordSamples, store = MemoryStore.layerInMemory } = options
  const scope = Scope.make(options.scope ?? {})
  const model = options.model === undefined ? undefined : Models.languageModel(options.model)
  const part = <A>(
    given: Layer.Layer<A, unknown> | undefined,
    prompted: Layer.Layer<A, never, LanguageModel.LanguageModel>,
    plain: Layer.Layer<A>
  ) => given ?? (model === undefined ? plain : Layer.provide(prompted, model))
  const {
    retriever = options.embedding === undefined
      ? Retriever.layerBm25
      : Layer.provide(Retriever.layerHybrid, Models.embeddingModel(options.embedding))
  } = options
  const runtime = ManagedRuntime.make(Layer.mergeAll(
    Layer.provide(store, retriever),
    part(options.manager, MemoryManager.layerPrompted(), MemoryManager.layerRuleBased()),
    part(options.answerAgent, AnswerAgent.layerPrompted(), AnswerAgent.layerExtractive),
    part(options.extractor, FactExtractor.layerPrompted(), FactExtractor.layerVerbatim)
  ))
  // Builds the layers now, so that a model that cannot be loaded rejects here and not at the first call.
  await runtime.context()
  type Services = ManagedRuntime.ManagedRuntime.Services<typeof runtime>
  const run = async <A>(effect: Effect.Effect<A, unknown, Services>, signal: AbortSignal | undefined): Promise<A> => {
    signal?.throwIfAborted()
    const exit = await runtime.runPromiseExit(effect, { signal })
    if (Exit.isSuccess(exit)) return exit.value
    if (Cause.hasInterrupts(exit.cause)) signal?.throwIfAborted()
    throw Cause.squash(exit.cause)
  }
  const inStore = <A, E>(
    signal: AbortSignal | undefined,
    use: (store: MemoryStore.MemoryStore["Service"]) => Effect.Effect<A, E>
  ): Promise<A> => run(MemoryStore.MemoryStore.use(use), signal)
  // Decisions that overlap would conflict, and be made again and again.
  const oneAtATime = Semaphore.makeUnsafe(1).withPermit
  const agent: MemoryAgent.Options = {
    deletions,
    recordSamples,
    confirmDeletions: confirmDeletions === undefined
      ? undefined
      : (memories) => Effect.promise(async () => confirmDeletions(memories))
  }
  const recall = async (text: string, { limit = 10, signal, ...among }: RecallOptions = {}) => {
    const { memories } = await inStore(signal, (store) => store.search(scope, { ...defined(among), limit, text }))
    return memories.map(({ memory }) => memory)
  }
  const close = () => runtime.dispose()
  return {
    remember: (turn, { signal } = {}) =>
      run(oneAtATime(MemoryAgent.remember(scope, { id: crypto.randomUUID(), ...turn }, agent)), signal),
    extractAgain: ({ signal } = {}) => run(oneAtATime(MemoryAgent.extractAgain(scope, agent)), signal),
    recall,
    context: async (query, options) => Recalled.render(await recall(query, options)),
    answer: (question, { signal } = {}) => run(MemoryAgent.ask(scope, question), signal),
    memories: ({ signal } = {}) => run(MemoryAgent.memories(scope), signal),
    history: (id, { signal } = {}) => inStore(signal, (store) => store.history(scope, MemoryId.make(id))),
    revert: (moment, { signal } = {}) => inStore(signal, (store) => Effect.asVoid(store.revert(scope, moment))),
    forget: (ids, { signal } = {}) =>
      inStore(signal, (store) => Effect.asVoid(store.erase(scope, [ids].flat().map((id) => MemoryId.make(id))))),
    close,
    [Symbol.asyncDispose]: close
  }
}
