/**
 * Who answers a question from memories.
 */
import { type AiError, LanguageModel } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Calls from "./Calls.ts"
import * as Generate from "./internal/generate.ts"
import * as ExtractiveReader from "./language/extractiveReader.ts"
import type { TrainedOptions } from "./MemoryManager.ts"
import * as AnswerFormat from "./rl/AnswerFormat.ts"
import { Sampler, type SamplerError } from "./rl/Sampler.ts"

/**
 * Answers many questions at once, each from its own candidates; the result has the order of the requests. Where there
 * are no candidates the answer is "none", and no model is asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly answer: (
    requests: ReadonlyArray<AnswerFormat.AnswerRequest>
  ) => Effect.Effect<ReadonlyArray<AnswerFormat.Answer>, AiError.AiError | SamplerError>
}

/**
 * The tag of the service.
 *
 * @category services
 * @since 0.1.0
 */
export class AnswerAgent extends Context.Service<AnswerAgent, Service>()("@memory-r1/core/AnswerAgent") {}

/**
 * A deterministic reader, no model: takes the candidate that shares most of the question's rarer words, and cuts the
 * part out of it that the question asks for (a date, a number, a name, or the words that the question does not have).
 * What is told of somebody else than the question asks about is no candidate. Where nothing answers it, or a date is
 * not certain, the answer is "none".
 *
 * @category layers
 * @since 0.1.0
 */
export const layerExtractive: Layer.Layer<AnswerAgent> = Layer.succeed(AnswerAgent, {
  answer: (requests) => Effect.sync(() => requests.map(ExtractiveReader.read))
})

// What is known of nothing is nothing: a model would make something up.
const nothing: AnswerFormat.Answer = { text: "none", selected: [], wellFormed: true, raw: "" }

const answering = <E>(
  format: AnswerFormat.AnswerFormat,
  generate: (prompts: ReadonlyArray<Generate.PromptText>) => Effect.Effect<ReadonlyArray<Generate.Generated>, E>
) =>
  Effect.fn("AnswerAgent.answer")(function*(requests: ReadonlyArray<AnswerFormat.AnswerRequest>) {
    const asked = requests.filter(({ candidates }) => candidates.length > 0)
    const texts = (asked.length === 0 ? [] : yield* generate(asked.map(format.prompt))).values()
    return requests.map((request) =>
      request.candidates.length === 0 ? nothing : format.decode(texts.next().value!.text, request)
    )
  })

/**
 * Any `effect/ai` language model, asked with `AnswerFormat.paper`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPrompted = (
  options: Calls.Options & { readonly format?: AnswerFormat.AnswerFormat | undefined } = {}
): Layer.Layer<AnswerAgent, never, LanguageModel.LanguageModel> =>
  Layer.effect(
    AnswerAgent,
    Effect.gen(function*() {
      const model = yield* LanguageModel.LanguageModel
      const { format = AnswerFormat.paper } = options
      const call = Calls.make(options)
      return AnswerAgent.of({
        answer: answering(format, (prompts) => Generate.withLanguageModel(model, prompts, call))
      })
    })
  )

/**
 * An answer agent over one sampler.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSampler = (
  sampler: Sampler["Service"],
  { format, name: _, ...options }: TrainedOptions<AnswerFormat.AnswerFormat>
): AnswerAgent["Service"] => ({
  answer: answering(format, (prompts) => Generate.withSampler(sampler, prompts, options))
})

/**
 * A trained policy: any `Sampler`, asked with the format that it was trained on.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerTrained = (
  options: TrainedOptions<AnswerFormat.AnswerFormat>
): Layer.Layer<AnswerAgent, never, Sampler> =>
  Layer.effect(AnswerAgent, Effect.map(Sampler, (sampler) => fromSampler(sampler, options)))
