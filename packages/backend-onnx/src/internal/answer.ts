// From the tokens of an answer to its text.
import { Sampler } from "@memory-r1/core/rl"

/** Where one of some texts begins in another one, the first of them. */
const firstOf = (text: string, stops: ReadonlyArray<string>): number | undefined => {
  const places = stops.flatMap((stop) => {
    const at = stop === "" ? -1 : text.indexOf(stop)
    return at < 0 ? [] : [at]
  })
  return places.length === 0 ? undefined : Math.min(...places)
}

// How much at the end of a text may be the beginning of a stop, or a part of a character.
const uncertain = (text: string, stops: ReadonlyArray<string>): number => {
  const whole = text.replace(/�+$/, "")
  let held = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, whole.length); length > held; length--) {
      if (whole.endsWith(stop.slice(0, length))) held = length
    }
  }
  return held + text.length - whole.length
}

/** Reads an answer as it grows: the text that will not change any more, and whether one of `stops` has ended it. */
export const reader = (tokenizer: Sampler.Tokenizer, stops: ReadonlyArray<string>) => {
  const ends = new Set(tokenizer.stopTokens)
  let stopped = false
  const textOf = (tokens: ReadonlyArray<number>): string => {
    const text = tokenizer.decode(tokens)
    const at = firstOf(text, stops)
    stopped ||= at !== undefined
    return at === undefined ? text : text.slice(0, at)
  }
  return {
    read: (tokens: ReadonlyArray<number>): { readonly certain: string; readonly stopped: boolean } => {
      const text = textOf(ends.has(tokens.at(-1)!) ? tokens.slice(0, -1) : tokens)
      return { certain: stopped ? text : text.slice(0, text.length - uncertain(text, stops)), stopped }
    },
    end: (completion: Sampler.Completion): { readonly text: string } => ({
      text: textOf(Sampler.withoutStop(completion))
    }),
    stopped: () => stopped
  }
}
