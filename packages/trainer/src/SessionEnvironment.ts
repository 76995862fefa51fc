/**
 * The Memory Manager's environment over whole sessions: a sequence of decisions, rewarded at its end by the answers
 * from the bank that it led to.
 *
 * A sequence is credited as a whole, which says little about each of its decisions. So a share of the tasks are
 * *re-rollouts* (Memory-R2, arXiv 2605.21768, "LoGo-GRPO"): a group of decisions on one snapshot from the middle of a
 * session, which the policy itself reached; each is followed to the session's end, and what it earns there is credited
 * to that one decision.
 *
 * @since 0.1.0
 */
import { AnswerAgent, MemoryBank, Retriever } from "@memory-r1/core"
import { Cursor, type Environment, type Episode, Simulation } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
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
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends ManagerOptions {
  readonly local?: number | undefined
  readonly longest?: number | undefined
}

// A place in the middle of a trajectory, which begins at step `from` on bank `start` and ends before step `until`.
interface Branch {
  readonly index: number
  readonly from: number
  readonly at: number
  readonly until: number
  readonly start: MemoryBank.MemoryBank
  readonly simulation: Simulation.Simulation
}

/**
 * The next decision of a trajectory: about step `at` of an episode, by the agent as the decisions before it left it.
 * `path` are the states that the trajectory went through, `edits` and `rejections` what its decisions were so far.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionState extends Branch {
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
    ...Dialogues.SimulationJson.fields
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
 *
 * @category getters
 * @since 0.1.0
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
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("SessionEnvironment.make")(function*(
  options: Options
): Effect.fn.Return<
  Environment.Environment<SessionState, Failure>,
  never,
  AnswerAgent.AnswerAgent | Retriever.Retriever
> {
  const { episodes, format, local = 0.5, longest = 16, maxTokens, perFact } = options
  // These alone: random numbers are those of the step.
  const context = Context.pick(AnswerAgent.AnswerAgent, Retriever.Retriever)(
    yield* Effect.context<AnswerAgent.AnswerAgent | Retriever.Retriever>()
  )
  const dialogues = Dialogues.make(episodes)
  // States in the middle of the trajectories that dialogues last continued from.
  let branches: ReadonlyArray<Branch> = []

  const observed = Effect.fnUntraced(function*(state: Omit<SessionState, "observation">) {
    const observation = yield* Simulation.observe(state.simulation, state.episode.steps[state.at]!.fact, { perFact })
    return { ...state, observation } satisfies SessionState
  }, Effect.provideContext(context))

  const groups = Effect.fnUntraced(function*(count: number) {
    const rerolled = (yield* Random.shuffle(branches)).slice(0, Math.floor(local * count))
    const fresh = { path: [], edits: [], rejections: 0 }
    const whole = Array.from({ length: count - rerolled.length }, (_, place) => {
      const { episode, index, simulation, step } = dialogues.at(place)
      return {
        ...fresh,
        place,
        isLocal: false,
        episode,
        index,
        from: step,
        at: step,
        until: endOf(episode, step, longest),
        start: simulation.bank,
        simulation
      }
    })
    const again = rerolled.map((branch) => ({
      ...fresh,
      ...branch,
      place: -1,
      isLocal: true,
      episode: episodes(branch.index)
    }))
    const states = yield* Effect.forEach([...whole, ...again], observed)
    return states.map((state) => ({ state, credit: state.isLocal ? "first" : "all" } as const))
  })

  // The state with the agent as an action leaves it.
  const after = ({ state, text }: Environment.Action<SessionState>) => {
    const decoded = format.decode(text, state.observation)
    const made = Simulation.step(state.simulation, state.observation, decoded)
    return {
      ...state,
      simulation: made.simulation,
      edits: [...state.edits, ...made.edits],
      rejections: state.rejections + decoded.rejections.length
    }
  }

  const step = (actions: ReadonlyArray<Environment.Action<SessionState>>) =>
    Effect.forEach(actions, (action) => {
      const { at, from, index, path, start, until } = action.state
      if (at + 1 >= until) return Effect.succeed(undefined)
      const next = after(action)
      const branch: Branch = { index, from, at: at + 1, until, start, simulation: next.simulation }
      return observed({ ...next, at: at + 1, path: [...path, branch] })
    })

  const rewards = Effect.fnUntraced(function*(finished: ReadonlyArray<Environment.FinishedGroup<SessionState>>) {
    const reached = finished.flatMap(({ actions }) =>
      actions.map((action): Reached => {
        const { edits, episode, from, rejections, simulation, start, until } = after(action)
        return {
          before: start,
          after: simulation.bank,
          edits,
          rejections,
          questions: questionsOf(episode.steps.slice(from, until)),
          toldWords: toldWords(episode, until - 1)
        }
      })
    )
    const outcomes = (yield* outcomesOf(reached, options)).values()
    return finished.map(({ actions }) => actions.map(() => outcomes.next().value!))
  }, Effect.provideContext(context))

  return {
    name: "manager",
    maxTokens,
    groups,
    observation: ({ observation }) => format.prompt(observation),
    step,
    rewards,
    advance: (actions) =>
      Effect.sync(() => {
        const whole = actions.filter(({ state }) => !state.isLocal)
        for (const action of whole) {
          const dialogue = dialogues.at(action.state.place)
          dialogue.simulation = after(action).simulation
          dialogue.step = action.state.until
        }
        branches = whole.flatMap(({ state }) => state.path)
      }),
    cursor: Cursor.make(Saved, {
      save: () => ({
        dialogues: dialogues.cursor.save(),
        branches: branches.map(({ simulation, start, ...branch }) => ({
          ...branch,
          start: MemoryBank.toJson(start),
          ...Dialogues.toJson(simulation)
        }))
      }),
      restore: (saved) =>
        Effect.map(dialogues.cursor.restore(saved.dialogues), () => {
          branches = saved.branches.map(({ at, from, index, start, until, ...simulation }) => ({
            index,
            from,
            at,
            until,
            start: MemoryBank.fromJson(start),
            simulation: Dialogues.fromJson(simulation)
          }))
        })
    })
  }
})
