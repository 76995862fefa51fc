/**
 * GGUF, the file format of llama.cpp, Ollama and LM Studio: key/value pairs, then tensors in blocks of few bits.
 *
 * Reading trusts nothing: the header is read in small pieces, and every count and length in it is compared with the
 * bytes that are left before anything is allocated for it.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { open } from "node:fs/promises"
import { CheckpointError } from "./CheckpointError.ts"
import * as GgufBlocks from "./internal/ggufBlocks.ts"
import * as GgufHeader from "./internal/ggufHeader.ts"
import { readExactly } from "./internal/readExactly.ts"
import * as LfsPointer from "./lfsPointer.ts"
import type * as Safetensors from "./Safetensors.ts"

/**
 * One tensor of a file. `shape` is in the order of Hugging Face: a matrix is `[out, in]`. `offset` is from the
 * beginning of the file, and both it and `bytes` are in bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface TensorInfo {
  readonly dtype: string
  readonly shape: ReadonlyArray<number>
  readonly offset: number
  readonly bytes: number
}

/**
 * A file that was opened and whose header was checked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader {
  readonly file: string
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /** Numbers of 64 bits are bigints, lists are arrays. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Reads numbers of a tensor as float32: as many as `into` holds, `from` one of them on (the first by default). */
  readonly read: Safetensors.Reader["read"]
}

const pieceBytes = 1 << 20

/**
 * Whether a path is taken for that of a GGUF file: by its name, or because a file and not a directory is there.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isFile = (path: string): boolean =>
  path.toLowerCase().endsWith(".gguf") || (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false)

/**
 * Opens a GGUF file; it is closed with the scope. Reads the types F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to
 * Q6_K and IQ4_NL.
 *
 * Fails with a `CheckpointError` that names the file, and the tensor where there is one, when the file is missing, cut
 * off, of another type, or says something about itself that cannot be true.
 *
 * @category constructors
 * @since 0.1.0
 */
export const openFile = Effect.fn("Gguf.openFile")(function*(file: string) {
  const fail = (reason: string, extra: { readonly tensor?: string | undefined; readonly cause?: unknown } = {}) =>
    new CheckpointError({ file, reason, ...extra })

  yield* LfsPointer.refuse(file)
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => open(file, "r"),
      catch: (cause) => fail(`cannot be read (${messageOf(cause)})`, { cause })
    }),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  )
  const header = yield* Effect.tryPromise({
    try: async () => GgufHeader.read(handle.fd, (await handle.stat()).size),
    catch: (cause) =>
      cause instanceof GgufHeader.Broken
        ? fail(cause.reason, { tensor: cause.tensor })
        : fail(`cannot be read (${messageOf(cause)})`, { cause })
  })

  const read: Reader["read"] = Effect.fnUntraced(function*(name, into, from = 0) {
    const tensor = header.tensors.get(name)
    if (tensor === undefined) return yield* fail("is not in the file", { tensor: name })
    const size = tensor.shape.reduce((product, dimension) => product * dimension, 1)
    if (from + into.length > size) {
      return yield* fail(`has ${size} numbers where ${from + into.length} were expected`, { tensor: name })
    }
    const { numbers, bytes: blockBytes, widen } = tensor.type
    const blocks = Math.max(1, Math.floor(pieceBytes / blockBytes))
    const bytes = new Uint8Array(blocks * blockBytes)
    const values = new Float32Array(blocks * numbers)
    yield* Effect.tryPromise({
      try: async () => {
        for (let done = 0; done < into.length;) {
          const first = Math.floor((from + done) / numbers)
          const skipped = from + done - first * numbers
          const count = Math.min(blocks, Math.ceil((skipped + into.length - done) / numbers))
          const part = bytes.subarray(0, count * blockBytes)
          await readExactly(handle, part, tensor.offset + first * blockBytes)
          const widened = values.subarray(0, count * numbers)
          widen(part, widened)
          const taken = Math.min(widened.length - skipped, into.length - done)
          into.set(widened.subarray(skipped, skipped + taken), done)
          done += taken
        }
      },
      catch: (cause) => fail(`cannot be read (${messageOf(cause)})`, { tensor: name, cause })
    })
  })

  const reader: Reader = {
    file,
    metadata: header.metadata,
    tensors: new Map(
      [...header.tensors].map((
        [name, { bytes, offset, shape, type }]
      ) => [name, { dtype: type.name, shape, offset, bytes }])
    ),
    read
  }
  return reader
})

/**
 * The names of the types that are read.
 *
 * @category models
 * @since 0.1.0
 */
export const types: ReadonlyArray<string> = [...GgufBlocks.types.values()].map(({ name }) => name)
