// LoRA beside peft: fixtures/adapters, which tools/parity/adapters.py wrote, and fixtures/trained-adapters, which
// training here gave and peft then loaded.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Adapter, Checkpoint, OnnxLearner, OnnxModel, OnnxSampler, Safetensors } from "@memory-r1/backend-onnx"
import { Learner, Objective } from "@memory-r1/core/rl"
import { learnerLaws } from "@memory-r1/core/testing"
import { Effect, Layer, Schema } from "effect"
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import * as Checkpoints from "../support/checkpoints.ts"
import * as TrainTiny from "../support/trainTiny.ts"

const Golden = Schema.fromJsonString(
  Schema.Struct({ base: Schema.optionalKey(Schema.String), logprobs: Schema.Array(Schema.Array(Schema.Finite)) })
)
const goldenOf = (file: string) => Schema.decodeUnknownSync(Golden)(readFileSync(file, "utf8"))
const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
const weighted: Objective.Objective = {
  name: "weighted log-likelihood",
  loss: Objective.mul(Objective.logp, Objective.advantage),
  aggregation: Objective.Aggregation.Sum()
}

const assertLogprobs = Effect.fnUntraced(
  function*(
    name: string,
    model: OnnxModel.OnnxModel,
    adapter: Adapter.Adapter | undefined,
    expected: ReadonlyArray<ReadonlyArray<number>>
  ) {
    const sampler = yield* OnnxSampler.make(model, adapter === undefined ? {} : { adapter })
    const { sequences } = Checkpoints.golden(name)
    const found = yield* sampler.score({
      groups: sequences.map(({ tokens }) => ({ prompt: tokens.slice(0, 1), completions: [tokens.slice(1)] }))
    })
    found.forEach(([logprobs], i) =>
      logprobs!.forEach((logp, t) => assert.closeTo(logp, expected[i]![t]!, 1e-4, `sequence ${i}, token ${t}`))
    )
  }
)

describe("adapters that peft made", () => {
  for (const name of ["qwen2", "llama-bias", "phi3"]) {
    const directory = Checkpoints.directory(`adapters/${name}`)
    it.effect(`${name}: log-probabilities, to 1e-4; without the adapter those of the base`, () =>
      Effect.gen(function*() {
        const model = yield* OnnxModel.load(Checkpoints.directory(name))
        const adapter = yield* Adapter.load(directory, model.checkpoint)
        yield* assertLogprobs(name, model, adapter, goldenOf(join(directory, "golden.json")).logprobs)
        yield* assertLogprobs(
          name,
          model,
          undefined,
          Checkpoints.golden(name).sequences.map(({ logprobs }) => logprobs)
        )
      }))

    it.effect(`${name}: gradients of every matrix, to 1e-3`, () =>
      Effect.gen(function*() {
        const model = yield* OnnxModel.load(Checkpoints.directory(name))
        const adapter = yield* Adapter.load(directory, model.checkpoint)
        const { gradients, learner } = yield* OnnxLearner.make(model, { adapter })
        yield* learner.forwardBackward(
          Checkpoints.golden(name).sequences.map(({ tokens, weights }) => ({
            prompt: tokens.slice(0, 1),
            completions: [{ tokens: tokens.slice(1), advantage: weights }]
          })),
          weighted
        )
        const reader = yield* Safetensors.openFile(join(directory, "gradients.safetensors"))
        assert.deepStrictEqual(gradients().map(({ name }) => name).sort(), [...reader.tensors.keys()].sort())
        for (const { data, name, shape } of gradients()) {
          assert.deepStrictEqual([...shape], [...reader.tensors.get(name)!.shape], name)
          const wanted = new Float32Array(data.length)
          yield* reader.read(name, wanted)
          const difference = largest(data.map((value, i) => value - wanted[i]!)) / largest(wanted)
          assert.isTrue(difference <= 1e-3, `${name} differs by ${difference} of its largest element`)
        }
      }))

    it.effect(`${name}: merged, a checkpoint that needs no adapter`, () =>
      Effect.gen(function*() {
        const checkpoint = yield* Checkpoint.load(Checkpoints.directory(name))
        const merged = Adapter.merge(checkpoint, yield* Adapter.load(directory, checkpoint))
        const folder = join(yield* Checkpoints.temporary, "merged")
        yield* Checkpoint.save(merged, folder)
        yield* assertLogprobs(
          name,
          yield* OnnxModel.load(folder),
          undefined,
          goldenOf(join(directory, "golden.json")).logprobs
        )
      }))
  }
})

