/**
 * The safetensors format: an 8-byte length, a JSON header, then the tensors' bytes without gaps.
 *
 * Reading trusts nothing: the header is checked against the file's size before anything is allocated.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { access, open, readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import * as HalfFloat from "../graph/halfFloat.ts"
import { CheckpointError } from "./CheckpointError.ts"
import { readExactly } from "./internal/readExactly.ts"
import * as WholeFile from "./internal/wholeFile.ts"
import * as LfsPointer from "./lfsPointer.ts"

/**
 * The element types that are read. All become float32 in memory; files are written in float32 or bfloat16.
 *
 * @category models
 * @since 0.1.0
 */
export type StoredType = "F32" | "F16" | "BF16" | "F64"

const sizes: Readonly<Record<StoredType, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8 }

/**
 * One tensor of a file.
 *
 * @category models
 * @since 0.1.0
 */
export interface TensorInfo {
  readonly dtype: string
  readonly shape: ReadonlyArray<number>
  readonly data_offsets: readonly [number, number]
}

const Header = Schema.Record(
  Schema.String,
  Schema.Union([
    Schema.Struct({
      dtype: Schema.String,
      shape: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
      data_offsets: Schema.Tuple([Schema.Int, Schema.Int])
    }),
    Schema.Record(Schema.String, Schema.String)
  ])
)

/**
 * A file that was opened and whose header was checked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader {
  readonly file: string
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly metadata: Readonly<Record<string, string>>
  /**
   * Reads a tensor as float32 into `into`, which must have its size; or as many numbers as it holds, `from` one of them
   * on.
   */
  readonly read: (name: string, into: Float32Array, from?: number) => Effect.Effect<void, CheckpointError>
}

const pieceBytes = 1 << 20

const count = (shape: ReadonlyArray<number>): number => shape.reduce((product, dimension) => product * dimension, 1)

const widen = (bytes: Uint8Array, dtype: StoredType, into: Float32Array): void => {
  if (dtype === "F64") {
    into.set(new Float64Array(bytes.buffer, bytes.byteOffset, into.length))
    return
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, into.length)
  if (dtype === "BF16") {
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  } else {
    for (let i = 0; i < halves.length; i++) into[i] = HalfFloat.fromHalf(halves[i]!)
  }
}

/**
 * Opens a safetensors file; it is closed with the scope. Fails with a `CheckpointError` that names the file, and the
 * tensor where there is one, when the file is missing, cut off, or says something about itself that cannot be true.
 *
 * @category constructors
 * @since 0.1.0
 */
export const openFile = Effect.fn("Safetensors.openFile")(function*(file: string) {
  const fail = (reason: string, extra: { readonly tensor?: string | undefined; readonly cause?: unknown } = {}) =>
    new CheckpointError({ file, reason, ...extra })

  yield* LfsPointer.refuse(file)
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => open(file, "r"),
      catch: (cause) => fail("cannot be opened; is the path right, and is the checkpoint complete?", { cause })
    }),
    (handle) => Effect.promise(() => handle.close())
  )
  const { size } = yield* Effect.tryPromise({
    try: () => handle.stat(),
    catch: (cause) => fail("cannot be read", { cause })
  })
  const prefix = Buffer.alloc(8)
  yield* Effect.tryPromise({
    try: () => readExactly(handle, prefix, 0),
    catch: () => fail(`is ${size} bytes long, too short for a safetensors file; fetch it again`)
  })
  const headerLength = prefix.readBigUInt64LE(0)
  if (headerLength > BigInt(size - 8) || headerLength > 100_000_000n) {
    return yield* fail(
      `claims a header of ${headerLength} bytes in a file of ${size}: `
        + "it is cut off or no safetensors file; fetch it again"
    )
  }
  const dataStart = 8 + Number(headerLength)
  const headerBytes = Buffer.alloc(Number(headerLength))
  yield* Effect.tryPromise({
    try: () => readExactly(handle, headerBytes, 8),
    catch: (cause) => fail("cannot be read", { cause })
  })
  const header = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Header))(headerBytes.toString("utf8")).pipe(
    Effect.mapError((cause) => fail("has a header that is no safetensors header", { cause }))
  )

  const tensors = new Map<string, TensorInfo>()
  let metadata: Readonly<Record<string, string>> = {}
  for (const [name, entry] of Object.entries(header)) {
    const isTensor = Array.isArray(entry["shape"])
    if (name === "__metadata__" && !isTensor) metadata = entry as Record<string, string>
    else if (name !== "__metadata__" && isTensor) tensors.set(name, entry as TensorInfo)
    else return yield* fail("has a broken entry in its header", { tensor: name })
  }
  let end = 0
  const byOffset = [...tensors].sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])
  for (const [tensor, { data_offsets: [from, to], dtype, shape }] of byOffset) {
    if (from < end || to < from) {
      return yield* fail(`its bytes ${from} to ${to} overlap those of another tensor`, { tensor })
    }
    if (to > size - dataStart) {
      return yield* fail(
        `its bytes end at ${to}, but the file holds ${size - dataStart} bytes of data: it is cut off; fetch it again`,
        { tensor }
      )
    }
    const width = sizes[dtype as StoredType]
    if (width !== undefined && count(shape) * width !== to - from) {
      return yield* fail(`[${shape.join(", ")}] of ${dtype} does not fit into ${to - from} bytes`, { tensor })
    }
    end = to
  }

  const read: Reader["read"] = Effect.fnUntraced(function*(tensor, into, first) {
    const info = tensors.get(tensor)
    if (info === undefined) return yield* fail("is not in the file", { tensor })
    const dtype = info.dtype as StoredType
    const width = sizes[dtype]
    if (width === undefined) {
      return yield* fail(`has type ${info.dtype}; ${Object.keys(sizes).join(", ")} can be read`, { tensor })
    }
    const elements = count(info.shape)
    if (first === undefined ? elements !== into.length : first + into.length > elements) {
      return yield* fail(`has ${elements} elements where ${(first ?? 0) + into.length} were expected`, { tensor })
    }
    const start = dataStart + info.data_offsets[0] + (first ?? 0) * width
    yield* Effect.tryPromise({
      try: async () => {
        if (dtype === "F32") {
          await readExactly(handle, new Uint8Array(into.buffer, into.byteOffset, into.byteLength), start)
          return
        }
        // Piece by piece: a second copy of a large tensor may not fit.
        const bytes = new Uint8Array(Math.min(into.length * width, pieceBytes))
        for (let at = 0; at < into.length * width; at += pieceBytes) {
          const piece = bytes.subarray(0, Math.min(pieceBytes, into.length * width - at))
          await readExactly(handle, piece, start + at)
          widen(piece, dtype, into.subarray(at / width, (at + piece.length) / width))
        }
      },
      catch: (cause) => fail("cannot be read", { tensor, cause })
    })
  })
  return { file, tensors, metadata, read } satisfies Reader
})

