// The tokenizer of a checkpoint directory, with its chat template.
import { messageOf } from "@memory-r1/core"
import type { Sampler } from "@memory-r1/core/rl"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ControlTokens from "../controlTokens.ts"
import * as ChatTemplate from "./chatTemplate.ts"

const TokenizerFile = Schema.Struct({
  model: Schema.Struct({
    vocab: Schema.Union([Schema.Record(Schema.String, Schema.Int), Schema.Array(Schema.Unknown)])
  }),
  added_tokens: Schema.optionalKey(Schema.Array(Schema.Struct({
    id: Schema.Int,
    content: Schema.String,
    special: Schema.optionalKey(Schema.Boolean)
  })))
})

const TokenText = Schema.Union([Schema.String, Schema.Struct({ content: Schema.String })])

// Tokens with a part of their own; templates know them by these names.
const roles = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"] as const

const TokenizerConfig = Schema.Struct({
  ...Object.fromEntries(roles.map((role) => [role, Schema.optionalKey(Schema.NullOr(TokenText))])) as Record<
    typeof roles[number],
    Schema.optionalKey<Schema.NullOr<typeof TokenText>>
  >,
  chat_template: Schema.optionalKey(Schema.NullOr(ChatTemplate.Templates))
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

/**
 * Builds the tokenizer out of the parsed files, or says why it cannot. `chatTemplate` is the text of
 * chat_template.jinja, `additionalTemplates` are the names of others.
 */
export const make = (files: {
  readonly tokenizer: unknown
  readonly tokenizerConfig: unknown
  readonly chatTemplate: string | undefined
  readonly additionalTemplates?: ReadonlyArray<string> | undefined
  readonly config: unknown
  readonly generationConfig: unknown
  readonly vocabularySize: number
}): Result.Result<Sampler.Tokenizer, ChatTemplate.Problem> => {
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
  const vocabularyIds: Iterable<number> = Array.isArray(model.vocab)
    ? model.vocab.keys()
    : Object.values(model.vocab as Record<string, number>)
  let largest = -1
  for (const id of vocabularyIds) largest = Math.max(largest, id)
  for (const { id } of added_tokens) largest = Math.max(largest, id)
  if (largest < 0) return fail("has no tokens; fetch it again")
  if (largest >= files.vocabularySize) {
    return fail(
      `has a token with id ${largest}, but the model embeds only ${files.vocabularySize}: `
        + "tokenizer and model do not belong together"
    )
  }

  let tokenizer: ControlTokens.TextTokenizer
  try {
    tokenizer = ControlTokens.make(
      files.tokenizer as ControlTokens.TokenizerJson,
      (files.tokenizerConfig ?? {}) as object
    )
  } catch (cause) {
    return fail(`cannot be used: ${messageOf(cause)}`)
  }
  const { decode, encode, idOf } = tokenizer
  const specialTokens = {
    bos_token: "",
    eos_token: "",
    ...Object.fromEntries(roles.flatMap((role) => {
      const text = textOf(config[role])
      return text === undefined ? [] : [[role, text]]
    }))
  }
  const eosId = idOf(specialTokens.eos_token)
  const stopTokens = [
    ...new Set([
      ...endTokensOf(files.generationConfig),
      ...endTokensOf(files.config),
      ...(eosId === undefined ? [] : [eosId])
    ])
  ].filter((token) => token >= 0 && token < files.vocabularySize)
  if (stopTokens.length === 0) {
    return fail("names no end token, and neither does config.json: a completion could never end")
  }
  const template = Result.flatMap(
    ChatTemplate.find(files.chatTemplate, config.chat_template, files.additionalTemplates ?? []),
    (source) => source === undefined ? Result.succeed(undefined) : ChatTemplate.read(source)
  )
  return Result.map(template, (template) => ({
    vocabularySize: files.vocabularySize,
    stopTokens,
    encode,
    decode,
    ...(template === undefined ? {} : { applyChatTemplate: ChatTemplate.applying(template, tokenizer, specialTokens) })
  }))
}
