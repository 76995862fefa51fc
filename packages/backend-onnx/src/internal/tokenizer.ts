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

// Some models have several templates; the one for conversations is called "default".
const ChatTemplate = Schema.Union([
  Schema.String,
  Schema.Array(Schema.Struct({ name: Schema.String, template: Schema.String }))
])

const TokenizerConfig = Schema.Struct({
  bos_token: Schema.optionalKey(Schema.NullOr(TokenText)),
  eos_token: Schema.optionalKey(Schema.NullOr(TokenText)),
  chat_template: Schema.optionalKey(Schema.NullOr(ChatTemplate))
})

const EndTokens = Schema.Struct({
  eos_token_id: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Int, Schema.Array(Schema.Int)])))
})

const textOf = (token: typeof TokenText.Type | null | undefined): string | undefined =>
  typeof token === "string" ? token : token?.content

const textOfCause = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const endTokensOf = (json: unknown): ReadonlyArray<number> => {
  const decoded = Schema.decodeUnknownResult(EndTokens)(json)
  const ids = Result.isSuccess(decoded) ? decoded.success.eos_token_id : undefined
  return ids == null ? [] : typeof ids === "number" ? [ids] : ids
}

/** The file that is at fault, and in one line why. */
export interface Problem {
  readonly file: string
  readonly reason: string
}

/** Builds the tokenizer out of the parsed files, or says why it cannot. `chatTemplate` is the text of chat_template.jinja. */
export const make = (files: {
  readonly tokenizer: unknown
  readonly tokenizerConfig: unknown
  readonly chatTemplate: string | undefined
  readonly config: unknown
  readonly generationConfig: unknown
  readonly vocabularySize: number
}): Result.Result<Sampler.Tokenizer, Problem> => {
  const fail = (reason: string, file = "tokenizer.json") => Result.fail({ file, reason })
  const shape = Schema.decodeUnknownResult(TokenizerFile)(files.tokenizer)
  if (Result.isFailure(shape)) return fail("is no tokenizer.json of Hugging Face tokenizers")
  const decoded = Schema.decodeUnknownResult(TokenizerConfig)(files.tokenizerConfig ?? {})
  if (Result.isFailure(decoded)) {
    return fail(`is not understood: ${decoded.failure.message.replaceAll(/\s+/g, " ")}`, "tokenizer_config.json")
  }
  const config = decoded.success

  const { added_tokens = [], model } = shape.success
  // A Unigram vocabulary is a list of [token, score], one of BPE or WordPiece a record of ids.
  const vocabularyIds: Iterable<number> = Array.isArray(model.vocab) ? model.vocab.keys() : Object.values(model.vocab as Record<string, number>)
  let largest = -1
  for (const id of vocabularyIds) largest = Math.max(largest, id)
  for (const { id } of added_tokens) largest = Math.max(largest, id)
  if (largest < 0) return fail("has no tokens; fetch it again")
  if (largest >= files.vocabularySize) {
    return fail(
      `has a token with id ${largest}, but the model embeds only ${files.vocabularySize}: tokenizer and model do not belong together`
    )
  }

  let tokenizer: HuggingFaceTokenizer
  try {
    tokenizer = new HuggingFaceTokenizer(files.tokenizer as object, (files.tokenizerConfig ?? {}) as object)
  } catch (cause) {
    return fail(`cannot be used: ${textOfCause(cause)}`)
  }
  const eos = textOf(config.eos_token)
  const eosId = eos === undefined ? undefined : tokenizer.token_to_id(eos)
  const stopTokens = [...new Set([
    ...endTokensOf(files.generationConfig),
    ...endTokensOf(files.config),
    ...(eosId === undefined ? [] : [eosId])
  ])].filter((token) => token >= 0 && token < files.vocabularySize)
  if (stopTokens.length === 0) {
    return fail("names no end token, and neither does config.json: a completion could never end")
  }
  const encode: Sampler.Tokenizer["encode"] = (text, { addSpecialTokens = true } = {}) =>
    tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids
  const source = files.chatTemplate ?? (typeof config.chat_template === "string"
    ? config.chat_template
    : config.chat_template?.find(({ name }) => name === "default")?.template)
  let template: Template | undefined
  try {
    template = source === undefined ? undefined : new Template(source)
  } catch (cause) {
    const file = files.chatTemplate === undefined ? "tokenizer_config.json" : "chat_template.jinja"
    return fail(`has a chat template that cannot be read: ${textOfCause(cause)}`, file)
  }
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
