// The environments of this package obey the laws; environments that break one are found out.
import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, MemoryManager, Retriever } from "@memory-r1/core"
import { AnswerFormat, type Environment, type Episode, ManagerFormat } from "@memory-r1/core/rl"
import { environmentLaws, lawsOfEnvironment } from "@memory-r1/core/testing"
import { AnswerEnvironment, ManagerEnvironment, SessionEnvironment } from "@memory-r1/trainer"
import { Effect, Layer } from "effect"
import { environment as letters } from "./support/letters.ts"

const places = ["Oslo", "Lima", "Bergen"]
const said = (index: number, i: number): Episode.Step => ({
  fact: { text: `I moved to ${places[(index + i) % 3]}.`, speaker: "Ann", sources: [`D${index}:${Math.floor(i / 2)}`] },
  session: 1 + Math.floor(i / 3),
  questions: [{
    id: `${index}/${i}`,
    question: "Where does Ann live?",
    gold: places[(index + i) % 3]!,
    subject: "home"
  }]
})
const episodes = (index: number): Episode.Episode => {
  const steps = Array.from({ length: 4 + index % 3 }, (_, i) => said(index, i))
  return { id: `${index}`, steps, questions: steps.at(-1)!.questions }
}

const common = { episodes, maxTokens: 24, perFact: 4, perSpeaker: 4 }
const manager = { ...common, format: ManagerFormat.compact }
const provide = Effect.provide(
  Layer.mergeAll(AnswerAgent.layerExtractive, MemoryManager.layerRuleBased(), Retriever.layerBm25)
)
const texts = ["ADD Ann lives in Oslo", "UPDATE 0 Ann lives in Lima", "DELETE 0\nADD Ann lives in Bergen", "NOOP"]

environmentLaws("manager", provide(ManagerEnvironment.make(manager)), { texts })
environmentLaws("session", provide(SessionEnvironment.make({ ...manager, longest: 2 })), { texts, count: 4 })
environmentLaws(
  "answer",
  provide(AnswerEnvironment.make({ ...common, format: AnswerFormat.compact, play: 2 })),
  { texts: ["= Oslo", "Ann: I moved to Lima.\n= Lima", "= none"] }
)
environmentLaws("letters", Effect.succeed(letters), { texts: ["e", "eee"] })

// Each breaks one law.
const rewards = (value: (text: string, member: number) => number): Pick<typeof letters, "rewards"> => ({
  rewards: (groups) =>
    Effect.sync(() =>
      groups.map(({ actions }) =>
        actions.map(({ text }, i) => ({ reward: { value: value(text, i), parts: {} }, labels: [], result: "" }))
      )
    )
})
let [counted, drawn] = [0, 0]
const dishonest: Readonly<Record<string, readonly [law: RegExp, environment: Environment.Environment<string>]>> = {
  "rewards a member by its place": [/begin in one state/, { ...letters, ...rewards((_, member) => member) }],
  "rewards an action by how many there were": [/leave no trace/, { ...letters, ...rewards(() => counted++) }],
  "rewards an empty text with NaN": [/finite/, { ...letters, ...rewards((text) => text === "" ? NaN : 1) }],
  "rewards with Infinity": [/finite/, { ...letters, ...rewards(() => Infinity) }],
  "gives groups that depend on earlier ones, and has no cursor": [/saved cursor/, {
    ...letters,
    groups: (count) => Effect.sync(() => Array.from({ length: count }, () => ({ state: `${drawn++}` })))
  }],
  "gives more groups than asked for": [/same seed/, { ...letters, groups: (count) => letters.groups(count + 1) }],
  "forgets an outcome": [/begin in one state/, {
    ...letters,
    rewards: (groups) => Effect.map(letters.rewards(groups), (outcomes) => outcomes.map((group) => group.slice(1)))
  }],
  "has a cursor that restores anything": [/refuses/, {
    ...letters,
    cursor: { save: () => 1, restore: () => Effect.void }
  }]
}

describe("environmentLaws finds out an environment that", () => {
  for (const [name, [broken, environment]] of Object.entries(dishonest)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const failed: Array<string> = []
        for (const { check, title } of lawsOfEnvironment(Effect.succeed(environment), { texts: ["e", "eee"] })) {
          if ((yield* Effect.exit(check))._tag === "Failure") failed.push(title)
        }
        assert.isTrue(failed.some((title) => broken.test(title)), `${broken} among ${JSON.stringify(failed)}`)
      }))
  }
})
