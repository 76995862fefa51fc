// Completions of a few prompts, rewarded for one letter: something that a random model can learn in a few steps.
import { type Environment, Reward } from "@memory-r1/core/rl"
import { Effect } from "effect"

const reward = Reward.make("letter", (text: string) => Math.min(1, (text.match(/e/g)?.length ?? 0) / 6))

export const environment: Environment.Environment<string> = {
  name: "letter",
  maxTokens: 12,
  groups: (count) => Effect.succeed(Array.from({ length: count }, (_, i) => ({ state: "abcdef"[i % 6]! }))),
  observation: (letter) => letter,
  rewards: (groups) =>
    Effect.succeed(
      groups.map(({ actions }) => actions.map(({ text }) => ({ reward: reward(text), labels: ["text"], result: text })))
    )
}

/** The same with other rewards. */
export const rewarded = (value: (text: string, index: number) => number): Environment.Environment<string> => ({
  ...environment,
  rewards: (groups) =>
    Effect.succeed(
      groups.map(({ actions }) =>
        actions.map(({ text }, i) => ({ reward: { value: value(text, i), parts: {} }, labels: [], result: text }))
      )
    )
})

export const withoutTimes = (metrics: ReadonlyArray<Readonly<Record<string, number>>>) =>
  metrics.map(({ seconds: _, tokensPerSecond: __, ...values }) => values)