describe("adapters that are trained here", () => {
  for (const name of TrainTiny.adapted) {
    it.effect(`${name}: peft gets the same log-probabilities, to 1e-4, and training gives them today`, () =>
      Effect.gen(function*() {
        const directory = TrainTiny.adapterDirectory(name)
        const { logprobs } = goldenOf(join(directory, "transformers.json"))
        const { adapter, model } = yield* TrainTiny.trainAdapter(name)
        yield* assertLogprobs(name, model, yield* Adapter.load(directory, model.checkpoint), logprobs)
        yield* assertLogprobs(name, model, adapter, logprobs)
        // It learned something.
        const before = Checkpoints.golden(name).sequences[0]!.logprobs
        assert.isAbove(Math.max(...before.map((logp, t) => Math.abs(logp - logprobs[0]![t]!))), 0.1)
      }))
  }

  const qwen2 = Checkpoints.directory("qwen2")
  it.effect("several on one base, each of its own, and the base moves for none", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(qwen2)
      const before = model.flat!.slice()
      const settings = { rank: 2, targetModules: ["q_proj", "up_proj"] }
      const [manager, answer] = [
        yield* Adapter.initialize(model.checkpoint, settings, 1),
        yield* Adapter.initialize(model.checkpoint, settings, 2)
      ]
      const { learner } = yield* OnnxLearner.make(model, { adapter: manager })
      const { learner: other } = yield* OnnxLearner.make(model, { adapter: answer })
      const reference = yield* OnnxSampler.make(model)
      const groups = [{ prompt: [5, 9, 7], completions: [[8, 4, 6], [9]] }]
      const score = (sampler: Learner.Service["sampler"]) => sampler.score({ groups })
      const first = yield* score(reference)
      // The second matrix begins at zero: nothing is changed yet.
      assert.deepStrictEqual(yield* score(learner.sampler), first)
      for (let i = 0; i < 2; i++) {
        yield* learner.forwardBackward(
          groups.map(({ completions, prompt }) => ({ prompt, completions: completions.map((tokens) => ({ tokens })) })),
          Objective.sft
        )
        yield* learner.optimStep({ learningRate: 0.05 })
      }
      assert.isAbove((yield* score(learner.sampler))[0]![0]![0]!, first[0]![0]![0]! + 0.01)
      assert.deepStrictEqual(yield* score(other.sampler), first)
      assert.deepStrictEqual(yield* score(reference), first)
      assert.deepStrictEqual(model.flat, before)
    }))

  it.effect("are written and read again, and training goes on with what was read", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.temporary
      const model = yield* OnnxModel.load(qwen2)
      const adapter = yield* Adapter.initialize(model.checkpoint, {
        rank: 3,
        alpha: 5,
        rsLora: true,
        targetModules: ["self_attn.q_proj", "down_proj"]
      }, 1)
      for (const { offset, size } of adapter.layout.parameters) {
        for (let i = 0; i < size; i++) adapter.weights[offset + i] = Math.sin(offset + i)
      }
      const { learner } = yield* OnnxLearner.make(model, { adapter })
      yield* learner.save(folder)
      const kept = adapter.weights.slice()
      assert.deepStrictEqual((yield* Adapter.load(folder, model.checkpoint)).settings, adapter.settings)
      adapter.weights.fill(0)
      yield* learner.load(folder)
      assert.deepStrictEqual(adapter.weights, kept)

      const { learner: other } = yield* OnnxLearner.make(model, {
        adapter: yield* Adapter.initialize(model.checkpoint, { rank: 2 }, 1)
      })
      const error = yield* Effect.flip(other.load(folder))
      assert.include(error.message, "has another rank, factor or other target modules than the adapter that is trained")
    }))

  it.effect("the same seed begins with the same numbers", () =>
    Effect.gen(function*() {
      const checkpoint = yield* Checkpoint.open(qwen2)
      const of = (seed: number) =>
        Effect.map(Adapter.initialize(checkpoint, { rank: 2 }, seed), ({ weights }) => weights)
      assert.deepStrictEqual(yield* of(3), yield* of(3))
      assert.notDeepEqual(yield* of(3), yield* of(4))
    }))

  learnerLaws(
    "onnx, an adapter",
    Layer.effect(
      Learner.Learner,
      Effect.gen(function*() {
        const model = yield* OnnxModel.load(qwen2, { threads: 1 })
        const adapter = yield* Adapter.initialize(model.checkpoint, { rank: 4 }, 1)
        return (yield* OnnxLearner.make(model, { adapter })).learner
      })
    )
  )
})

