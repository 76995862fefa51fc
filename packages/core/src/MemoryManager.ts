/**
 * Who decides what becomes of a new fact: ADD, UPDATE, DELETE or NOOP.
 */
import { type AiError, LanguageModel, Model } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Calls from "./Calls.ts"
import { defined } from "./internal/defined.ts"
import { isSame } from "./internal/fingerprint.ts"
import * as Generate from "./internal/generate.ts"
import * as Contradiction from "./language/contradiction.ts"
import * as ManagerFormat from "./rl/ManagerFormat.ts"
import * as MemoryOperation from "./rl/MemoryOperation.ts"
import { Sampler, type SamplerError } from "./rl/Sampler.ts"

/**
 * What was decided: edits for the bank, a rejection for everything in the model's text that was no valid operation, and
 * that text. A decision with rejections and no edits leaves the bank as it is. For the log there are the name of the
 * model, the prompt that it got, the logarithm of the probability of its text, and what was sampled, where they are
 * known.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decision extends MemoryOperation.Decoded {
  readonly raw: string
  readonly model?: string | undefined
  readonly prompt?: ReturnType<ManagerFormat.ManagerFormat["prompt"]> | undefined
  readonly logProbability?: number | undefined
  readonly sample?: Generate.Sampled | undefined
}

/**
 * Decides on many requests at once, each on its own snapshot; the result has the order of the requests.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly decide: (
    requests: ReadonlyArray<ManagerFormat.ManagerRequest>
  ) => Effect.Effect<ReadonlyArray<Decision>, AiError.AiError | SamplerError>
}

/**
 * The tag of the service.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryManager extends Context.Service<MemoryManager, Service>()("@memory-r1/core/MemoryManager") {}

const byRule = (
  model: string,
  rule: (request: ManagerFormat.ManagerRequest) => MemoryOperation.MemoryOperation
): Layer.Layer<MemoryManager> =>
  Layer.succeed(MemoryManager, {
    decide: (requests) =>
      Effect.sync(() =>
        requests.map((request) => {
          const operation = rule(request)
          const parsed = { operations: [{ operation, position: 0 }], rejections: [] }
          return {
            ...MemoryOperation.bind(parsed, request.snapshot, request.fact),
            raw: MemoryOperation.format([operation]),
            model
          }
        })
      )
  })

/**
 * Adds every fact as it is and never changes one: the baseline that a manager has to beat.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAddOnly: Layer.Layer<MemoryManager> = byRule(
  "add-only",
  ({ fact }) => ({ _tag: "Add", text: fact.text })
)

/**
 * A rule about words, no model. A fact that is the same statement as a memory changes nothing (NOOP). One that
 * contradicts a memory replaces it (UPDATE): the same statement but for a negation, or but for a value of which there
 * is one at a time, such as an amount, a home or a name. The two have to share at least `threshold` of the words.
 * Everything else is new (ADD), so that nothing is lost.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRuleBased = (
  options: { readonly threshold?: number | undefined } = {}
): Layer.Layer<MemoryManager> => {
  const threshold = options.threshold ?? 0.75
  return byRule("rule-based", ({ fact, snapshot }) => {
    if (snapshot.memories.some((memory) => isSame(memory.text, fact.text))) return { _tag: "Noop" }
    let best = { handle: -1, share: 0 }
    for (const [handle, memory] of snapshot.memories.entries()) {
      const share = Contradiction.share(memory.text, fact.text)
      if (share > best.share) best = { handle, share }
    }
    return best.handle >= 0 && best.share >= threshold
      ? { _tag: "Update", handle: best.handle, text: fact.text }
      : { _tag: "Add", text: fact.text }
  })
}

const decodeWith = (
  format: ManagerFormat.ManagerFormat,
  requests: ReadonlyArray<ManagerFormat.ManagerRequest>,
  model: string | undefined
) =>
(texts: ReadonlyArray<Generate.Generated>): ReadonlyArray<Decision> =>
  texts.map(({ logProbability, sample, text }, i) => ({
    ...format.decode(text, requests[i]!),
    raw: text,
    model,
    prompt: format.prompt(requests[i]!),
    logProbability,
    ...defined({ sample })
  }))

/**
 * Any `effect/ai` language model, asked with `ManagerFormat.paper`. `name` is what the log calls the model; without it,
 * its `Model.ModelName`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPrompted = (
  options: Calls.Options & {
    readonly format?: ManagerFormat.ManagerFormat | undefined
    readonly name?: string | undefined
  } = {}
): Layer.Layer<MemoryManager, never, LanguageModel.LanguageModel> =>
  Layer.effect(
    MemoryManager,
    Effect.gen(function*() {
      const model = yield* LanguageModel.LanguageModel
      const {
        format = ManagerFormat.paper,
        name = Option.getOrUndefined(yield* Effect.serviceOption(Model.ModelName))
      } = options
      const call = Calls.make(options)
      return MemoryManager.of({
        decide: Effect.fn("MemoryManager.decide")((requests) =>
          Effect.map(
            Generate.withLanguageModel(model, requests.map(format.prompt), call),
            decodeWith(format, requests, name)
          )
        )
      })
    })
  )

/**
 * How a trained agent generates. Greedy unless a `temperature` is given. `name` is what the log calls the model.
 *
 * `seed`: the same request has the same draws. Without it each request draws anew, from Effect's `Random`. Omit it
 * where decisions are logged for off-policy evaluation: with it, decisions made one by one share their draws, and an
 * interval over them is far too narrow.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrainedOptions<Format> {
  readonly name?: string | undefined
  readonly format: Format
  readonly maxTokens: number
  readonly temperature?: number | undefined
  readonly seed?: number | undefined
}

/**
 * A manager over one sampler.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSampler = (
  sampler: Sampler["Service"],
  { format, name, ...options }: TrainedOptions<ManagerFormat.ManagerFormat>
): MemoryManager["Service"] => ({
  decide: Effect.fn("MemoryManager.decide")((requests) =>
    Effect.map(Generate.withSampler(sampler, requests.map(format.prompt), options), decodeWith(format, requests, name))
  )
})

/**
 * A trained policy: any `Sampler`, asked with the format that it was trained on.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerTrained = (
  options: TrainedOptions<ManagerFormat.ManagerFormat>
): Layer.Layer<MemoryManager, never, Sampler> =>
  Layer.effect(MemoryManager, Effect.map(Sampler, (sampler) => fromSampler(sampler, options)))
