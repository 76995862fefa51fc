// A chat with the AI SDK that remembers: what is known goes into the prompt, what was said goes into the memory.
// Run: node examples/ai-sdk.ts
import { createMemory } from "@memory-r1/core"
import { generateText } from "ai"
import { MockLanguageModelV4 } from "ai/test"

// In an app any model of the AI SDK, such as openai("gpt-5-mini") of @ai-sdk/openai. Here it is the AI SDK's own mock,
// which needs no key: it knows one fact, adds it, and answers from the prompt.
const model = new MockLanguageModelV4({
  doGenerate: async ({ prompt, responseFormat }) => {
    const asked = JSON.stringify(prompt)
    const isTold = asked.includes("named Buddy")
    const text = responseFormat?.type === "json"
      ? JSON.stringify({ facts: isTold ? ["Ann has a dog named Buddy"] : [] })
      : asked.includes("You manage the memory")
      ? JSON.stringify({ memory: [{ event: "ADD", text: "Ann has a dog named Buddy" }] })
      : asked.includes("called?") && isTold
      ? "Your dog is called Buddy."
      : "Nice!"
    return {
      content: [{ type: "text", text }],
      finishReason: { unified: "stop", raw: "stop" },
      usage: {
        inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: undefined, text: undefined, reasoning: undefined }
      },
      warnings: []
    }
  }
})

await using memory = await createMemory({ model, scope: { user: "ann" } })

const chat = async (prompt: string) => {
  const { text } = await generateText({ model, instructions: await memory.context(prompt), prompt })
  const { decisions } = await memory.remember({ speaker: "Ann", text: prompt })
  console.log(`Ann: ${prompt}\nAssistant: ${text}`)
  for (const { edits } of decisions) for (const { _tag } of edits) console.log(`  -> ${_tag.toUpperCase()}`)
}

await chat("I adopted a dog named Buddy.")
await chat("What is my dog called?")
console.log((await memory.memories()).map(({ text }) => text))
