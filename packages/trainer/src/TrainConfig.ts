/**
 * A training run as a file.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Schedule from "./Schedule.ts"

const count = Schema.Int.check(Schema.isGreaterThan(0))
const nonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const optional = <S extends Schema.Top>(schema: S, value: S["Encoded"]) => schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

/**
 * The learning rate; see `Schedule`.
 */
const LearningRate = Schema.Struct({
  peak: Schedule.Schedule.fields.peak,
  warmup: optional(Schedule.Schedule.fields.warmup, 10),
  decayFrom: optional(Schedule.Schedule.fields.decayFrom, 1),
  floor: optional(Schedule.Schedule.fields.floor, 0)
})

/**
 * A supervised stage on the teacher's demonstrations, for one model that both agents start from.
 *
 * `groupsPerStep` demonstrations a step; `managerShare` is the share of decisions among them, the rest are answers. With `promptLoss`
 * a model also learns the prompts, as plain text with one completion each: how a model from scratch learns to read. `data` are the
 * teacher's demonstrations, or exercises in copying for a model from scratch. `sessions` is the length of the teacher's dialogues (short
 * ones show more turns in the same time), `samples` the number of decisions on one turn.
 */
export const SftStage = Schema.Struct({
  kind: Schema.Literal("sft"),
  data: optional(Schema.Literals(["teacher", "repeats", "lookUps", "additions"]), "teacher"),
  steps: count,
  groupsPerStep: optional(count, 64),
  sessions: Schema.optionalKey(count),
  samples: optional(count, 1),
  managerShare: optional(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })), 0.5),
  promptLoss: optional(Schema.Boolean, false),
  learningRate: LearningRate,
  weightDecay: optional(nonNegative, 0),
  beta2: optional(Schema.Finite, 0.98),
  saveEvery: optional(count, 1000)
})

const grpo = {
  steps: count,
  groupsPerStep: optional(count, 16),
  groupSize: optional(count, 8),
  maxTokens: optional(count, 72),
  temperature: optional(Schema.Finite.check(Schema.isGreaterThan(0)), 1),
  iterations: optional(count, 1),
  epsilon: optional(nonNegative, 0.2),
  beta: optional(nonNegative, 0),
  advantage: optional(Schema.Literals(["groupNormalized", "groupCentred"]), "groupNormalized"),
  learningRate: LearningRate
}

/**
 * Reinforcement learning of one agent; the other one is frozen. `beta` is the weight of the KL term to the model that training began
 * with; `advantage` one of `Advantage`.
 */
export const ManagerStage = Schema.Struct({ kind: Schema.Literal("manager"), ...grpo })
export const AnswerStage = Schema.Struct({ kind: Schema.Literal("answer"), ...grpo })

/**
 * A run.
 *
 * - `model`: a Hugging Face directory, or the id of a model on the hub, that both agents start from; with `initialize` its weights are
 *   drawn anew, and `lookBack` heads of its first layer begin by attending to one of the tokens just before. With `lora` the model is
 *   frozen, held once in `dtype`, and each agent is an adapter; `gradientCheckpointing` trades time for memory.
 * - `data`: the Memory World that is trained on, from dialogue `firstSeed` on; `perFact` and `perSpeaker` limit what a decision and an
 *   answer get to see.
 * - `stages`: in their order. The paper trains the manager first.
 */
export const TrainConfig = Schema.Struct({
  seed: optional(Schema.Int, 1),
  model: Schema.Struct({
    directory: Schema.String,
    initialize: optional(Schema.Boolean, false),
    lookBack: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), 0),
    device: optional(Schema.Literals(["cpu", "webgpu", "cuda", "dml", "coreml"]), "cpu"),
    dtype: optional(Schema.Literals(["float32", "float16", "int8", "int4"]), "float32"),
    lora: Schema.optionalKey(Schema.Struct({
      rank: count,
      alpha: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
      rsLora: optional(Schema.Boolean, false),
      targetModules: optional(Schema.Union([Schema.Literal("all-linear"), Schema.NonEmptyArray(Schema.String)]), "all-linear")
    })),
    gradientCheckpointing: optional(Schema.Boolean, false),
    threads: Schema.optionalKey(count),
    microBatchTokens: optional(count, 2048)
  }).check(Schema.makeFilter(({ dtype, initialize, lora }) =>
    lora === undefined && dtype !== "float32"
      ? `weights in ${dtype} are frozen: give "lora" for adapters to train, or leave "dtype" out`
      : lora !== undefined && initialize
      ? "an adapter of weights that are drawn anew has nothing to adapt: leave \"initialize\" or \"lora\" out"
      : undefined
  )),
  data: Schema.Struct({
    dataset: Schema.Literal("memory-world"),
    firstSeed: optional(Schema.Int, 1_000_000),
    invented: optional(Schema.Finite, 0.25),
    perFact: optional(count, 8),
    perSpeaker: optional(count, 12)
  }),
  stages: Schema.NonEmptyArray(Schema.Union([SftStage, ManagerStage, AnswerStage])).check(
    Schema.makeFilter((stages) =>
      stages.some(({ kind }, i) => kind === "sft" && i > 0 && stages[i - 1]!.kind !== "sft")
        ? "a supervised stage trains the one model that both agents start from: it cannot follow a stage that trains one of them"
        : undefined
    )
  )
})
export interface TrainConfig extends Schema.Schema.Type<typeof TrainConfig> {}
export type Stage = TrainConfig["stages"][number]
export type GrpoStage = typeof ManagerStage.Type | typeof AnswerStage.Type

/**
 * The configuration in a JSON value. Unknown keys are refused, so that a misspelt setting is not a silent default.
 *
 * @example
 * ```ts
 * import { TrainConfig } from "@memory-r1/trainer"
 * import { Effect } from "effect"
 *
 * const config = await Effect.runPromise(TrainConfig.decode({
 *   model: { directory: "nano" },
 *   data: { dataset: "memory-world" },
 *   stages: [{ kind: "manager", steps: 100, learningRate: { peak: 3e-4 } }]
 * }))
 * config.stages[0].groupsPerStep // => 16
 * ```
 */
export const decode = (json: unknown) => Schema.decodeUnknownEffect(TrainConfig)(json, { onExcessProperty: "error", errors: "all" })
