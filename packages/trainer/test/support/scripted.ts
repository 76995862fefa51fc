// A sampler that writes what a function says, character by character.
import type { Sampler } from "@memory-r1/core/rl"
import { Effect } from "effect"

const stop = 0

/** `decide` is told the prompt, and which completion of it is to be written. */
export const sampler = (
  decide: (prompt: string, member: number) => string,
  contextLength = 100_000
): Sampler.Service => {
  const encode = (text: string): ReadonlyArray<number> => Array.from(text, (character) => character.charCodeAt(0))
  const decode = (tokens: ReadonlyArray<number>): string => String.fromCharCode(...tokens)
  return {
    tokenizer: { vocabularySize: 65_536, stopTokens: [stop], encode, decode },
    contextLength,
    sample: ({ n = 1, prompts }) =>
      Effect.sync(() =>
        prompts.map((prompt) =>
          Array.from({ length: n }, (_, member): Sampler.Completion => {
            const tokens = [...encode(decide(decode(prompt), member)), stop]
            return { tokens, logprobs: new Float32Array(tokens.length).fill(-1), finishReason: "stop" }
          })
        )
      ),
    score: ({ groups }) =>
      Effect.sync(() =>
        groups.map(({ completions }) => completions.map(({ length }) => new Float32Array(length).fill(-1)))
      )
  }
}
