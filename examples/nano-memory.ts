// The same façade with the embedded model as manager and reader: a layer each, over one checkpoint.
// Run: node examples/nano-memory.ts [RUN_DIR]   (RUN_DIR of a quickstart has the agents after training)
import { OnnxSampler } from "@memory-r1/backend-onnx"
import { AnswerAgent, createMemory, MemoryManager } from "@memory-r1/core"
import { AnswerFormat, ManagerFormat } from "@memory-r1/core/rl"
import { directory } from "@memory-r1/nano"
import { Layer } from "effect"

const run = process.argv[2]
const [managerModel, answerModel] = run === undefined ? [directory, directory] : [`${run}/manager`, `${run}/answer`]

await using memory = await createMemory({
  manager: MemoryManager.layerTrained({ format: ManagerFormat.compact, maxTokens: 72 }).pipe(
    Layer.provide(OnnxSampler.layer(managerModel))
  ),
  answerAgent: AnswerAgent.layerTrained({ format: AnswerFormat.compact, maxTokens: 64 }).pipe(
    Layer.provide(OnnxSampler.layer(answerModel))
  )
})

for (
  const text of ["I adopted a dog named Buddy.", "Nice weather today, isn't it?", "We adopted another dog, Scout!"]
) {
  const { decisions } = await memory.remember({ speaker: "Ann", text, observedAt: "8 May 2023" })
  console.log(`${text}  ->  ${decisions.map(({ raw }) => raw).join("; ")}`)
}
console.log((await memory.memories()).map(({ text }) => text))
console.log((await memory.answer("What are the names of the dogs of Ann?")).text)
