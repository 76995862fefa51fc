import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, Safetensors } from "@memory-r1/backend-onnx"
import { Effect, Fiber } from "effect"
import { execFileSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { unprivileged } from "../../../../tools/testing/unprivileged.ts"
import * as Checkpoints from "../support/checkpoints.ts"

// What a directory cannot be loaded for: the file at fault, the tensor, and why.
const failure = (directory: string) =>
  Effect.map(Effect.flip(Effect.asVoid(Checkpoint.load(directory))), (error) => {
    assert.strictEqual(error._tag, "CheckpointError")
    assert.notInclude(error.message, "\n")
    return { file: error.file.slice(directory.length + 1), tensor: error.tensor, reason: error.reason }
  })

const read = (directory: string) =>
  Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]))

type Json = Readonly<Record<string, unknown>>

describe("Checkpoint.load refuses", () => {
  const set = (change: Json) => (json: Json) => ({ ...json, ...change })
  const configurations: ReadonlyArray<readonly [title: string, change: (json: Json) => unknown, reason: RegExp]> = [
    ["a configuration that is no object", () => [1], /is no decoder configuration: Expected object/],
    [
      "an architecture that it does not know",
      () => ({ architectures: ["GPT2LMHeadModel"], n_embd: 8 }),
      /names architecture GPT2LMHeadModel; known are LlamaForCausalLM, Qwen2ForCausalLM, .*Gemma3ForCausalLM$/
    ],
    ["a word of JavaScript for one", set({ architectures: ["constructor"] }), /names architecture constructor; known/],
    ["no architecture", ({ architectures: _, ...json }) => json, /names architecture \(none\); known are/],
    ["a size that is missing", ({ hidden_size: _, ...json }) => json, /Missing key at \["hidden_size"\]/],
    ["a size that is a text", set({ hidden_size: "32" }), /at \["hidden_size"\]/],
    ["a size of zero", set({ vocab_size: 0 }), /at \["vocab_size"\]/],
    ["a size that is no whole number", set({ intermediate_size: 1.5 }), /at \["intermediate_size"\]/],
    ["more layers than any model has", set({ num_hidden_layers: 1e9 }), /at \["num_hidden_layers"\]/],
    ["an epsilon of zero", set({ rms_norm_eps: 0 }), /at \["rms_norm_eps"\]/],
    ["heads that do not divide", set({ num_key_value_heads: 3 }), /do not fit: 4 heads, 3 of keys and values/],
    ["a head of odd size", set({ head_dim: 7 }), /has heads that do not fit: .* size 7/],
    [
      "a head that turns more than it has",
      set({ partial_rotary_factor: 1.5 }),
      /do not fit: .* size 8, 12 of it turned/
    ],
    ["another activation", set({ hidden_act: "relu" }), /asks for hidden_act relu, which is not supported/],
    [
      "positions scaled in a way that nobody knows",
      set({ rope_parameters: { rope_type: "magic" } }),
      /rope scaling "magic"; known are default/
    ],
    [
      "scaled positions without their factors",
      set({ rope_parameters: { rope_type: "llama3" } }),
      /"llama3" without factor, low_freq_factor/
    ],
    [
      "the same of transformers 4",
      set({ rope_parameters: null, rope_scaling: { type: "linear" } }),
      /rope scaling "linear" without factor/
    ],
    [
      "as many factors as another head has",
      set({ rope_parameters: { rope_type: "longrope", short_factor: [1] } }),
      /has 1 numbers in short_factor where heads need 4/
    ],
    [
      "two things at once",
      set({ final_logit_softcapping: 30, use_bidirectional_attention: true }),
      /asks for final_logit_softcapping and bidirectional attention, which is not supported/
    ]
  ]
  for (const [title, change, reason] of configurations) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const found = yield* failure(yield* Checkpoints.copy("llama-tied", { "config.json": change }))
        assert.match(found.reason, reason)
        assert.strictEqual(found.file, "config.json")
      }))
  }

  const json = "tokenizer.json"
  const config = "tokenizer_config.json"
  const empty = { added_tokens: [], model: { type: "BPE", vocab: {}, merges: [] } }
  const beyond = { added_tokens: [{ id: 4000, content: "x" }] }
  const tokenizers: ReadonlyArray<readonly [title: string, file: string, change: Json, reason: RegExp]> = [
    ["a tokenizer without a vocabulary", json, { model: {} }, /is no tokenizer.json of Hugging Face tokenizers/],
    ["an empty vocabulary", json, empty, /^has no tokens; fetch it again$/],
    ["a split that nobody knows", json, { pre_tokenizer: { type: "Magic" } }, /cannot be used: .*Magic/],
    ["a token beyond the embedding", json, beyond, /has a token with id 4000, but the model embeds only 128/],
    ["an end token that is a number", config, { eos_token: 3 }, /is not understood: .*at \["eos_token"\]/],
    ["a broken chat template", config, { chat_template: "{% for" }, /has a chat template that cannot be read: /]
  ]
  for (const [title, file, change, reason] of tokenizers) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const found = yield* failure(yield* Checkpoints.copy("llama-tied", { [file]: set(change) }))
        assert.match(found.reason, reason)
        assert.strictEqual(found.file, file)
      }))
  }

  it.effect("a tokenizer with more tokens than the model embeds", () =>
    Effect.gen(function*() {
      const found = yield* failure(yield* Checkpoints.copy("llama-tied", { "config.json": set({ vocab_size: 100 }) }))
      assert.deepStrictEqual(found, {
        file: "tokenizer.json",
        tensor: undefined,
        reason: "has a token with id 127, but the model embeds only 100: tokenizer and model do not belong together"
      })
    }))

  const numbers = ["rope_theta 1e999", "rope_theta 0", "rms_norm_eps -1e-5", "vocab_size 1e400", "vocab_size NaN"]
  for (const [key, text] of numbers.map((number) => number.split(" ") as [string, string])) {
    it.effect(`${key} ${text}`, () =>
      Effect.gen(function*() {
        const folder = yield* Checkpoints.copy("llama-tied", { "config.json": ({ [key]: _, ...json }) => json })
        const file = join(folder, "config.json")
        writeFileSync(file, readFileSync(file, "utf8").replace("{", `{"${key}": ${text}, `))
        const found = yield* failure(folder)
        assert.strictEqual(found.file, "config.json")
        assert.include(found.reason, text === "NaN" ? "is broken JSON" : `at ["${key}"]`)
      }))
  }

  it.effect("a directory that is not there, and one without its files", () =>
    Effect.gen(function*() {
      const found = yield* failure(join(yield* Checkpoints.temporary, "none"))
      assert.strictEqual(found.file, "config.json")
      assert.match(found.reason, /^cannot be read \(ENOENT.*\); is this a Hugging Face model directory\?$/)
      for (const file of ["config.json", "tokenizer.json", "model.safetensors"]) {
        const copy = yield* Checkpoints.copy("llama-tied")
        rmSync(join(copy, file))
        assert.strictEqual((yield* failure(copy)).file, file)
      }
    }))

  for (const file of ["config.json", "tokenizer.json", "generation_config.json"]) {
    it.effect(`broken JSON in ${file}`, () =>
      Effect.gen(function*() {
        const folder = yield* Checkpoints.copy("llama-tied")
        truncateSync(join(folder, file), 30)
        const found = yield* failure(folder)
        assert.strictEqual(found.file, file)
        assert.match(found.reason, /^is broken JSON \(.+\); mend it, or fetch it again$/)
      }))
  }

  it.effect("a file that may be missing, but is there and cannot be read", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      rmSync(join(folder, "generation_config.json"))
      yield* Checkpoint.load(folder)
      mkdirSync(join(folder, "generation_config.json"))
      const found = yield* failure(folder)
      assert.strictEqual(found.file, "generation_config.json")
      assert.match(found.reason, /^cannot be read \(EISDIR/)
    }))

  it.effect("a tokenizer without an end token, or with one that the model does not have", () =>
    Effect.gen(function*() {
      const end = (eos_token_id: unknown) => (json: Json) => ({ ...json, eos_token_id })
      const without = {
        "tokenizer_config.json": ({ eos_token: _, ...json }: Json) => json,
        "generation_config.json": end(undefined)
      }
      for (const id of [undefined, null, [500], -1]) {
        assert.deepStrictEqual(
          yield* failure(yield* Checkpoints.copy("llama-tied", { ...without, "config.json": end(id) })),
          {
            file: "tokenizer.json",
            tensor: undefined,
            reason: "names no end token, and neither does config.json: a completion could never end"
          }
        )
      }
      const folder = yield* Checkpoints.copy("llama-tied", { ...without, "config.json": end([5, 500]) })
      assert.deepStrictEqual((yield* Checkpoint.load(folder)).tokenizer.stopTokens, [5])
    }))

  const name = "model.layers.1.mlp.up_proj.weight"
  type Change = (tensor: Safetensors.NamedTensor) => ReadonlyArray<Safetensors.NamedTensor>
  const others = Effect.fnUntraced(function*(change: Change) {
    const folder = yield* Checkpoints.copy("llama-tied")
    const { layout, weights } = yield* Checkpoint.load(folder)
    const tensors = layout.parameters.flatMap(({ name: parameter, offset, shape, size }) => {
      const tensor = { name: parameter, shape, data: weights.subarray(offset, offset + size) }
      return parameter === name ? change(tensor) : [tensor]
    })
    yield* Safetensors.writeFile(join(folder, "model.safetensors"), tensors)
    return folder
  })

  it.effect("a tensor that is missing, and one of another shape", () =>
    Effect.gen(function*() {
      const at = { file: "model.safetensors", tensor: name }
      assert.deepStrictEqual(
        yield* failure(yield* others(() => [])),
        { ...at, reason: "is missing; config.json asks for it" }
      )
      assert.deepStrictEqual(
        yield* failure(yield* others((tensor) => [{ ...tensor, shape: [32, 64] }])),
        { ...at, reason: "has shape [32, 64], config.json asks for [64, 32]" }
      )
      const more = yield* others((tensor) => [tensor, { ...tensor, name: "something.else" }])
      assert.isAbove((yield* Checkpoint.load(more)).weights.length, 0)
    }))

  it.effect("a tensor of whole numbers", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      const file = join(folder, "model.safetensors")
      const bytes = readFileSync(file)
      bytes.write("I32", bytes.indexOf("F32", bytes.indexOf(name)))
      writeFileSync(file, bytes)
      assert.deepStrictEqual(yield* failure(folder), {
        file: "model.safetensors",
        tensor: name,
        reason: "has type I32; F32, F16, BF16, F64 can be read"
      })
    }))

  it.effect("weights that are cut off", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      truncateSync(join(folder, "model.safetensors"), 50_000)
      const found = yield* failure(folder)
      assert.match(found.reason, /its bytes end at \d+, but the file holds \d+ bytes of data: it is cut off/)
      assert.match(found.tensor!, /^model\./)
    }))
})

