// GRPO in one file, to be read from top to bottom: a Memory Manager decides what becomes of a fact, a frozen reader
// answers from the changed bank, and right answers make the decision more likely. The trainer is this loop with options
// and a log. Run: node examples/grpo-loop.ts [STEPS]
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { AnswerAgent, MemoryBank, Retriever } from "@memory-r1/core"
import { AnswerFormat, ManagerFormat, Objective, Reward, Sampler, Simulation } from "@memory-r1/core/rl"
import { MemoryWorld } from "@memory-r1/memory-world"
import { directory } from "@memory-r1/nano"
import { Effect } from "effect"

const steps = Number(process.argv[2] ?? 2)
const [dialogues, groupSize, learningRate] = [6, 6, 3e-4]
const format = ManagerFormat.compact

const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length

const program = Effect.gen(function*() {
  // The policy that learns, and the same weights once more as a reader that does not.
  const { learner: policy } = yield* OnnxLearner.make(yield* OnnxModel.load(directory))
  const reader = AnswerAgent.fromSampler((yield* OnnxLearner.make(yield* OnnxModel.load(directory))).learner.sampler, {
    format: AnswerFormat.compact,
    maxTokens: 64
  })
  const answersFrom = (asked: Parameters<typeof Simulation.answer>[0]) =>
    Effect.provideService(Simulation.answer(asked, { perSpeaker: 12 }), AnswerAgent.AnswerAgent, reader)
  const { tokenizer } = policy.sampler

  // Dialogues with questions, all at their first fact and with an empty bank.
  const open = Array.from({ length: dialogues }, (_, i) => ({
    episode: MemoryWorld.episode(MemoryWorld.generate(42 + i)),
    at: 0,
    bank: MemoryBank.empty
  }))

  for (let step = 0; step < steps; step++) {
    // 1. The states: each dialogue's next fact, with the memories nearest to it.
    const states = yield* Effect.forEach(open, ({ at, bank, episode }) => {
      const { fact, questions } = episode.steps[at]!
      return Effect.map(
        Simulation.observe({ bank }, fact, { perFact: 8 }),
        (observed) => ({ ...observed, questions, bank })
      )
    })
    const prompts = states.map((state) => tokenizer.encode(format.prompt(state) as string))

    // 2. A group of decisions for each state, from the policy as it is.
    const groups = yield* policy.sampler.sample({ prompts, n: groupSize, maxTokens: 72, temperature: 1, seed: step })

    // 3. Every decision changes a fork of the bank, and the reader answers the questions that hang on the fact.
    const forks = groups.map((group, i) =>
      group.map((completion) => {
        const decided = format.decode(tokenizer.decode(Sampler.withoutStop(completion)), states[i]!)
        return Simulation.step(Simulation.make(states[i]!), states[i]!, decided).simulation.bank
      })
    )
    const rewards = yield* Effect.forEach(forks, (group, i) =>
      Effect.forEach(group, (bank) => {
        const { bank: before, questions } = states[i]!
        const asked = questions.map((question) => ({ bank, question }))
        return Effect.map(answersFrom(asked), (answers) => {
          const right = answers.map(({ answer, question }) =>
            Reward.exactMatch({ prediction: answer.text, gold: question.gold, list: question.list === true }).value
          )
          // A memory more has a price: else a manager that adds everything looks as good as one that keeps order.
          return (right.length === 0 ? 0 : mean(right)) -
            0.15 * Math.max(0, MemoryBank.size(bank) - MemoryBank.size(before))
        })
      }))

    // 4. Advantages: how much better than its group a decision was. Groups in which all are alike teach nothing.
    const batch = groups.flatMap((group, i) => {
      const expected = mean(rewards[i]!)
      if (rewards[i]!.every((reward) => reward === rewards[i]![0])) return []
      return [{
        prompt: prompts[i]!,
        completions: group.map(({ logprobs, tokens }, g) => ({
          tokens,
          oldLogp: logprobs,
          advantage: rewards[i]![g]! - expected
        }))
      }]
    })

    // 5. One step on the clipped objective: the gradient of every completion, then AdamW.
    const { loss } = yield* policy.forwardBackward(batch, Objective.grpo({ epsilon: 0.2 }))
    const { gradNorm } = yield* policy.optimStep({ learningRate, maxGradNorm: 1 })
    console.log(
      `step ${step + 1}: reward ${mean(rewards.flat()).toFixed(3)}, ${batch.length} of ${dialogues} groups, loss ${
        loss.toFixed(4)
      }, gradient ${gradNorm.toFixed(2)}`
    )

    // 6. Each dialogue continues from the first of its decisions, so that the policy meets the banks that it makes.
    open.forEach((dialogue, i) => {
      dialogue.bank = forks[i]![0]!
      dialogue.at = (dialogue.at + 1) % dialogue.episode.steps.length
    })
  }
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Retriever.layerBm25)))
