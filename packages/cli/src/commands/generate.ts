/**
 * `memory-r1 generate --model DIR --prompt TEXT --max-tokens N [--temperature T] [--seed N] [--system TEXT] [--raw]`
 *
 * @since 0.1.0
 */
import { Sampler } from "@memory-r1/core/rl"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Engine from "../Engine.ts"
import * as Output from "../Output.ts"
import { count } from "../shared.ts"

interface Asked {
  readonly prompt: string
  readonly raw: boolean
  readonly system: Option.Option<string>
  readonly templateOptions: Sampler.TemplateOptions
}

const promptOf = Effect.fnUntraced(function*(tokenizer: Sampler.Tokenizer, asked: Asked) {
  const { prompt, raw, system, templateOptions } = asked
  if (raw && (Option.isSome(system) || Object.keys(templateOptions).length > 0)) {
    return yield* new Sampler.SamplerError({
      reason: "--raw leaves the chat template out, which --system and --template-option are for: give one or the other"
    })
  }
  if (raw || (tokenizer.applyChatTemplate === undefined && Option.isNone(system))) {
    // A whole prompt includes its control tokens.
    return tokenizer.encode(prompt, { controlTokens: true })
  }
  const messages: ReadonlyArray<Sampler.Message> = [
    ...Option.toArray(system).map((content): Sampler.Message => ({ role: "system", content })),
    { role: "user", content: prompt }
  ]
  return yield* Sampler.promptTokens(tokenizer, messages, templateOptions)
})

/**
 * The command.
 *
 * @category running
 * @since 0.1.0
 */
export const generate = Command.make(
  "generate",
  {
    model: Engine.model,
    ...Engine.loading,
    prompt: Flag.String("prompt").pipe(
      Flag.withDescription("what is said to the model; a model without a chat template continues it")
    ),
    system: Flag.String("system").pipe(
      Flag.withDescription("what the model is told before the prompt"),
      Flag.optional
    ),
    raw: Flag.Boolean("raw").pipe(
      Flag.withDescription("continue the prompt as it is, without the model's chat template"),
      Flag.withDefault(false)
    ),
    templateOptions: Engine.templateOptions,
    maxTokens: count("max-tokens").pipe(
      Flag.withDescription("the maximum length of the completion"),
      Flag.withDefault(64)
    ),
    temperature: Flag.Finite("temperature").pipe(
      Flag.withDescription("the sampling temperature; 0 is greedy"),
      Flag.withDefault(0)
    ),
    topK: count("top-k").pipe(Flag.withDescription("sample from the K most likely tokens"), Flag.optional),
    topP: Flag.Finite("top-p").pipe(
      Flag.withDescription("sample from the most likely tokens that reach this probability together"),
      Flag.optional
    ),
    minP: Flag.Finite("min-p").pipe(
      Flag.withDescription("drop tokens below this share of the most likely token's probability"),
      Flag.optional
    ),
    seed: Flag.Int("seed").pipe(Flag.withDescription("the seed of sampling"), Flag.withDefault(0))
  },
  Effect.fn(function*(
    { maxTokens, minP, model, prompt, raw, seed, system, temperature, templateOptions, topK, topP, ...flags }
  ) {
    const isShown = process.stdout.isTTY === true && !(yield* Output.Json)
    const result = yield* Effect.scoped(Effect.gen(function*() {
      const { reader, sampleWith, sampler: { tokenizer } } = yield* Engine.sampler(model, flags)
      const tokens = yield* promptOf(tokenizer, { prompt, raw, system, templateOptions })
      const { end, read } = reader()
      let said = ""
      const show = (tokens: ReadonlyArray<number>): boolean => {
        const { certain } = read(tokens)
        process.stdout.write(certain.slice(said.length))
        said = certain
        return false
      }
      const completion = (yield* sampleWith({
        prompts: [tokens],
        maxTokens,
        temperature,
        seed,
        topK: Option.getOrUndefined(topK),
        topP: Option.getOrUndefined(topP),
        minP: Option.getOrUndefined(minP)
      }, isShown ? show : undefined))[0]![0]!
      const { text } = end(completion)
      return {
        text,
        rest: text.slice(said.length),
        tokens: completion.tokens,
        finishReason: completion.finishReason
      }
    }))
    const { rest, ...document } = result
    yield* Output.document(document, [rest])
  })
).pipe(Command.withDescription("Generate text from a checkpoint"))
