// Opens, runs and releases a session of ONNX Runtime many times, without this project, and says what of it stays in
// memory. Usage: LD_PRELOAD=/tmp/allocator.so MALLOC_ARENA_MAX=1 node --expose-gc --max-semi-space-size=1 \
//          packages/backend-onnx/scripts/plainSessions.ts FOLDER [LOADS]
// FOLDER is one that trainingGraph.ts wrote; allocator.c is what to preload.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { deserialize } from "node:v8"
import * as ort from "onnxruntime-node"

const [folder, loads = "101"] = process.argv.slice(2)
if (folder === undefined) throw new Error("usage: plainSessions.ts FOLDER [LOADS]")
const graph = readFileSync(join(folder, "graph.onnx"))
const fed = deserialize(readFileSync(join(folder, "feeds.bin"))) as ReadonlyArray<
  readonly [name: string, type: "float32", dims: ReadonlyArray<number>, data: Float32Array]
>
const feeds = Object.fromEntries(fed.map(([name, type, dims, data]) => [name, new ort.Tensor(type, data, dims)]))
const options = {
  executionProviders: ["cpu"],
  enableMemPattern: false,
  logSeverityLevel: 3,
  intraOpNumThreads: 1
} as const

for (let load = 0; load < Number(loads); load++) {
  const session = await ort.InferenceSession.create(graph, options)
  await session.run(feeds)
  await session.release()
  if (load % 10 > 0) continue
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.()
    await setTimeout(20)
  }
  // Ends the process where nothing was preloaded that takes it.
  if (process.env["LD_PRELOAD"] !== undefined) process.kill(process.pid, "SIGUSR2")
  await setTimeout(20)
  const { external, heapUsed, rss } = process.memoryUsage()
  const [all, heap, outside] = [rss, heapUsed, external].map((bytes) => (bytes / 2 ** 20).toFixed(1))
  console.error(`after ${load + 1}: RSS ${all} MiB, JavaScript ${heap}, buffers ${outside}`)
}
