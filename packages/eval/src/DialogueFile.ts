/**
 * Files of dialogues in LoCoMo's schema, decoded into core's `Dialogue`s and encoded back.
 *
 * A synthetic world writes its dialogues in the same schema, so that everything that evaluates or trains on LoCoMo does
 * so on the synthetic world too.
 *
 * @since 0.1.0
 */
import { DataFile, Dialogue } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as LocomoFormat from "./internal/locomoFormat.ts"

export type { DroppedReference } from "./internal/locomoFormat.ts"

/**
 * The list of dialogues of a file, between its JSON value (encoded) and `Dialogue`s (decoded).
 *
 * Decoding makes numbers in answers strings, splits evidence that holds several ids in one string, and omits
 * evidence that names no turn (`droppedReferences` counts it). Encoding omits every optional field that has no
 * value.
 *
 * @example
 * ```ts
 * import { DialogueFile } from "@memory-r1/eval"
 * import { Schema } from "effect"
 *
 * const [ann] = Schema.decodeUnknownSync(DialogueFile.Dialogues)([{
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
 *
 * @category schemas
 * @since 0.1.0
 */
export const Dialogues = Schema.Array(
  LocomoFormat.FileDialogue.pipe(
    Schema.decodeTo(
      Dialogue.Dialogue,
      SchemaTransformation.transform({ decode: LocomoFormat.decode, encode: LocomoFormat.encode })
    )
  )
)

/**
 * What a file holds: its dialogues, the SHA-256 of its bytes, and the evidence that was omitted.
 *
 * @category models
 * @since 0.1.0
 */
export interface File {
  readonly dialogues: ReadonlyArray<Dialogue.Dialogue>
  readonly sha256: string
  readonly dropped: ReadonlyArray<LocomoFormat.DroppedReference>
}

/**
 * Reads a file of dialogues.
 *
 * Fails with `FileUnusable` where there is no such file, `BrokenJson` with line and column, and `WrongShape` with the
 * path to the first thing that is wrong, such as `[0].conversation.session_1[3].text`.
 *
 * @example
 * ```ts
 * import { DialogueFile } from "@memory-r1/eval"
 * import { Effect, FileSystem } from "effect"
 *
 * const files = FileSystem.layerNoop({ readFile: () => Effect.succeed(new TextEncoder().encode("[\n  {]")) })
 * const error = await Effect.runPromise(Effect.provide(Effect.flip(DialogueFile.read("dialogues.json")), files))
 * error.message // => "dialogues.json:2:4: broken JSON: key or } expected, found \"]\""
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fn("DialogueFile.read")(function*(
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
 * import { DialogueFile } from "@memory-r1/eval"
 * import { Effect, FileSystem } from "effect"
 *
 * const written: Array<string> = []
 * const files = FileSystem.layerNoop({ writeFileString: (_, text) => Effect.sync(() => void written.push(text)) })
 * const empty = { id: "conv-1", speakers: ["Ann", "Bob"], sessions: [], questions: [], observations: [] } as const
 * await Effect.runPromise(Effect.provide(DialogueFile.write("dialogues.json", [empty]), files))
 * JSON.parse(written.join(""))
 * // => [{ sample_id: "conv-1", conversation: { speaker_a: "Ann", speaker_b: "Bob" }, qa: [] }]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const write = Effect.fn("DialogueFile.write")(
  function*(file: string, dialogues: ReadonlyArray<Dialogue.Dialogue>) {
    const encoded = yield* DataFile.encode(file, Dialogues, dialogues)
    yield* DataFile.write(file, `${JSON.stringify(encoded, undefined, 1)}\n`)
  }
)
