// A graph, loaded into ONNX Runtime.
import { messageOf } from "@memory-r1/core"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ort from "onnxruntime-node"
import * as Device from "./device.ts"
import * as Graph from "./Graph.ts"
import * as Model from "./Model.ts"

/** ONNX Runtime refused a graph, or failed while it ran. */
export class EngineError extends Data.TaggedError("EngineError")<{ readonly reason: string; readonly cause: unknown }> {
  override get message(): string {
    return `${this.reason}: ${messageOf(this.cause)}`
  }
}

export type Feeds = Readonly<Record<string, ort.Tensor>>

export interface Session {
  /** Rejects with what ONNX Runtime throws; callers that live in Effect wrap whole loops, not single runs. */
  readonly run: (feeds: Feeds, into?: Feeds) => Promise<Feeds>
}

export interface SessionOptions {
  /** Where nodes run; "cpu" by default. */
  readonly device?: Device.Device | undefined
  /** Threads of one operator; all cores by default. */
  readonly threads?: number | undefined
  /** Writes ONNX Runtime's own profile of every session to a JSON file of this prefix, when the session closes. */
  readonly profile?: string | undefined
}

const nodeEvents = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.Struct({
  name: Schema.String,
  cat: Schema.String,
  args: Schema.optionalKey(
    Schema.Struct({ op_name: Schema.optionalKey(Schema.String), provider: Schema.optionalKey(Schema.String) })
  )
}))))

/** Operators of a profile that ran on the CPU, each with how many nodes of it. */
const onCpu = (profile: string): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const { args, cat, name } of nodeEvents(profile)) {
    if (cat !== "Node" || !name.endsWith("_kernel_time") || args?.provider !== "CPUExecutionProvider") continue
    found.set(args.op_name ?? "?", (found.get(args.op_name ?? "?") ?? 0) + 1)
  }
  return found
}

/**
 * Loads a graph. On another device than the CPU, `onFallback` hears once, after the first run, which operators the
 * device did not run.
 */
export const make = (
  graph: Graph.Graph,
  options: SessionOptions & { readonly results?: "device" | undefined } = {},
  onFallback: (operators: ReadonlyMap<string, number>) => void = () => {}
): Effect.Effect<Session, EngineError, Scope.Scope> =>
  Effect.gen(function*() {
    const { device = "cpu" } = options
    // ONNX Runtime says where nodes run in its profile alone.
    const observed = device === "cpu" || options.profile !== undefined
      ? undefined
      : mkdtempSync(join(tmpdir(), "memory-r1-profile-"))
    const prefix = options.profile ?? (observed === undefined ? undefined : join(observed, "nodes"))
    let profiling = prefix !== undefined
    const session = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          ort.InferenceSession.create(Model.write(graph, { external: true }), {
            externalData: Model.externalData(graph),
            // Nodes that it has no kernel for run on the CPU.
            executionProviders: [device],
            graphOptimizationLevel: "all",
            // A pattern, made at the first run, is memory for all of the second at once, beside what the first one
            // took.
            enableMemPattern: false,
            logSeverityLevel: 3,
            ...(options.results === "device" ? Device.onDevice : {}),
            ...(prefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: prefix }),
            ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads })
          }),
        catch: (cause) => new EngineError({ reason: "ONNX Runtime does not take the graph", cause })
      }),
      (session) =>
        Effect.promise(async () => {
          if (profiling) session.endProfiling()
          await session.release()
          if (observed !== undefined) rmSync(observed, { recursive: true, force: true })
        })
    )
    const report = (): void => {
      session.endProfiling()
      profiling = false
      const [file] = readdirSync(observed!)
      if (file !== undefined) onFallback(onCpu(readFileSync(join(observed!, file), "utf8")))
      rmSync(observed!, { recursive: true, force: true })
    }
    const names = [...graph.outputs].map(([name, value]) => [name, value.name] as const)
    const taken = graph.inputs.map(({ name }) => name)
    return {
      run: async (feeds, into = {}) => {
        const fetches: Record<string, ort.Tensor | null> = {}
        for (const [name, inner] of names) fetches[inner] = into[name] ?? null
        // Weights come in forms of which a graph takes one.
        const results = await session.run(Object.fromEntries(taken.map((name) => [name, feeds[name]!])), fetches)
        if (observed !== undefined && profiling) report()
        return Object.fromEntries(names.map(([name, inner]) => [name, results[inner]! as ort.Tensor]))
      }
    } satisfies Session
  })

