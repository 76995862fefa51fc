// The models of test/fixtures, described as llama.cpp's converter describes them in a GGUF file: what is read of that
// is the same decoder, and its parameters are found.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeWith, model } from "../../../../../tools/testing/needs.ts"
import * as GgufConfig from "../../../src/checkpoint/internal/ggufConfig.ts"
import * as GgufModel from "../../../src/checkpoint/internal/ggufModel.ts"
import * as GgufTensors from "../../../src/checkpoint/internal/ggufTensors.ts"
import * as Architecture from "../../../src/model/architecture.ts"
import * as Checkpoints from "../../support/checkpoints.ts"
import * as GgufHeader from "../../support/ggufHeader.ts"

const recorded = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  tensors: Schema.Struct({
    // By architecture, what the parameters of layer 1, and those outside of layers, are called.
    names: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.String)),
    permuted: Schema.Array(Schema.Int)
  }),
  byteLevel: Schema.Struct({ metadata: Schema.Record(Schema.String, Schema.Unknown) })
})))(readFileSync(join(import.meta.dirname, "../../fixtures/gguf/tokenizers.json"), "utf8"))

const success = <A>(result: Result.Result<A, string>): A => Result.getOrThrowWith(result, (reason) => new Error(reason))
const failure = <A>(result: Result.Result<A, string>): string | undefined => Result.getOrUndefined(Result.flip(result))

type Values = Readonly<Record<string, unknown>>

const prefixed = (architecture: string, values: Values): GgufModel.Metadata => ({
  "general.architecture": architecture,
  ...Object.fromEntries(Object.entries(values).map(([key, value]) => [`${architecture}.${key}`, value]))
})

const common: Values = {
  block_count: 2,
  context_length: 256,
  embedding_length: 32,
  feed_forward_length: 48,
  "attention.head_count": 4,
  "attention.head_count_kv": 2,
  "attention.layer_norm_rms_epsilon": 1e-6,
  "rope.dimension_count": 8
}

// As the converter computes them, from Llama 3.1's settings.
const llama3Factors = (size: number, theta: number, factor: number, original: number): ReadonlyArray<number> =>
  Array.from({ length: size / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** (2 * i / size)
    if (wavelength < original / 4) return 1
    if (wavelength > original) return factor
    const smooth = (original / wavelength - 1) / (4 - 1)
    return Math.fround(1 / ((1 - smooth) / factor + smooth))
  })

interface Case {
  readonly architecture: string
  readonly values: Values
  readonly factors?: GgufModel.RopeFactors | undefined
  /** Settings of the fixture that a file does not have. */
  readonly changed?: Values | undefined
}

