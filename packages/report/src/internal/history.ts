// What becomes of a bank, decision by decision, and how answers changed.
import type { Simulation } from "@memory-r1/core/rl"
import type { RunLog } from "@memory-r1/trainer"
import type { Input } from "./input.ts"
import { html, type Markup } from "./markup.ts"
import { table } from "./table.ts"
import * as Text from "./text.ts"

// Memories that a decision brought stand out, and those that it took away are still there, crossed out.
const moment = ({ decision, fact, memories }: Simulation.Moment, before: ReadonlyArray<string>): Markup => {
  const gone = before.filter((memory) => !memories.includes(memory))
  const all = [
    ...gone.map((memory) => html`<li class="gone">${memory}</li>`),
    ...memories.map((memory) => html`<li class="${before.includes(memory) ? "" : "new"}">${memory}</li>`)
  ]
  return html`<li><p class="fact">${fact}</p><p class="decision">${decision}</p>
${all.length === 0 ? html`<p class="muted">nothing in memory</p>` : html`<ul>${all}</ul>`}</li>`
}

const steps = (moments: ReadonlyArray<Simulation.Moment>): Markup =>
  html`<ol class="history">${moments.map((one, i) => moment(one, moments[i - 1]?.memories ?? []))}</ol>`

const pair = (
  before: ReadonlyArray<Simulation.Moment> | undefined,
  after: ReadonlyArray<Simulation.Moment>
): Markup =>
  html`${steps(after)}${
    before === undefined
      ? undefined
      : html`<details class="plain"><summary>The same dialogue before training</summary>${steps(before)}</details>`
  }`

// The first and the last validation of each stage.
const ends = (
  validations: ReadonlyArray<RunLog.Validation>
): ReadonlyArray<readonly [first: RunLog.Validation, last: RunLog.Validation]> =>
  [...Map.groupBy(validations, ({ stage }) => stage).values()].map((all) => [all[0]!, all.at(-1)!])

const answers = ([first, last]: readonly [RunLog.Validation, RunLog.Validation], index: number): Markup => {
  const earlier = new Map(first.answers.map((answer) => [answer.id, answer]))
  const cell = (answer: RunLog.Validation["answers"][number] | undefined): Markup =>
    answer === undefined
      ? html`<span class="muted">not asked</span>`
      : html`<span class="${answer.right ? "up" : "down"}" aria-label="${answer.right ? "right" : "wrong"}">${
        answer.right ? "\u2713" : "\u2717"
      }</span> ${answer.answer === "" ? html`<span class="muted">(nothing)</span>` : answer.answer}`
  return table({
    id: `table-answers-${index}`,
    caption: html`<strong>${Text.stage(last.stage)}.</strong> Answers after step ${Text.count(first.step)} and after
step ${Text.count(last.step)}; those that changed first`,
    texts: true,
    head: [`step ${first.step}`, `step ${last.step}`, "right answer"],
    rows: last.answers
      .map((answer) => ({ answer, before: earlier.get(answer.id) }))
      .sort((a, b) => Number(a.answer.right === a.before?.right) - Number(b.answer.right === b.before?.right))
      .map(({ answer, before }) => ({ name: answer.question, cells: [cell(before), cell(answer), answer.gold] }))
  })
}

/** What validation saw: answers at the beginning and at the end of each stage. */
export const answered = ({ validations = [] }: Input): Markup | undefined =>
  validations.length === 0
    ? undefined
    : html`<section id="answers" aria-labelledby="answers-title">
<h2 id="answers-title">Answers before and after</h2>
<p class="measure">Some of the questions that validation asks, with what both agents together said.</p>
${ends(validations).map(answers)}
</section>`

/** The bank of one dialogue over time. */
export const history = ({ results, validations = [] }: Input): Markup | undefined => {
  const measured = results?.history
  const all = ends(validations).filter(([, last]) => last.bank.length > 0)
  const [first, last] = [all[0]?.[0], all.at(-1)?.[1]]
  const shown = measured !== undefined
    ? pair(measured.before, measured.after)
    : last === undefined
    ? undefined
    : pair(first === last ? undefined : first!.bank, last.bank)
  return shown === undefined
    ? undefined
    : html`<section id="history" aria-labelledby="history-title">
<h2 id="history-title">A bank over time</h2>
<p class="measure">One dialogue that training never saw, turn by turn, after training: what was said, what the manager
decided, and the memories then. New ones are marked; what was changed or taken out is crossed out.</p>
${shown}
</section>`
}
