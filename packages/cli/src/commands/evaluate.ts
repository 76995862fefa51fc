/**
 * `memory-r1 eval` and `memory-r1 score`
 *
 * @since 0.1.0
 */
import { AnswerAgent, MemoryManager, Retriever } from "@memory-r1/core"
import { DialogueFile, Evaluation, Locomo, Score } from "@memory-r1/eval"
import { Agents } from "@memory-r1/trainer"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Engine from "../Engine.ts"
import * as Output from "../Output.ts"
import * as RunFile from "../RunFile.ts"
import { count } from "../shared.ts"

/**
 * A system that is neither a known name nor a run folder.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownSystem extends Schema.TaggedError<UnknownSystem>()("UnknownSystem", { system: Schema.String }) {
  override get message(): string {
    return `unknown system ${this.system}: use ${
      Object.keys(Evaluation.baselines).join(" or ")
    }, or a run folder with manager/ and answer/ in it`
  }
}

const data = Flag.String("data").pipe(Flag.withDescription("the file of the data set"))
const names = ["locomo", "memory-world"] as const
const isName = Schema.is(Schema.Literals(names))
const dataset = Flag.Literals("dataset", names).pipe(
  Flag.withDescription(
    "locomo asks categories 1 to 4; memory-world is any file in the same schema and asks every question"
  )
)

const load = Effect.fnUntraced(function*(name: typeof names[number], file: string) {
  if (name === "locomo") return { ...(yield* Locomo.load(file)), categories: Locomo.answered }
  const read = yield* DialogueFile.read(file)
  const categories = new Set(read.dialogues.flatMap(({ questions }) => questions.map(({ category }) => category)))
  return { ...read, dataset: name, categories: [...categories] }
})

/**
 * A file without observations, where memories were to be made from them.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoObservations extends Schema.TaggedError<NoObservations>()("NoObservations", { file: Schema.String }) {
  override get message(): string {
    return `${this.file}: no observations to make memories from: use --facts turns`
  }
}

// The facts of a dialogue by the name of the flag.
const factsOf = { turns: Evaluation.turnFacts, observations: Evaluation.observationFacts } as const

const number = (value: number | undefined): string => value === undefined ? "-" : value.toFixed(4)

const metricLines = ({ metrics, n, seconds, system }: Evaluation.Result): ReadonlyArray<string> => {
  const row = (
    name: string,
    { bleu1, evidenceRecall, evidenceRecallAt10, evidenceRecallAt30, exactMatch, f1, n }: Evaluation.Metrics
  ): string =>
    [
      name.padEnd(10),
      String(n).padStart(5),
      number(exactMatch),
      number(f1),
      number(bleu1),
      number(evidenceRecall),
      number(evidenceRecallAt10),
      number(evidenceRecallAt30)
    ]
      .map((cell, i) => i < 2 ? cell : cell.padStart(8)).join("  ")
  return [
    `${system}: ${n} questions in ${seconds.toFixed(1)} s`,
    ["category  ", "    n", "      EM", "      F1", "  BLEU-1", "  recall", "  rec@10", "  rec@30"].join("  "),
    ...Object.entries(metrics.byCategory).map(([category, of]) => row(category, of)),
    row("all", metrics.overall)
  ]
}

// The two trained agents of a run folder, as a system and its answer agent.
const trained = Effect.fnUntraced(
  function*(folder: string, facts: Evaluation.ManagedOptions["facts"], perFact: number) {
    const path = yield* Path.Path
    const limits = yield* RunFile.limits(folder)
    const load = Effect.fnUntraced(function*(directory: string) {
      return (yield* Engine.agent(directory, limits.model?.templateOptions)).learner
    })
    const manager = Agents.managerOf((yield* load(path.join(folder, "manager"))).sampler, limits)
    const answer = Agents.answerAgentOf((yield* load(path.join(folder, "answer"))).sampler, limits)
    const system = Evaluation.managed({ name: folder, facts, perFact })
    return {
      system: {
        ...system,
        build: (...of: Parameters<typeof system.build>) =>
          Effect.provideService(system.build(...of), MemoryManager.MemoryManager, manager)
      },
      answer
    }
  }
)

/**
 * `memory-r1 eval --dataset NAME --data FILE --system NAME_OR_RUN_DIR [--limit N]`
 *
 * @category running
 * @since 0.1.0
 */
