// What is served and what is simulated are one agent: the same turns give the same bank, prompts and candidates.
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { AnswerAgent, layerExtractive } from "../AnswerAgent.ts"
import { layerVerbatim, verbatim } from "../FactExtractor.ts"
import * as MemoryAgent from "../MemoryAgent.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { layerAddOnly, layerRuleBased, MemoryManager } from "../MemoryManager.ts"
import { MemoryStore } from "../MemoryStore.ts"
import { layerBm25 } from "../Retriever.ts"
import * as AnswerFormat from "../rl/AnswerFormat.ts"
import * as ManagerFormat from "../rl/ManagerFormat.ts"
import * as Simulation from "../rl/Simulation.ts"
import type { Turn } from "../Turn.ts"
import { freshScope, pick } from "./storeSupport.ts"

const limits = { perFact: 4, perSpeaker: 5 }
const questions = ["Where does Ann live?", "Which pets does Ben have?", "Who plays chess?", "xyzzy"]

const homes = ["Oslo", "Bergen", "Lima"]
const pets = ["dog", "cat", "parrot"]
const said = [
  ...homes.map((home) => `I live in ${home}.`),
  ...pets.map((pet) => `I have a ${pet}.`),
  "I do not have a dog.",
  "I play chess.",
  "It was a long day."
]
// What a model writes: each operation, several at once, deletions above the limit, handles that were not shown, and
// what is no operation at all.
const written = [
  ...homes.map((home) => `ADD Lives in ${home}`),
  "NOOP",
  "UPDATE 0 Lives in Lima and plays chess",
  "UPDATE 1 Has a dog and a cat",
  "DELETE 0",
  "DELETE 0\nDELETE 1\nDELETE 2",
  "ADD Lives in Oslo\nADD Lives in Oslo\nDELETE 0",
  "DELETE 17",
  "please"
]

const conversation = Effect.forEach(
  Array.from({ length: 24 }, (_, i) => i),
  Effect.fnUntraced(function*(i): Effect.fn.Return<Turn> {
    return {
      id: `D1:${i}`,
      speaker: yield* pick(["Ann", "Ben"]),
      text: yield* pick(said),
      observedAt: `2026-12-0${1 + i % 9}`
    }
  })
)

// A model that writes what is next on its list, and a note of every prompt that it got.
const scripted = (script: ReadonlyArray<string>, prompts: Array<unknown>): Layer.Layer<MemoryManager> =>
  Layer.sync(MemoryManager, () => {
    let at = 0
    return {
      decide: (requests) =>
        Effect.sync(() =>
          requests.map((request) => {
            prompts.push(ManagerFormat.paper.prompt(request))
            const raw = script[at++ % script.length]!
            return { ...ManagerFormat.compact.decode(raw, request), raw }
          })
        )
    }
  })

const noting = (manager: Layer.Layer<MemoryManager>, prompts: Array<unknown>): Layer.Layer<MemoryManager> =>
  Layer.effect(
    MemoryManager,
    Effect.map(MemoryManager, ({ decide }) => ({
      decide: (requests) => {
        prompts.push(...requests.map((request) => ManagerFormat.paper.prompt(request)))
        return decide(requests)
      }
    }))
  ).pipe(Layer.provide(manager))

const reading = (prompts: Array<unknown>): Layer.Layer<AnswerAgent> =>
  Layer.effect(
    AnswerAgent,
    Effect.map(AnswerAgent, ({ answer }) => ({
      answer: (requests) => {
        prompts.push(...requests.map((request) => AnswerFormat.paper.prompt(request)))
        return answer(requests)
      }
    }))
  ).pipe(Layer.provide(layerExtractive))

const served = Effect.fnUntraced(function*(turns: ReadonlyArray<Turn>) {
  const scope = yield* freshScope
  for (const turn of turns) yield* MemoryAgent.remember(scope, turn, limits)
  const answers = yield* Effect.forEach(questions, (question) => MemoryAgent.ask(scope, question, limits))
  const store = yield* MemoryStore
  return { answers, bank: (yield* store.current(scope)).bank }
}, Effect.provide(layerVerbatim))

const simulated = Effect.fnUntraced(function*(turns: ReadonlyArray<Turn>) {
  const manager = yield* MemoryManager
  const reader = yield* AnswerAgent
  let simulation = Simulation.make()
  for (const fact of turns.flatMap(verbatim)) {
    const observation = yield* Simulation.observe(simulation, fact, limits)
    const [decision] = yield* manager.decide([observation])
    simulation = Simulation.step(simulation, observation, decision!).simulation
  }
  const requests = yield* Effect.forEach(questions, (question) => Simulation.ask(simulation, question, limits))
  return { answers: yield* reader.answer(requests), bank: simulation.bank }
}, Effect.provide(layerBm25))

const wholeOf = (bank: MemoryBank.MemoryBank) => {
  const { created, memories, tombstones } = MemoryBank.toJson(bank)
  return { created, memories, tombstones }
}

/**
 * For every store: the agent over it (`MemoryAgent`) and the agent over a bank (`Simulation`) make the same of the same
 * turns, by each kind of manager: the same bank with all versions and tombstones, the same candidates, the same
 * prompts, the same answers. `memoryStoreLaws` runs it.
 *
 * @category laws
 * @since 0.1.0
 */
export const servingLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`${name}: what is served is what is simulated`, (it) => {
    const compare = Effect.fnUntraced(function*(
      turns: ReadonlyArray<Turn>,
      managerOf: (prompts: Array<unknown>) => Layer.Layer<MemoryManager>
    ) {
      const [inStore, inBank]: [Array<unknown>, Array<unknown>] = [[], []]
      const one = yield* Effect.provide(served(turns), Layer.merge(managerOf(inStore), reading(inStore)))
      const other = yield* Effect.provide(simulated(turns), Layer.merge(managerOf(inBank), reading(inBank)))
      assert.deepStrictEqual(wholeOf(one.bank), wholeOf(other.bank))
      assert.deepStrictEqual(inStore, inBank)
      assert.deepStrictEqual(one.answers, other.answers)
      return one.bank
    })

    it.effect("an ADD-only manager that is told the same twice", () =>
      Effect.gen(function*() {
        const turns = ["I live in Oslo.", "I live in Oslo.", "I have a dog."].map((text, i): Turn => ({
          id: `D1:${i}`,
          speaker: "Ann",
          text
        }))
        const bank = yield* compare(turns, (prompts) => noting(layerAddOnly, prompts))
        assert.strictEqual(MemoryBank.size(bank), 2)
      }))

    it.effect("a manager by rules, and one that only adds, over conversations", () =>
      Effect.gen(function*() {
        for (const manager of [layerRuleBased(), layerAddOnly]) {
          for (let seed = 0; seed < 3; seed++) {
            const turns = yield* Random.withSeed(conversation, seed)
            yield* compare(turns, (prompts) => noting(manager, prompts))
          }
        }
      }))

    it.effect("a model that writes anything: deletions above the limit, what was not shown, no operation at all", () =>
      Effect.gen(function*() {
        for (let seed = 0; seed < 6; seed++) {
          const turns = yield* Random.withSeed(conversation, seed)
          const script = yield* Random.withSeed(Effect.forEach(turns, () => pick(written)), `${seed}/written`)
          yield* compare(turns, (prompts) => scripted(script, prompts))
        }
      }))
  })
}
