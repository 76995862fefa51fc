/**
 * Demonstrations in an order, for supervised fine-tuning.
 *
 * @since 0.1.0
 */
import { Cursor, type Episode } from "@memory-r1/core/rl"
import * as Schema from "effect/Schema"

/**
 * `deal` gives the next demonstrations (at times none), and the `cursor` says where that is, so that a run can resume.
 *
 * @category models
 * @since 0.1.0
 */
export interface Demonstrations {
  readonly deal: () => ReadonlyArray<Episode.Demonstration>
  readonly cursor: Cursor.Cursor
}

/**
 * Makes demonstrations by number.
 *
 * @category models
 * @since 0.1.0
 */
export type Make = (index: number) => ReadonlyArray<Episode.Demonstration>

/**
 * Those that `make` makes of 0, 1, 2, …
 *
 * @category constructors
 * @since 0.1.0
 */
export const counted = (make: Make): Demonstrations => {
  let next = 0
  return {
    deal: () => make(next++),
    cursor: Cursor.make(Schema.Int, { save: () => next, restore: (saved) => void (next = saved) })
  }
}

const Dealt = Schema.Struct({ made: Schema.Int, at: Schema.Int })

// Deals out what `make` makes of 0, 1, 2, …, one by one, and makes more when that is used up. It asks once: where
// nothing is made, nothing is dealt, and who asks decides how long to go on.
const dealer = (make: Make) => {
  let known: ReadonlyArray<Episode.Demonstration> = []
  let [at, made] = [0, 0]
  return {
    deal: (): ReadonlyArray<Episode.Demonstration> => {
      if (at >= known.length) [known, at] = [make(made++), 0]
      return known.slice(at, ++at)
    },
    save: (): typeof Dealt.Type => ({ made, at }),
    restore: (saved: typeof Dealt.Type): void => {
      ;[made, at] = [saved.made, saved.at]
      known = made === 0 ? [] : make(made - 1)
    }
  }
}

const Mixed = Schema.Struct({ index: Schema.Int, decision: Dealt, answer: Dealt })

/**
 * Decisions and answers, dealt out one by one in a fixed order so that `managerShare` of them are decisions.
 *
 * @category constructors
 * @since 0.1.0
 */
export const mixed = (
  { answers, decisions }: { readonly decisions: Make; readonly answers: Make },
  { managerShare }: { readonly managerShare: number }
): Demonstrations => {
  const decision = dealer(decisions)
  const answer = dealer(answers)
  let index = 0
  return {
    deal: () => {
      const isDecision = Math.floor((index + 1) * managerShare) > Math.floor(index * managerShare)
      index++
      return isDecision ? decision.deal() : answer.deal()
    },
    cursor: Cursor.make(Mixed, {
      save: () => ({ index, decision: decision.save(), answer: answer.save() }),
      restore: (saved) => {
        index = saved.index
        decision.restore(saved.decision)
        answer.restore(saved.answer)
      }
    })
  }
}