describe("Adapter refuses", () => {
  const made = Effect.fnUntraced(function*(settings: Parameters<typeof Adapter.initialize>[1]) {
    return (yield* Effect.flip(Adapter.initialize(yield* Checkpoint.open(Checkpoints.directory("qwen2")), settings, 1)))
      .message
  })
  it.effect("settings that fit no model", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* made({ rank: 0 }), "rank is 0, it has to be a positive whole number")
      assert.strictEqual(yield* made({ rank: 2, alpha: -1 }), "alpha is -1, it has to be a number above 0")
      const known = "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj"
      assert.strictEqual(
        yield* made({ rank: 2, targetModules: ["q_proj", "lm_head"] }),
        `the target module lm_head is none of this model's projections: ${known}`
      )
      assert.strictEqual(
        yield* made({ rank: 2, targetModules: [] }),
        `no target module is one of this model's projections: ${known}`
      )
    }))

  it.effect("an adapter names the model of a hub, not the folder that it was fetched into", () =>
    Effect.gen(function*() {
      const checkpoint = yield* Checkpoint.open(Checkpoints.directory("qwen2"))
      const adapter = yield* Adapter.initialize(checkpoint, { rank: 2 }, 1)
      const folder = yield* Checkpoints.temporary
      for (
        const [base, named] of [
          ["/home/ann/.cache/huggingface/hub/models--Qwen--Qwen2.5-0.5B/snapshots/0a1b", "Qwen/Qwen2.5-0.5B@0a1b"],
          ["models/mine", "models/mine"]
        ] as const
      ) {
        yield* Adapter.save(adapter, folder, base)
        assert.strictEqual(yield* Adapter.baseModel(folder), named)
      }
    }))

  type Json = Readonly<Record<string, unknown>>
  const failure = Effect.fnUntraced(function*(spoil: (folder: string) => void) {
    const folder = join(yield* Checkpoints.temporary, "adapter")
    cpSync(Checkpoints.directory("adapters/qwen2"), folder, { recursive: true })
    spoil(folder)
    const error = yield* Effect.flip(Adapter.load(folder, yield* Checkpoint.open(Checkpoints.directory("qwen2"))))
    return [basename(error.file), error.tensor, error.reason] as const
  })
  const set = (change: Json) => (folder: string): void => {
    const file = join(folder, "adapter_config.json")
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")) as Json, ...change }))
  }
  const cases: ReadonlyArray<readonly [title: string, spoil: (folder: string) => void, file: string, reason: RegExp]> =
    [
      [
        "a directory without a configuration",
        (folder) => rmSync(join(folder, "adapter_config.json")),
        "adapter_config.json",
        /is this a PEFT adapter/
      ],
      [
        "one without weights",
        (folder) => rmSync(join(folder, "adapter_model.safetensors")),
        "adapter_model.safetensors",
        /cannot be opened/
      ],
      [
        "broken JSON",
        (folder) => writeFileSync(join(folder, "adapter_config.json"), "{"),
        "adapter_config.json",
        /is no LoRA configuration/
      ],
      [
        "another kind of adapter",
        set({ peft_type: "IA3" }),
        "adapter_config.json",
        /^asks for peft_type IA3, which is not supported$/
      ],
      [
        "two things that are not supported",
        set({ use_dora: true, bias: "all" }),
        "adapter_config.json",
        /^asks for bias all and use_dora/
      ],
      [
        "a pattern of targets",
        set({ target_modules: ".*_proj" }),
        "adapter_config.json",
        /has a pattern for target_modules, "\.\*_proj"/
      ],
      [
        "a target that the model lacks",
        set({ target_modules: ["c_attn"] }),
        "adapter_config.json",
        /^does not fit the model: the target module c_attn/
      ],
      [
        "another rank",
        set({ r: 4 }),
        "adapter_model.safetensors",
        /^has shape \[3, 24\], adapter_config.json and the model ask for \[4, 24\]$/
      ],
      [
        "more targets than matrices",
        set({ target_modules: ["q_proj", "v_proj", "down_proj", "o_proj"] }),
        "adapter_model.safetensors",
        /^is missing/
      ],
      [
        "fewer",
        set({ target_modules: ["q_proj"] }),
        "adapter_model.safetensors",
        /^belongs to no target of adapter_config.json/
      ]
    ]
  // What peft knows beside a plain LoRA, in its version 0.21, in older ones and in some to come.
  const others: ReadonlyArray<Json> = [
    ...["pissa", "pissa_niter_4", "pissa_niter_16", "olora", "corda", "loftq", "eva", "lora_ga", "dora_svd"].map((
      init_lora_weights
    ) => ({ init_lora_weights })),
    { alora_invocation_tokens: [1, 2] },
    { alora_invocation_tokens: [] },
    { alpha_pattern: { q_proj: 8 } },
    { arrow_config: { top_k: 3 } },
    { bias: "lora_only" },
    { exclude_modules: ["o_proj"] },
    { exclude_modules: "o_.*" },
    { fan_in_fan_out: true },
    { kasa_config: { beta: 0.1 } },
    { layer_replication: [[0, 2], [1, 2]] },
    { layers_pattern: "layers" },
    { layers_to_transform: 0 },
    { layers_to_transform: [1] },
    { lora_bias: true },
    { megatron_config: { tensor_model_parallel_size: 2 } },
    { modules_to_save: ["lm_head"] },
    { monteclora_config: { num_samples: 8 } },
    { rank_pattern: { q_proj: 8 } },
    { target_parameters: ["mlp.experts.gate_up_proj"] },
    { trainable_token_indices: { embed_tokens: [0] } },
    { trainable_token_indices: [0] },
    { use_bdlora: { nblocks: 2 } },
    { use_dora: true },
    { use_qalora: true },
    { velora_config: { num_groups: 4 } },
    { lora_of_tomorrow: 0.5 },
    { enable_lora: [true, false, true] },
    ...["PROMPT_TUNING", "LOHA", "OFT", "VERA", "XLORA"].map((peft_type) => ({ peft_type }))
  ]
  for (const change of others) {
    const [[key, value]] = Object.entries(change) as [[string, unknown]]
    it.effect(`${key} ${JSON.stringify(value)}, by its name`, () =>
      Effect.gen(function*() {
        const found = yield* failure(set(change))
        assert.strictEqual(found[0], "adapter_config.json")
        assert.include(
          found[2],
          `asks for ${typeof value === "string" ? `${key} ${value}` : key}, which is not supported`
        )
      }))
  }

  it.effect("another kind of adapter, whatever else its configuration holds", () =>
    Effect.gen(function*() {
      const spoil = (folder: string) =>
        writeFileSync(
          join(folder, "adapter_config.json"),
          JSON.stringify({ peft_type: "IA3", feedforward_modules: ["down_proj"] })
        )
      assert.match((yield* failure(spoil))[2], /^asks for peft_type IA3 and feedforward_modules/)
    }))

  it.effect("nothing that leaves the forward pass as it is", () =>
    Effect.gen(function*() {
      const harmless: ReadonlyArray<Json> = [
        ...[true, false, "gaussian", "orthogonal", "mica"].map((init_lora_weights) => ({ init_lora_weights })),
        { lora_dropout: 0.1, inference_mode: false, task_type: null, revision: "main", peft_version: "0.21.2" },
        { auto_mapping: { base_model_class: "Qwen2ForCausalLM", parent_library: "transformers" } },
        {
          eva_config: { rho: 2 },
          corda_config: { verbose: true },
          loftq_config: { loftq_bits: 4 },
          lora_ga_config: { scale: "unit" }
        },
        {
          qalora_group_size: 16,
          megatron_core: "megatron.core",
          ensure_weight_tying: true,
          runtime_config: { ephemeral_gpu_offload: true }
        },
        {
          modules_to_save: [],
          rank_pattern: {},
          alpha_pattern: {},
          exclude_modules: [],
          layers_to_transform: [],
          target_parameters: [],
          layer_replication: null
        },
        { lora_of_tomorrow: false, tuning_of_tomorrow: null, list_of_tomorrow: [] }
      ]
      const checkpoint = yield* Checkpoint.open(Checkpoints.directory("qwen2"))
      const plain = yield* Adapter.load(Checkpoints.directory("adapters/qwen2"), checkpoint)
      for (const change of harmless) {
        const folder = join(yield* Checkpoints.temporary, "adapter")
        cpSync(Checkpoints.directory("adapters/qwen2"), folder, { recursive: true })
        set(change)(folder)
        const { plan, settings, weights } = yield* Adapter.load(folder, checkpoint)
        assert.deepStrictEqual({ plan, settings, weights }, {
          plan: plain.plan,
          settings: plain.settings,
          weights: plain.weights
        }, JSON.stringify(change))
      }
    }))

  it.effect("weights that no projection takes, beside those that one does", () =>
    Effect.gen(function*() {
      const q = "base_model.model.model.layers.0.self_attn.q_proj"
      for (
        const name of [
          `${q}.lora_magnitude_vector`,
          `${q}.lora_B.bias`,
          "base_model.model.model.embed_tokens.weight",
          "base_model.model.lm_head.lora_A.weight",
          `${q}.lora_velora_embed`
        ]
      ) {
        const checkpoint = yield* Checkpoint.open(Checkpoints.directory("qwen2"))
        const folder = join(yield* Checkpoints.temporary, "adapter")
        cpSync(Checkpoints.directory("adapters/qwen2"), folder, { recursive: true })
        const { layout, weights } = yield* Adapter.load(folder, checkpoint)
        const tensors = layout.parameters.map(({ name, offset, shape, size }) => ({
          name,
          shape,
          data: weights.subarray(offset, offset + size)
        }))
        yield* Safetensors.writeFile(join(folder, "adapter_model.safetensors"), [...tensors, {
          name,
          shape: [2],
          data: new Float32Array(2)
        }])
        const error = yield* Effect.flip(Adapter.load(folder, checkpoint))
        assert.deepStrictEqual([basename(error.file), error.tensor], ["adapter_model.safetensors", name])
      }
    }))

  for (const [title, spoil, file, reason] of cases) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const found = yield* failure(spoil)
        assert.strictEqual(found[0], file)
        assert.match(found[2], reason)
      }))
  }
})
