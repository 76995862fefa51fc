/**
 * What was recalled is marked, so that it is not taken for news: a memory that is shown to a model comes back in transcripts, and memory layers that read those again
 * fill up with copies of what they hold.
 */
import { folded } from "./internal/fingerprint.ts"
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
 */
export const render = (memories: ReadonlyArray<Memory.Memory>): string =>
  `<recalled-memories>\n${memories.map((memory) => `- ${oneLine(Memory.line(memory).replace(tag, " "))}\n`).join("")}</recalled-memories>`

/**
 * A text without the blocks of recalled memories that stand in it, those that were cut off included.
 */
export const strip = (text: string): string => text.replace(block, "").trim()

const plain = (text: string): string => folded(text).replace(/[^\p{L}\p{N} ]/gu, "")

/**
 * Whether a fact says nothing that is not in one of the texts that were recalled.
 */
export const repeats = (fact: Pick<Fact, "text">, recalled: ReadonlyArray<string>): boolean => {
  const said = plain(fact.text)
  return said !== "" && recalled.some((text) => ` ${plain(text)} `.includes(` ${said} `))
}
