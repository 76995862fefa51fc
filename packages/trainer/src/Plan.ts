/**
 * What a run would take, before anything is trained: steps, tokens, memory and time.
 *
 * Prompts are those that the data give when a manager adds every fact, which makes banks as large as they get. How long
 * actions get nobody knows before: tokens and memory are those of actions of full length, times are given for that and
 * for a quarter of it, which is more usual. Playing dialogues for the Answer Agent and for validation is part of the
 * time.
 *
 * @since 0.1.0
 */
import { MemoryManager, Retriever } from "@memory-r1/core"
import { Sampler, Simulation, Statistics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import { tokenize } from "./algorithms/Sft.ts"
import type * as Dataset from "./Dataset.ts"
import { demonstrationsOf } from "./internal/parts.ts"
import { plan } from "./Recipe.ts"
import * as Registry from "./Registry.ts"
import type * as TrainConfig from "./TrainConfig.ts"

/**
 * What an engine and a machine take for the model of a run.
 *
 * - `forward`: seconds of a pass over so many tokens of prompts and of actions.
 * - `decode`: seconds of writing so many tokens in each of so many rows.
 * - `gradient`: seconds of a pass with its gradient.
 * - `memoryBytes`: for so many learners, a reference of its own or none, and the largest step.
 *
 * @category models
 * @since 0.1.0
 */
export interface Engine {
  readonly tokenizer: Sampler.Tokenizer
  readonly contextLength: number
  readonly forward: (promptTokens: number, actionTokens: number) => number
  readonly decode: (rows: number, tokens: number) => number
  readonly gradient: (promptTokens: number, actionTokens: number) => number
  readonly memoryBytes: (run: {
    readonly learners: number
    readonly isHeld: boolean
    readonly stages: ReadonlyArray<Pick<StagePlan, "completionTokens" | "longestPrompt" | "promptTokens">>
  }) => Plan["memoryBytes"]
}

/**
 * One stage. Tokens are of one step; `promptTokens` are counted once for all actions of a prompt. `seconds` are those
 * of the stage with actions of a quarter of their length, `mostSeconds` with actions of full length;
 * `validationSeconds` are a part of `seconds`.
 *
 * @category models
 * @since 0.1.0
 */
export interface StagePlan {
  readonly name: string
  readonly steps: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly longestPrompt: number
  readonly seconds: number
  readonly mostSeconds: number
  readonly validationSeconds: number
}

/**
 * A run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan {
  readonly stages: ReadonlyArray<StagePlan>
  readonly memoryBytes: {
    readonly weights: number
    readonly training: number
    readonly activations: number
    readonly total: number
  }
  readonly tokens: number
  readonly seconds: number
  readonly mostSeconds: number
}

const { mean } = Statistics
const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

// Dialogues that prompts are looked at in.
const sampled = 4
// How many are played side by side for an answer agent's questions; see `AnswerEnvironment`.
const playedAbreast = 32
const usualLength = 0.25
// Members of a group often decide alike, and equal questions of equal banks are answered once.
const distinctAnswers = 0.4

// Lengths of the prompts of decisions and of answers, where everything is added.
const promptsOf = Effect.fnUntraced(
  function*(
    tokenizer: Sampler.Tokenizer,
    sources: Dataset.Dataset,
    format: Registry.Format,
    config: TrainConfig.TrainConfig,
    sessions: number | undefined
  ) {
    const { data: { perFact, perSpeaker }, model } = config
    const lengthOf = (prompt: Parameters<typeof Sampler.promptTokens>[1]) =>
      Effect.map(Sampler.promptTokens(tokenizer, prompt, model.templateOptions), ({ length }) => length)
    const episodes = sources.episodes.answer(sessions === undefined ? {} : { sessions })
    const played = yield* Simulation.play(Array.from({ length: sources.play ?? sampled }, (_, i) => episodes(i)), {
      perFact
    }).pipe(Effect.provide(MemoryManager.layerAddOnly))
    const decisions = yield* Effect.forEach(
      played.flatMap(({ banks, episode }) => episode.steps.map(({ fact }, i) => ({ bank: banks[i]!, fact }))),
      ({ bank, fact }) =>
        Effect.flatMap(
          Simulation.observe({ bank }, fact, { perFact }),
          (observation) => lengthOf(format.manager.prompt(observation))
        )
    )
    const answers = yield* Effect.forEach(
      played.flatMap(({ banks, episode }) =>
        episode.questions.map(({ question }) => ({ bank: banks.at(-1)!, question }))
      ),
      ({ bank, question }) =>
        Effect.flatMap(
          Simulation.ask({ bank }, question, { perSpeaker }),
          (request) => lengthOf(format.answer.prompt(request))
        )
    )
    const single = sources.episodes.decision(sessions === undefined ? {} : { sessions })
    const steps = Array.from({ length: 8 * sampled }, (_, i) => single(i).steps).flat()
    return {
      decisions,
      answers,
      dialogues: played.length,
      questions: mean(steps.map(({ questions }) => questions.length))
    }
  },
  Effect.provide(Retriever.layerBm25)
)

/**
 * Plans a run. The log warns of prompts that do not fit into the model's context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("Plan.make")(function*({ config, engine, registry }: {
  readonly config: TrainConfig.TrainConfig
  readonly registry: Registry.Registry
  readonly engine: Engine
}) {
  const { data, seed } = config
  const { contextLength, decode, forward, gradient, tokenizer } = engine
  const sources = yield* (yield* Registry.find(registry, "datasets", data.dataset)).load(data, { seed })
  const format = yield* Registry.find(registry, "formats", config.format)

  const stages = yield* Effect.forEach(
    plan(config),
    Effect.fnUntraced(function*({ name, stage }) {
      const of = (
        promptTokens: number,
        completionTokens: number,
        longestPrompt: number,
        secondsAt: (length: number) => number,
        validationAt: (length: number) => number = () => 0
      ): StagePlan => ({
        name,
        steps: stage.steps,
        promptTokens: Math.round(promptTokens),
        completionTokens: Math.round(completionTokens),
        longestPrompt,
        seconds: stage.steps * secondsAt(usualLength) + validationAt(usualLength),
        mostSeconds: stage.steps * secondsAt(1) + validationAt(1),
        validationSeconds: validationAt(usualLength)
      })
      if (stage.kind === "sft") {
        const source = yield* demonstrationsOf(stage, sources, registry)
        const groups = Array.from({ length: 64 }, () => source.deal()).flat().map((demonstration) =>
          tokenize(tokenizer, demonstration)
        )
        const prompts = groups.map(({ prompt }) => prompt.length)
        const prompt = stage.groupsPerStep * mean(prompts)
        const completion = stage.groupsPerStep *
          mean(groups.map(({ completions }) => sum(completions.map(({ tokens }) => tokens.length))))
        return of(
          prompt,
          completion,
          Math.max(0, ...prompts),
          () => gradient(prompt, stage.promptLoss ? prompt + completion : completion)
        )
      }
      const { answers, decisions, dialogues, questions } = yield* promptsOf(
        tokenizer,
        sources,
        format,
        config,
        stage.sessions
      )
      const own = stage.kind === "manager" ? decisions : answers
      const members = stage.groupsPerStep * stage.groupSize
      // Whole sessions go on from each of their decisions, one prompt each.
      const later = stage.unit === "session" ? stage.longest - 1 : 0
      const prompt = (stage.groupsPerStep + later * members) * mean(own)
      const completion = (1 + later) * members * stage.maxTokens
      const passes = stage.algorithm === "grpo" ? stage.iterations : 2 * stage.epochs
      // A manager is rewarded by answers, to every question from every bank of a group. For an answer agent's questions
      // whole dialogues are played, so many side by side, one decision after the other; a manager by name takes no
      // time.
      const asked = distinctAnswers * members * questions
      const abreast = sources.play ?? playedAbreast
      const plays = Math.ceil(stage.steps * stage.groupsPerStep * dialogues / Math.max(1, answers.length * abreast))
      const decided = plays * decisions.length / dialogues
      const secondsAt = (length: number): number => {
        const sampling = forward(prompt, 0) + (1 + later) * decode(members, length * stage.maxTokens)
        const learning = passes * gradient(prompt, length * completion) +
          (stage.beta > 0 ? forward(prompt, length * completion) : 0)
        const rewarding = stage.kind === "manager"
          ? forward(asked * mean(answers), 0) + decode(asked, length * config.answerTokens)
          : stage.manager !== "trained"
          ? 0
          : decided / stage.steps *
            (forward(abreast * mean(decisions), 0) + decode(abreast, length * config.managerTokens))
        return sampling + learning + rewarding
      }
      // Validation plays its dialogues with the manager (once, if that is frozen) and asks the answer agent.
      const { dialogues: validated = 0, every = 1, questions: limit = Infinity } = config.validation ?? {}
      const asks = Math.min(limit, validated * answers.length / dialogues)
      const turns = decisions.length / dialogues
      const validations = validated === 0 ? 0 : 1 + Math.ceil(stage.steps / every)
      const validationAt = (length: number): number => {
        const playing = turns *
          (forward(validated * mean(decisions), 0) + decode(validated, length * config.managerTokens))
        const asking = forward(asks * mean(answers), 0) + decode(asks, length * config.answerTokens)
        return validations * asking + Math.min(validations, stage.kind === "manager" ? validations : 1) * playing
      }
      const longest = Math.max(0, ...own)
      if (longest + stage.maxTokens > contextLength) {
        yield* Effect.logWarning(
          `${name}: prompts have up to ${longest} tokens, and ${stage.maxTokens} more do not fit into the model's ` +
            `context of ${contextLength}: they would be omitted`
        )
      }
      return of(prompt, completion, longest, secondsAt, validationAt)
    })
  )

  const reinforced = config.stages.flatMap((stage) => stage.kind === "sft" ? [] : [stage])
  const critics = new Set(reinforced.flatMap((stage) =>
    stage.algorithm === "ppo" && !stage.critic.shared ? [stage.kind] : []
  )).size
  return {
    stages,
    memoryBytes: engine.memoryBytes({
      learners: reinforced.length === 0 ? 1 : 2 + critics,
      isHeld: reinforced.some(({ beta }) => beta > 0),
      stages
    }),
    tokens: sum(stages.map(({ completionTokens, promptTokens, steps }) => steps * (promptTokens + completionTokens))),
    seconds: sum(stages.map(({ seconds }) => seconds)),
    mostSeconds: sum(stages.map(({ mostSeconds }) => mostSeconds))
  } satisfies Plan
})
