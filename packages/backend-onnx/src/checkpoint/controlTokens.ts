// A tokenizer for which text stays text: what is written like a control token is encoded as its characters.
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers"
import { ModelOutput } from "@memory-r1/core/rl"

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special?: boolean | undefined
}

/** What is read here of tokenizer.json; the rest is the library's. */
export interface TokenizerJson {
  readonly model: {
    readonly vocab: unknown
    readonly merges?: ReadonlyArray<string | ReadonlyArray<string>> | undefined
    readonly unk_token?: unknown
  }
  readonly added_tokens?: ReadonlyArray<AddedToken> | undefined
  readonly post_processor?: unknown
}

export interface EncodeOptions {
  readonly addSpecialTokens?: boolean | undefined
  /** Takes control tokens that stand in the text for what they are. */
  readonly controlTokens?: boolean | undefined
}

export interface TextTokenizer {
  readonly encode: (text: string, options?: EncodeOptions) => ReadonlyArray<number>
  /** The text of tokens, just as it was written, without special ones. Of these, the tags of reasoning stay. */
  readonly decode: (tokens: ReadonlyArray<number>) => string
  readonly idOf: (token: string) => number | undefined
  /** Puts texts where control tokens are read. `around` is all that they may come to stand beside, themselves too. */
  readonly guard: (around: ReadonlyArray<string>) => Guard
}

/** `hide` gives a text in which no control token can begin or end, `encode` takes what such texts were put into. */
export interface Guard {
  readonly hide: (text: string) => string
  readonly encode: (text: string) => ReadonlyArray<number>
}

type Json = Readonly<Record<string, unknown>>

const record = (value: unknown): Json => (typeof value === "object" && value !== null ? value : {}) as Json

// An added token that is not special may be a word of a user's domain, or a run of spaces, which is text. Written as
// markup it is none.
const isMarkup = (token: string): boolean => /^<[^\s]+>$|^\[[^\s]+\]$/u.test(token)

// No text holds these names: in one, a high surrogate is never followed by a digit or by another one.
const lone = "\uD800"
const nameOf = (index: number): string => `${lone}${index}${lone}`
const names = new RegExp(`${lone}(\\d+)${lone}`, "g")

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")

const renamed = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (typeof value === "string") return names.get(value) ?? value
  if (Array.isArray(value)) return value.map((item) => renamed(item, names))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [names.get(key) ?? key, renamed(item, names)]))
}

const exchanged = (text: string, by: ReadonlyMap<string, string>): string => {
  let changed = ""
  for (const character of text) changed += by.get(character) ?? character
  return changed
}

// In the vocabulary, too, so that no merge and no lookup of a whole word gives a control token.
const renamedModel = (model: TokenizerJson["model"], names: ReadonlyMap<string, string>): TokenizerJson["model"] => {
  const { merges, unk_token, vocab } = model
  const unknown = typeof unk_token === "string" ? { unk_token: renamed(unk_token, names) } : {}
  if (Array.isArray(vocab)) {
    const entries = vocab as ReadonlyArray<readonly [piece: string, score: number]>
    return { ...model, ...unknown, vocab: entries.map(([piece, score]) => [names.get(piece) ?? piece, score]) }
  }
  const ids = record(vocab)
  const found = [...names].filter(([token]) => Object.hasOwn(ids, token))
  if (found.length === 0) return { ...model, ...unknown }
  const known = new Map(Object.entries(ids))
  for (const [token, name] of found) {
    known.set(name, known.get(token))
    known.delete(token)
  }
  const made = (merge: string | ReadonlyArray<string>): string =>
    typeof merge === "string" ? merge.replace(" ", "") : merge.join("")
  const apart = merges !== undefined ? { merges: merges.filter((merge) => !names.has(made(merge))) } : {}
  return { ...model, ...unknown, ...apart, vocab: Object.fromEntries(known) }
}

