/**
 * The bare product of two matrices, here and in PyTorch: what either engine's passes can reach at most.
 *
 * Usage: node tools/parity/products.ts [PYTHON] (a Python with torch; two threads)
 */
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import * as Graph from "../../packages/backend-onnx/src/graph/Graph.ts"
import * as Op from "../../packages/backend-onnx/src/graph/Op.ts"
import * as Session from "../../packages/backend-onnx/src/graph/session.ts"

// Rows, shared dimension, columns: a square, and two projections of shape m.
const shapes = [[1024, 1024, 1024], [2048, 256, 704], [2048, 704, 256]] as const
const [, , python] = process.argv
const rounds = 20
const repeats = 10

const own = Effect.fnUntraced(function*([rows, shared, columns]: (typeof shapes)[number]) {
  const graph = Graph.make()
  const x = Graph.input(graph, "x", "float32", [rows, shared])
  const w = Graph.input(graph, "w", "float32", [columns, shared])
  Graph.output(graph, "y", Op.matMul(graph, x, w, { transB: true }))
  const { run } = yield* Session.make(graph, { threads: 2 })
  const zeros = (a: number, b: number) => Session.float(new Float32Array(a * b), [a, b])
  const feeds = { x: zeros(rows, shared), w: zeros(columns, shared) }
  const into = { y: zeros(rows, columns) }
  return yield* Effect.promise(async () => {
    let best = Infinity
    for (let round = 0; round < rounds; round++) {
      const started = performance.now()
      for (let i = 0; i < repeats; i++) await run(feeds, into)
      best = Math.min(best, (performance.now() - started) / repeats)
    }
    return best
  })
}, Effect.scoped)

const peer = ([rows, shared, columns]: (typeof shapes)[number]): number =>
  Number(execFileSync(python!, [
    "-c",
    `
import time, torch
torch.set_num_threads(2)
x, w, best = torch.zeros(${rows}, ${shared}), torch.zeros(${columns}, ${shared}), 1e9
for _ in range(${rounds}):
    started = time.perf_counter()
    for _ in range(${repeats}): x @ w.T
    best = min(best, (time.perf_counter() - started) / ${repeats})
print(best * 1000)`
  ], { encoding: "utf8" }))

for (const shape of shapes) {
  const rate = (milliseconds: number): string =>
    `${(2 * shape[0] * shape[1] * shape[2] / milliseconds / 1e6).toFixed(0)} GFLOP/s`
  const mine = rate(await Effect.runPromise(own(shape)))
  console.log(
    `${shape.join(" x ")}: ONNX Runtime ${mine}${python === undefined ? "" : `, PyTorch ${rate(peer(shape))}`}`
  )
}
