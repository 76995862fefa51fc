// The top of the page: what ran, how it ended, and what the page shows.
import type { QuickstartResult, WorldEvaluation } from "@memory-r1/memory-world"
import type { Input } from "./input.ts"
import { html, type Markup } from "./markup.ts"
import * as Series from "./series.ts"
import * as Text from "./text.ts"

const seedOf = ({ results, run }: Input): number | undefined => results?.seed ?? run?.seed

const isQuickstart = ({ results, run }: Input): boolean =>
  results !== undefined || /\bquickstart\b/.test(run?.command ?? "")

/** The page's title, as text. */
export const title = (input: Input): string => {
  const seed = seedOf(input)
  const name = isQuickstart(input) ? "Memory-R1 quickstart" : "Memory-R1 training run"
  return seed === undefined ? name : `${name}, seed ${seed}`
}

const states = { running: "running", done: "done", interrupted: "interrupted", failed: "failed" } as const

const facts = (input: Input): ReadonlyArray<readonly [name: string, value: string]> => {
  const { metrics, results, run } = input
  const [algorithm, order, seed] = [results?.algorithm ?? run?.algorithm, results?.order ?? run?.order, seedOf(input)]
  const [first, last] = [Series.stages(metrics)[0]?.records[0]?.at, metrics.at(-1)?.at]
  const logged = first === undefined || last === undefined ? undefined : (last - first) / 1000
  const ended = Text.moment(last)
  const found: ReadonlyArray<readonly [string, string | undefined]> = [
    ["Seed", seed === undefined ? undefined : String(seed)],
    ["Algorithm", algorithm === undefined ? undefined : Text.algorithm(algorithm)],
    ["Order", order === undefined ? undefined : Text.order(order)],
    [
      "Time",
      results !== undefined
        ? Text.duration(results.seconds)
        : logged === undefined
        ? undefined
        : `${Text.duration(logged)} logged`
    ],
    ["Peak memory", results === undefined ? undefined : Text.gibibytes(results.peakRssBytes)],
    ["Last logged", ended]
  ]
  return found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
}

const place = ({ metrics, status }: Input): string => {
  const last = metrics.at(-1)
  // A killed run did not get to write where it was; its log did.
  const [stage, step, steps] = status !== undefined && status.step > 0
    ? [status.stage, status.step, metrics.findLast((record) => record.stage === status.stage)?.steps]
    : [last?.stage, last?.step, last?.steps]
  if (stage === undefined || step === undefined) return "before its first step"
  return step === steps
    ? `after the last step of the stage “${Text.stage(stage)}”`
    : `at step ${Text.count(step)}${steps === undefined ? "" : ` of ${Text.count(steps)}`} of the stage “${
      Text.stage(stage)
    }”`
}

const banner = (input: Input): Markup | undefined => {
  const { status } = input
  switch (status?.state) {
    case "interrupted":
      return html`<div class="banner warn" role="status"><p><strong>This run was interrupted ${place(input)}.</strong>
The page shows what was done until then.</p></div>`
    case "failed":
      return html`<div class="banner bad" role="alert"><p><strong>This run failed ${place(input)}.</strong>
The page shows what was done until then.</p>${
        status.message === undefined ? undefined : html`<pre tabindex="0">${status.message}</pre>`
      }</div>`
    case "running":
      return html`<div class="banner info" role="status"><p><strong>This run had not ended when the page was
made; it was ${place(input)}.</strong> If it is no longer running, it was killed without a chance to say so.</p></div>`
    default:
      return undefined
  }
}

const skipped = ({ skipped }: Input): Markup | undefined =>
  skipped.length === 0
    ? undefined
    : html`<div class="banner info" role="note">${
      skipped.map(
        ({ file, lines, partial }) =>
          html`<p><strong>${Text.plural(lines, "line")} of ${file} could not be read</strong> and ${
            lines === 1 ? "is" : "are"
          } omitted${partial ? "; the file ends in the middle of a line, as it does when a run is killed" : ""}.</p>`
      )
    }</div>`

const signs = ({ diagnostics = [] }: Input): Markup | undefined =>
  diagnostics.length === 0
    ? undefined
    : html`<div class="banner warn" role="note"><p><strong>Signs that something went wrong</strong></p><ul>${
      diagnostics.map(
        ({ message, stage, step }) => html`<li>${Text.stage(stage)}, step ${Text.count(step)}: ${message}</li>`
      )
    }</ul></div>`

const apart = (
  a: { readonly low: number; readonly high: number },
  b: { readonly low: number; readonly high: number }
): boolean => a.high < b.low || b.high < a.low

