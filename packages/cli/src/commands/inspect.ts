/**
 * `memory-r1 inspect logprobs`, `memory-r1 inspect gradients` and `memory-r1 inspect batch`
 *
 * @since 0.1.0
 */
import { Safetensors } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { FailedBatch } from "@memory-r1/trainer"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Engine from "../Engine.ts"
import * as Output from "../Output.ts"

const numbers = (name: string, isRight: (value: number) => boolean, what: string) =>
  Flag.String(name).pipe(
    Flag.filterMap((text) => {
      const values = text.trim().split(/[\s,]+/).map(Number)
      return text.trim() !== "" && values.every(isRight) ? Option.some(values) : Option.none()
    }, () => `${what}, separated by spaces or commas`)
  )

const tokens = numbers("tokens", (value) => Number.isInteger(value) && value >= 0, "token ids")

/**
 * Flags that are valid alone but not together.
 *
 * @category errors
 * @since 0.1.0
 */
export class WrongInput extends Schema.TaggedError<WrongInput>()("WrongInput", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const split = Effect.fnUntraced(function*(ids: ReadonlyArray<number>) {
  if (ids.length < 2) {
    return yield* new WrongInput({
      reason: "--tokens needs at least two tokens, because the first is only the context"
    })
  }
  return { prompt: ids.slice(0, 1), completion: ids.slice(1) }
})

/**
 * `memory-r1 inspect logprobs --model DIR --tokens "1 2 3"`: the log-probability of each next token.
 */
const logprobs = Command.make(
  "logprobs",
  { model: Engine.model, ...Engine.loading, tokens },
  Effect.fn(function*({ model, tokens, ...flags }) {
    const { completion, prompt } = yield* split(tokens)
    const [[found]] = (yield* Effect.scoped(Effect.gen(function*() {
      const { sampler } = yield* Engine.sampler(model, flags)
      return yield* sampler.score({ groups: [{ prompt, completions: [completion] }] })
    }))) as readonly [readonly [Float32Array]]
    const result = { tokens, logprobs: Array.from(found) }
    yield* Output.document(result, completion.map((token, t) => `${token}\t${result.logprobs[t]!.toFixed(6)}`))
  })
).pipe(Command.withDescription("Print the log-probability of each next token"))

/**
 * `memory-r1 inspect gradients --model DIR --tokens "…" --weights "…" --out F.safetensors [--lora-rank R]`: the
 * gradient of `sum(w_t * logp_t)`, parameter by parameter under its Hugging Face name; with a rank, of a new adapter,
 * under PEFT's names. There is one weight fewer than tokens.
 */
const gradients = Command.make(
  "gradients",
  {
    model: Engine.model,
    loraRank: Engine.training.loraRank,
    gradientCheckpointing: Engine.training.gradientCheckpointing,
    tokens,
    weights: numbers("weights", Number.isFinite, "numbers, one fewer than tokens"),
    out: Flag.String("out").pipe(Flag.withDescription("the safetensors file to write"))
  },
  Effect.fn(function*({ gradientCheckpointing, loraRank, model, out, tokens, weights }) {
    const { completion, prompt } = yield* split(tokens)
    if (weights.length !== completion.length) {
      return yield* new WrongInput({
        reason: `--weights has ${weights.length} numbers; ${tokens.length} tokens need ${completion.length}`
      })
    }
    const weighted: Objective.Objective = {
      name: "weighted log-likelihood",
      loss: Objective.mul(Objective.advantage, Objective.logp),
      aggregation: Objective.Aggregation.Sum()
    }
    const loss = yield* Effect.scoped(Effect.gen(function*() {
      const { gradients, learner } = yield* Engine.learner(model, {
        ...Engine.defaults,
        gradientCheckpointing,
        loraRank
      })
      const { loss } = yield* learner.forwardBackward([{
        prompt,
        completions: [{ tokens: completion, advantage: weights }]
      }], weighted)
      yield* Safetensors.writeFile(out, gradients())
      return loss
    }))
    yield* Output.document({ objective: loss, file: out }, [`sum(w_t * logp_t) = ${loss}`, out])
  })
).pipe(Command.withDescription("Write the gradient of sum(w_t * logp_t) to a safetensors file"))

const trainedQuantities: ReadonlyArray<string> = ["entropy", "value"]

/**
 * `memory-r1 inspect batch --model DIR --batch FILE`: the loss of every completion in the batch of a failed step, with
 * the weights of a directory. The run saves the weights of that moment in `failed`.
 */
const batch = Command.make(
  "batch",
  {
    model: Engine.model,
    ...Engine.loading,
    batch: Flag.String("batch").pipe(Flag.withDescription("the failed-batch.json of a run folder"))
  },
  Effect.fn(function*({ batch: file, model, ...flags }) {
    const files = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(
      files.readFileString(file),
      () => new WrongInput({ reason: `${file}: cannot be read` })
    )
    const { batch, objective, stage, step, temperature } = yield* Effect.mapError(
      FailedBatch.decode(text),
      ({ message }) => new WrongInput({ reason: `${file}: ${message}` })
    )
    const missing = [...Objective.quantities(objective)].filter((name) => trainedQuantities.includes(name))
    const groups = batch.map(({ completions, prompt }) => ({
      prompt,
      completions: completions.map(({ tokens }) => tokens)
    }))
    const logprobs = yield* Effect.scoped(
      Effect.flatMap(Engine.sampler(model, flags), ({ sampler }) => sampler.score({ groups, temperature }))
    )
    const completions = batch.flatMap(({ completions }, group) =>
      completions.map(({ advantage, tokens, ...given }, completion) => {
        const logp = logprobs[group]![completion]!
        const quantities = {
          ...given,
          logp,
          advantage: typeof advantage === "number" ? tokens.map(() => advantage) : advantage
        }
        return {
          group,
          completion,
          tokens: tokens.length,
          leastLogprob: logp.reduce((least, value) => Math.min(least, value), 0),
          // Log-probabilities are not enough for a loss that needs the learner's entropy or values.
          loss: missing.length > 0 ? null : String(Objective.evaluate(objective, [quantities]))
        }
      })
    )
    const odd = completions.filter(({ loss }) => loss !== null && !Number.isFinite(Number(loss)))
    yield* Output.document({ stage, step, objective: objective.name, completions }, [
      `${stage}, step ${step}: ${objective.name} over ${completions.length} completions of ${batch.length} prompts`,
      ...(missing.length > 0 ? [`the loss needs ${missing.join(" and ")}, which the file does not contain`] : []),
      ...completions.map(({ completion, group, leastLogprob, loss, tokens }) =>
        `prompt ${group}, completion ${completion}: ${tokens} tokens, least log-probability ${
          leastLogprob.toFixed(2)
        }, loss ${loss ?? "-"}`
      ),
      odd.length === 0 ? "every loss is finite with these weights" : `${odd.length} losses are not finite`
    ])
  })
).pipe(Command.withDescription("Print the losses of the batch of a failed step"))

/**
 * The command.
 *
 * @category running
 * @since 0.1.0
 */
export const inspect = Command.make("inspect").pipe(
  Command.withDescription("Inspect a checkpoint: log-probabilities, gradients, and the batch of a failed step"),
  Command.withSubcommands([logprobs, gradients, batch])
)
