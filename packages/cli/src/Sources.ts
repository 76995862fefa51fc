/**
 * Data sets by the names that configurations use.
 */
import { Copying, Demonstrations, Locomo, LocomoEpisodes, MemoryWorld } from "@memory-r1/eval"
import type { Pipeline, TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

const both = <A>(make: A): Readonly<Record<"manager" | "answer", A>> => ({ manager: make, answer: make })

/**
 * The Memory World as training data, from dialogue `firstSeed` on.
 */
export const memoryWorld = ({ firstSeed, ...options }: Demonstrations.Options & { readonly firstSeed: number }): Pipeline.Sources => ({
  episodes: both((index) => MemoryWorld.episode(MemoryWorld.generate(firstSeed + index, options))),
  managerDemonstrations: (index, more) => Demonstrations.manager(firstSeed + index, { ...options, ...more }),
  answerDemonstrations: (index, more) => Demonstrations.answers(firstSeed + index, { ...options, ...more }),
  repeats: (index) => Copying.repeats(firstSeed + index),
  lookUps: (index) => Copying.lookUps(firstSeed + index),
  additions: (index) => Copying.additions(firstSeed + index)
})

/**
 * A file that holds no training data.
 */
export class DataError extends Schema.TaggedError<DataError>()("DataError", { file: Schema.String, reason: Schema.String }) {
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

/**
 * The training dialogues of a file of LoCoMo's kind. Decisions come in an order drawn from `seed`, again and again.
 */
export const locomo = Effect.fn("Sources.locomo")(function*(data: Extract<TrainConfig.TrainConfig["data"], { readonly dataset: "locomo" }>, seed: number) {
  const { dialogues } = yield* Locomo.load(data.file)
  const { train } = Locomo.split(dialogues, data.split)
  const decisions = yield* Random.shuffle(LocomoEpisodes.decisions(train, data)).pipe(Random.withSeed(`${seed}/data`))
  const readings = LocomoEpisodes.readings(train, data)
  if (decisions.length === 0) {
    const wanted = Locomo.splits[data.split].train.join(" and ")
    return yield* new DataError({ file: data.file, reason: `has no question to train on: split ${data.split} trains on ${wanted}, and the file has ${dialogues.map(({ id }) => id).join(", ") || "no dialogue"}` })
  }
  const linked = new Set(decisions.flatMap(({ steps }) => steps.flatMap(({ questions }) => questions.map(({ id }) => id))))
  const asked = readings.reduce((sum, { questions }) => sum + questions.length, 0)
  if (linked.size < asked) yield* Effect.logInfo(`${data.file}: ${asked - linked.size} of ${asked} questions name no turn as evidence; no decision is rewarded by them`)
  const none = () => []
  return {
    episodes: { manager: (index) => decisions[index % decisions.length]!, answer: (index) => readings[index % readings.length]! },
    play: readings.length,
    managerDemonstrations: none,
    answerDemonstrations: none,
    repeats: Copying.repeats,
    lookUps: Copying.lookUps,
    additions: Copying.additions
  } satisfies Pipeline.Sources
})
