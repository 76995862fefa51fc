// A Memory Manager and an Answer Agent on Hugging Face, prompted, not trained.
//
//   HF_TOKEN=hf_... node examples/hf-manager.ts
//
// HF_MODEL names another model. HF_ENDPOINT names an Inference Endpoint or a local server (vLLM, llama.cpp,
// text-generation-inference) to ask instead of the router. Without HF_TOKEN this does nothing.
import { createMemory, FactExtractor } from "@memory-r1/core"

const turns = [
  "I adopted a dog from the shelter last week, his name is Buddy.",
  "I adopted another dog today! Her name is Scout.",
  "Thanks for listening, talk to you later!"
]
const question = "Which dogs does Ann have?"

const run = async (model: string) => {
  await using memory = await createMemory({ model, extractor: FactExtractor.layerVerbatim })
  for (const text of turns) {
    console.log(`Ann: ${text}`)
    const { decisions } = await memory.remember({ speaker: "Ann", text })
    for (const { edits, rejections } of decisions) {
      for (const edit of edits) console.log(`  -> ${edit._tag.toUpperCase()}`)
      for (const rejection of rejections) console.log(`  -> not an operation: ${rejection._tag}`)
    }
  }
  console.log("Memories:")
  for (const { text } of await memory.memories()) console.log(`  ${text}`)
  console.log(`${question} ${(await memory.answer(question)).text}`)
}

if ((process.env.HF_TOKEN ?? "").trim() === "") {
  console.log("hf-manager: skipped, HF_TOKEN is not set (a token of https://huggingface.co/settings/tokens)")
} else {
  await run(process.env.HF_MODEL ?? "meta-llama/Llama-3.3-70B-Instruct").catch((error: Error) => {
    console.error(`hf-manager: ${error.message}`)
    process.exitCode = 1
  })
}
