/**
 * Dialogues with questions about them: the schema of LoCoMo's file, decoded into clean values and encoded back.
 *
 * A synthetic world writes its dialogues in the same schema, so that everything that evaluates or trains on LoCoMo does
 * so on the synthetic world too.
 */
import { DataFile, Turn as Core } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as LocomoFormat from "./internal/locomoFormat.ts"

/**
 * Core's turn, with the caption of the picture that was shared in it, if there was one.
 */
export const Turn = Schema.Struct({ ...Core.Turn.fields, caption: Schema.optional(Schema.String) })
export interface Turn extends Schema.Schema.Type<typeof Turn> {}

/**
 * One conversation of a dialogue. `observedAt` is the data set's own time stamp, such as `1:56 pm on 8 May, 2023`.
 */
export const Session = Schema.Struct({
  index: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  observedAt: Schema.optional(Schema.String),
  turns: Schema.Array(Turn),
  summary: Schema.optional(Schema.String)
})
export interface Session extends Schema.Schema.Type<typeof Session> {}

/**
 * A question about a dialogue.
 *
 * - `id`: `conv-26/0`, the dialogue's id and the place in its list, unless the file names another.
 * - `answer`: the gold answer; empty where the dialogue does not answer the question (LoCoMo's category 5).
 * - `evidence`: ids of the turns that hold the answer.
 * - `kind`: what the answer is, where the data set says so; a `list` is compared without regard to its order.
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
export interface Question extends Schema.Schema.Type<typeof Question> {}

const DialogueStruct = Schema.Struct({
  id: Schema.NonEmptyString,
  speakers: Schema.Tuple([Schema.String, Schema.String]),
  sessions: Schema.Array(Session),
  questions: Schema.Array(Question),
  observations: Schema.Array(Core.Fact)
})

/**
 * A dialogue. `observations` are the facts that somebody found in it, in the order of the turns that say them; of one
 * turn, the first speaker's come first.
 *
 * What the file's schema cannot carry is refused: turn, session and question ids are unique within a dialogue, turns
 * and facts have the time of their session, and evidence and sources name turns of the dialogue, each once.
 */
export const Dialogue = DialogueStruct.check(Schema.makeFilter(LocomoFormat.conflict))
export interface Dialogue extends Schema.Schema.Type<typeof Dialogue> {}

/**
 * The list of dialogues of a file, between its JSON value (encoded) and `Dialogue`s (decoded).
 *
 * Decoding makes numbers in answers strings, splits evidence that holds several ids in one string, and leaves out
 * evidence that names no turn (`droppedReferences` counts it). Encoding leaves out every optional field that has no
 * value.
 *
 * @example
 * ```ts
 * import { Dialogue } from "@memory-r1/eval"
 * import { Schema } from "effect"
 *
 * const [ann] = Schema.decodeUnknownSync(Dialogue.Dialogues)([{
 *   sample_id: "conv-1",
 *   conversation: {
 *     speaker_a: "Ann", speaker_b: "Bob",
 *     session_1_date_time: "1:56 pm on 8 May, 2023",
 *     session_1: [{ speaker: "Ann", dia_id: "D1:1", text: "I have 2 dogs." }]
 *   },
 *   qa: [{ question: "How many dogs does Ann have?", answer: 2, evidence: ["D1:1; D"], category: 4 }]
 * }])
 * ann?.questions
 * // => [{ id: "conv-1/0", question: "How many dogs does Ann have?", answer: "2", category: 4, evidence: ["D1:1"] }]
 * ```
 */
export const Dialogues = Schema.Array(
  LocomoFormat.FileDialogue.pipe(
    Schema.decodeTo(
      Dialogue,
      SchemaTransformation.transform({ decode: LocomoFormat.decode, encode: LocomoFormat.encode })
    )
  )
)

/**
 * A piece of evidence that was left out, with the place where it stands (`conv-26/37`, or `conv-26
 * session_3_observation`).
 */