describe("Checkpoint.load, of several files, refuses", () => {
  const index = "model.safetensors.index.json"
  const placed = (change: (placed: Readonly<Record<string, string>>) => unknown) => (json: Json) => ({
    ...json,
    weight_map: change(json["weight_map"] as Record<string, string>)
  })
  const first = "lm_head.weight"
  const indices: ReadonlyArray<readonly [title: string, change: (json: Json) => unknown, reason: RegExp]> = [
    ["an index without a map", () => ({}), /is no index of shards; fetch it again/],
    ["a map of numbers", placed(() => ({ a: 1 })), /is no index of shards/],
    [
      "a file above",
      placed((map) => ({ ...map, [first]: "../model.safetensors" })),
      /names the file "\.\.\/model\.safetensors", which is no/
    ],
    ["an absolute path", placed((map) => ({ ...map, [first]: "/etc/passwd" })), /names the file "\/etc\/passwd"/],
    ["a path of Windows", placed((map) => ({ ...map, [first]: "..\\x.safetensors" })), /names the file/],
    ["a folder", placed((map) => ({ ...map, [first]: ".." })), /names the file "\.\."/],
    [
      "another kind of file",
      placed((map) => ({ ...map, [first]: "pytorch_model.bin" })),
      /which is no \.safetensors file/
    ],
    ["an index that lacks a tensor", placed(({ [first]: _, ...map }) => map), /is missing; config.json asks for it/]
  ]
  for (const [title, change, reason] of indices) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const found = yield* failure(yield* Checkpoints.copy("llama-yarn", { [index]: change }))
        assert.match(found.reason, reason)
        assert.strictEqual(found.file, index)
      }))
  }

  it.effect("a shard that is missing, cut off, or without a tensor that the index has there", () =>
    Effect.gen(function*() {
      const shard = "model-00002-of-00006.safetensors"
      const folder = yield* Checkpoints.copy("llama-yarn")
      rmSync(join(folder, shard))
      const missing = yield* failure(folder)
      assert.strictEqual(missing.file, shard)
      assert.match(missing.reason, /cannot be opened/)
      const cut = yield* Checkpoints.copy("llama-yarn")
      truncateSync(join(cut, shard), 2000)
      assert.strictEqual((yield* failure(cut)).file, shard)
      const other = yield* Checkpoints.copy("llama-yarn", {
        [index]: placed((map) => ({ ...map, [first]: "model-00001-of-00006.safetensors" }))
      })
      const found = yield* failure(other)
      assert.deepStrictEqual([found.file, found.tensor], ["model-00001-of-00006.safetensors", first])
      assert.match(found.reason, /is not in the file in which the index has it/)
    }))
})

