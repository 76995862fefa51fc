/**
 * `memory-r1 inspect logprobs` and `memory-r1 inspect gradients`
 */
import { Safetensors } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Engine from "../Engine.ts"
import * as Output from "../Output.ts"

const numbers = (name: string, isRight: (value: number) => boolean, what: string) =>
  Flag.String(name).pipe(
    Flag.filterMap((text) => {
      const values = text.trim().split(/[\s,]+/).map(Number)
      return text.trim() !== "" && values.every(isRight) ? Option.some(values) : Option.none()
    }, () => `${what} between spaces or commas`)
  )

const tokens = numbers("tokens", (value) => Number.isInteger(value) && value >= 0, "token ids")

/**
 * Input that fits no command line rule but not together.
 */
export class WrongInput extends Schema.TaggedError<WrongInput>()("WrongInput", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const split = Effect.fnUntraced(function*(ids: ReadonlyArray<number>) {
  if (ids.length < 2) return yield* new WrongInput({ reason: "--tokens needs at least two: each next token is scored" })
  return { prompt: ids.slice(0, 1), completion: ids.slice(1) }
})

/**
 * `memory-r1 inspect logprobs --model DIR --tokens "1 2 3"`: the log-probability of each next token.
 */
const logprobs = Command.make("logprobs", { model: Engine.model, ...Engine.loading, tokens }, Effect.fn(function*({ model, tokens, ...flags }) {
  const { completion, prompt } = yield* split(tokens)
  const [[found]] = (yield* Effect.scoped(Effect.gen(function*() {
    const sampler = yield* Engine.sampler(model, flags)
    return yield* sampler.score({ groups: [{ prompt, completions: [completion] }] })
  }))) as readonly [readonly [Float32Array]]
  const result = { tokens, logprobs: Array.from(found) }
  yield* Output.document(result, completion.map((token, t) => `${token}\t${result.logprobs[t]!.toFixed(6)}`))
})).pipe(Command.withDescription("Log-probability of each next token"))

/**
 * `memory-r1 inspect gradients --model DIR --tokens "…" --weights "…" --out F.safetensors [--lora-rank R]`: the gradient of
 * `sum(w_t * logp_t)`, parameter by parameter under its Hugging Face name; with a rank, of a new adapter, under PEFT's names. There is one
 * weight less than tokens.
 */
const gradients = Command.make("gradients", {
  model: Engine.model,
  loraRank: Engine.training.loraRank,
  gradientCheckpointing: Engine.training.gradientCheckpointing,
  tokens,
  weights: numbers("weights", Number.isFinite, "numbers, one less than tokens"),
  out: Flag.String("out").pipe(Flag.withDescription("the safetensors file to write"))
}, Effect.fn(function*({ gradientCheckpointing, loraRank, model, out, tokens, weights }) {
  const { completion, prompt } = yield* split(tokens)
  if (weights.length !== completion.length) {
    return yield* new WrongInput({ reason: `--weights has ${weights.length} numbers; ${tokens.length} tokens need ${completion.length}` })
  }
  const weighted: Objective.Objective = {
    name: "weighted log-likelihood",
    loss: Objective.mul(Objective.advantage, Objective.logp),
    aggregation: Objective.Aggregation.Sum()
  }
  const loss = yield* Effect.scoped(Effect.gen(function*() {
    const { gradients, learner } = yield* Engine.learner(model, { ...Engine.defaults, gradientCheckpointing, loraRank })
    const { loss } = yield* learner.forwardBackward([{ prompt, completions: [{ tokens: completion, advantage: weights }] }], weighted)
    yield* Safetensors.writeFile(out, gradients())
    return loss
  }))
  yield* Output.document({ objective: loss, file: out }, [`sum(w_t * logp_t) = ${loss}`, out])
})).pipe(Command.withDescription("Gradient of sum(w_t * logp_t) as a safetensors file"))

/**
 * The command.
 */
export const inspect = Command.make("inspect").pipe(
  Command.withDescription("Look into a checkpoint: log-probabilities and gradients"),
  Command.withSubcommands([logprobs, gradients])
)