export interface DroppedReference {
  readonly at: string
  readonly reference: string
  readonly reason: "malformed" | "unknown turn"
}

/**
 * What a file holds: its dialogues, the SHA-256 of its bytes, and the evidence that was left out.
 */
export interface File {
  readonly dialogues: ReadonlyArray<Dialogue>
  readonly sha256: string
  readonly dropped: ReadonlyArray<DroppedReference>
}

/**
 * Reads a file of dialogues.
 *
 * Fails with `FileUnusable` where there is no such file, `BrokenJson` with line and column, and `WrongShape` with the
 * path to the first thing that is wrong, such as `[0].conversation.session_1[3].text`.
 *
 * @example
 * ```ts
 * import { Dialogue } from "@memory-r1/eval"
 * import { Effect, FileSystem } from "effect"
 *
 * const files = FileSystem.layerNoop({ readFile: () => Effect.succeed(new TextEncoder().encode("[\n  {]")) })
 * const error = await Effect.runPromise(Effect.provide(Effect.flip(Dialogue.read("dialogues.json")), files))
 * error.message // => "dialogues.json:2:4: broken JSON: key or } expected, found \"]\""
 * ```
 */
export const read = Effect.fn("Dialogue.read")(function*(
  file: string
): Effect.fn.Return<File, DataFile.DataFileError, FileSystem.FileSystem> {
  const { sha256, text } = yield* DataFile.read(file)
  const json = yield* DataFile.parse(file, text)
  const dialogues = yield* DataFile.decode(file, Dialogues, json)
  const raw = yield* DataFile.decode(file, Schema.Array(LocomoFormat.FileDialogue), json)
  return { dialogues, sha256, dropped: raw.flatMap(LocomoFormat.dropped) }
})

/**
 * Writes a file of dialogues that `read` reads back equal.
 *
 * Fails with `WrongShape` where a dialogue holds what the file's schema cannot carry (see `Dialogue`), and with
 * `FileUnusable` where the file cannot be written.
 *
 * @example
 * ```ts
 * import { Dialogue } from "@memory-r1/eval"
 * import { Effect, FileSystem } from "effect"
 *
 * const written: Array<string> = []
 * const files = FileSystem.layerNoop({ writeFileString: (_, text) => Effect.sync(() => void written.push(text)) })
 * const empty = { id: "conv-1", speakers: ["Ann", "Bob"], sessions: [], questions: [], observations: [] } as const
 * await Effect.runPromise(Effect.provide(Dialogue.write("dialogues.json", [empty]), files))
 * JSON.parse(written.join(""))
 * // => [{ sample_id: "conv-1", conversation: { speaker_a: "Ann", speaker_b: "Bob" }, qa: [] }]
 * ```
 */
export const write = Effect.fn("Dialogue.write")(function*(file: string, dialogues: ReadonlyArray<Dialogue>) {
  const encoded = yield* DataFile.encode(file, Dialogues, dialogues)
  yield* DataFile.write(file, `${JSON.stringify(encoded, undefined, 1)}\n`)
})

/**
 * The turns of a dialogue, oldest first.
 */
export const turns = (dialogue: Dialogue): ReadonlyArray<Turn> => dialogue.sessions.flatMap((session) => session.turns)

/**
 * A turn as a memory or a prompt shows it: who said it, what, and the caption of the picture.
 *
 * @example
 * ```ts
 * import { Dialogue } from "@memory-r1/eval"
 *
 * Dialogue.line({ id: "D1:1", speaker: "Ann", text: "Look!", caption: "a photo of a dog" })
 * // => "Ann: Look! [image: a photo of a dog]"
 * ```
 */
export const line = (turn: Turn): string =>
  `${turn.speaker}: ${turn.text.trim()}${turn.caption === undefined ? "" : ` [image: ${turn.caption}]`}`
