/**
 * What a run would take: steps, tokens, memory and time, by arithmetic and one short measurement of this machine. No
 * weights are loaded.
 *
 * Prompts are those that the data give when a manager adds every fact, which makes banks as large as they get. How long
 * completions get nobody knows before: tokens and memory are those of completions of full length, times are given for
 * that and for a quarter of it, which is more usual. They are right within a factor of two or so.
 */
import { Adapter, Checkpoint, Machine } from "@memory-r1/backend-onnx"
import { MemoryManager, Retriever } from "@memory-r1/core"
import { Sampler, Simulation, Statistics } from "@memory-r1/core/rl"
import { type Dataset, Recipe, Registry, Sft, type TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Arithmetic from "./arithmetic.ts"
import * as Engine from "./Engine.ts"
import { registry } from "./registry.ts"

/**
 * One stage. Tokens are of one step; `promptTokens` are counted once for all completions of a prompt. `seconds` are
 * those of the stage with completions of a quarter of their length, `mostSeconds` with completions of full length.
 */
export interface StageEstimate {
  readonly name: string
  readonly steps: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly longestPrompt: number
  readonly seconds: number
  readonly mostSeconds: number
}

/**
 * A run.
 */
export interface Estimate {
  readonly parameters: number
  readonly trained: number
  readonly contextLength: number
  readonly stages: ReadonlyArray<StageEstimate>
  readonly memoryBytes: {
    readonly weights: number
    readonly training: number
    readonly activations: number
    readonly total: number
  }
  readonly tokens: number
  readonly seconds: number
  readonly mostSeconds: number
  readonly gflops: number
}

const { mean } = Statistics
const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

// Dialogues that prompts are looked at in.
const sampled = 4
// How many are played side by side for an answer agent's questions; see `AnswerEnvironment`.
const playedAbreast = 32
// Part of the bare rate of products that whole passes reach (docs/engine.md), and what a step of decoding takes beside
// reading the weights.
const efficiency = 0.45
const usualLength = 0.25
// Members of a group often decide alike, and equal questions of equal banks are answered once.
const distinctAnswers = 0.4
const bytesPerSecond = 10e9
const secondsPerLayer = 0.3e-3

type Tokenizer = Checkpoint.Description["tokenizer"]

// Lengths of the prompts of decisions and of answers, where everything is added.
const promptsOf = Effect.fnUntraced(
  function*(
    tokenizer: Tokenizer,
    sources: Dataset.Dataset,
    config: TrainConfig.TrainConfig,
    sessions: number | undefined
  ) {
    const { data: { perFact, perSpeaker }, model } = config
    const format = yield* Registry.find(registry, "formats", config.format)
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
 * Estimates a run.
 */
export const estimate = Effect.fn("DryRun.estimate")(function*(config: TrainConfig.TrainConfig) {
  const { data, model, seed } = config
  const sources = yield* (yield* Registry.find(registry, "datasets", data.dataset)).load(data, { seed })
  const checkpoint = yield* Checkpoint.open(yield* Engine.directory(model.directory))
  const { decoder, layout, tokenizer } = checkpoint
  const parameters = sum(layout.parameters.map(({ size }) => size))
  const adapter = model.lora === undefined ? undefined : yield* Adapter.initialize(checkpoint, model.lora, seed)
  const trained = adapter === undefined ? parameters : sum(adapter.layout.parameters.map(({ size }) => size))
  const gflops = yield* Machine.productRate(model.threads === undefined ? {} : { threads: model.threads })

  const rate = efficiency * gflops * 1e9
  const weightBytes = parameters * Arithmetic.bytesPerWeight[model.dtype]
  const forward = (prompt: number, completion: number): number =>
    (prompt * Arithmetic.flopsPerToken(decoder, false) + completion * Arithmetic.flopsPerToken(decoder, true)) / rate
  // Rows are decoded side by side; reading the weights takes as long for many as for one.
  const decoding = (rows: number, tokens: number): number =>
    tokens * Math.ceil(rows / 256) * (weightBytes / bytesPerSecond + decoder.layers * secondsPerLayer) +
    forward(0, rows * tokens)
  // A gradient passes over everything about twice more, an adapter's once.
  const gradient = (prompt: number, completion: number): number =>
    (adapter === undefined ? 3 : 2) * forward(prompt, completion)

  const stages = yield* Effect.forEach(
    Recipe.plan(config),
    Effect.fnUntraced(function*({ name, stage }) {
      const of = (
        promptTokens: number,
        completionTokens: number,
        longestPrompt: number,
        secondsAt: (length: number) => number
      ): StageEstimate => ({
        name,
        steps: stage.steps,
        promptTokens: Math.round(promptTokens),
        completionTokens: Math.round(completionTokens),
        longestPrompt,
        seconds: stage.steps * secondsAt(usualLength),
        mostSeconds: stage.steps * secondsAt(1)
      })
      if (stage.kind === "sft") {
        const source = yield* Recipe.demonstrationsOf(stage, sources, registry)
        const groups = Array.from({ length: 64 }, () => source.deal()).flat().map((demonstration) =>
          Sft.tokenize(tokenizer, demonstration)
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
      const { answers, decisions, dialogues, questions } = yield* promptsOf(tokenizer, sources, config, stage.sessions)
      const own = stage.kind === "manager" ? decisions : answers
      const members = stage.groupsPerStep * stage.groupSize
      // Whole sessions go on from each of their decisions, one prompt each.
      const later = stage.unit === "session" ? stage.longest - 1 : 0
      const prompt = (stage.groupsPerStep + later * members) * mean(own)
      const completion = (1 + later) * members * stage.maxTokens
      const passes = stage.algorithm === "grpo" ? stage.iterations : 2 * stage.epochs
      // A manager is rewarded by answers, to every question from every bank of a group. For an answer agent's questions
      // whole dialogues are played, so many side by side, one decision after the other.
      const asked = distinctAnswers * members * questions
      const abreast = sources.play ?? playedAbreast
      const plays = Math.ceil(stage.steps * stage.groupsPerStep * dialogues / Math.max(1, answers.length * abreast))
      const decided = plays * decisions.length / dialogues
      const secondsAt = (length: number): number => {
        const sampling = forward(prompt, 0) + (1 + later) * decoding(members, length * stage.maxTokens)
        const learning = passes * gradient(prompt, length * completion) +
          (stage.beta > 0 ? forward(prompt, length * completion) : 0)
        const rewarding = stage.kind === "manager"
          ? forward(asked * mean(answers), 0) + decoding(asked, length * config.answerTokens)
          : decided / stage.steps *
            (forward(abreast * mean(decisions), 0) + decoding(abreast, length * config.managerTokens))
        return sampling + learning + rewarding
      }
      const longest = Math.max(0, ...own)
      if (longest + stage.maxTokens > decoder.contextLength) {
        yield* Effect.logWarning(
          `${name}: prompts have up to ${longest} tokens, and ${stage.maxTokens} more do not fit into the model's ` +
            `context of ${decoder.contextLength}: such tasks would be omitted`
        )
      }
      return of(prompt, completion, longest, secondsAt)
    })
  )

  const reinforced = config.stages.flatMap((stage) => stage.kind === "sft" ? [] : [stage])
  const critics = new Set(reinforced.flatMap((stage) =>
    stage.algorithm === "ppo" && !stage.critic.shared ? [stage.kind] : []
  )).size
  const learners = reinforced.length === 0 ? 1 : 2 + critics
  const isHeld = reinforced.some(({ beta }) => beta > 0)
  const copies = adapter === undefined ? learners + (isHeld ? 1 : 0) : 1
  const longest = Math.max(...stages.map(({ longestPrompt }) => longestPrompt))
  // Of one micro-batch: activations, and logits with their gradient. The weights of attention are held for prompts of
  // up to 512 tokens.
  const held = Math.min(
    model.microBatchTokens,
    Math.max(...stages.map(({ completionTokens, promptTokens }) => promptTokens + completionTokens))
  )
  const activations =
    held * Arithmetic.activationBytesPerToken(decoder, longest <= 512 ? longest : 0, model.gradientCheckpointing) +
    Math.min(held, Math.max(...stages.map(({ completionTokens }) => completionTokens))) * decoder.vocabularySize * 4 * 3
  const cache = Math.max(...stages.map(({ completionTokens, promptTokens }) =>
    Math.min(promptTokens + completionTokens, 4096 + completionTokens)
  )) * Arithmetic.cacheBytesPerToken(decoder)
  // A gradient, one more that is added to it, and Adam's two moments; an adapter's weights themselves.
  const training = learners * trained * 4 * (adapter === undefined ? 4 : 5)
  const memoryBytes = { weights: copies * weightBytes, training, activations: activations + cache }
  return {
    parameters,
    trained,
    contextLength: decoder.contextLength,
    stages,
    memoryBytes: { ...memoryBytes, total: sum(Object.values(memoryBytes)) + 2e8 },
    tokens: sum(stages.map(({ completionTokens, promptTokens, steps }) =>
      steps * (promptTokens + completionTokens)
    )),
    seconds: sum(stages.map(({ seconds }) => seconds)),
    mostSeconds: sum(stages.map(({ mostSeconds }) => mostSeconds)),
    gflops
  } satisfies Estimate
})

const count = (value: number): string => Math.round(value).toLocaleString("en")
const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
const duration = (seconds: number): string =>
  seconds < 90
    ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
    : seconds < 5400
    ? `${(seconds / 60).toFixed(0)} min`
    : `${(seconds / 3600).toFixed(1)} h`

/**
 * Lines for people.
 */
export const lines = (
  { contextLength, gflops, memoryBytes, mostSeconds, parameters, seconds, stages, tokens, trained }: Estimate
): ReadonlyArray<string> => [
  `${count(parameters)} parameters, ${trained === parameters ? "all" : count(trained)} trained; a context of ${
    count(contextLength)
  } tokens; ${gflops.toFixed(0)} GFLOP/s in a bare product`,
  ...stages.map(({ completionTokens, longestPrompt, mostSeconds, name, promptTokens, seconds, steps }) =>
    `${name}: ${count(steps)} steps of at most ${count(promptTokens)} + ${
      count(completionTokens)
    } tokens (prompts of up to ${count(longestPrompt)}), about ${duration(seconds / steps)} each, ${
      duration(seconds)
    } (at most ${duration(mostSeconds)})`
  ),
  `memory: weights ${gibibytes(memoryBytes.weights)}, gradients and moments ${
    gibibytes(memoryBytes.training)
  }, activations ${gibibytes(memoryBytes.activations)}; ${gibibytes(memoryBytes.total)} in all`,
  `in all at most ${count(tokens)} tokens, about ${duration(seconds)} (at most ${
    duration(mostSeconds)
  }); nothing was trained`
]
