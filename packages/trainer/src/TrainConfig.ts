/**
 * A training run as a file.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { resolve } from "node:path"
import type * as Dataset from "./Dataset.ts"
import * as Registry from "./Registry.ts"
import * as Schedule from "./Schedule.ts"
import { TrainingError } from "./TrainingError.ts"

const count = Schema.Int.check(Schema.isGreaterThan(0))
const nonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const optional = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

// See `Schedule`.
const LearningRate = Schema.Struct({
  peak: Schedule.Schedule.fields.peak,
  warmup: optional(Schedule.Schedule.fields.warmup, 10),
  decayFrom: optional(Schedule.Schedule.fields.decayFrom, 1),
  floor: optional(Schedule.Schedule.fields.floor, 0)
})

/**
 * A supervised stage on the teacher's demonstrations, for one model that both agents start from.
 *
 * `groupsPerStep` demonstrations a step; `managerShare` is the share of decisions among them, the rest are answers.
 * With `promptLoss` a model also learns the prompts, as plain text with one completion each: how a model from scratch
 * learns to read. `data` is `teacher`, the name of an exercise, or a module (`./mine.ts#demonstrations`). `sessions` is
 * the length of the teacher's dialogues (short ones show more turns in the same time), `samples` the number of
 * decisions on one turn.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SftStage = Schema.Struct({
  kind: Schema.Literal("sft"),
  data: optional(Schema.String, "teacher"),
  steps: count,
  groupsPerStep: optional(count, 64),
  sessions: Schema.optional(count),
  samples: optional(count, 1),
  managerShare: optional(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })), 0.5),
  promptLoss: optional(Schema.Boolean, false),
  learningRate: LearningRate,
  weightDecay: optional(nonNegative, 0),
  beta2: optional(Schema.Finite, 0.98)
})

const Kl = Schema.Struct({
  place: Schema.optional(Schema.Literals(["loss", "reward"])),
  estimate: Schema.optional(Schema.Literals(["k1", "k2", "k3"])),
  adaptive: Schema.optional(Schema.Struct({ target: Schema.Finite.check(Schema.isGreaterThan(0)), horizon: count }))
})

const Critic = Schema.Struct({
  shared: optional(Schema.Boolean, false),
  learningRate: LearningRate,
  epsilon: Schema.optional(nonNegative),
  coefficient: optional(nonNegative, 0.5),
  warmup: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), 0)
})

const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/**
 * What is rewarded.
 *
 * - `answer`: the reward of one answer, by name or module (`./mine.ts#reward`). `exactMatch` is `Reward.exactMatch`;
 *   `exactMatchElseF1` is less sparse; `f1TimesJudge` and `judge` ask the `judge` of the run.
 * - `format`: added for an answer in the format, to the Answer Agent; no more than 0.2, since agents that are rewarded
 *   more for it learn nothing else.
 * - `growth`, `rejected`: the penalties for each memory that a decision adds to the bank, and for text that is not an
 *   operation; the paper has neither.
 * - `memorySize`: the penalty for a bank that holds more than the share `free` of the words that were said; see
 *   `ManagerEnvironment.memorySize`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Rewards = Schema.Struct({
  answer: optional(Schema.String, "exactMatch"),
  format: optional(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.2 })), 0),
  growth: optional(nonNegative, 0.15),
  rejected: optional(nonNegative, 0.25),
  memorySize: Schema.optional(Schema.Struct({ weight: nonNegative, free: optional(share, 0.7) }))
})

/**
 * The type of `Rewards`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rewards extends Schema.Schema.Type<typeof Rewards> {}

const common = {
  steps: count,
  sessions: Schema.optional(count),
  skip: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), 0),
  manager: optional(Schema.String, "trained"),
  unit: optional(Schema.Literals(["decision", "session"]), "decision"),
  local: optional(share, 0.5),
  longest: optional(count, 16),
  reward: optional(Rewards, {}),
  groupsPerStep: optional(count, 16),
  maxTokens: optional(count, 72),
  temperature: optional(Schema.Finite.check(Schema.isGreaterThan(0)), 1),
  epsilon: Schema.optional(nonNegative),
  epsilonHigh: Schema.optional(nonNegative),
  beta: optional(nonNegative, 0),
  kl: optional(Kl, {}),
  maxGradNorm: optional(Schema.Finite.check(Schema.isGreaterThan(0)), 1),
  weightDecay: optional(nonNegative, 0),
  learningRate: LearningRate
}

const grpo = {
  ...common,
  algorithm: optional(Schema.Literal("grpo"), "grpo"),
  groupSize: optional(count.check(Schema.isGreaterThan(1)), 8),
  iterations: optional(count, 1),
  objective: optional(Schema.Literals(["grpo", "drGrpo", "dapo", "bnpo", "gspo", "cispo", "reinforce"]), "grpo"),
  advantage: optional(
    Schema.Literals(["groupNormalized", "groupCentred", "leaveOneOut", "batchNormalized"]),
    "groupNormalized"
  ),
  zeroVariance: optional(Schema.Literals(["drop", "keep"]), "drop"),
  overlong: optional(Schema.Literals(["keep", "mask"]), "keep")
}

const ppo = {
  ...common,
  algorithm: Schema.Literal("ppo"),
  groupSize: optional(count, 1),
  gamma: optional(share, 1),
  lambda: optional(share, 0.95),
  epochs: optional(count, 1),
  miniBatches: optional(count, 1),
  dualClip: Schema.optional(Schema.Finite.check(Schema.isGreaterThan(1))),
  entropyBonus: optional(nonNegative, 0),
  whiten: optional(Schema.Boolean, true),
  critic: Critic
}

/**
 * Reinforcement learning of one agent by groups; the other one is frozen. See `PolicyGradient.Options` and
 * `Grpo.Options`; `objective` is one of
 * `Objective`, `advantage` one of `Advantage`, `beta` the weight of the KL term to the model that training began with,
 * and `kl` says how it is taken.
 *
 * `sessions` is the length of the dialogues, all of them by default: stages of the same kind with more and
 * more of them are a curriculum. `skip` is the number of the first dialogue, so that stages can have dialogues of their
 * own. `manager` makes the banks that the answer agent is trained on: `trained` is the manager of the run, others are
 * registered names (`addOnly`, `ruleBased`) or modules (`./mine.ts#manager`). The manager is rewarded for each
 * decision, or, with `unit: session`, for whole sessions (see `SessionEnvironment`, of which `local` and `longest` are
 * options).
 *
 * @category schemas
 * @since 0.1.0
 */