describe("Checkpoint", () => {
  it.effect("reads tied embeddings under either name", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      const { weights } = yield* Checkpoint.load(folder)
      const file = join(folder, "model.safetensors")
      // Filled up with spaces, as JSON allows, so that no offset moves.
      const renamed = "\"lm_head.weight\"".padEnd("\"model.embed_tokens.weight\"".length)
      const bytes = readFileSync(file).toString("latin1").replace("\"model.embed_tokens.weight\"", renamed)
      writeFileSync(file, bytes, "latin1")
      assert.deepStrictEqual((yield* Checkpoint.load(folder)).weights, weights)
    }))

  it.effect("knows chat templates of each place", () =>
    Effect.gen(function*() {
      const { chat } = Checkpoints.golden("qwen2")
      const template = readFileSync(join(Checkpoints.directory("qwen2"), "chat_template.jinja"), "utf8")
      const templates = [{ name: "tool_use", template: "no" }, { name: "default", template }]
      for (const chat_template of [template, templates]) {
        const folder = yield* Checkpoints.copy("qwen2", {
          "tokenizer_config.json": (json) => ({ ...json, chat_template })
        })
        rmSync(join(folder, "chat_template.jinja"))
        const { tokenizer } = yield* Checkpoint.load(folder)
        assert.deepStrictEqual(tokenizer.applyChatTemplate?.(chat!.messages), chat!.ids)
      }
      const folder = yield* Checkpoints.copy("qwen2")
      writeFileSync(join(folder, "chat_template.jinja"), "{{")
      const found = yield* failure(folder)
      assert.strictEqual(found.file, "chat_template.jinja")
    }))

  it.effect("initialize gives the same weights for the same seed, as config.json asks", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-bias", {
        "config.json": (json) => ({ ...json, initializer_range: 0.5 })
      })
      rmSync(join(folder, "model.safetensors"))
      const { layout, weights } = yield* Checkpoint.initialize(folder, 3)
      assert.deepStrictEqual((yield* Checkpoint.initialize(folder, 3)).weights, weights)
      assert.notDeepEqual((yield* Checkpoint.initialize(folder, 4)).weights, weights)
      for (const { name, offset, size } of layout.parameters) {
        const view = weights.subarray(offset, offset + size)
        const deviation = Math.sqrt(view.reduce((sum, x) => sum + x * x, 0) / size)
        if (name.endsWith("norm.weight")) assert.isTrue(view.every((x) => x === 1), name)
        else if (name.endsWith(".bias")) assert.isTrue(view.every((x) => x === 0), name)
        else assert.closeTo(deviation, 0.5, 0.05, name)
      }
    }))

  it.effect("initialize refuses what no memory holds, and a deviation that is none", () =>
    Effect.gen(function*() {
      for (
        const [change, reason] of [
          [{ vocab_size: 1e15 }, /asks for \d+ parameters, more than fit into memory/],
          [{ initializer_range: -1 }, /has an initializer_range that is no standard deviation/],
          [{ initializer_range: "x" }, /has an initializer_range that is no standard deviation/]
        ] as const
      ) {
        const folder = yield* Checkpoints.copy("llama-tied", { "config.json": (json) => ({ ...json, ...change }) })
        const error = yield* Effect.flip(Checkpoint.initialize(folder, 1))
        assert.strictEqual(error.file, join(folder, "config.json"))
        assert.match(error.reason, reason)
      }
    }))
})

