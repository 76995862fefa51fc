// LoCoMo's file format, and the two ways between it and core's `Dialogue`.
import { Dialogue } from "@memory-r1/core/rl"
import * as Schema from "effect/Schema"

const FileTurn = Schema.Struct({
  speaker: Schema.String,
  dia_id: Schema.NonEmptyString,
  text: Schema.String,
  blip_caption: Schema.optionalKey(Schema.String)
})
type FileTurn = typeof FileTurn.Type

const FileQuestion = Schema.Struct({
  id: Schema.optionalKey(Schema.NonEmptyString),
  question: Schema.String,
  answer: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
  evidence: Schema.optionalKey(Schema.Array(Schema.String)),
  category: Schema.Int,
  kind: Schema.optionalKey(Schema.Literals(["single", "list", "date", "none"])),
  adversarial_answer: Schema.optionalKey(Schema.String)
})
type FileQuestion = typeof FileQuestion.Type

// A fact with the turn that says it, or several.
const FileFact = Schema.Tuple([Schema.NonEmptyString, Schema.Union([Schema.String, Schema.Array(Schema.String)])])
type FileFact = typeof FileFact.Type

export const FileDialogue = Schema.Struct({
  sample_id: Schema.NonEmptyString,
  conversation: Schema.StructWithRest(Schema.Struct({ speaker_a: Schema.String, speaker_b: Schema.String }), [
    Schema.Record(Schema.TemplateLiteral(["session_", Schema.Int]), Schema.Array(FileTurn)),
    Schema.Record(Schema.TemplateLiteral(["session_", Schema.Int, "_date_time"]), Schema.String)
  ]),
  qa: Schema.optionalKey(Schema.Array(FileQuestion)),
  observation: Schema.optionalKey(
    Schema.Record(
      Schema.TemplateLiteral(["session_", Schema.Int, "_observation"]),
      Schema.Record(Schema.String, Schema.Array(FileFact))
    )
  ),
  session_summary: Schema.optionalKey(
    Schema.Record(Schema.TemplateLiteral(["session_", Schema.Int, "_summary"]), Schema.String)
  ),
  event_summary: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})
export type FileDialogue = typeof FileDialogue.Type

const indexOf = (key: string): number => Number(key.split("_")[1])

const sessionsOf = ({ conversation }: FileDialogue): ReadonlyArray<number> =>
  Object.keys(conversation).filter((key) => /^session_-?\d+$/.test(key)).map(indexOf).sort((a, b) => a - b)

const optional = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : { [key]: value } as { readonly [P in K]: V }

/**
 * A piece of evidence that was omitted, with the place where it stands (`conv-26/37`, or `conv-26
 * session_3_observation`).
 *
 * @category models
 * @since 0.1.0
 */
export interface DroppedReference {
  readonly at: string
  readonly reference: string
  readonly reason: "malformed" | "unknown turn"
}

type Resolved = { readonly id: string } | Omit<DroppedReference, "at">

// The turns that a reference names: LoCoMo has several ids in one string ("D8:6; D9:17"), padded ones ("D30:05") and
// broken ones.
const resolve = (reference: string, turns: ReadonlySet<string>): ReadonlyArray<Resolved> =>
  turns.has(reference) ? [{ id: reference }] : reference.split(/[;,\s]+/).filter((part) => part !== "").map((part) => {
    const id = turns.has(part) ? part : part.replace(/(?<=\D)0+(?=\d)/g, "")
    if (turns.has(id)) return { id }
    return { reference: part, reason: /^D\d+:\d+$/.test(id) ? "unknown turn" as const : "malformed" as const }
  })

const known = (references: ReadonlyArray<string>, turns: ReadonlySet<string>): ReadonlyArray<string> => [
  ...new Set(
    references.flatMap((reference) => resolve(reference, turns)).flatMap((found) => "id" in found ? [found.id] : [])
  )
]

const fileTurns = (file: FileDialogue): ReadonlySet<string> =>
  new Set(sessionsOf(file).flatMap((index) => file.conversation[`session_${index}`]!.map((turn) => turn.dia_id)))

const factsOf = (
  file: FileDialogue
): ReadonlyArray<{ readonly at: string; readonly speaker: string; readonly fact: FileFact }> =>
  Object.entries(file.observation ?? {}).flatMap(([at, bySpeaker]) =>
    Object.entries(bySpeaker).flatMap(([speaker, facts]) => facts.map((fact) => ({ at, speaker, fact })))
  )