export const GrpoStage = Schema.Struct({ kind: Schema.Literals(["manager", "answer"]), ...grpo })

/**
 * The type of `GrpoStage`.
 *
 * @category models
 * @since 0.1.0
 */
export interface GrpoStage extends Schema.Schema.Type<typeof GrpoStage> {}

/**
 * The same with a critic; see `Ppo.Options`. The critic is a model of its own, an adapter of its own where the agents
 * are adapters, or a head on the agent's network (`shared`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const PpoStage = Schema.Struct({ kind: Schema.Literals(["manager", "answer"]), ...ppo })

/**
 * The type of `PpoStage`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PpoStage extends Schema.Schema.Type<typeof PpoStage> {}

/**
 * A run.
 *
 * - `model`: a Hugging Face directory, or the id of a model on the hub, that both agents start from; with `initialize`
 *   its weights are drawn anew, and `lookBack` heads of its first layer begin by attending to one of the tokens just
 *   before. With `lora` the model is frozen, held once in `dtype`, and each agent is an adapter;
 *   `gradientCheckpointing` trades time for memory; `templateOptions` sets variables of its chat template, such as
 *   `enable_thinking`, in training and for the agents that come of it.
 * - `data`: a registered data set, or a module (`./mine.ts#data`), with its own options. `perFact` and `perSpeaker`
 *   limit how many memories a decision and an answer see.
 * - `format`: how decisions and answers are asked for: `compact`, in which the embedded model was trained, the
 *   `paper`'s, for instruction models, or a module (`./mine.ts#format`).
 * - `managerTokens`, `answerTokens`: how long the decisions and answers of a frozen agent may be.
 * - `judge`: the model that a reward asks: a directory or hub id for this machine (`onnx`), or one of Hugging Face's
 *   providers (`hf`, with `HF_TOKEN`).
 * - `stages`: in their order. The paper trains the manager first.
 * - `rounds`: so many times the stages of reinforcement learning are gone through: with one of each kind, the agents
 *   are trained in turn.
 * - `validation`: every so many steps both agents, greedy, answer the questions of so many `dialogues` that are not
 *   trained on (of LoCoMo's file, those of the split); `questions` limits them. After `patience` validations without a
 *   better `metric` a stage ends. With `keep: best` it ends with the weights that had the best one.
 * - `checkpoints`: every so many steps all that the run needs to go on is written, of which the `keepLast` newest are
 *   kept, and the best one.
 * - `tensorBoard`: whether the run folder has an event file.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TrainConfig = Schema.Struct({
  seed: optional(Schema.Int, 1),
  model: Schema.Struct({
    directory: Schema.String,
    initialize: optional(Schema.Boolean, false),
    lookBack: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), 0),
    device: optional(Schema.Literals(["cpu", "webgpu", "cuda", "dml", "coreml"]), "cpu"),
    dtype: optional(Schema.Literals(["float32", "float16", "int8", "int4"]), "float32"),
    lora: Schema.optional(Schema.Struct({
      rank: count,
      alpha: Schema.optional(Schema.Finite.check(Schema.isGreaterThan(0))),
      rsLora: optional(Schema.Boolean, false),
      targetModules: optional(
        Schema.Union([Schema.Literal("all-linear"), Schema.NonEmptyArray(Schema.String)]),
        "all-linear"
      )
    })),
    gradientCheckpointing: optional(Schema.Boolean, false),
    templateOptions: Schema.optional(Schema.Record(Schema.String, Schema.Unknown)),
    threads: Schema.optional(count),
    microBatchTokens: optional(count, 2048)
  }).check(Schema.makeFilter(({ dtype, initialize, lora }) =>
    lora === undefined && dtype !== "float32"
      ? `weights in ${dtype} are frozen: give "lora" for adapters to train, or leave "dtype" out`
      : lora !== undefined && initialize
      ? "an adapter of weights that are drawn anew has nothing to adapt: leave \"initialize\" or \"lora\" out"
      : undefined
  )),
  data: Schema.StructWithRest(
    Schema.Struct({ dataset: Schema.String, perFact: count, perSpeaker: count }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  ),
  format: optional(Schema.String, "compact"),
  managerTokens: optional(count, 72),
  answerTokens: optional(count, 64),
  judge: Schema.optional(
    Schema.Struct({ provider: optional(Schema.Literals(["onnx", "hf"]), "onnx"), model: Schema.String })
  ),
  rounds: optional(count, 1),
  validation: Schema.optional(Schema.Struct({
    every: count,
    dialogues: optional(count, 8),
    questions: Schema.optional(count),
    metric: optional(Schema.Literals(["exactMatch", "f1"]), "exactMatch"),
    patience: Schema.optional(count),
    keep: optional(Schema.Literals(["best", "last"]), "best")
  })),
  checkpoints: optional(Schema.Struct({ every: optional(count, 20), keepLast: optional(count, 2) }), {}),
  tensorBoard: optional(Schema.Boolean, true),
  stages: Schema.NonEmptyArray(Schema.Union([SftStage, PpoStage, GrpoStage])).check(
    Schema.makeFilter((stages) =>
      stages.some(({ kind }, i) => kind === "sft" && i > 0 && stages[i - 1]!.kind !== "sft")
        ? "a supervised stage trains the one model that both agents start from: it cannot follow a stage that " +
          "trains one of them"
        : undefined
    )
  )
}).check(
  Schema.makeFilter(({ judge, stages }) =>
    stages.some((stage) => stage.kind === "answer" && stage.unit === "session")
      ? "an answer is one decision: \"unit\": \"session\" is for stages of the manager"
      : judge === undefined &&
          stages.some((stage) =>
            stage.kind !== "sft" && (stage.reward.answer === "judge" || stage.reward.answer === "f1TimesJudge")
          )
      ? "a reward asks a judge, and there is none: give \"judge\""
      : undefined
  )
)

/**
 * The type of `TrainConfig`.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrainConfig extends Schema.Schema.Type<typeof TrainConfig> {}

/**
 * A stage of a run.
 *
 * @category models
 * @since 0.1.0
 */
