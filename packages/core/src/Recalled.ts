/**
 * What was recalled is marked, so that it is not taken for news: a memory that is shown to a model comes back in
 * transcripts, and memory layers that read those again fill up with copies of what they hold.
 */
import { isSame } from "./internal/fingerprint.ts"
import { oneLine } from "./internal/oneLine.ts"
import * as Memory from "./Memory.ts"
import type { Fact } from "./Turn.ts"

// In its place comes a blank, since what stood around it could be a tag, too.
const tag = /<\/?recalled-memories>/giu
const block = /<recalled-memories>[\s\S]*?(?:<\/recalled-memories>|$)/giu

/**
 * Memories as a block for a prompt, a line each. `MemoryAgent.remember` leaves such a block out of what it reads.
 *
 * @example
 * ```ts
 * import { Memory, Recalled } from "@memory-r1/core"
 *
 * const memory = { id: Memory.MemoryId.make("m1"), text: "Ann has a dog", sources: [], revision: 0 }
 * const shown = Recalled.render([memory])
 * shown // => "<recalled-memories>\n- Ann has a dog\n</recalled-memories>"
 * Recalled.strip(`${shown}\nI got a cat!`) // => "I got a cat!"
 * ```
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (memories: ReadonlyArray<Memory.Memory>): string =>
  `<recalled-memories>\n${
    memories.map((memory) => `- ${oneLine(Memory.line(memory).replace(tag, " "))}\n`).join("")
  }</recalled-memories>`

/**
 * A text without the blocks of recalled memories that stand in it, those that were cut off included.
 *
 * @category formatting
 * @since 0.1.0
 */
export const strip = (text: string): string => text.replace(block, "").trim()

/**
 * Whether a fact is one of the texts that were recalled. A part of such a text is another statement, since what stands
 * around it can deny it.
 *
 * @category predicates
 * @since 0.1.0
 */
export const repeats = (fact: Pick<Fact, "text">, recalled: ReadonlyArray<string>): boolean =>
  recalled.some((text) => isSame(fact.text, text))
