/**
 * Dialogues of two people with questions about them: what data sets are made of, for training and for evaluation.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Core from "../Turn.ts"

/**
 * A turn, with the caption of the picture that was shared in it, if there was one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Turn = Schema.Struct({ ...Core.Turn.fields, caption: Schema.optional(Schema.String) })

/**
 * The type of `Turn`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Turn extends Schema.Schema.Type<typeof Turn> {}

/**
 * One conversation of a dialogue. `observedAt` is the data set's own time stamp, such as `1:56 pm on 8 May, 2023`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Session = Schema.Struct({
  index: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  observedAt: Schema.optional(Schema.String),
  turns: Schema.Array(Turn),
  summary: Schema.optional(Schema.String)
})

/**
 * The type of `Session`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Session extends Schema.Schema.Type<typeof Session> {}

/**
 * A question about a dialogue.
 *
 * - `id`: `conv-26/0`, the dialogue's id and the place in its list, unless the file names another.
 * - `answer`: the gold answer; empty where the dialogue does not answer the question (LoCoMo's category 5).
 * - `evidence`: ids of the turns that hold the answer.
 * - `kind`: what the answer is, where the data set says so; a `list` is compared without regard to its order.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Question = Schema.Struct({
  id: Schema.NonEmptyString,
  question: Schema.String,
  answer: Schema.String,
  category: Schema.Int,
  evidence: Schema.Array(Schema.String),
  kind: Schema.optional(Schema.Literals(["single", "list", "date", "none"])),
  adversarialAnswer: Schema.optional(Schema.String)
})

/**
 * The type of `Question`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question extends Schema.Schema.Type<typeof Question> {}

const DialogueStruct = Schema.Struct({
  id: Schema.NonEmptyString,
  speakers: Schema.Tuple([Schema.String, Schema.String]),
  sessions: Schema.Array(Session),
  questions: Schema.Array(Question),
  observations: Schema.Array(Core.Fact)
})

const placesOf = (ids: ReadonlyArray<string>): ReadonlyMap<string, number> =>
  new Map(ids.map((id, place) => [id, place] as const))

/**
 * The order of facts: by the first turn that says them, of one turn in the order of `speakers`. `ids` are those of the
 * dialogue's turns, oldest first.
 *
 * @category combinators
 * @since 0.1.0
 */
export const factOrder = (ids: ReadonlyArray<string>, speakers: ReadonlyArray<string>) => {
  const turns = placesOf(ids)
  const rank = (speaker: string): number => speakers.includes(speaker) ? speakers.indexOf(speaker) : speakers.length
  return (a: Core.Fact, b: Core.Fact): number =>
    turns.get(a.sources[0]!)! - turns.get(b.sources[0]!)! || rank(a.speaker) - rank(b.speaker) ||
    (a.speaker < b.speaker ? -1 : Number(a.speaker > b.speaker))
}

const sessionOfTurn = (dialogue: typeof DialogueStruct.Type): ReadonlyMap<string, Session> =>
  new Map(dialogue.sessions.flatMap((session) => session.turns.map((turn) => [turn.id, session] as const)))

const repeated = (ids: ReadonlyArray<string>): number => {
  const seen = new Set<string>()
  return ids.findIndex((id) => seen.size === seen.add(id).size)
}

// What contradicts itself in a dialogue, if anything.
const conflict = (dialogue: typeof DialogueStruct.Type) => {
  const { observations, questions, sessions } = dialogue
  const sessionOf = sessionOfTurn(dialogue)
  const turns = sessions.flatMap((session) => session.turns)
  const places = placesOf(turns.map((turn) => turn.id))
  const wrong = (issue: string, ...path: ReadonlyArray<string | number>) => ({ path, issue })
  const references = (ids: ReadonlyArray<string>, ...path: ReadonlyArray<string | number>) => {
    const unknown = ids.findIndex((id) => !places.has(id))
    if (unknown >= 0) return wrong(`${ids[unknown]} is no turn of this dialogue`, ...path, unknown)
    return repeated(ids) < 0 ? undefined : wrong(`${ids[repeated(ids)]} stands twice`, ...path, repeated(ids))
  }
  const unordered = sessions.findIndex(({ index }, place) => place > 0 && index <= sessions[place - 1]!.index)
  if (unordered >= 0) return wrong("session indices must rise", "sessions", unordered, "index")
  const again = turns[repeated(turns.map(({ id }) => id))]
  if (again !== undefined) return wrong(`two turns have the id ${again.id}`, "sessions")
  const late = turns.find((turn) => turn.observedAt !== sessionOf.get(turn.id)!.observedAt)
  if (late !== undefined) return wrong(`turn ${late.id} has another time than its session`, "sessions")
  const twice = repeated(questions.map(({ id }) => id))
  if (twice >= 0) return wrong(`two questions have the id ${questions[twice]!.id}`, "questions", twice, "id")
  for (const [place, { evidence }] of questions.entries()) {
    const found = references(evidence, "questions", place, "evidence")
    if (found !== undefined) return found
  }
  const compare = factOrder([...places.keys()], dialogue.speakers)
  for (const [place, fact] of observations.entries()) {
    const { observedAt, sources } = fact
    if (sources.length === 0) return wrong("a fact must name the turn that says it", "observations", place, "sources")
    const found = references(sources, "observations", place, "sources")
    if (found !== undefined) return found
    if (place > 0 && compare(observations[place - 1]!, fact) > 0) {
      return wrong(
        "facts must stand in the order of their turns, of one turn speaker by speaker",
        "observations",
        place
      )
    }
    if (observedAt !== sessionOf.get(sources[0]!)!.observedAt) {
      return wrong("a fact has another time than the session of its first turn", "observations", place, "observedAt")
    }
  }
  return undefined
}

/**
 * A dialogue. `observations` are the facts that somebody found in it, in the order of the turns that say them; of one
 * turn, the first speaker's come first.
 *
 * What contradicts itself is refused: turn, session and question ids are unique within a dialogue, turns
 * and facts have the time of their session, and evidence and sources name turns of the dialogue, each once.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Dialogue = DialogueStruct.check(Schema.makeFilter(conflict))

/**
 * The type of `Dialogue`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dialogue extends Schema.Schema.Type<typeof Dialogue> {}

/**
 * The turns of a dialogue, oldest first.
 *
 * @category getters
 * @since 0.1.0
 */
export const turns = (dialogue: Dialogue): ReadonlyArray<Turn> => dialogue.sessions.flatMap((session) => session.turns)

/**
 * A turn as a memory or a prompt shows it: who said it, what, and the caption of the picture.
 *
 * @example
 * ```ts
 * import { Dialogue } from "@memory-r1/core/rl"
 *
 * Dialogue.line({ id: "D1:1", speaker: "Ann", text: "Look!", caption: "a photo of a dog" })
 * // => "Ann: Look! [image: a photo of a dog]"
 * ```
 *
 * @category formatting
 * @since 0.1.0
 */
export const line = (turn: Turn): string =>
  `${turn.speaker}: ${turn.text.trim()}${turn.caption === undefined ? "" : ` [image: ${turn.caption}]`}`
