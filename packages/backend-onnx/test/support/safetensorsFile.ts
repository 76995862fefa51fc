// Safetensors files with anything in them.
import { Safetensors } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "./checkpoints.ts"

/** The bytes of a file with a header, given as JSON or as text, and data. */
export const bytes = (header: unknown, data: Uint8Array = new Uint8Array()): Buffer => {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([prefix, text, data])
}

export const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** A header entry. */
export const entry = (dtype: string, shape: ReadonlyArray<number>, from: number, to: number) => ({
  dtype,
  shape,
  data_offsets: [from, to]
})

/** Writes the bytes and opens them. */
export const open = Effect.fnUntraced(function*(contents: Uint8Array) {
  const file = join(yield* Checkpoints.temporary, "model.safetensors")
  writeFileSync(file, contents)
  return yield* Safetensors.openFile(file)
})

/** What opening says, without the file's name. */
export const failure = Effect.fnUntraced(function*(contents: Uint8Array) {
  const error = yield* Effect.flip(open(contents))
  return { tensor: error.tensor, reason: error.reason }
}, Effect.scoped)
