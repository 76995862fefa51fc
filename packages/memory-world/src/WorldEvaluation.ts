/**
 * How well a manager and an answer agent do in the Memory World: answers, operations, and how large the banks get.
 *
 * @since 0.1.0
 */
import { type Memory, MemoryBank, MemoryManager } from "@memory-r1/core"
import type { AnswerAgent, Retriever } from "@memory-r1/core"
import { Statistics } from "@memory-r1/core/rl"
import { MemoryOperation, Simulation, TextMetrics } from "@memory-r1/core/rl"
import type { Sampler } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as MemoryWorld from "./MemoryWorld.ts"
import * as Oracle from "./Oracle.ts"

const Answers = Schema.Struct({ n: Schema.Int, exactMatch: Schema.Finite, f1: Schema.Finite })

/**
 * What a system reached.
 *
 * - `n`: questions; `exactMatch` (SQuAD's; of a list: in any order) and `f1` are means over them.
 * - `operations`: how many edits of each kind were made; `operationAccuracy`: the share of turns after which the bank
 *   was as it should be (`Oracle.isRight`), of all turns and by kind of event.
 * - `memories`: the mean size of a bank at the end.
 * - `intervals`: 95 % by bootstrap over dialogues.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Result = Schema.Struct({
  n: Schema.Int,
  dialogues: Schema.Int,
  exactMatch: Schema.Finite,
  f1: Schema.Finite,
  byAnswerKind: Schema.Record(Schema.String, Answers),
  operations: Schema.Struct({ add: Schema.Int, update: Schema.Int, delete: Schema.Int, noop: Schema.Int }),
  operationAccuracy: Schema.Struct({
    overall: Schema.Finite,
    byEvent: Schema.Record(Schema.String, Schema.Finite),
    events: Schema.Record(Schema.String, Schema.Int)
  }),
  memories: Schema.Finite,
  intervals: Schema.Struct({
    exactMatch: Statistics.Interval,
    f1: Statistics.Interval,
    operationAccuracy: Statistics.Interval
  })
})

/**
 * The type of `Result`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Result extends Schema.Schema.Type<typeof Result> {}

type Failure = AiError.AiError | Retriever.RetrieverError | Sampler.SamplerError

/**
 * Plays worlds with the provided manager.
 *
 * @category running
 * @since 0.1.0
 */
export const play = Effect.fn("WorldEvaluation.play")(function*(
  worlds: ReadonlyArray<MemoryWorld.World>,
  options: {
    readonly perFact: number
    readonly phrasing?: MemoryWorld.Options["phrasing"] | undefined
    readonly onStep?: ((step: number, steps: number) => Effect.Effect<void>) | undefined
  }
): Effect.fn.Return<
  ReadonlyArray<Simulation.EpisodeResult>,
  Failure,
  MemoryManager.MemoryManager | Retriever.Retriever
> {
  const { phrasing } = options
  return yield* Simulation.play(worlds.map((world) => MemoryWorld.episode(world, { phrasing })), options)
})

/**
 * A manager that always decides rightly, for the dialogues that it was made for.
 *
 * @category constructors
 * @since 0.1.0
 */
export const oracleManager = (worlds: ReadonlyArray<MemoryWorld.World>): MemoryManager.MemoryManager["Service"] => {
  const key = (speaker: string, source: string | undefined, text: string): string => `${speaker}\n${source}\n${text}`
  const events = new Map(worlds.flatMap((world) => {
    const read = Oracle.reader(world)
    return world.events.map((event) =>
      [key(event.turn.speaker, event.turn.id, event.turn.text), { event, read }] as const
    )
  }))
  return {
    decide: (requests) =>
      Effect.sync(() =>
        requests.map(({ fact, snapshot }) => {
          const found = events.get(key(fact.speaker, fact.sources[0], fact.text))
          const operations = found === undefined
            ? [{ _tag: "Noop" } as const]
            : Oracle.operations(found.event, snapshot, found.read)
          const parsed = { operations: operations.map((operation) => ({ operation, position: 0 })), rejections: [] }
          return { ...MemoryOperation.bind(parsed, snapshot, fact), raw: MemoryOperation.format(operations) }
        })
      )
  }
}

