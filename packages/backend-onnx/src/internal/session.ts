// A graph, loaded into ONNX Runtime.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ort from "onnxruntime-node"
import * as Graph from "../Graph.ts"

/** What a thrown thing says, in one line. */
export const describe = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** ONNX Runtime refused a graph, or failed while it ran. */
export class EngineError extends Data.TaggedError("EngineError")<{ readonly reason: string; readonly cause: unknown }> {
  override get message(): string {
    return `${this.reason}: ${describe(this.cause)}`
  }
}

export type Feeds = Readonly<Record<string, ort.Tensor>>

export interface Session {
  /** Rejects with what ONNX Runtime throws; callers that live in Effect wrap whole loops, not single runs. */
  readonly run: (feeds: Feeds, into?: Feeds) => Promise<Feeds>
}

export interface SessionOptions {
  /** Threads of one operator; all cores when it is left out. */
  readonly threads?: number
  /** Writes ONNX Runtime's own profile of every session to a JSON file of this prefix, when the session closes. */
  readonly profile?: string
}

export const make = (graph: Graph.Graph, options: SessionOptions = {}): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        ort.InferenceSession.create(Graph.toModel(graph), {
          executionProviders: ["cpu"],
          graphOptimizationLevel: "all",
          logSeverityLevel: 3,
          ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
          ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads })
        }),
      catch: (cause) => new EngineError({ reason: "ONNX Runtime does not take the graph", cause })
    }),
    (session) =>
      Effect.promise(async () => {
        if (options.profile !== undefined) session.endProfiling()
        await session.release()
      })
  ).pipe(Effect.map((session): Session => {
    const names = [...graph.outputs].map(([name, value]) => [name, value.name] as const)
    return {
      run: async (feeds, into = {}) => {
        const fetches: Record<string, ort.Tensor | null> = {}
        for (const [name, inner] of names) fetches[inner] = into[name] ?? null
        const results = await session.run(feeds, fetches)
        return Object.fromEntries(names.map(([name, inner]) => [name, results[inner]! as ort.Tensor]))
      }
    }
  }))

export const float = (data: Float32Array, shape: ReadonlyArray<number>): ort.Tensor => new ort.Tensor("float32", data, shape)

export const int64 = (data: BigInt64Array, shape: ReadonlyArray<number>): ort.Tensor => new ort.Tensor("int64", data, shape)

export const integers = (data: ArrayLike<number>, shape: ReadonlyArray<number>): ort.Tensor => {
  const wide = new BigInt64Array(data.length)
  for (let i = 0; i < data.length; i++) wide[i] = BigInt(data[i]!)
  return int64(wide, shape)
}

export const int8 = (data: Int8Array, shape: ReadonlyArray<number>): ort.Tensor => new ort.Tensor("int8", data, shape)

export const uint8 = (data: Uint8Array, shape: ReadonlyArray<number>): ort.Tensor => new ort.Tensor("uint8", data, shape)

/** Half-precision numbers by their bits. */
export const float16 = (bits: Uint16Array, shape: ReadonlyArray<number>): ort.Tensor => {
  // Where JavaScript has a Float16Array, onnxruntime-common 1.30 makes one of the data, which the addon then takes for empty.
  const tensor = new ort.Tensor("float16", bits, shape)
  if (tensor.data as unknown !== bits) Object.defineProperty(tensor, "cpuData", { value: bits })
  return tensor
}