const Index = Schema.fromJsonString(Schema.Struct({ weight_map: Schema.Record(Schema.String, Schema.String) }))

/**
 * Where the tensors of a checkpoint directory lie: in `model.safetensors`, or in the files that
 * `model.safetensors.index.json` names.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shards {
  /** The file to name where a tensor is in none. */
  readonly file: string
  readonly names: ReadonlySet<string>
  /** The reader of the file that has a tensor. */
  readonly readerOf: (name: string) => Reader | undefined
}

/**
 * Opens the weights of a checkpoint directory, whole or in shards. Fails with a `CheckpointError` that names the file:
 * a shard that is missing or broken, an index that names a file outside of the directory, or a tensor that is not where
 * the index says.
 *
 * @category constructors
 * @since 0.1.0
 */
export const openDirectory = Effect.fn("Safetensors.openDirectory")(function*(directory: string) {
  const whole = join(directory, "model.safetensors")
  const indexFile = join(directory, "model.safetensors.index.json")
  const exists = (file: string) => Effect.promise(() => access(file).then(() => true, () => false))
  if ((yield* exists(whole)) || !(yield* exists(indexFile))) {
    const reader = yield* openFile(whole)
    return {
      file: whole,
      names: new Set(reader.tensors.keys()),
      readerOf: (name) => reader.tensors.has(name) ? reader : undefined
    } satisfies Shards
  }
  const fail = (reason: string, extra: { readonly tensor?: string | undefined; readonly cause?: unknown } = {}) =>
    new CheckpointError({ file: indexFile, reason, ...extra })
  yield* LfsPointer.refuse(indexFile)
  const text = yield* Effect.tryPromise({
    try: () => readFile(indexFile, "utf8"),
    catch: (cause) => fail("cannot be read", { cause })
  })
  const { weight_map: placed } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Index)(text),
    (cause) => fail("is no index of shards; fetch it again", { cause })
  )
  const readers = new Map<string, Reader>()
  for (const [tensor, name] of Object.entries(placed)) {
    if (name !== basename(name) || name.includes("\\") || !name.endsWith(".safetensors")) {
      return yield* fail(`names the file ${JSON.stringify(name)}, which is no .safetensors file beside it`, { tensor })
    }
    const reader = readers.get(name) ?? (yield* openFile(join(directory, name)))
    readers.set(name, reader)
    if (!reader.tensors.has(tensor)) {
      return yield* new CheckpointError({
        file: reader.file,
        tensor,
        reason: "is not in the file in which the index has it; fetch both again"
      })
    }
  }
  return {
    file: indexFile,
    names: new Set(Object.keys(placed)),
    readerOf: (name) => Object.hasOwn(placed, name) ? readers.get(placed[name]!) : undefined
  } satisfies Shards
})

/**
 * A tensor to be written, in float32 unless `dtype` says otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface NamedTensor {
  readonly name: string
  readonly shape: ReadonlyArray<number>
  readonly data: Float32Array
  readonly dtype?: "F32" | "BF16" | undefined
}

/**
 * Writes a safetensors file. The file appears whole or not at all: it is written beside its place and then renamed.
 *
 * @category running
 * @since 0.1.0
 */
export const writeFile = Effect.fn("Safetensors.writeFile")(
  function*(
    file: string,
    tensors: ReadonlyArray<NamedTensor>,
    metadata: Readonly<Record<string, string>> = { format: "pt" }
  ) {
    const odd = tensors.find(({ data, shape }) => count(shape) !== data.length)
    if (odd !== undefined) {
      const reason = `[${odd.shape.join(", ")}] is no shape of ${odd.data.length} elements; nothing was written`
      return yield* new CheckpointError({ file, tensor: odd.name, reason })
    }
    const chunks = tensors.map(({ data, dtype }) => {
      const stored = dtype === "BF16" ? HalfFloat.toBfloat16(data) : data
      return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)
    })
    const header: Record<string, unknown> = { __metadata__: metadata }
    let offset = 0
    tensors.forEach(({ dtype = "F32", name, shape }, i) => {
      const end = offset + chunks[i]!.byteLength
      header[name] = { dtype, shape, data_offsets: [offset, end] }
      offset = end
    })
    const json = Buffer.from(JSON.stringify(header))
    const headerBytes = Buffer.alloc(Math.ceil(json.length / 8) * 8, " ")
    headerBytes.set(json)
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(BigInt(headerBytes.length))
    yield* WholeFile.write(file, [prefix, headerBytes, ...chunks])
  }
)
