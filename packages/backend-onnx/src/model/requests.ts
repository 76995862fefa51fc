// What is wrong with a request, in one line, or nothing: all of it is checked before anything runs.
import type { Sampler } from "@memory-r1/core/rl"
import type { Decoder } from "./architecture.ts"

type Tokens = ReadonlyArray<number>

/** The first thing that is wrong. */
export const first = (...problems: ReadonlyArray<string | undefined>): string | undefined =>
  problems.find((problem) => problem !== undefined)

const each = <A>(items: ReadonlyArray<A>, problem: (item: A, i: number) => string | undefined): string | undefined => {
  for (const [i, item] of items.entries()) {
    const found = problem(item, i)
    if (found !== undefined) return found
  }
  return undefined
}

const vocabulary = (what: string, tokens: Tokens, { vocabularySize }: Decoder): string | undefined => {
  const unknown = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize)
  return unknown === undefined ? undefined : `${what} has token ${unknown}; the vocabulary has ${vocabularySize}`
}

const prompt = (what: string, tokens: Tokens, more: number, decoder: Decoder): string | undefined => {
  if (tokens.length === 0) return `${what} is empty`
  if (tokens.length + more > decoder.contextLength) {
    const fits = `it does not fit into the model's ${decoder.contextLength}: shorten it`
    return `${what} has ${tokens.length} tokens; with ${more} more ${fits}`
  }
  return vocabulary(what, tokens, decoder)
}

const longest = (completions: ReadonlyArray<{ readonly tokens: Tokens }>): number =>
  completions.reduce((most, { tokens }) => Math.max(most, tokens.length), 0)

/** Completions of prompts. What is said of one completion is up to `completion`. */
export const groups = <Completion extends { readonly tokens: Tokens }>(
  given: ReadonlyArray<{ readonly prompt: Tokens; readonly completions: ReadonlyArray<Completion> }>,
  decoder: Decoder,
  completion: (where: string, completion: Completion) => string | undefined = () => undefined
): string | undefined =>
  each(given, (group, i) =>
    first(
      prompt(`the prompt of group ${i}`, group.prompt, longest(group.completions), decoder),
      each(group.completions, (one, j) => {
        const where = `completion ${j} of group ${i}`
        return first(vocabulary(where, one.tokens, decoder), completion(where, one))
      })
    ))

const number = (
  name: string,
  value: number | undefined,
  is: (value: number) => boolean,
  what: string
): string | undefined => value === undefined || is(value) ? undefined : `${name} is ${value}, it has to be ${what}`

export const positive = (name: string, value: number | undefined): string | undefined =>
  number(name, value, (x) => x > 0 && Number.isFinite(x), "a number above 0")

export const atLeast0 = (name: string, value: number | undefined): string | undefined =>
  number(name, value, (x) => x >= 0 && Number.isFinite(x), "0 or more")

export const below1 = (name: string, value: number | undefined): string | undefined =>
  number(name, value, (x) => x >= 0 && x < 1, "0 or more, and below 1")

const count = (name: string, value: number | undefined): string | undefined =>
  number(name, value, (x) => Number.isInteger(x) && x > 0, "a positive whole number")

/** A request to `sample`. */
export const sample = (request: Sampler.SampleRequest, decoder: Decoder): string | undefined =>
  first(
    count("maxTokens", request.maxTokens),
    count("n", request.n),
    count("topK", request.topK),
    number("topP", request.topP, (x) => x > 0 && x <= 1, "above 0 and at most 1"),
    number("minP", request.minP, (x) => x >= 0 && x <= 1, "0 or more, and at most 1"),
    atLeast0("temperature", request.temperature),
    number("seed", request.seed, Number.isInteger, "a whole number"),
    each(request.prompts, (tokens, i) => prompt(`prompt ${i}`, tokens, request.maxTokens, decoder))
  )
