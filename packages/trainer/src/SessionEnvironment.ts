/**
 * The Memory Manager's environment over whole sessions: a sequence of decisions, rewarded at its end by the answers
 * from the bank that it led to.
 *
 * A sequence is credited as a whole, which says little about each of its decisions. So a share of the tasks are
 * *re-rollouts* (Memory-R2, arXiv 2605.21768, "LoGo-GRPO"): a group of decisions on one snapshot from the middle of a
 * session, which the policy itself reached; each is followed to the session's end, and what it earns there is credited
 * to that one decision.
 */
import { AnswerAgent, MemoryBank, Retriever } from "@memory-r1/core"
import { type Episode, Simulation } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Cursor from "./Cursor.ts"
import type { Attempt, Resumable, Taken } from "./Environment.ts"
import * as Dialogues from "./internal/dialogues.ts"
import {
  type Failure,
  type Options as ManagerOptions,
  outcomesOf,
  type Reached,
  toldWords
} from "./ManagerEnvironment.ts"

/**
 * Beside those of `ManagerEnvironment`:
 *
 * - `local`: the share of tasks that are re-rollouts, once there are states to begin them from; 0.5 as in Memory-R2.
 * - `longest`: a session of more decisions is cut into sequences of so many; 16 by default.
 */
export interface Options extends ManagerOptions {
  readonly local?: number | undefined
  readonly longest?: number | undefined
}

// A place in the middle of a sequence, which begins at step `from` on bank `start` and ends before step `until`.
interface Branch {
  readonly index: number
  readonly from: number
  readonly at: number
  readonly until: number
  readonly start: MemoryBank.MemoryBank
  readonly bank: MemoryBank.MemoryBank
}

/**
 * The next decision of a sequence: about step `at` of an episode, on the bank that the decisions before it made. `path`
 * are the states that the sequence went through, `edits` and `rejections` what its decisions were so far.
 */
export interface SessionTask extends Branch {
  readonly place: number
  readonly isLocal: boolean
  readonly episode: Episode.Episode
  readonly observation: Simulation.Observation
  readonly path: ReadonlyArray<Branch>
  readonly edits: ReadonlyArray<MemoryBank.Edit>
  readonly rejections: number
}

const Saved = Schema.Struct({
  dialogues: Schema.Unknown,
  branches: Schema.Array(Schema.Struct({
    index: Schema.Int,
    from: Schema.Int,
    at: Schema.Int,
    until: Schema.Int,
    start: MemoryBank.Json,
    bank: MemoryBank.Json
  }))
})

/**
 * The questions that steps are linked to, the last one about each subject, with the largest weight that it had.
 *
 * @example
 * ```ts
 * import { SessionEnvironment } from "@memory-r1/trainer"
 *
 * const fact = { text: "", speaker: "Ann", sources: [] }
 * const home = (id: string, gold: string) => ({ id, question: "Where does Ann live?", gold, subject: "home" })
 * const asked = SessionEnvironment.questionsOf([
 *   { fact, questions: [{ ...home("1", "Oslo"), weight: 3 }] },
 *   { fact, questions: [home("2", "Lima")] }
 * ])
 * asked.map(({ gold, weight }) => [gold, weight]) // => [["Lima", 3]]
 * ```
 */
export const questionsOf = (steps: ReadonlyArray<Episode.Step>): ReadonlyArray<Episode.LinkedQuestion> => {
  const found = new Map<string, Episode.LinkedQuestion>()
  for (const question of steps.flatMap(({ questions }) => questions)) {
    const key = question.subject ?? question.id
    const weight = Math.max(question.weight ?? 1, found.get(key)?.weight ?? 0)
    found.set(key, { ...question, weight })
  }
  return [...found.values()]
}

const endOf = ({ steps }: Episode.Episode, from: number, longest: number): number => {
  let until = from + 1
  while (until < steps.length && until - from < longest && steps[until]!.session === steps[from]!.session) until++
  return until
}

/**
 * Makes the environment over the provided answer agent and retriever.
 */
