/**
 * `memory-r1 generate --model DIR --prompt TEXT --max-tokens N [--temperature T] [--seed N]`
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
    prompt: Flag.String("prompt").pipe(Flag.withDescription("the text to continue")),
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
  Effect.fn(function*({ maxTokens, minP, model, prompt, seed, temperature, topK, topP, ...flags }) {
    const result = yield* Effect.scoped(Effect.gen(function*() {
      const sampler = yield* Engine.sampler(model, flags)
      const [[completion]] = (yield* sampler.sample({
        // A whole prompt includes its control tokens.
        prompts: [sampler.tokenizer.encode(prompt, { controlTokens: true })],
        maxTokens,
        temperature,
        seed,
        ...(Option.isSome(topK) ? { topK: topK.value } : {}),
        ...(Option.isSome(topP) ? { topP: topP.value } : {}),
        ...(Option.isSome(minP) ? { minP: minP.value } : {})
      })) as readonly [readonly [Sampler.Completion]]
      return {
        text: sampler.tokenizer.decode(Sampler.withoutStop(completion)),
        tokens: completion.tokens,
        finishReason: completion.finishReason
      }
    }))
    yield* Output.document(result, [result.text])
  })
).pipe(Command.withDescription("Generate text from a checkpoint"))