export type Stage = TrainConfig["stages"][number]

/**
 * A stage of reinforcement learning.
 *
 * @category models
 * @since 0.1.0
 */
export type ReinforcedStage = GrpoStage | PpoStage

// Which kind a stage is decides what else it may have: checked first, so that a misspelled kind is told all of them.
const Kind = Schema.Struct({ kind: Schema.Literals(["sft", "manager", "answer"]) })
const Kinds = Schema.Struct({ stages: Schema.Array(Kind) })

const Named = Schema.Struct({
  data: Schema.StructWithRest(
    Schema.Struct({ dataset: Schema.String, perFact: Schema.optional(count), perSpeaker: Schema.optional(count) }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  )
})

const described = (path: string) => <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.mapError(effect, (error) => new TrainingError({ reason: `${path}${error.message}` }))

// The options of the data set, with its defaults.
const dataOf = (
  { dataset, perFact, perSpeaker, ...options }: typeof Named.Type["data"],
  { decode, limits }: Dataset.Definition
) =>
  Effect.map(decode(options), (decoded) => ({
    ...decoded,
    dataset,
    perFact: perFact ?? limits.perFact,
    perSpeaker: perSpeaker ?? limits.perSpeaker
  }))

/**
 * The configuration in a JSON value. Unknown keys are refused, so that a misspelled setting is not a silent default.
 * The options of a data set are those that it declares.
 *
 * Paths of modules become absolute; `folder` is what they are relative to (the working directory by default).
 *
 * Fails with a `TrainingError` that names the place of what is wrong.
 *
 * @example
 * ```ts
 * import { Dataset, Registry, TrainConfig } from "@memory-r1/trainer"
 * import { Effect, Schema } from "effect"
 *
 * const mine = Dataset.define({
 *   options: Schema.Struct({ file: Schema.String }),
 *   limits: { perFact: 5, perSpeaker: 30 },
 *   load: () => Effect.fail(new Error("not needed to read a configuration"))
 * })
 * const json = {
 *   model: { directory: "nano" },
 *   data: { dataset: "mine", file: "dialogues.json" },
 *   stages: [{ kind: "manager", steps: 100, learningRate: { peak: 3e-4 } }]
 * }
 * const config = await Effect.runPromise(TrainConfig.decode(json, Registry.make({ datasets: { mine } })))
 * config.stages[0].groupsPerStep // => 16
 * config.data.perSpeaker // => 30
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const decode = Effect.fn("TrainConfig.decode")(
  function*(
    json: unknown,
    registry: Registry.Registry,
    { folder = "." }: { readonly folder?: string | undefined } = {}
  ) {
    yield* described("")(Schema.decodeUnknownEffect(Kinds)(json))
    const named = yield* described("")(Schema.decodeUnknownEffect(Named)(json))
    const from = (name: string): string => Registry.isModule(name) ? resolve(folder, name) : name
    const dataset = from(named.data.dataset)
    const definition = yield* Registry.find(registry, "datasets", dataset)
    const data = yield* described("data: ")(dataOf({ ...named.data, dataset }, definition))
    const config = yield* described("")(
      Schema.decodeUnknownEffect(TrainConfig)(
        { ...(json as object), data },
        { onExcessProperty: "error", errors: "all" }
      )
    )
    const [first, ...rest] = config.stages
    const located = (stage: Stage): Stage =>
      stage.kind === "sft"
        ? { ...stage, data: from(stage.data) }
        : { ...stage, manager: from(stage.manager), reward: { ...stage.reward, answer: from(stage.reward.answer) } }
    return {
      ...config,
      format: from(config.format),
      stages: [located(first), ...rest.map(located)] as const
    } satisfies TrainConfig
  }
)