export const make = Effect.fn("SessionEnvironment.make")(function*(
  options: Options
): Effect.fn.Return<Resumable<SessionTask, Failure>, never, AnswerAgent.AnswerAgent | Retriever.Retriever> {
  const { episodes, format, local = 0.5, longest = 16, maxTokens, perFact } = options
  // These alone: random numbers are those of the step.
  const context = Context.pick(AnswerAgent.AnswerAgent, Retriever.Retriever)(
    yield* Effect.context<AnswerAgent.AnswerAgent | Retriever.Retriever>()
  )
  const dialogues = Dialogues.make(episodes)
  // States in the middle of the sequences that dialogues last went on from.
  let branches: ReadonlyArray<Branch> = []

  const shown = Effect.fnUntraced(function*(task: Omit<SessionTask, "observation">) {
    const observation = yield* Simulation.observe(task, task.episode.steps[task.at]!.fact, { perFact })
    return { ...task, observation } satisfies SessionTask
  }, Effect.provideContext(context))

  const tasks = Effect.fnUntraced(function*(count: number) {
    const rerolled = (yield* Random.shuffle(branches)).slice(0, Math.floor(local * count))
    const fresh = { path: [], edits: [], rejections: 0 }
    const whole = Array.from({ length: count - rerolled.length }, (_, place) => {
      const { bank, episode, index, step } = dialogues.at(place)
      return {
        ...fresh,
        place,
        isLocal: false,
        episode,
        index,
        from: step,
        at: step,
        until: endOf(episode, step, longest),
        start: bank,
        bank
      }
    })
    return yield* Effect.forEach([
      ...whole,
      ...rerolled.map((branch) => ({ ...fresh, ...branch, place: -1, isLocal: true, episode: episodes(branch.index) }))
    ], shown)
  })

  // The task with the bank that a text makes of it.
  const after = ({ task, text }: Taken<SessionTask>) => {
    const { bank, edits, observation, rejections } = task
    const decoded = format.decode(text, observation)
    const made = Simulation.step(Simulation.make({ bank }), observation, decoded)
    return {
      ...task,
      bank: made.simulation.bank,
      edits: [...edits, ...made.edits],
      rejections: rejections + decoded.rejections.length
    }
  }

  const next = (taken: ReadonlyArray<Taken<SessionTask>>) =>
    Effect.forEach(taken, (one) => {
      const { at, path, until } = one.task
      const { from, index, start } = one.task
      if (at + 1 >= until) return Effect.succeed(undefined)
      const changed = after(one)
      return shown({
        ...changed,
        at: at + 1,
        path: [...path, { index, from, at: at + 1, until, start, bank: changed.bank }]
      })
    })

  const score = Effect.fnUntraced(function*(attempts: ReadonlyArray<Attempt<SessionTask>>) {
    const reached = attempts.flatMap(({ task, texts }) =>
      texts.map((text): Reached => {
        const { bank, edits, episode, from, rejections, start, until } = after({ task, text })
        return {
          before: start,
          after: bank,
          edits,
          rejections,
          questions: questionsOf(episode.steps.slice(from, until)),
          toldWords: toldWords(episode, until - 1)
        }
      })
    )
    const outcomes = (yield* outcomesOf(reached, options)).values()
    return attempts.map(({ texts }) => texts.map(() => outcomes.next().value!))
  }, Effect.provideContext(context))

  return {
    name: "manager",
    maxTokens,
    tasks,
    prompt: ({ observation }) => format.prompt(observation),
    score,
    advance: (attempts, chosen) =>
      Effect.sync(() => {
        const whole = attempts.flatMap(({ task, texts }, i) => task.isLocal ? [] : [{ task, text: texts[chosen[i]!]! }])
        for (const one of whole) {
          const dialogue = dialogues.at(one.task.place)
          dialogue.bank = after(one).bank
          dialogue.step = one.task.until
        }
        branches = whole.flatMap(({ task }) => task.path)
      }),
    sequences: { next, credits: ({ isLocal }) => isLocal ? "first" : "all" },
    cursor: Cursor.make(Saved, {
      save: () => ({
        dialogues: dialogues.cursor.save(),
        branches: branches.map((branch) => ({
          ...branch,
          start: MemoryBank.toJson(branch.start),
          bank: MemoryBank.toJson(branch.bank)
        }))
      }),
      restore: (saved) =>
        Effect.map(dialogues.cursor.restore(saved.dialogues), () => {
          branches = saved.branches.map((branch) => ({
            ...branch,
            start: MemoryBank.fromJson(branch.start),
            bank: MemoryBank.fromJson(branch.bank)
          }))
        })
    })
  }
})