const asSaid = ({ id: _, revision: __, supersedes: ___, ...memory }: Memory.Memory): MemoryBank.Edit =>
  MemoryBank.Edit.Add({ memory })

/**
 * An episode as it would have been with ADD alone: every statement that was written, by an ADD or by an UPDATE, is
 * added when it was written, and nothing is changed or taken back. Use it as the ADD-only baseline of a manager: it
 * holds the same statements, in the words that the answer agent reads, so that what is left between the two is what
 * UPDATE and DELETE are worth.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryManager, Retriever } from "@memory-r1/core"
 * import { MemoryWorld, WorldEvaluation } from "@memory-r1/memory-world"
 * import { Effect } from "effect"
 *
 * const worlds = [MemoryWorld.generate(1)]
 * const [played] = await Effect.runPromise(WorldEvaluation.play(worlds, { perFact: 6 }).pipe(
 *   Effect.provideService(MemoryManager.MemoryManager, WorldEvaluation.oracleManager(worlds)),
 *   Effect.provide(Retriever.layerBm25)
 * ))
 * const [kept, added] = [played!, WorldEvaluation.addOnly(played!)].map(({ banks }) => MemoryBank.size(banks.at(-1)!))
 * kept! < added! // => true
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const addOnly = ({ banks, decisions, episode }: Simulation.EpisodeResult): Simulation.EpisodeResult => {
  const { Add, Noop } = MemoryBank.Edit
  const added: Array<MemoryBank.MemoryBank> = [banks[0]!]
  const adding = decisions.map((decision, i) => {
    let bank = banks[i]!
    const edits = decision.edits.map((edit) => {
      const before = bank
      bank = MemoryBank.apply(bank, edit)
      // What changed nothing, such as an update of what is gone, wrote nothing.
      if (bank === before) return Noop()
      switch (edit._tag) {
        case "Add":
        case "Supersede":
          return Add({ memory: edit.memory })
        case "Update": {
          const { id: _, revision: __, supersedes: ___, ...memory } = Option.getOrThrow(MemoryBank.get(bank, edit.id))
          // Of the turn that it was written for, not of those that the memory came from.
          return Add({ memory: { ...memory, sources: edit.sources ?? [] } })
        }
        case "Delete":
        case "Noop":
          return Noop()
      }
    })
    // What was kept as it was said, since nothing was decided on it, is kept here too.
    const kept = edits.length > 0 ? [] : MemoryBank.diff(banks[i]!, banks[i + 1]!).added
    const made = MemoryBank.transition(added.at(-1)!, [...edits, ...kept.map(asSaid)], { now: 0 })
    added.push(made.bank)
    return { ...decision, edits: made.edits.slice(0, edits.length) }
  })
  return { episode, banks: added, decisions: adding }
}

/**
 * Asks every question of worlds that were played, and measures. Needs the provided answer agent and retriever.
 *
 * @category running
 * @since 0.1.0
 */
