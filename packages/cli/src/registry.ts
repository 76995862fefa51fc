/**
 * What the configurations of this program name.
 */
import type { Episode } from "@memory-r1/core/rl"
import { Locomo, LocomoEpisodes } from "@memory-r1/eval"
import { Copying, Demonstrations, MemoryWorld } from "@memory-r1/memory-world"
import { Dataset, Registry } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

const count = Schema.Int.check(Schema.isGreaterThan(0))
const optional = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

// Dialogues that nothing is trained on, and nobody is measured on in the end.
const validationSeed = 3_900_000_000

/**
 * The Memory World, from dialogue `firstSeed` on, with a share of made-up names (`invented`) and of each kind of event
 * (`weights`). Validation has other people and values.
 */
export const memoryWorld = Dataset.define({
  options: Schema.Struct({
    firstSeed: optional(Schema.Int, 1_000_000),
    invented: optional(Schema.Finite, 0.25),
    weights: Schema.optional(Schema.Struct({
      new: share,
      additive: share,
      replace: share,
      retract: share,
      duplicate: share,
      talk: share
    }))
  }),
  limits: { perFact: 8, perSpeaker: 12 },
  load: ({ firstSeed, ...options }) => {
    const episodes = (more: Dataset.EpisodeOptions) => (index: number) =>
      MemoryWorld.episode(MemoryWorld.generate(firstSeed + index, { ...options, ...more }))
    return Effect.succeed({
      episodes: { decision: episodes, session: episodes, answer: episodes },
      validation: (dialogues) =>
        Array.from(
          { length: dialogues },
          (_, i) => MemoryWorld.episode(MemoryWorld.generate(validationSeed + i, { values: "heldOut" }))
        ),
      teacher: {
        decisions: (more) => (index) => Demonstrations.manager(firstSeed + index, { ...options, ...more }),
        answers: (more) => (index) => Demonstrations.answers(firstSeed + index, { ...options, ...more })
      },
      exercises: {
        repeats: (index) => Copying.repeats(firstSeed + index),
        lookUps: (index) => Copying.lookUps(firstSeed + index),
        additions: (index) => Copying.additions(firstSeed + index)
      }
    })
  }
})
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
 * The dialogues of a file of LoCoMo's kind: those of a split's part to train on, and those of another to validate on.
 * Decisions come in an order drawn from the seed of the run, again and again.
 */
export const locomo = Dataset.define({
  options: Schema.Struct({
    file: Schema.String,
    split: optional(Schema.Literals(["paper", "memoryR2"]), "paper"),
    facts: optional(Schema.Literals(["observations", "turns"]), "observations"),
    window: optional(count, 50),
    categories: optional(Schema.NonEmptyArray(Schema.Int), [1, 2, 3, 4])
  }),
  limits: { perFact: 5, perSpeaker: 30 },
  load: Effect.fnUntraced(function*(data, { seed }) {
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
    return {
      episodes: {
        decision: (options) => around(shuffled(LocomoEpisodes.decisions(train, { ...data, ...options }))),
        session: (options) => around(LocomoEpisodes.sessions(train, { ...data, ...options })),
        answer: (options) => around(LocomoEpisodes.readings(train, { ...data, ...options }))
      },
      play: readings.length,
      validation: (count) => LocomoEpisodes.readings(validation.slice(0, count), data)
    }
  })
})

/**
 * Data sets, and exercises in copying for models from scratch.
 */
export const registry = Registry.make({
  datasets: { "memory-world": memoryWorld, locomo },
  demonstrations: { repeats: Copying.repeats, lookUps: Copying.lookUps, additions: Copying.additions }
})