const outcome = ({ results, resultsNewPhrasings, seconds }: QuickstartResult.QuickstartResult): Markup => {
  const { addOnly, addOnlyStatements, bothRl, oracle, warmStart } = results
  const [before, after] = [warmStart.intervals.exactMatch, bothRl.intervals.exactMatch]
  const share = (value: number): string => `${Text.percent(value)}\u00a0%`
  const dialogues = Text.plural(bothRl.dialogues, "dialogue")
  const answers = Text.plural(bothRl.n, "answer")
  return html`<p>The question is how well the two agents answer about ${dialogues} whose people and values training
never saw. Before reinforcement learning, ${share(warmStart.exactMatch)} of ${answers} were exactly right; after
${Text.duration(seconds)} on this machine, ${share(bothRl.exactMatch)}. The 95 % intervals (${Text.range(before)}
and ${Text.range(after)}) ${apart(before, after) ? "do not overlap" : "overlap"}. ${
    addOnlyStatements === undefined
      ? html`A memory that only adds what was said reached ${share(addOnly.exactMatch)} before training`
      : html`With the same statements only added, never updated or deleted, the same answer agent reached
${share(addOnlyStatements.exactMatch)} (with raw turns in their place, before training, ${share(addOnly.exactMatch)})`
  }; with operations that are always right ${
    share(oracle.exactMatch)
  }. Worded in ways that training never saw either, the same kind of dialogues went from
${share(resultsNewPhrasings.warmStart.exactMatch)} to ${share(resultsNewPhrasings.bothRl.exactMatch)}.</p>`
}

const training = ({ metrics, results, status, validations = [] }: Input): Markup => {
  const stages = Series.stages(metrics)
  if (stages.length === 0) return html`<p>No training step was logged, so there are no curves to show.</p>`
  const names = stages
    .map(({ name, records }) =>
      `${Text.stage(name)} (${Text.plural(records.filter(({ step }) => step > 0).length, "step")})`
    )
    .join(", ")
  return results === undefined
    ? html`<p>This page shows how training went, stage by stage: ${names}. ${
      validations.length > 0
        ? "On the way both agents were measured on other dialogues, which had a say in which weights were kept; that " +
          "is no result on held-out ones."
        : `Nothing ${
          status?.state === "running" ? "has been measured so far" : "was measured"
        } on held-out dialogues, so there are curves but no results.`
    }</p>`
    : html`<p>Below are the results, what the manager does differently now, and how training went, stage by stage:
${names}.</p>`
}

const change = (name: string, [before, after]: readonly [string, string], note: string): Markup =>
  html`<div><dt>${name}</dt><dd><span class="from">${before}</span>
<span class="arrow" aria-label="to">→</span> <span class="to">${after}</span></dd>
<dd class="note">${note}</dd></div>`

const headline = ({ results: { bothRl, oracle, warmStart } }: QuickstartResult.QuickstartResult): Markup => {
  const both = (show: (result: WorldEvaluation.Result) => string) => [show(warmStart), show(bothRl)] as const
  const exact = both(({ exactMatch }) => Text.percent(exactMatch))
  const right = both(({ operationAccuracy }) => Text.percent(operationAccuracy.overall))
  const size = both(({ memories }) => memories.toFixed(1))
  return html`<dl class="headline">
${change("Exact match, %", exact, "held-out people and values; before and after RL")}
${change("Turns handled rightly, %", right, "the bank is as it should be after the turn")}
${change("Memories per bank", size, `with right operations ${oracle.memories.toFixed(1)}`)}
</dl>`
}

/** Title, banners, facts and the paragraph that says what the page shows. */
export const overview = (input: Input, sections: ReadonlyArray<readonly [id: string, name: string]>): Markup =>
  html`<header>
<p class="brand">Memory-R1 for TypeScript</p>
<h1>${title(input)}</h1>
${banner(input)}
${skipped(input)}
${signs(input)}
<dl class="facts"><div><dt>State</dt><dd class="state ${input.status?.state ?? "unknown"}">${
    input.status === undefined ? "not recorded" : states[input.status.state]
  }</dd></div>${facts(input).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<div class="lead">
<p>Memory-R1 teaches two small agents by reinforcement learning. The <em>memory manager</em> decides for every turn of
a dialogue whether to add, update or delete a memory, or to leave all as it is. The <em>answer agent</em> picks the
memories that bear on a question, and answers.</p>
${input.results === undefined ? undefined : outcome(input.results)}
${training(input)}
</div>
${input.results === undefined ? undefined : headline(input.results)}
${
    sections.length < 2
      ? undefined
      : html`<nav aria-label="Sections"><ul>${
        sections.map(
          ([id, name]) => html`<li><a href="#${id}">${name}</a></li>`
        )
      }</ul></nav>`
  }
</header>`