export const measure = Effect.fn("WorldEvaluation.measure")(function*(
  worlds: ReadonlyArray<MemoryWorld.World>,
  played: ReadonlyArray<Simulation.EpisodeResult>,
  options: { readonly perSpeaker: number }
): Effect.fn.Return<Result, Failure, AnswerAgent.AnswerAgent | Retriever.Retriever> {
  const asked = yield* Simulation.answer(
    played.flatMap(({ banks, episode }) => episode.questions.map((question) => ({ bank: banks.at(-1)!, question }))),
    options
  )
  const clusters = played.flatMap(({ episode }) => episode.questions.map(() => episode.id))
  const scores = asked.map(({ answer, question }, i) => ({
    cluster: clusters[i]!,
    kind: question.kind ?? "single",
    exactMatch: TextMetrics.squadExactMatch(answer.text, question.gold, question.list),
    f1: TextMetrics.setF1(answer.text, question.gold)
  }))
  const decisions = worlds.flatMap((world, w) => {
    const read = Oracle.reader(world)
    const { banks } = played[w]!
    return world.events.map((event, i) => ({
      cluster: world.dialogue.id,
      kind: event.kind,
      value: Number(Oracle.isRight(event, MemoryBank.memories(banks[i]!), MemoryBank.memories(banks[i + 1]!), read))
    }))
  })
  const edits = played.flatMap(({ decisions }) => decisions.flatMap((decision) => decision.edits))
  const operations = (tag: MemoryBank.Edit["_tag"]): number => edits.filter((edit) => edit._tag === tag).length
  const answers = (of: typeof scores): typeof Answers.Type => ({
    n: of.length,
    exactMatch: Statistics.mean(of.map(({ exactMatch }) => exactMatch)),
    f1: Statistics.mean(of.map(({ f1 }) => f1))
  })
  const by = <A extends { readonly kind: string }, B>(
    items: ReadonlyArray<A>,
    f: (items: ReadonlyArray<A>) => B
  ): Record<string, B> =>
    Object.fromEntries(
      [...Map.groupBy(items, ({ kind }) => kind)].sort(([a], [b]) => a < b ? -1 : 1).map((
        [kind, items]
      ) => [kind, f(items)])
    )
  const interval = (metric: "exactMatch" | "f1") =>
    Statistics.bootstrap(scores.map((score) => ({ cluster: score.cluster, value: score[metric] })))
  return {
    ...answers(scores),
    dialogues: worlds.length,
    byAnswerKind: by(scores, (items) => answers([...items])),
    operations: {
      add: operations("Add"),
      update: operations("Update"),
      delete: operations("Delete"),
      noop: operations("Noop")
    },
    operationAccuracy: {
      overall: Statistics.mean(decisions.map(({ value }) => value)),
      byEvent: by(decisions, (items) => Statistics.mean(items.map(({ value }) => value))),
      events: by(decisions, (items) => items.length)
    },
    memories: Statistics.mean(played.map(({ banks }) => MemoryBank.size(banks.at(-1)!))),
    intervals: {
      exactMatch: yield* interval("exactMatch"),
      f1: yield* interval("f1"),
      operationAccuracy: yield* Statistics.bootstrap(decisions)
    }
  } satisfies Result
})

/**
 * A decision that changed from wrong to right, on banks that held the same about its subject.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  readonly kind: MemoryWorld.EventKind
  readonly turn: string
  readonly memories: ReadonlyArray<string>
  readonly before: string
  readonly after: string
}

/**
 * Decisions that were wrong in one playthrough and right in another, additive updates first, one for each dialogue.
 *
 * @category running
 * @since 0.1.0
 */
export const changes = (
  worlds: ReadonlyArray<MemoryWorld.World>,
  before: ReadonlyArray<Simulation.EpisodeResult>,
  after: ReadonlyArray<Simulation.EpisodeResult>
): ReadonlyArray<Change> => {
  const order: ReadonlyArray<MemoryWorld.EventKind> = ["additive", "replace", "retract", "duplicate", "talk", "new"]
  const found = worlds.flatMap((world, w) => {
    const read = Oracle.reader(world)
    const [old, now] = [before[w]!, after[w]!]
    const candidates = world.events.flatMap((event, i): ReadonlyArray<Change> => {
      const memories = (played: Simulation.EpisodeResult, at: number) => MemoryBank.memories(played.banks[at]!)
      const about = (played: Simulation.EpisodeResult): ReadonlyArray<string> =>
        Oracle.about(event, memories(played, i), read)
      const right = (played: Simulation.EpisodeResult): boolean =>
        Oracle.isRight(event, memories(played, i), memories(played, i + 1), read)
      // A text that is no operation leaves the bank as it was, which at times is right, but it is no decision to show.
      const isDecision = now.decisions[i]!.edits.length > 0
      if (!isDecision || right(old) || !right(now) || about(old).join() !== about(now).join()) return []
      return [{
        kind: event.kind,
        turn: `${event.turn.speaker}: ${event.turn.text}`,
        memories: about(now),
        before: MemoryBank.inWords(old.banks[i]!, old.decisions[i]!.edits),
        after: MemoryBank.inWords(now.banks[i]!, now.decisions[i]!.edits)
      }]
    })
    return candidates.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)).slice(0, 1)
  })
  return found.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}