/** A graph that others exported: its inputs by name, and the first of its results. */
export const open = (file: string, { device = "cpu", threads }: SessionOptions) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        ort.InferenceSession.create(file, {
          executionProviders: [device],
          logSeverityLevel: 3,
          ...(threads === undefined ? {} : { intraOpNumThreads: threads })
        }),
      catch: (cause) => new EngineError({ reason: "is no graph that ONNX Runtime takes", cause })
    }),
    (session) => Effect.promise(() => session.release())
  ).pipe(Effect.map((session) => ({
    inputs: session.inputNames,
    run: async (feeds: Feeds): Promise<ort.Tensor> => (await session.run(feeds))[session.outputNames[0]!]! as ort.Tensor
  })))

/** Fails where a device is not there, or has no kernel for the type that weights are held in. */
export const require = Effect.fnUntraced(function*(device: Device.Device, type: Graph.ElementType = "float32") {
  if (device === "cpu") return
  const probe = (type: Graph.ElementType) => {
    const graph = Graph.make()
    const x = Graph.input(graph, "x", type, [1])
    const held = Graph.node(graph, "Reshape", [x, Graph.integers(graph, [1, 1])], [{ type, shape: [1, 1] }])[0]!
    Graph.output(
      graph,
      "y",
      Graph.node(graph, "Cast", [held], [{ type: "float32", shape: [1, 1] }], { attributes: { to: 1 } })[0]!
    )
    const tensor = type === "float16" ? float16(Uint16Array.of(0x3c00), [1]) : float(Float32Array.of(1), [1])
    return Effect.scoped(
      Effect.flatMap(make(graph, { device }), ({ run }) => Effect.tryPromise(() => run({ x: tensor })))
    ).pipe(
      Effect.mapError((cause) => cause._tag === "EngineError" ? cause.cause : cause.cause)
    )
  }
  yield* Effect.mapError(probe("float32"), (cause) => Device.unavailable(device, cause))
  if (type === "float16") yield* Effect.mapError(probe("float16"), (cause) => Device.withoutHalves(device, cause))
})

export const float = (data: Float32Array, shape: ReadonlyArray<number>): ort.Tensor =>
  new ort.Tensor("float32", data, shape)

export const int64 = (data: BigInt64Array, shape: ReadonlyArray<number>): ort.Tensor =>
  new ort.Tensor("int64", data, shape)

export const integers = (data: ArrayLike<number>, shape: ReadonlyArray<number>): ort.Tensor => {
  const wide = new BigInt64Array(data.length)
  for (let i = 0; i < data.length; i++) wide[i] = BigInt(data[i]!)
  return int64(wide, shape)
}

export const uint8 = (data: Uint8Array, shape: ReadonlyArray<number>): ort.Tensor =>
  new ort.Tensor("uint8", data, shape)

/** Half-precision numbers by their bits. */
export const float16 = (bits: Uint16Array, shape: ReadonlyArray<number>): ort.Tensor => {
  // Where JavaScript has a Float16Array, onnxruntime-common 1.30 makes one of the data, which the addon then takes for
  // empty.
  const tensor = new ort.Tensor("float16", bits, shape)
  if (tensor.data as unknown !== bits) Object.defineProperty(tensor, "cpuData", { value: bits })
  return tensor
}
