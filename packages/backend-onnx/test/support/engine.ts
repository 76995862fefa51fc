// Graphs as plain functions, in any element type: numbers in, numbers out.
import { Graph, Model } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import * as ort from "onnxruntime-node"
import * as Random from "../../src/model/random.ts"

/** A tensor as JSON has it. */
export interface Numbers {
  readonly shape: ReadonlyArray<number>
  readonly data: ReadonlyArray<number>
}

const tensor = (type: Graph.ElementType, { data, shape }: Numbers): ort.Tensor =>
  type === "int64"
    ? new ort.Tensor("int64", BigInt64Array.from(data, BigInt), shape)
    : type === "float64"
    ? new ort.Tensor("float64", Float64Array.from(data), shape)
    : new ort.Tensor("float32", Float32Array.from(data), shape)

/** The outputs of a graph for numbers that are fed to its inputs by their names. */
export type Run = (feeds: Readonly<Record<string, Numbers>>) => Effect.Effect<Readonly<Record<string, Numbers>>>

/** Loads a graph, until the scope closes. One thread is quickest for a few numbers. */
export const load = (graph: Graph.Graph, threads = 1) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      ort.InferenceSession.create(Model.write(graph), { logSeverityLevel: 4, intraOpNumThreads: threads })
    ),
    (session) => Effect.promise(() => session.release())
  ).pipe(Effect.map((session): Run => (feeds) =>
    Effect.promise(async () => {
      const fed = graph.inputs.map(({ name, type }) => [name, tensor(type, feeds[name]!)] as const)
      const results = await session.run(Object.fromEntries(fed))
      return Object.fromEntries([...graph.outputs].map(([name, value]) => {
        const { data, dims } = results[value.name]!
        return [name, { shape: [...dims], data: Array.from(data as Float32Array, Number) }]
      }))
    })
  ))

/** Normal numbers, the same for the same seed. */
export const noise = (seed: number, shape: ReadonlyArray<number>): Numbers => {
  const key = Random.stream(seed)
  const length = shape.reduce((product, dimension) => product * dimension, 1)
  return { shape, data: Array.from({ length }, (_, i) => Random.normal(key, i)) }
}

export const dot = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0)
