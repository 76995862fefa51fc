// Dialogues in progress, each with the agent as the policy itself has made it so far.
import { MemoryBank } from "@memory-r1/core"
import { Cursor, type Episode, Simulation } from "@memory-r1/core/rl"
import * as Schema from "effect/Schema"

/** A dialogue before one of its steps. */
export interface Dialogue {
  readonly index: number
  readonly episode: Episode.Episode
  step: number
  simulation: Simulation.Simulation
}

/** A simulation as JSON. `turn` is missing in what earlier versions have saved. */
export const SimulationJson = Schema.Struct({
  bank: MemoryBank.Json,
  turn: Schema.optionalKey(Schema.Struct({ sources: Schema.Array(Schema.String), deleted: Schema.Int }))
})
export const toJson = ({ bank, turn }: Simulation.Simulation): typeof SimulationJson.Type => ({
  bank: MemoryBank.toJson(bank),
  turn
})
export const fromJson = ({ bank, turn }: typeof SimulationJson.Type): Simulation.Simulation => {
  const simulation = Simulation.make({ bank: MemoryBank.fromJson(bank) })
  return turn === undefined ? simulation : { ...simulation, turn }
}

const Saved = Schema.Struct({
  opened: Schema.Int,
  dialogues: Schema.Array(Schema.Struct({ index: Schema.Int, step: Schema.Int, ...SimulationJson.fields }))
})

/** Dialogues of `episodes` by their places. When one has ended, the next takes its place. */
export const make = (episodes: (index: number) => Episode.Episode) => {
  let dialogues: Array<Dialogue> = []
  let opened = 0
  const open = (): Dialogue => {
    const index = opened++
    const episode = episodes(index)
    return { index, episode, step: 0, simulation: Simulation.make({ bank: episode.start }) }
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
        dialogues: dialogues.map(({ index, simulation, step }) => ({ index, step, ...toJson(simulation) }))
      }),
      restore: (saved) => {
        opened = saved.opened
        dialogues = saved.dialogues.map(({ index, step, ...simulation }) => ({
          index,
          step,
          episode: episodes(index),
          simulation: fromJson(simulation)
        }))
      }
    })
  }
}