describe("Checkpoint.initialize with lookBack", () => {
  it.effect("gives the same weights for the same seed, and those without it for 0", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("qwen2")
      rmSync(join(folder, "model.safetensors"))
      const { weights } = yield* Checkpoint.initialize(folder, 3, { lookBack: 2 })
      assert.deepStrictEqual((yield* Checkpoint.initialize(folder, 3, { lookBack: 2 })).weights, weights)
      const plain = (yield* Checkpoint.initialize(folder, 3)).weights
      assert.notDeepEqual(plain, weights)
      assert.deepStrictEqual((yield* Checkpoint.initialize(folder, 3, { lookBack: 0 })).weights, plain)
    }))

  const refused: ReadonlyArray<readonly [name: string, lookBack: number]> = [
    // It has no biases; it has only three heads.
    ["llama-tied", 1],
    ["qwen2", 4],
    ["qwen2", -1],
    ["qwen2", 1.5],
    ["qwen2", NaN]
  ]
  for (const [name, lookBack] of refused) {
    it.effect(`refuses ${lookBack} of ${name}`, () =>
      Effect.gen(function*() {
        const folder = yield* Checkpoints.copy(name)
        const error = yield* Effect.flip(Checkpoint.initialize(folder, 1, { lookBack }))
        assert.strictEqual(error._tag, "CheckpointError")
        assert.strictEqual(
          error.message,
          `${join(folder, "config.json")}: describes no model whose first layer has ${lookBack} heads `
            + "with biases on queries and keys, as lookBack asks for"
        )
      }))
  }

  it.effect("needs no biases for 0", () =>
    Effect.gen(function*() {
      yield* Checkpoint.initialize(Checkpoints.directory("llama-tied"), 1, { lookBack: 0 })
    }))
})

