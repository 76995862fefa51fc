// Playing dialogues with a manager takes minutes with a real model: each fact is a decision.
import { type Episode, Progress, Simulation } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"

/** Plays episodes with the provided manager, and reports how far they are. */
export const playing = Effect.fnUntraced(
  function*(name: string, episodes: ReadonlyArray<Episode.Episode>, { perFact }: { readonly perFact: number }) {
    const { phase } = yield* Progress.Progress
    const steps = Math.max(0, ...episodes.map((episode) => episode.steps.length))
    return yield* phase(
      `${name} (${episodes.length})`,
      steps,
      ({ update }) => Simulation.play(episodes, { perFact, onStep: (step) => update(step) })
    )
  }
)
