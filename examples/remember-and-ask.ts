// A memory in an app that does not use Effect: remember what was said, ask about it. No model, no network, no key.
// Run: node examples/remember-and-ask.ts
import { createMemory } from "@memory-r1/core"

await using memory = await createMemory()

await memory.remember({ speaker: "Ann", text: "I adopted a dog named Buddy.", observedAt: "2023-05-08" })
await memory.remember({ speaker: "Ann", text: "I moved to Oslo yesterday.", observedAt: "2023-05-08" })
await memory.remember({ speaker: "Bob", text: "I live in Lima." })

console.log((await memory.answer("What is the name of Ann's dog?")).text)
console.log((await memory.answer("When did Ann move to Oslo?")).text)
const [home] = await memory.recall("Where does Bob live?", { limit: 1 })
console.log(`${home?.speaker}: ${home?.text}`)
