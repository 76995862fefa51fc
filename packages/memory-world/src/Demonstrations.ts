/**
 * What the teacher shows: decisions and answers in the Memory World, for a supervised warm start.
 *
 * @since 0.1.0
 */
import { MemoryBank, Retriever } from "@memory-r1/core"
import { AnswerFormat, type Episode, ManagerFormat, MemoryOperation } from "@memory-r1/core/rl"
import * as PrngModule from "./internal/prng.ts"
import * as MemoryWorld from "./MemoryWorld.ts"
import * as Oracle from "./Oracle.ts"
import * as Teacher from "./Teacher.ts"

/**
 * `perFact` and `perSpeaker` limit what decisions and answers get to see; `samples` is the number of decisions that the
 * teacher makes on one snapshot; `questions` that of the questions on one bank.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends MemoryWorld.Options {
  readonly perFact?: number | undefined
  readonly perSpeaker?: number | undefined
  readonly samples?: number | undefined
  readonly questions?: number | undefined
}

// The bank before every turn of a world, as somebody of a given behavior keeps it.
const banks = (
  random: PrngModule.Prng,
  world: MemoryWorld.World,
  behavior: "oracle" | "teacher" | "addOnly",
  perFact: number
): ReadonlyArray<
  {
    readonly event: MemoryWorld.Event
    readonly snapshot: MemoryOperation.Snapshot
    readonly bank: MemoryBank.MemoryBank
  }
> => {
  const read = Oracle.reader(world)
  let bank = MemoryBank.empty
  return world.events.map((event) => {
    const { observedAt, speaker, text } = event.turn
    const found = Retriever.bm25(bank, { text, speaker, limit: perFact })
    const snapshot = { revision: bank.revision, memories: Retriever.inOrder(bank, found.map(({ memory }) => memory)) }
    const operations = behavior === "addOnly"
      ? [{ _tag: "Add" as const, text }]
      : behavior === "oracle"
      ? Oracle.operations(event, snapshot, read)
      : Teacher.decide(random, event, snapshot, read)
    const parsed = { operations: operations.map((operation) => ({ operation, position: 0 })), rejections: [] }
    const fact = { speaker, sources: [event.turn.id], observedAt }
    const before = bank
    bank = MemoryBank.transition(bank, MemoryOperation.bind(parsed, snapshot, fact).edits, { now: 0 }).bank
    return { event, snapshot, bank: before }
  })
}

/**
 * Decisions of the teacher on every turn of one dialogue, in `ManagerFormat.compact`.
 *
 * @example
 * ```ts
 * import { Demonstrations } from "@memory-r1/memory-world"
 *
 * Demonstrations.manager(3)[0]?.completions[0]?.target.startsWith("ADD") // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const manager = (seed: number, options: Options = {}): ReadonlyArray<Episode.Demonstration> => {
  const { perFact = 8, samples = 2 } = options
  const random = PrngModule.make(seed ^ 0x5bd1e995)
  const world = MemoryWorld.generate(seed, options)
  const read = Oracle.reader(world)
  return banks(random, world, random.chance(0.4) ? "oracle" : "teacher", perFact).map(({ event, snapshot }) => {
    const { observedAt, speaker, text } = event.turn
    const fact = { text, speaker, sources: [event.turn.id], observedAt }
    return {
      prompt: ManagerFormat.compact.prompt({ fact, snapshot }) as string,
      completions: Array.from({ length: samples }, () => ({
        target: ManagerFormat.format(Teacher.decide(random, event, snapshot, read), snapshot)
      }))
    }
  })
}

// The longest common beginning of prompts that ends with a line.
const commonLines = (prompts: ReadonlyArray<string>): string => {
  let length = Math.min(...prompts.map((prompt) => prompt.length))
  for (const prompt of prompts) {
    let same = 0
    while (same < length && prompt[same] === prompts[0]![same]) same++
    length = same
  }
  return prompts[0]!.slice(0, prompts[0]!.lastIndexOf("\n", length - 1) + 1)
}

/**
 * Answers of the teacher about one dialogue, in `AnswerFormat.compact`, from banks that the oracle, the teacher or an
 * ADD-only manager has kept. The memories are the prompt, each question is the context of its answer.
 *
 * @example
 * ```ts
 * import { Demonstrations } from "@memory-r1/memory-world"
 *
 * Demonstrations.answers(3)[0]?.prompt.startsWith("Memories:") // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const answers = (seed: number, options: Options = {}): ReadonlyArray<Episode.Demonstration> => {
  const { perSpeaker = 12, phrasing = "train", questions = 10 } = options
  const random = PrngModule.make(seed ^ 0x3c6ef372)
  const world = MemoryWorld.generate(seed, options)
  const read = Oracle.reader(world)
  const behavior = random.weighted({ oracle: 0.45, teacher: 0.45, addOnly: 0.1 })
  const kept = banks(random, world, behavior, 8)
  return [random.int(kept.length - 1) + 1, kept.length - 1].map((at) => {
    const { bank } = kept[at]!
    // One in five is about what was never told.
    const slots = random.sample(MemoryWorld.toldUntil(world, at), questions - Math.max(1, Math.round(questions / 5)))
    const asked = [...slots, ...random.sample(world.untold, Math.max(1, Math.floor(slots.length / 4)))]
    const shown = asked.map((slot) => {
      const question = MemoryWorld.ask(random, slot, phrasing)
      const speakers = new Set(MemoryBank.memories(bank).map((memory) => memory.speaker))
      const found = [...speakers].flatMap((speaker) =>
        Retriever.bm25(bank, { text: question, limit: perSpeaker, speaker })
      )
      const candidates = Retriever.inOrder(bank, found.map(({ memory }) => memory))
      return {
        prompt: AnswerFormat.compact.prompt({ question, candidates }) as string,
        target: Teacher.answer(random, slot, candidates, read)
      }
    })
    const prompt = commonLines(shown.map((one) => one.prompt))
    return {
      prompt,
      completions: shown.map((one) => ({ context: one.prompt.slice(prompt.length), target: one.target }))
    }
  })
}
