/**
 * The judge of a configuration.
 */
import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
import { OnnxLanguageModel } from "@memory-r1/backend-onnx"
import { Judge } from "@memory-r1/core/rl"
import type { TrainConfig } from "@memory-r1/trainer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Engine from "./Engine.ts"

// A verdict is one word in an object.
const config = { temperature: 0, maxTokens: 64 }

/**
 * Makes it; a model on this machine is loaded with the scope.
 */
export const make = Effect.fnUntraced(function*({ model, provider }: NonNullable<TrainConfig.TrainConfig["judge"]>) {
  const languageModel = provider === "hf"
    ? yield* Layer.build(Layer.provide(HfLanguageModel.layer({ model, config }), HfClient.layerConfig()))
    : yield* Layer.build(OnnxLanguageModel.layer({ model: yield* Engine.directory(model), config }))
  const services = yield* Layer.build(Layer.provide(Judge.layerPrompted(), Layer.succeedContext(languageModel)))
  return Context.get(services, Judge.Judge)
})