// The library's decoder of single bytes drops the mark U+FEFF at the beginning of a run. Its parts are functions with
// properties.
const keepMarks = (decoder: unknown): void => {
  if (typeof decoder !== "function") return
  if ("text_decoder" in decoder) decoder.text_decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  if ("decoders" in decoder && Array.isArray(decoder.decoders)) decoder.decoders.forEach(keepMarks)
}

/** Throws what the library throws. */
export const make = (json: TokenizerJson, config: object): TextTokenizer => {
  const { added_tokens: added = [], model, post_processor = null } = json
  const additional = record(config)["additional_special_tokens"]
  const specialToo = new Set<unknown>(
    Array.isArray(additional) ? additional.map((token) => record(token)["content"] ?? token) : []
  )
  const isReasoning = (token: unknown): boolean => typeof token === "string" && ModelOutput.isReasoningTag(token)
  const control = added.flatMap(({ content, special = false }) =>
    content !== "" && (special || specialToo.has(content) || isMarkup(content)) ? [content] : []
  )
  const nameFor = new Map(control.map((token, i) => [token, nameOf(i)]))
  const tokenizer = new HuggingFaceTokenizer({
    ...json,
    model: renamedModel(model, nameFor),
    // A normalizer that puts a space before all text would put one into the name of a control token that is normalized.
    added_tokens: added.map((token) => {
      const content = nameFor.get(token.content)
      if (content === undefined) return token
      return { ...token, content, normalized: false, ...(isReasoning(token.content) ? { special: false } : {}) }
    }),
    post_processor: renamed(post_processor, nameFor)
  }, {
    ...config,
    additional_special_tokens: [...specialToo].filter((token) => !isReasoning(token)).map((token) =>
      renamed(token, nameFor)
    )
  })
  keepMarks(tokenizer.decoder)

  // The longest first: one may begin another.
  const alternatives = [...control].sort((a, b) => b.length - a.length).map(escape)
  const written = alternatives.length === 0 ? undefined : new RegExp(alternatives.join("|"), "g")
  const named = (text: string): string =>
    written === undefined ? text : text.replace(written, (token) => nameFor.get(token)!)
  const ends = [
    ...new Set(control.flatMap((token) => {
      const characters = [...token.trim()]
      return [characters.at(0), characters.at(-1)]
    }))
  ].filter((character) => character !== undefined)

  const idsOf = (text: string, addSpecialTokens: boolean) =>
    tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids

  return {
    encode: (text, { addSpecialTokens = true, controlTokens = false } = {}) => {
      const whole = text.toWellFormed()
      return idsOf(controlTokens ? named(whole) : whole, addSpecialTokens)
    },
    decode: (tokens) => {
      // A model may embed more tokens than there are; the library refuses an empty list.
      const known = tokens.filter((token) => tokenizer.id_to_token(token) !== undefined)
      if (known.length === 0) return ""
      // What transformers cleans up for WordPiece would eat spaces that were written.
      const text = tokenizer.decode(known, { skip_special_tokens: true, clean_up_tokenization_spaces: false })
      return text.replace(names, (_: string, index: string) => control[Number(index)]!)
    },
    idOf: (token) => tokenizer.token_to_id(nameFor.get(token) ?? token),
    guard: (around) => {
      const used = new Set(around.flatMap((text) => [...text]))
      const hidden = new Map<string, string>()
      // Of the characters for private use those that stand nowhere.
      for (let code = 0xe000; hidden.size < ends.length; code = code === 0xf8ff ? 0xf0000 : code + 1) {
        const character = String.fromCodePoint(code)
        if (!used.has(character)) hidden.set(ends[hidden.size]!, character)
      }
      const shown = new Map([...hidden].map(([end, character]) => [character, end]))
      return {
        hide: (text) => exchanged(text, hidden),
        encode: (text) => idsOf(exchanged(named(text.toWellFormed()), shown), false)
      }
    }
  }
}
