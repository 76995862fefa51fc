// GGUF files that tests write, byte by byte.
import { Effect } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Gguf from "../../src/checkpoint/Gguf.ts"

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

export interface Described {
  readonly name: string
  readonly dimensions: ReadonlyArray<number | bigint>
  readonly type: number
  readonly offset: number | bigint
}

/** A file of `data` behind its header; `keys` are values of type text, or 32 bits. */
export const bytes = (
  tensors: ReadonlyArray<Described>,
  data: Uint8Array,
  {
    alignment = 32,
    counts,
    keys = {},
    magic = "GGUF",
    version = 3
  }: {
    readonly magic?: string
    readonly version?: number
    readonly alignment?: number
    readonly counts?: readonly [number | bigint, number | bigint]
    readonly keys?: Readonly<Record<string, string | number | Buffer>>
  } = {}
): Buffer => {
  const pairs = Object.entries(keys).map(([key, value]) =>
    Buffer.concat([
      text(key),
      ...(Buffer.isBuffer(value) ? [value] : typeof value === "string" ? [u32(8), text(value)] : [u32(4), u32(value)])
    ])
  )
  const head = Buffer.concat([
    Buffer.from(magic),
    u32(version),
    u64(counts?.[0] ?? tensors.length),
    u64(counts?.[1] ?? pairs.length),
    ...pairs,
    ...tensors.map(({ dimensions, name, offset, type }) =>
      Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), u32(type), u64(offset)])
    )
  ])
  return Buffer.concat([head, Buffer.alloc((alignment - head.length % alignment) % alignment), data])
}

/** Opens a file of these bytes. */
export const open = (content: Uint8Array) =>
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "memory-r1-gguf-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    const file = join(folder, "model.gguf")
    writeFileSync(file, content)
    return yield* Gguf.openFile(file)
  })
