/**
 * Dialogues of LoCoMo's kind as training data, as Memory-R1 makes it (paper, algorithms 1 and 2).
 *
 * @since 0.1.0
 */
import { MemoryBank } from "@memory-r1/core"
import type { Turn } from "@memory-r1/core"
import { Dialogue } from "@memory-r1/core/rl"
import { type Episode } from "@memory-r1/core/rl"
import * as Locomo from "./Locomo.ts"

/**
 * - `facts`: what is decided on: the `observations` that LoCoMo's file has, one or more for most turns, or the `turns`
 *   as they were said. (The paper has them extracted by a language model.)
 * - `window`: how many turns before a decision its bank is made of. Algorithm 1 of the paper says 50, its text 24.
 * - `categories`: of questions; all but 5 if omitted, as in the paper.
 * - `sessions`: only the first so many of each dialogue, and the questions that they answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly facts?: "observations" | "turns" | undefined
  readonly window?: number | undefined
  readonly categories?: ReadonlyArray<number> | undefined
  readonly sessions?: number | undefined
}

// The beginning of a dialogue. A question is kept where all of its evidence is; one without evidence may be about what
// is cut off.
const beginning = (dialogue: Dialogue.Dialogue, count: number | undefined): Dialogue.Dialogue => {
  if (count === undefined || count >= dialogue.sessions.length) return dialogue
  const sessions = dialogue.sessions.slice(0, count)
  const said = new Set(sessions.flatMap(({ turns }) => turns.map(({ id }) => id)))
  return {
    ...dialogue,
    sessions,
    observations: dialogue.observations.filter(({ sources }) => said.has(sources[0]!)),
    questions: dialogue.questions.filter(({ evidence }) => evidence.length > 0 && evidence.every((id) => said.has(id)))
  }
}

const verbatim = (turn: Dialogue.Turn): Turn.Fact => ({
  text: Dialogue.line(turn).slice(turn.speaker.length + 2),
  speaker: turn.speaker,
  sources: [turn.id],
  observedAt: turn.observedAt
})

// The facts of every turn. A turn that a question depends on is never without one.
const factsOf = (dialogue: Dialogue.Dialogue, kind: "observations" | "turns", needed: ReadonlySet<string>) =>
  Dialogue.turns(dialogue).map((turn) => {
    const observed = dialogue.observations.filter(({ sources }) => sources[0] === turn.id)
    return {
      turn,
      facts: kind === "turns" || (observed.length === 0 && needed.has(turn.id)) ? [verbatim(turn)] : observed
    }
  })

const linked = ({ answer, id, kind, question }: Dialogue.Question): Episode.LinkedQuestion => ({
  id,
  question,
  gold: answer,
  ...(kind === undefined ? {} : { kind, list: kind === "list" })
})

/**
 * For the Memory Manager: an episode for each turn that questions depend on. It begins with the temporal bank, to which
 * the facts of the turns before were added one by one, and has a step for each fact of the turn, with the questions
 * whose evidence the turn is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const decisions = (
  dialogues: ReadonlyArray<Dialogue.Dialogue>,
  options: Options = {}
): ReadonlyArray<Episode.Episode> => {
  const { categories = Locomo.answered, facts: kind = "observations", sessions, window = 50 } = options
  return dialogues.map((dialogue) => beginning(dialogue, sessions)).flatMap((dialogue) => {
    const questions = dialogue.questions.filter(({ category }) => categories.includes(category))
    const turns = factsOf(dialogue, kind, new Set(questions.flatMap(({ evidence }) => evidence)))
    return turns.flatMap(({ facts, turn }, at): ReadonlyArray<Episode.Episode> => {
      const depending = questions.filter(({ evidence }) => evidence.includes(turn.id)).map(linked)
      if (depending.length === 0) return []
      const before = turns.slice(Math.max(0, at - window), at).flatMap(({ facts }) => facts)
      const start = MemoryBank.applyAll(MemoryBank.empty, before.map((fact) => MemoryBank.Edit.Add({ memory: fact })))
      return [{
        id: `${dialogue.id}/${turn.id}`,
        start,
        steps: facts.map((fact) => ({ fact, questions: depending })),
        questions: []
      }]
    })
  })
}

// Whole dialogues, a step for each fact.
const whole = (
  dialogues: ReadonlyArray<Dialogue.Dialogue>,
  options: Omit<Options, "window">,
  linkedTo: (depending: ReadonlyArray<Dialogue.Question>) => ReadonlyArray<Dialogue.Question>
): ReadonlyArray<Episode.Episode> => {
  const { categories = Locomo.answered, facts: kind = "observations", sessions } = options
  return dialogues.map((dialogue) => beginning(dialogue, sessions)).map((dialogue) => {
    const questions = dialogue.questions.filter(({ category }) => categories.includes(category))
    const turns = factsOf(dialogue, kind, new Set(questions.flatMap(({ evidence }) => evidence)))
    const sessionOf = new Map(
      dialogue.sessions.flatMap(({ index, turns }) => turns.map(({ id }) => [id, index] as const))
    )
    return {
      id: dialogue.id,
      steps: turns.flatMap(({ facts, turn }) => {
        const depending = linkedTo(questions.filter(({ evidence }) => evidence.includes(turn.id))).map(linked)
        return facts.map((fact) => ({ fact, session: sessionOf.get(turn.id)!, questions: depending }))
      }),
      questions: questions.map(linked)
    }
  })
}

/**
 * For the Memory Manager, session by session: whole dialogues from an empty bank, a step for each fact, with the
 * questions whose evidence its turn is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sessions = (
  dialogues: ReadonlyArray<Dialogue.Dialogue>,
  options: Omit<Options, "window"> = {}
): ReadonlyArray<Episode.Episode> => whole(dialogues, options, (depending) => depending)

/**
 * For the Answer Agent, and to be measured on: whole dialogues, which a manager makes banks of, with all their
 * questions.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readings = (
  dialogues: ReadonlyArray<Dialogue.Dialogue>,
  options: Omit<Options, "window"> = {}
): ReadonlyArray<Episode.Episode> => whole(dialogues, options, () => [])
