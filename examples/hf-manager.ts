// A Memory Manager and an Answer Agent on Hugging Face, prompted, not trained.
//
//   HF_TOKEN=hf_... node examples/hf-manager.ts
//
// HF_MODEL names another model. HF_ENDPOINT names an Inference Endpoint or a local server (vLLM, llama.cpp,
// text-generation-inference) to ask instead of the router. Without HF_TOKEN this does nothing.
import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
import { AnswerAgent, FactExtractor, MemoryAgent, MemoryManager, MemoryStore, Retriever, Scope } from "@memory-r1/core"
import { Console, Effect, Layer } from "effect"

const turns = [
  "I adopted a dog from the shelter last week, his name is Buddy.",
  "I adopted another dog today! Her name is Scout.",
  "Thanks for listening, talk to you later!"
]
const question = "Which dogs does Ann have?"

const scope = Scope.make({ user: "ann" })

const program = Effect.gen(function*() {
  for (const [i, text] of turns.entries()) {
    yield* Console.log(`Ann: ${text}`)
    const { decisions } = yield* MemoryAgent.remember(scope, { id: `turn-${i + 1}`, speaker: "Ann", text })
    for (const { edits, rejections } of decisions) {
      for (const edit of edits) yield* Console.log(`  -> ${edit._tag.toUpperCase()}`)
      for (const rejection of rejections) yield* Console.log(`  -> not an operation: ${rejection._tag}`)
    }
  }
  yield* Console.log("Memories:")
  for (const memory of yield* MemoryAgent.memories(scope)) yield* Console.log(`  ${memory.text}`)
  const answer = yield* MemoryAgent.ask(scope, question)
  yield* Console.log(`${question} ${answer.text}`)
})

const model = HfLanguageModel.model(process.env.HF_MODEL ?? "meta-llama/Llama-3.3-70B-Instruct", {
  temperature: 0,
  maxTokens: 512
})

const layers = Layer.mergeAll(MemoryManager.layerPrompted(), AnswerAgent.layerPrompted()).pipe(
  Layer.provide(model),
  Layer.provide(HfClient.layerConfig()),
  Layer.merge(Layer.mergeAll(MemoryStore.layerInMemory, Retriever.layerBm25, FactExtractor.layerVerbatim))
)

const fail = (error: { readonly message: string }) =>
  Effect.andThen(Console.error(`hf-manager: ${error.message}`), Effect.sync(() => void (process.exitCode = 1)))

if ((process.env.HF_TOKEN ?? "").trim() === "") {
  console.log("hf-manager: skipped, HF_TOKEN is not set (a token of https://huggingface.co/settings/tokens)")
} else {
  await Effect.runPromise(program.pipe(Effect.provide(layers), Effect.catch(fail)))
}
