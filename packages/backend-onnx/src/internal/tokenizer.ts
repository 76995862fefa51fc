// The tokenizer of a checkpoint directory, through @huggingface/tokenizers and @huggingface/jinja.
import { Template } from "@huggingface/jinja"
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers"
import type { Sampler } from "@memory-r1/core"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const TokenizerFile = Schema.Struct({
  model: Schema.Struct({ vocab: Schema.Union([Schema.Record(Schema.String, Schema.Int), Schema.Array(Schema.Unknown)]) }),
  added_tokens: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.Int, content: Schema.String })))
})

const TokenText = Schema.Union([Schema.String, Schema.Struct({ content: Schema.String })])

const TokenizerConfig = Schema.Struct({
  bos_token: Schema.optionalKey(Schema.NullOr(TokenText)),
  eos_token: Schema.optionalKey(Schema.NullOr(TokenText)),
  chat_template: Schema.optionalKey(Schema.NullOr(Schema.String))
})

const EndTokens = Schema.Struct({
  eos_token_id: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Int, Schema.Array(Schema.Int)])))
})

const textOf = (token: typeof TokenText.Type | null | undefined): string | undefined =>
  typeof token === "string" ? token : token?.content

const endTokensOf = (json: unknown): ReadonlyArray<number> => {
  const decoded = Schema.decodeUnknownResult(EndTokens)(json)
  const ids = Result.isSuccess(decoded) ? decoded.success.eos_token_id : undefined
  return ids == null ? [] : typeof ids === "number" ? [ids] : ids
}

/** Builds the tokenizer out of the parsed files, or says in one line why it cannot. */
export const make = (files: {
  readonly tokenizer: unknown
  readonly tokenizerConfig: unknown
  readonly config: unknown
  readonly generationConfig: unknown
  readonly vocabularySize: number
}): Result.Result<Sampler.Tokenizer, string> => {
  const shape = Schema.decodeUnknownResult(TokenizerFile)(files.tokenizer)
  if (Result.isFailure(shape)) return Result.fail("is no tokenizer.json of Hugging Face tokenizers")
  const config = Result.getOrElse(Schema.decodeUnknownResult(TokenizerConfig)(files.tokenizerConfig ?? {}), () => ({}) as typeof TokenizerConfig.Type)

  const { added_tokens = [], model } = shape.success
  // A Unigram vocabulary is a list of [token, score], one of BPE or WordPiece a record of ids.
  const vocabularyIds: Iterable<number> = Array.isArray(model.vocab) ? model.vocab.keys() : Object.values(model.vocab as Record<string, number>)
  let largest = -1
  for (const id of vocabularyIds) largest = Math.max(largest, id)
  for (const { id } of added_tokens) largest = Math.max(largest, id)
  if (largest < 0) return Result.fail("has no tokens")
  if (largest >= files.vocabularySize) {
    return Result.fail(
      `has a token with id ${largest}, but the model embeds only ${files.vocabularySize}: tokenizer and model do not belong together`
    )
  }

  let tokenizer: HuggingFaceTokenizer
  try {
    tokenizer = new HuggingFaceTokenizer(files.tokenizer as object, (files.tokenizerConfig ?? {}) as object)
  } catch (cause) {
    return Result.fail(`cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  const eos = textOf(config.eos_token)
  const eosId = eos === undefined ? undefined : tokenizer.token_to_id(eos)
  const stopTokens = [...new Set([
    ...endTokensOf(files.generationConfig),
    ...endTokensOf(files.config),
    ...(eosId === undefined ? [] : [eosId])
  ])]
  if (stopTokens.length === 0) {
    return Result.fail("names no end token, and neither does config.json: a completion could never end")
  }
  const encode: Sampler.Tokenizer["encode"] = (text, { addSpecialTokens = true } = {}) =>
    tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids
  const template = config.chat_template == null ? undefined : new Template(config.chat_template)
  return Result.succeed({
    vocabularySize: files.vocabularySize,
    stopTokens,
    encode,
    // The library refuses an empty list.
    decode: (tokens) => tokens.length === 0 ? "" : tokenizer.decode([...tokens], { skip_special_tokens: true }),
    ...(template === undefined ? {} : {
      applyChatTemplate: (messages: ReadonlyArray<Sampler.Message>) =>
        encode(
          template.render({
            messages,
            add_generation_prompt: true,
            bos_token: textOf(config.bos_token) ?? "",
            eos_token: eos ?? ""
          }),
          { addSpecialTokens: false }
        )
    })
  })
}
