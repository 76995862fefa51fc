// The peer of `memory-r1 bench decode --peer-llama`: the same work in llama.cpp, through node-llama-cpp, on a GGUF
// file. Prints one JSON document. Never part of the product.
//
// node llama_decode.mjs FOLDER_WITH_NODE_LLAMA_CPP FILE.gguf PROMPT TOKENS GROUPS GROUP STEPS THREADS
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

const [folder, file, ...numbers] = process.argv.slice(2)
const [prompt, tokens, groups, group, steps, threads] = numbers.map(Number)
const installed = join(resolve(folder), "node_modules/node-llama-cpp/dist/index.js")
const { getLlama } = await import(pathToFileURL(installed).href)
const llama = await getLlama({ gpu: false, logLevel: "error" })
const model = await llama.loadModel({ modelPath: file })
const rows = groups * group
const context = await model.createContext({
  contextSize: prompt + tokens + 8,
  sequences: rows,
  threads,
  batchSize: Math.max(512, rows)
})
const sequences = Array.from({ length: rows }, () => context.getSequence())
const states = mkdtempSync(join(tmpdir(), "llama-states-"))
// Tokens of a linear congruential generator: the same at every run.
let state = 1
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return 3 + state % 997
}

// Tokens at temperature 1 from the whole vocabulary, ends of generation among them.
const continued = async (sequence, from) => {
  let count = 0
  for await (const _ of sequence.evaluate(from, { temperature: 1, topK: 0, topP: 1, seed: 1, yieldEogToken: true })) {
    if (++count >= tokens) break
  }
}

// A prompt of several completions is read once: its state goes to the other sequences through a file, which is how
// node-llama-cpp copies one.
const step = async () => {
  for (const sequence of sequences) await sequence.clearHistory()
  const started = performance.now()
  const last = []
  for (let g = 0; g < groups; g++) {
    const given = Array.from({ length: prompt }, random)
    last.push(given.at(-1))
    if (group === 1) {
      last[g] = given
      continue
    }
    const first = sequences[g * group]
    await first.evaluateWithoutGeneratingNewTokens(given.slice(0, -1))
    const saved = join(states, `${g}.bin`)
    await first.saveStateToFile(saved)
    for (let i = 1; i < group; i++) await sequences[g * group + i].loadStateFromFile(saved, { acceptRisk: true })
  }
  await Promise.all(sequences.map((sequence, i) => {
    const from = last[Math.floor(i / group)]
    return continued(sequence, Array.isArray(from) ? from : [from])
  }))
  return (performance.now() - started) / 1000
}

await step()
const stepSeconds = []
for (let i = 0; i < steps; i++) stepSeconds.push(await step())
rmSync(states, { recursive: true, force: true })
const sorted = stepSeconds.toSorted((a, b) => a - b)
const median = (sorted[Math.ceil(sorted.length / 2) - 1] + sorted[Math.floor(sorted.length / 2)]) / 2
console.log(JSON.stringify({
  engine: `llama.cpp (node-llama-cpp), ${file.split("/").at(-1)}`,
  stepSeconds,
  tokensPerSecond: rows * tokens / median
}))
process.exit(0)
