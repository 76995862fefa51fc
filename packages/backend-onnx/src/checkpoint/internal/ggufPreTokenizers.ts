// How byte-level vocabularies cut text before merges apply: a file only names it, in tokenizer.ggml.pre. The names, and
// which expressions they stand for, are llama.cpp's.

type Json = Readonly<Record<string, unknown>>

/** What a name stands for. `wholeWords`: a word that is a token is not merged. `begin`: texts begin with a token. */
export interface PreTokenizer {
  readonly steps: ReadonlyArray<Json>
  readonly wholeWords: boolean
  readonly begin: boolean
}

const split = (expression: string): Json => ({
  type: "Split",
  pattern: { Regex: expression },
  behavior: "Isolated",
  invert: false
})

const bytes = (useExpression: boolean): Json => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useExpression
})

// Each expression cuts further what those before it have cut. `ByteLevel` brings along the one of GPT-2.
const cutting = (expressions: ReadonlyArray<string>) => [...expressions.map(split), bytes(false)]
const cuttingBeforeGpt2 = (expressions: ReadonlyArray<string>) => [...expressions.map(split), bytes(true)]

const contractions = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`
const gpt2Words = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
const lines = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`
const words = (digits: string) =>
  String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${lines}`

// Words that a change from small to capital letters ends.
const upper = String.raw`\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`
const lower = String.raw`\p{Ll}\p{Lm}\p{Lo}\p{M}`
const casedWords = (digits: string, ending: string) =>
  String.raw`[^\r\n\p{L}\p{N}]?[${upper}]*[${lower}]+${ending}|[^\r\n\p{L}\p{N}]?[${upper}]+[${lower}]*${ending}`
  + String.raw`|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${lines}`

const punctuated = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${"`"}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+`
  + String.raw`| ?[\p{P}\p{S}]+[\r\n]*|${lines}`

const threeDigits = String.raw`\p{N}{1,3}`

const kinds: ReadonlyArray<
  readonly [names: ReadonlyArray<string>, steps: ReadonlyArray<Json>, more?: Partial<PreTokenizer>]
> = [
  [
    ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
    cutting([words(threeDigits)]),
    { wholeWords: true, begin: true }
  ],
  [["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], cutting([words(threeDigits)])],
  [
    ["qwen2", "deepseek-r1-qwen", "megrez", "kormo", "stablelm2", "hunyuan", "solar-open", "grok-2"],
    cutting([words(String.raw`\p{N}`)])
  ],
  [
    ["seed-coder"],
    cutting([
      String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|${lines}`
    ])
  ],
  [["tekken"], cutting([casedWords(String.raw`\p{N}`, "")]), { wholeWords: true, begin: true }],
  [["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], cutting([casedWords(threeDigits, `${contractions}?`)])],
  [
    [
      "gpt-2",
      "phi-2",
      "mpt",
      "olmo",
      "jais",
      "trillion",
      "granite-docling",
      "exaone4",
      "gigachat",
      "a.x-4.0",
      "mellum"
    ],
    cuttingBeforeGpt2([])
  ],
  [
    ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"],
    cuttingBeforeGpt2([String.raw`\p{N}`])
  ],
  [["default"], cutting([String.raw`[\p{P}$+<=>^~|]+`, gpt2Words, String.raw`\p{N}+`, "[0-9][0-9][0-9]"])],
  [
    ["deepseek-coder"],
    cutting([
      String.raw`[\r\n]`,
      String.raw`\s?\p{L}+`,
      String.raw`\s?\p{P}+`,
      "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
      String.raw`\p{N}`
    ])
  ],
  [
    ["deepseek-v3", "hunyuan-dense", "joyai-llm"],
    cutting([threeDigits, "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", punctuated])
  ]
]

/** The pre-tokenizers by name. */
export const preTokenizers: ReadonlyMap<string, PreTokenizer> = new Map(
  kinds.flatMap(([names, steps, more = {}]) =>
    names.map((name) => [name, { steps, wholeWords: false, begin: false, ...more }] as const)
  )
)