const referencesOf = ([, sources]: FileFact): ReadonlyArray<string> => typeof sources === "string" ? [sources] : sources

export const decode = (file: FileDialogue): Dialogue.Dialogue => {
  const turns = fileTurns(file)
  const speakers = [file.conversation.speaker_a, file.conversation.speaker_b] as const
  const timeOf = (index: number): string | undefined => file.conversation[`session_${index}_date_time`]
  return {
    id: file.sample_id,
    speakers,
    sessions: sessionsOf(file).map((index) => ({
      index,
      ...optional("observedAt", timeOf(index)),
      turns: file.conversation[`session_${index}`]!.map((turn) => ({
        id: turn.dia_id,
        speaker: turn.speaker,
        text: turn.text,
        ...optional("observedAt", timeOf(index)),
        ...optional("caption", turn.blip_caption)
      })),
      ...optional("summary", file.session_summary?.[`session_${index}_summary`])
    })),
    questions: (file.qa ?? []).map((question, place) => ({
      id: question.id ?? `${file.sample_id}/${place}`,
      question: question.question,
      answer: String(question.answer ?? ""),
      category: question.category,
      evidence: known(question.evidence ?? [], turns),
      ...optional("kind", question.kind),
      ...optional("adversarialAnswer", question.adversarial_answer)
    })),
    observations: factsOf(file).flatMap(({ at, fact, speaker }) => {
      const sources = known(referencesOf(fact), turns)
      return sources.length === 0
        ? []
        : [{ text: fact[0], speaker, ...optional("observedAt", timeOf(indexOf(at))), sources }]
      // In the file, facts stand speaker by speaker.
    }).sort(Dialogue.factOrder([...turns], speakers))
  }
}

export const dropped = (file: FileDialogue): ReadonlyArray<DroppedReference> => {
  const turns = fileTurns(file)
  const at = (place: string, references: ReadonlyArray<string>) =>
    references.flatMap((reference) => resolve(reference, turns)).flatMap((found) =>
      "id" in found ? [] : [{ at: place, ...found }]
    )
  return [
    ...(file.qa ?? []).flatMap((question, place) =>
      at(question.id ?? `${file.sample_id}/${place}`, question.evidence ?? [])
    ),
    ...factsOf(file).flatMap(({ at: place, fact }) => at(`${file.sample_id} ${place}`, referencesOf(fact)))
  ]
}

export const encode = (dialogue: Dialogue.Dialogue): FileDialogue => {
  const { id, observations, questions, sessions, speakers: [speaker_a, speaker_b] } = dialogue
  const sessionOf = new Map(sessions.flatMap((session) => session.turns.map((turn) => [turn.id, session] as const)))
  const observation: Record<string, Record<string, Array<FileFact>>> = {}
  for (const { sources, speaker, text } of observations) {
    const bySpeaker = observation[`session_${sessionOf.get(sources[0]!)!.index}_observation`] ??= {}
    ;(bySpeaker[speaker] ??= []).push([text, sources.length === 1 ? sources[0]! : sources])
  }
  const summaries = sessions.flatMap(({ index, summary }) =>
    summary === undefined ? [] : [[`session_${index}_summary`, summary] as const]
  )
  return {
    sample_id: id,
    conversation: {
      speaker_a,
      speaker_b,
      ...Object.fromEntries(
        sessions.flatMap(({ index, observedAt, turns }): Array<[string, string | ReadonlyArray<FileTurn>]> => [
          ...(observedAt === undefined ? [] : [[`session_${index}_date_time`, observedAt] as [string, string]]),
          [
            `session_${index}`,
            turns.map((turn) => ({
              speaker: turn.speaker,
              dia_id: turn.id,
              text: turn.text,
              ...optional("blip_caption", turn.caption)
            }))
          ]
        ])
      )
    },
    qa: questions.map((question, place): FileQuestion => ({
      ...(question.id === `${id}/${place}` ? {} : { id: question.id }),
      question: question.question,
      ...(question.answer === "" ? {} : { answer: question.answer }),
      evidence: question.evidence,
      category: question.category,
      ...optional("kind", question.kind),
      ...optional("adversarial_answer", question.adversarialAnswer)
    })),
    ...(observations.length === 0 ? {} : { observation }),
    ...(summaries.length === 0 ? {} : { session_summary: Object.fromEntries(summaries) })
  }
}