const cases: Readonly<Record<string, Case>> = {
  "llama-tied": {
    architecture: "llama",
    values: { ...common, feed_forward_length: 64, "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 10_000 }
  },
  "llama-bias": {
    architecture: "llama",
    // The size of a head is that of the tensors.
    values: { ...common, "attention.head_count_kv": 1, "rope.dimension_count": 12, "rope.freq_base": 500 }
  },
  "llama-yarn": {
    architecture: "llama",
    values: {
      ...common,
      "rope.freq_base": 1000,
      "rope.scaling.type": "yarn",
      "rope.scaling.factor": 4,
      "rope.scaling.original_context_length": 64
    }
  },
  llama3: {
    architecture: "llama",
    values: { ...common, "rope.freq_base": 5000 },
    factors: { "rope_freqs.weight": llama3Factors(8, 5000, 8, 32) }
  },
  mistral: {
    architecture: "llama",
    values: {
      ...common,
      "attention.key_length": 12,
      "attention.value_length": 12,
      "attention.sliding_window": 7,
      "rope.dimension_count": 12,
      "rope.scaling.type": "linear",
      "rope.scaling.factor": 2
    }
  },
  qwen2: {
    architecture: "qwen2",
    values: {
      ...common,
      block_count: 3,
      embedding_length: 24,
      feed_forward_length: 40,
      "attention.head_count": 3,
      "attention.head_count_kv": 3,
      "rope.freq_base": 1_000_000
    }
  },
  qwen3: {
    architecture: "qwen3",
    values: {
      ...common,
      "attention.key_length": 16,
      "attention.value_length": 16,
      "rope.dimension_count": 16,
      "rope.freq_base": 1_000_000
    }
  },
  phi3: {
    architecture: "phi3",
    values: {
      ...common,
      "attention.layer_norm_rms_epsilon": 1e-5,
      "attention.sliding_window": 11,
      "rope.dimension_count": 6,
      "rope.scaling.attn_factor": Math.sqrt(1 + Math.log(256 / 128) / Math.log(128)),
      "rope.scaling.original_context_length": 128
    },
    factors: { "rope_factors_short.weight": [1, 1.25, 1.5], "rope_factors_long.weight": [1, 4, 8] }
  },
  gemma3: {
    architecture: "gemma3",
    values: {
      ...common,
      block_count: 3,
      "attention.key_length": 16,
      "attention.value_length": 16,
      "attention.sliding_window": 7,
      "attention.sliding_window_pattern": [true, false, true],
      "rope.dimension_count": 16,
      "rope.freq_base": 1_000_000,
      "rope.scaling.type": "linear",
      "rope.scaling.factor": 8
    },
    changed: { query_pre_attn_scalar: 16 }
  }
}

const decoderOf = (name: string, changed: Values = {}): Architecture.Decoder =>
  success(Architecture.fromConfig({
    ...JSON.parse(readFileSync(join(Checkpoints.directory(name), "config.json"), "utf8")) as Values,
    ...changed
  }))

// The tensors of a file with a decoder's parameters.
const storedOf = (architecture: string, decoder: Architecture.Decoder): ReadonlyArray<GgufModel.Tensor> =>
  Architecture.parameterShapes(decoder).map(({ name, shape }) => {
    const [, layer, module, suffix] = /^(?:model\.layers\.(\d+)\.)?(.*)\.(weight|bias)$/.exec(name)!
    const asked = layer === undefined ? module! : `model.layers.1.${module!}`
    const stored = recorded.tensors.names[architecture]![asked]!.replace("blk.1.", `blk.${layer}.`)
    return { name: `${stored}.${suffix}`, shape }
  })

const caseOf = (name: string) => {
  const { architecture, changed, factors = {}, values } = cases[name]!
  const decoder = decoderOf(name, changed)
  const stored = [
    ...Object.entries(factors).map(([name, numbers]) => ({ name, shape: [numbers!.length] })),
    ...storedOf(architecture, decoder)
  ]
  return { architecture, decoder, factors, metadata: prefixed(architecture, values), stored }
}

describe("a model of a GGUF file", () => {
  for (const name of Object.keys(cases)) {
    it(`is the decoder that ${name} is`, () => {
      const { architecture, decoder, factors, metadata, stored } = caseOf(name)
      const found = success(Architecture.fromConfig(success(GgufConfig.config(metadata, stored, factors))))
      // Factors are in float32.
      assert.strictEqual(found.ropes.length, decoder.ropes.length)
      found.ropes.forEach(({ inverseFrequencies, magnitude }, i) => {
        const { inverseFrequencies: expected, magnitude: scale } = decoder.ropes[i]!
        assert.closeTo(magnitude / scale, 1, 1e-12)
        assert.strictEqual(inverseFrequencies.length, expected.length)
        expected.forEach((frequency, j) => assert.closeTo(inverseFrequencies[j]! / frequency, 1, 1e-6))
      })
      assert.deepStrictEqual({ ...found, ropes: [] }, { ...decoder, ropes: [] })

      const { parameters, unused } = success(GgufTensors.tensors(architecture, found, stored))
      assert.deepStrictEqual(
        [...parameters].map(([name, { tensor }]) => [name, tensor]),
        Architecture.parameterShapes(decoder).map(({ name }, i) => [
          name,
          stored[i + Object.keys(factors).length]!.name
        ])
      )
      assert.deepStrictEqual(unused, Object.keys(factors))
    })
  }

  it("has Llama 3's settings where its factors are those", () => {
    const { metadata, stored } = caseOf("llama-tied")
    const { rope_scaling } = success(
      GgufConfig.config({ ...metadata, "llama.rope.freq_base": 500_000 }, stored, {
        "rope_freqs.weight": llama3Factors(64, 500_000, 32, 8192)
      })
    )
    assert.deepStrictEqual(rope_scaling, {
      rope_type: "llama3",
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192
    })
  })

  it("has the linear scaling of older files", () => {
    const { metadata, stored } = caseOf("llama-tied")
    const { rope_scaling } = success(GgufConfig.config({ ...metadata, "llama.rope.scale_linear": 4 }, stored))
    assert.deepStrictEqual(rope_scaling, { rope_type: "linear", factor: 4 })
  })

  it("has the biases that its tensors are, and the ids of its tokens", () => {
    const { metadata, stored } = caseOf("llama-bias")
    const config = success(
      GgufConfig.config({ ...metadata, "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2n }, stored)
    )
    const { attention_bias, bos_token_id, eos_token_id, head_dim, mlp_bias, tie_word_embeddings, torch_dtype } = config
    assert.deepStrictEqual(
      { attention_bias, bos_token_id, eos_token_id, head_dim, mlp_bias, tie_word_embeddings, torch_dtype },
      {
        attention_bias: true,
        bos_token_id: 1,
        eos_token_id: 2,
        head_dim: 12,
        mlp_bias: false,
        tie_word_embeddings: false,
        torch_dtype: "float32"
      }
    )
  })

  it("has Gemma 3's windows where the file does not say which layers have one", () => {
    const { metadata, stored } = caseOf("gemma3")
    const { "gemma3.attention.sliding_window_pattern": _, ...rest } = metadata
    const config = success(GgufConfig.config({ ...rest, "gemma3.block_count": 62 }, stored))
    const { layerKinds } = success(Architecture.fromConfig(config))
    assert.deepStrictEqual(
      layerKinds.flatMap(({ window }, layer) => window === undefined ? [layer] : []),
      [5, 11, 17, 23, 29, 35, 41, 47, 53, 59]
    )
    assert.strictEqual(config["query_pre_attn_scalar"], 8)
  })
})

describe("the rows of a parameter", () => {
  it("are those that Llama's queries and keys had before the converter moved them", () => {
    const decoder = decoderOf("llama-bias")
    const { parameters } = success(GgufTensors.tensors("llama", decoder, storedOf("llama", decoder)))
    const moved = [...parameters].flatMap(([name, { rowOf }]) => rowOf === undefined ? [] : [name])
    assert.deepStrictEqual(
      moved,
      [0, 1].flatMap((layer) =>
        ["q_proj.weight", "k_proj.weight", "q_proj.bias", "k_proj.bias"].map((name) =>
          `model.layers.${layer}.self_attn.${name}`
        )
      ).sort((a, b) => [...parameters.keys()].indexOf(a) - [...parameters.keys()].indexOf(b))
    )
    const ofEight = success(
      GgufTensors.tensors("llama", decoderOf("llama-tied"), storedOf("llama", decoderOf("llama-tied")))
    ).parameters.get("model.layers.1.self_attn.k_proj.weight")!.rowOf!
    const { permuted } = recorded.tensors
    permuted.forEach((_, row) => assert.strictEqual(permuted[ofEight(row)], row))
  })

  it("are where they were for others, and Gemma's norms are stored with one more", () => {
    for (const name of ["qwen2", "qwen3", "phi3", "gemma3"]) {
      const { architecture, decoder, stored } = caseOf(name)
      const { parameters } = success(GgufTensors.tensors(architecture, decoder, stored))
      for (const [parameter, { offset, rowOf }] of parameters) {
        assert.isUndefined(rowOf)
        assert.strictEqual(offset, name === "gemma3" && parameter.endsWith("norm.weight") ? 1 : 0)
      }
    }
  })
})

describe("what is no model", () => {
  const { architecture, decoder, metadata, stored } = caseOf("llama-tied")
  const config = (changed: Values, tensors = stored, factors: GgufModel.RopeFactors = {}) =>
    failure(GgufConfig.config({ ...metadata, ...changed }, tensors, factors))

  it("says which key is missing or wrong", () => {
    assert.strictEqual(failure(GgufConfig.config({}, stored)), "has no general.architecture")
    assert.strictEqual(
      config({ "general.architecture": "mamba" }),
      "has general.architecture mamba; known are llama, qwen2, qwen3, phi3, gemma3"
    )
    for (
      const key of [
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "attention.layer_norm_rms_epsilon"
      ]
    ) {
      assert.strictEqual(config({ [`llama.${key}`]: undefined }), `has no llama.${key}`)
      assert.match(
        config({ [`llama.${key}`]: -1 })!,
        new RegExp(`^has a llama\\.${key.replaceAll(".", "\\.")} that is not understood: .*greater than 0`)
      )
    }
    assert.match(config({ "llama.attention.head_count_kv": [2, 1] })!, /^has a llama\.attention\.head_count_kv that/)
    assert.strictEqual(config({ "llama.rope.scaling.type": "linear" }), "has no llama.rope.scaling.factor")
    assert.strictEqual(
      config({ "llama.rope.scaling.type": "ntk", "llama.rope.scaling.factor": 2 }),
      "has a llama.rope.scaling.type ntk; known are none, linear, yarn, longrope"
    )
    assert.strictEqual(
      config({ "llama.rope.scaling.type": "longrope" }),
      "has a llama.rope.scaling.type longrope, but no tensor rope_factors_short.weight"
    )
    assert.strictEqual(config({ "llama.expert_count": 8 }), "has llama.expert_count 8, which is not supported")
    assert.strictEqual(
      config({ "llama.attention.value_length": 4 }),
      "has llama.attention.value_length 4 beside keys of 8, which is not supported"
    )
    const { metadata: gemma3, stored: tensors } = caseOf("gemma3")
    assert.strictEqual(
      failure(GgufConfig.config({ ...gemma3, "gemma3.attention.sliding_window": undefined }, tensors)),
      "has no gemma3.attention.sliding_window"
    )
  })

  it("says which tensor is missing, wrong, unread, or of another model", () => {
    const others = (name: string) => stored.filter((tensor) => tensor.name !== name)
    const tensors = (stored: ReadonlyArray<GgufModel.Tensor>) =>
      failure(GgufTensors.tensors(architecture, decoder, stored))
    assert.strictEqual(config({}, others("token_embd.weight")), "has no tensor token_embd.weight")
    assert.strictEqual(
      config({}, [...stored, { name: "rope_freqs.weight", shape: [4] }]),
      "has a tensor rope_freqs.weight, whose numbers have not been read"
    )
    assert.strictEqual(
      tensors(others("blk.1.ffn_norm.weight")),
      "has no tensor blk.1.ffn_norm.weight, which is model.layers.1.post_attention_layernorm.weight"
    )
    assert.strictEqual(
      tensors([...others("blk.1.attn_k.weight"), { name: "blk.1.attn_k.weight", shape: [8, 32] }]),
      "has a tensor blk.1.attn_k.weight of shape [8, 32], its metadata asks for [16, 32]"
    )
    assert.strictEqual(
      tensors([...stored, { name: "blk.0.attn_sub_norm.weight", shape: [32] }]),
      "has a tensor blk.0.attn_sub_norm.weight, which no llama model here has"
    )
  })

  it("is one whose vocabulary is larger than its embeddings", () => {
    const whole = GgufModel.make({ ...recorded.byteLevel.metadata, ...metadata }, stored)
    assert.strictEqual(failure(whole), "has 421 tokens in tokenizer.ggml.tokens, but token_embd.weight only 128")
  })
})

const real = {
  "smollm2-135m-instruct.q4_1.gguf": { heads: 9, keyValueHeads: 3, layers: 30, tied: true, contextLength: 8192 },
  "qwen2.5-coder-0.5b-instruct.q4_k_m.gguf": {
    heads: 14,
    keyValueHeads: 2,
    layers: 24,
    tied: false,
    contextLength: 32768
  }
}

for (const [name, expected] of Object.entries(real)) {
  describeWith(model(name), name, (path) => {
    it("is read as a whole", () => {
      const { metadata, tensors } = GgufHeader.read(path)
      const { decoder, parameters, unused } = success(GgufModel.make(metadata, tensors))
      const { contextLength, headSize, heads, keyValueHeads, layers, tied } = decoder
      assert.deepStrictEqual({ contextLength, heads, keyValueHeads, layers, tied }, expected)
      assert.strictEqual(headSize, 64)
      assert.strictEqual(parameters.size, tensors.length)
      assert.deepStrictEqual(unused, [])
    })
  })
}
