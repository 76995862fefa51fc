// Answers, with what a judge says of them where there is one.
import type { Judge, Reward } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Given from "./given.ts"

interface Given {
  readonly question: string
  readonly prediction: string
  readonly gold: string
  readonly list: boolean
}

/** Outcomes of answers, in their order; without a judge their verdicts are NaN. */
export const judged = <A extends Given>(answers: ReadonlyArray<A>, judge: Judge.Judge["Service"] | undefined) =>
  Effect.map(
    judge === undefined
      ? Effect.succeed(answers.map(() => NaN))
      : Effect.flatMap(
        judge.verdicts(answers),
        (verdicts) => Given.expectCount("verdicts by the judge", answers.length, verdicts)
      ),
    (verdicts) => answers.map((answer, i): A & Reward.JudgedOutcome => ({ ...answer, verdict: verdicts[i]! }))
  )
