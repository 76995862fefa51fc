// Any Llama- or Qwen2-style Hugging Face directory: generate, score, and fine-tune a little, in Node.
// Run: node examples/local-checkpoint.ts [MODEL_DIR] [PROMPT]
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { directory as nano } from "@memory-r1/nano"
import { Effect } from "effect"

const [model = nano, prompt = "Memories:\n[8 May 2023] Ann: I adopted a dog named Buddy.\n"] = process.argv.slice(2)

const program = Effect.gen(function*() {
  const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(model))
  const { sampler } = learner
  const tokens = sampler.tokenizer.encode(prompt)

  const groups = yield* sampler.sample({ prompts: [tokens], maxTokens: 20, temperature: 0 })
  console.log("greedy: ", JSON.stringify(sampler.tokenizer.decode(groups[0]![0]!.tokens)))

  // Teach it an answer of our own; the loss falls and the sampler follows.
  const target = [...sampler.tokenizer.encode("NOOP", { addSpecialTokens: false }), sampler.tokenizer.stopTokens[0]!]
  for (let step = 0; step < 4; step++) {
    const { loss } = yield* learner.forwardBackward(
      [{ prompt: tokens, completions: [{ tokens: target }] }],
      Objective.sft
    )
    yield* learner.optimStep({ learningRate: 1e-3, maxGradNorm: 1 })
    console.log(`step ${step}: loss ${loss.toFixed(3)}`)
  }
})

await Effect.runPromise(Effect.scoped(program))
