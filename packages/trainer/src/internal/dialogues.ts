// Dialogues that are under way, each on the bank that the policy itself has made so far.
import { MemoryBank } from "@memory-r1/core"
import { type Episode } from "@memory-r1/core/rl"
import * as Schema from "effect/Schema"
import * as Cursor from "../Cursor.ts"

/** A dialogue before one of its steps. */
export interface Dialogue {
  readonly index: number
  readonly episode: Episode.Episode
  step: number
  bank: MemoryBank.MemoryBank
}

const Saved = Schema.Struct({
  opened: Schema.Int,
  dialogues: Schema.Array(Schema.Struct({ index: Schema.Int, step: Schema.Int, bank: MemoryBank.Json }))
})

/** Dialogues of `episodes` by their places. Where one has ended, the next takes its place. */
export const make = (episodes: (index: number) => Episode.Episode) => {
  let dialogues: Array<Dialogue> = []
  let opened = 0
  const open = (): Dialogue => {
    const index = opened++
    const episode = episodes(index)
    return { index, episode, step: 0, bank: episode.start ?? MemoryBank.empty }
  }
  return {
    at: (place: number): Dialogue => {
      let current = dialogues[place] ?? open()
      while (current.step >= current.episode.steps.length) current = open()
      dialogues[place] = current
      return current
    },
    cursor: Cursor.make(Saved, {
      save: () => ({
        opened,
        dialogues: dialogues.map(({ bank, index, step }) => ({ index, step, bank: MemoryBank.toJson(bank) }))
      }),
      restore: (saved) => {
        opened = saved.opened
        dialogues = saved.dialogues.map(({ bank, index, step }) => ({
          index,
          step,
          episode: episodes(index),
          bank: MemoryBank.fromJson(bank)
        }))
      }
    })
  }
}
