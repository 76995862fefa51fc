/**
 * Data sets by the names that configurations use.
 */
import type { Episode } from "@memory-r1/core/rl"
import { Locomo, LocomoEpisodes } from "@memory-r1/eval"
import { Copying, Demonstrations, MemoryWorld } from "@memory-r1/memory-world"
import type { Pipeline, TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

// Dialogues that nothing is trained on, and nobody is measured on in the end.
const validationSeed = 3_900_000_000

/**
 * The Memory World as training data, from dialogue `firstSeed` on. Validation has other people and values.
 */
export const memoryWorld = (
  { firstSeed, ...options }: Demonstrations.Options & { readonly firstSeed: number }
): Pipeline.Sources => {
  const also = <A extends Pipeline.EpisodeOptions>(more: A) => ({
    ...options,
    ...more,
    sessions: more.sessions ?? options.sessions
  })
  const episodes = (more: Pipeline.EpisodeOptions) => (index: number) =>
    MemoryWorld.episode(MemoryWorld.generate(firstSeed + index, also(more)))
  return {
    episodes: { decision: episodes, session: episodes, answer: episodes },
    validation: (dialogues) =>
      Array.from(
        { length: dialogues },
        (_, i) => MemoryWorld.episode(MemoryWorld.generate(validationSeed + i, { values: "heldOut" }))
      ),
    managerDemonstrations: (index, more) => Demonstrations.manager(firstSeed + index, also(more)),
    answerDemonstrations: (index, more) => Demonstrations.answers(firstSeed + index, also(more)),
    repeats: (index) => Copying.repeats(firstSeed + index),
    lookUps: (index) => Copying.lookUps(firstSeed + index),
    additions: (index) => Copying.additions(firstSeed + index)
  }
}

/**
 * A file that holds no training data.
 */
export class DataError
  extends Schema.TaggedError<DataError>()("DataError", { file: Schema.String, reason: Schema.String })
{
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

/**
 * The dialogues of a file of LoCoMo's kind, those of a split's part to train on and those of another to validate on.
 * Decisions come in an order drawn from `seed`, again and again.
 */
export const locomo = Effect.fn("Sources.locomo")(
  function*(data: Extract<TrainConfig.TrainConfig["data"], { readonly dataset: "locomo" }>, seed: number) {
    const { dialogues } = yield* Locomo.load(data.file)
    const { train, validation } = Locomo.split(dialogues, data.split)
    const decisions = LocomoEpisodes.decisions(train, data)
    const readings = LocomoEpisodes.readings(train, data)
    if (decisions.length === 0) {
      const wanted = Locomo.splits[data.split].train.join(" and ")
      return yield* new DataError({
        file: data.file,
        reason: `has no question to train on: split ${data.split} trains on ${wanted}, and the file has ${
          dialogues.map(({ id }) => id).join(", ") || "no dialogue"
        }`
      })
    }
    const linked = new Set(
      decisions.flatMap(({ steps }) => steps.flatMap(({ questions }) => questions.map(({ id }) => id)))
    )
    const asked = readings.reduce((sum, { questions }) => sum + questions.length, 0)
    if (linked.size < asked) {
      yield* Effect.logInfo(
        `${data.file}: ${
          asked - linked.size
        } of ${asked} questions name no turn as evidence; no decision is rewarded by them`
      )
    }
    const shuffled = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> =>
      Effect.runSync(Random.withSeed(Random.shuffle(items), `${seed}/data`))
    const around = (episodes: ReadonlyArray<Episode.Episode>) => (index: number) => episodes[index % episodes.length]!
    const none = () => []
    return {
      episodes: {
        decision: (options) => around(shuffled(LocomoEpisodes.decisions(train, { ...data, ...options }))),
        session: (options) => around(LocomoEpisodes.sessions(train, { ...data, ...options })),
        answer: (options) => around(LocomoEpisodes.readings(train, { ...data, ...options }))
      },
      play: readings.length,
      validation: (count) => LocomoEpisodes.readings(validation.slice(0, count), data),
      managerDemonstrations: none,
      answerDemonstrations: none,
      repeats: Copying.repeats,
      lookUps: Copying.lookUps,
      additions: Copying.additions
    } satisfies Pipeline.Sources
  }
)