export const evaluate = Command.make(
  "eval",
  {
    dataset,
    data,
    system: Flag.String("system").pipe(Flag.withDescription("bm25, add-only, or a run folder of trained agents")),
    facts: Flag.Literals("facts", ["turns", "observations"]).pipe(
      Flag.withDescription("the source of memories: turns, or the facts that come with the file"),
      Flag.withDefault("turns" as const)
    ),
    perSpeaker: count("per-speaker").pipe(
      Flag.withDescription("memories of each speaker that the answer agent sees"),
      Flag.withDefault(30)
    ),
    perFact: count("per-fact").pipe(
      Flag.withDescription("memories that a trained manager sees"),
      Flag.withDefault(8)
    ),
    limit: count("limit").pipe(Flag.withDescription("ask only the first N questions"), Flag.optional)
  },
  Effect.fn(function*({ data, dataset, facts, limit, perFact, perSpeaker, system }) {
    const loaded = yield* load(dataset, data)
    const { dialogues } = loaded
    if (
      facts === "observations" && dialogues.length > 0 &&
      dialogues.every(({ observations }) => observations.length === 0)
    ) {
      return yield* new NoObservations({ file: data })
    }
    const options = { ...loaded, perSpeaker, ...(Option.isSome(limit) ? { limit: limit.value } : {}) }
    const run = Effect.gen(function*() {
      const given = { facts: factsOf[facts] }
      if (system === "bm25") return yield* Evaluation.run({ ...options, system: Evaluation.baselines.bm25(given) })
      if (system === "add-only") {
        return yield* Evaluation.run({ ...options, system: Evaluation.baselines["add-only"](given) })
      }
      const files = yield* FileSystem.FileSystem
      if (!(yield* files.exists(system))) {
        return yield* new UnknownSystem({ system })
      }
      const agents = yield* trained(system, factsOf[facts], perFact)
      return yield* Evaluation.run({ ...options, system: agents.system }).pipe(
        Effect.provideService(AnswerAgent.AnswerAgent, agents.answer)
      )
    })
    const result = yield* run.pipe(
      Effect.scoped,
      Effect.provide([AnswerAgent.layerExtractive, Retriever.layerBm25])
    )
    yield* Output.document(result, metricLines(result))
  })
).pipe(Command.withDescription("Answer every question of a data set and print metrics by category"))

/**
 * Predictions that cannot be scored without the data set.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoGoldAnswers extends Schema.TaggedError<NoGoldAnswers>()("NoGoldAnswers", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.reason}: add --data with the data set, or predictions with question, answer and ` +
      `category`
  }
}

/**
 * `memory-r1 score --dataset NAME [--data FILE] --predictions FILE`. Without a data set, the gold answers come with the
 * predictions, `sha256` is the hash of their file, and the name can be any.
 *
 * @category running
 * @since 0.1.0
 */
export const score = Command.make(
  "score",
  {
    dataset: Flag.String("dataset").pipe(
      Flag.withDescription(
        "locomo scores categories 1 to 4; memory-world is any file in the same schema; without --data, any name"
      )
    ),
    data: data.pipe(
      Flag.withDescription("the file of the data set; optional if predictions include question, answer and category"),
      Flag.optional
    ),
    predictions: Flag.String("predictions").pipe(
      Flag.withDescription(
        "JSON lines of {id, prediction}, or JSON of {question, answer, response, category} items; null is no prediction"
      )
    )
  },
  Effect.fn(function*({ data, dataset: name, predictions: file }) {
    if (Option.isNone(data)) {
      const read = yield* Score.read(file)
      const categories = name === "locomo" ? { categories: Locomo.answered } : {}
      const result = yield* Score.standalone({ ...read, ...categories, dataset: name, file, system: file }).pipe(
        Effect.catchTag(
          "UnknownQuestions",
          ({ count, questions }) =>
            Effect.fail(new NoGoldAnswers({ file, reason: `${questions.join(", ")} (${count} in all)` }))
        )
      )
      if (result.n === 0) return yield* new NoGoldAnswers({ file, reason: "nothing to score" })
      return yield* Output.document(result, metricLines(result))
    }
    if (!isName(name)) {
      const expected = names.map((name) => `"${name}"`).join(" | ")
      return yield* new CliError.InvalidValue({ option: "dataset", value: name, expected, kind: "flag" })
    }
    const { categories, dialogues, dataset, sha256 } = yield* load(name, data.value)
    const { predictions } = yield* Score.read(file)
    const result = yield* Score.against({ dataset, sha256, dialogues, predictions, file, system: file, categories })
    yield* Output.document(result, metricLines(result))
  })
).pipe(Command.withDescription("Compute metrics of existing answers"))