describe("Checkpoint.save", () => {
  it.effect("writes what load reads, and the other files as they were", () =>
    Effect.gen(function*() {
      const folder = join(yield* Checkpoints.temporary, "a", "b")
      const checkpoint = yield* Checkpoint.load(Checkpoints.directory("qwen2"))
      yield* Checkpoint.save(checkpoint, folder)
      const again = yield* Checkpoint.load(folder)
      assert.deepStrictEqual(again.weights, checkpoint.weights)
      assert.deepStrictEqual(again.decoder, checkpoint.decoder)
      const { "config.json": config, ...files } = again.files
      const { "config.json": before, ...expected } = checkpoint.files
      assert.deepStrictEqual(files, expected)
      // Weights are written in float32, and config.json says so.
      assert.deepStrictEqual(JSON.parse(config!), { ...JSON.parse(before!), dtype: "float32" })
      assert.deepStrictEqual(readdirSync(folder).sort(), [...Object.keys(again.files), "model.safetensors"].sort())
    }))

  const spoilt = Effect.gen(function*() {
    const checkpoint = yield* Checkpoint.load(Checkpoints.directory("llama-bias"))
    checkpoint.weights.fill(0)
    return checkpoint
  })
  const cannot = /: cannot be written \(.*\); is the folder writable, and is there room\?$/

  it.effect("says what it cannot write", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.temporary
      const file = join(folder, "file")
      writeFileSync(file, "")
      const error = yield* Effect.flip(Checkpoint.save(yield* spoilt, file))
      assert.strictEqual(error.file, file)
      assert.match(error.message, cannot)
    }))

  it.effect.skipIf(process.platform === "win32")("says that it may not write", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.temporary
      chmodSync(folder, 0o500)
      const script = [join(import.meta.dirname, "../support/saveInto.ts"), Checkpoints.directory("llama-bias"), folder]
      const output = execFileSync(...unprivileged(process.execPath, script), { encoding: "utf8" })
      chmodSync(folder, 0o700)
      assert.match(output, cannot)
      assert.include(output, "EACCES")
    }))

  it.effect("leaves the old checkpoint when a file of another one cannot be put in its place", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      const checkpoint = yield* spoilt
      const parameters = [{ ...checkpoint.layout.parameters[0]!, shape: [1] }]
      const before = read(folder)
      const error = yield* Effect.flip(
        Checkpoint.save({ ...checkpoint, layout: { ...checkpoint.layout, parameters } }, folder)
      )
      assert.strictEqual(error.file, join(folder, "model.safetensors"))
      assert.strictEqual(error.tensor, "model.embed_tokens.weight")
      assert.deepStrictEqual(read(folder), before)
    }))

  it.effect.skipIf(process.platform === "win32")(
    "leaves the old checkpoint, whole, when the disk is full",
    () =>
      Effect.gen(function*() {
        const folder = yield* Checkpoints.copy("llama-tied")
        const before = read(folder)
        // A child that may write files of at most 32 KiB: enough for all but the weights.
        const script = join(import.meta.dirname, "../support/saveInto.ts")
        const limited = ["-c", "ulimit -f 64; exec \"$0\" \"$@\"", process.execPath]
        const output = execFileSync("sh", [...limited, script, Checkpoints.directory("llama-bias"), folder], {
          encoding: "utf8"
        })
        assert.match(output, /^CheckpointError .*model\.safetensors: cannot be written \(EFBIG.*\)/)
        assert.deepStrictEqual(read(folder), before)
        yield* Checkpoint.load(folder)
      }),
    30_000
  )

  it.live("leaves the old checkpoint or the new one when it is interrupted", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-bias")
      const checkpoint = yield* spoilt
      for (const delay of [0, 1, 2, 4]) {
        const fiber = yield* Effect.forkChild(Checkpoint.save(checkpoint, folder))
        yield* Effect.sleep(delay)
        yield* Fiber.interrupt(fiber)
        const { weights } = yield* Checkpoint.load(folder)
        assert.strictEqual(weights.length, checkpoint.weights.length)
        assert.deepStrictEqual(readdirSync(folder).filter((name) => name.startsWith(".")), [])
      }
    }))

  it.effect("replaces a checkpoint of another shape", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      cpSync(join(Checkpoints.directory("llama-tied"), "golden.json"), join(folder, "notes.json"))
      const checkpoint = yield* spoilt
      yield* Checkpoint.save(checkpoint, folder)
      assert.deepStrictEqual((yield* Checkpoint.load(folder)).decoder, checkpoint.decoder)
      // What is none of its own stays.
      assert.include(readdirSync(folder), "notes.json")
    }))
})
