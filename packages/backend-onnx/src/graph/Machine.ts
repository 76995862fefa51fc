/**
 * How fast this machine is, for estimates of what a run takes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Device from "./device.ts"
import * as Graph from "./Graph.ts"
import * as Op from "./Op.ts"
import * as Session from "./session.ts"

const size = 1024
const rounds = 24

/**
 * Billions of multiplications and additions a second in the product of two matrices of 1,024 x 1,024 in float32, the
 * best of a few: what passes of a model can reach at most. Takes about a fifth of a second.
 *
 * @example
 * ```ts
 * import { Machine } from "@memory-r1/backend-onnx"
 * import { Effect } from "effect"
 *
 * const gflops = await Effect.runPromise(Machine.productRate())
 * gflops > 0 // => true
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const productRate = (options: Session.SessionOptions = {}): Effect.Effect<number, Session.EngineError> =>
  Effect.gen(function*() {
    const graph = Graph.make()
    const [x, w] = ["x", "w"].map((name) => Graph.input(graph, name, "float32", [size, size]))
    Graph.output(graph, "y", Op.matMul(graph, x!, w!, { transB: true }))
    const { run } = yield* Session.make(graph, options)
    const matrix = Session.float(new Float32Array(size * size).fill(0.5), [size, size])
    const best = yield* Effect.promise(async () => {
      let best = Infinity
      for (let round = 0; round < rounds; round++) {
        const started = performance.now()
        await run({ x: matrix, w: matrix })
        best = Math.min(best, performance.now() - started)
      }
      return best
    })
    return (2 * size ** 3) / best / 1e6
  }).pipe(Effect.scoped, Effect.withSpan("Machine.productRate"))

/**
 * The devices of ONNX Runtime: which of them run graphs here, and what each of the others needs.
 *
 * @category running
 * @since 0.1.0
 */
export const devices: Effect.Effect<
  ReadonlyArray<{ readonly device: Device.Device; readonly needs: string | undefined }>
> = Effect.forEach(["cpu", "webgpu", "cuda"] as const, (device) =>
  Effect.match(Session.require(device), {
    onSuccess: () => ({ device, needs: undefined }),
    onFailure: () => ({ device, needs: Device.needOf(device) })
  }))
