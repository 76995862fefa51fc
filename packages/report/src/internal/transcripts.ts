// What the policy was asked, what it wrote, and what it earned.
import { Statistics } from "@memory-r1/core/rl"
import type { RunLog } from "@memory-r1/trainer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { html, type Markup } from "./markup.ts"
import { operationNames } from "./operations.ts"
import * as Text from "./text.ts"

const perStage = 5
const mostShown = 16

type Transcript = RunLog.Transcript
type Completion = Transcript["completions"][number]

const differs = ({ completions }: Transcript): boolean => new Set(completions.map(({ reward }) => reward)).size > 1

/** One of each fifth of a stage, where there is one with completions that earned different rewards. */
export const handful = (transcripts: ReadonlyArray<Transcript>): ReadonlyArray<Transcript> => {
  if (transcripts.length <= perStage) return transcripts
  return Array.from({ length: perStage }, (_, i) => {
    const part = transcripts.slice(
      Math.floor((i * transcripts.length) / perStage),
      Math.floor(((i + 1) * transcripts.length) / perStage)
    )
    return part.find(differs) ?? part[0]!
  })
}

const readMessages = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.NonEmptyArray(Schema.Struct({ role: Schema.String, content: Schema.String })))
)

const promptOf = (prompt: string): Markup =>
  Option.match(readMessages(prompt), {
    onNone: () => html`<pre tabindex="0" aria-label="prompt">${prompt}</pre>`,
    onSome: (messages) =>
      html`${
        messages.map(
          ({ content, role }) =>
            html`<p class="role">${role}</p><pre tabindex="0" aria-label="${role}">${content}</pre>`
        )
      }`
  })

const tone = (value: number): string => (value > 0 ? "up" : value < 0 ? "down" : "")

const partsOf = ({ parts }: Completion): string =>
  Object.entries(parts)
    .map(([name, value]) => `${name} ${Text.figure(value)}`)
    .join(", ")

// A policy that has made up its mind writes the same thing many times; it is shown once, with the number of times.
const alike = (completions: ReadonlyArray<Completion>): ReadonlyArray<readonly [one: Completion, times: number]> =>
  [
    ...Map.groupBy(completions, ({ advantage, later, parts, result, reward, text }) =>
      JSON.stringify([text, later, reward, advantage, result, parts])).values()
  ].map((same) => [same[0]!, same.length])

const completion = ([one, times]: readonly [one: Completion, times: number]): Markup =>
  html`<li><div class="wrote"><pre tabindex="0">${
    one.text === "" ? html`<span class="muted">(nothing)</span>` : one.text
  }</pre>
${(one.later ?? []).map((text) => html`<pre class="later" tabindex="0">${text}</pre>`)}
<p class="came">${operationsOf(one)}${one.result}${
    times === 1 ? undefined : html` <span class="times">${times} times</span>`
  }</p></div>
<dl class="earned"><div><dt>reward</dt><dd>${Text.figure(one.reward)}</dd></div>
<div><dt>advantage</dt><dd class="${tone(one.advantage)}">${Text.signed(one.advantage)}</dd></div>
${partsOf(one) === "" ? undefined : html`<div class="parts"><dt>parts</dt><dd>${partsOf(one)}</dd></div>`}</dl></li>
`

// The labels of a manager's completion are its operations; of an answer they name the kind of the task, which is not
// the completion's.
const operationsOf = ({ labels = [] }: Completion): Markup | undefined => {
  const found = labels.filter((label) => (operationNames as ReadonlyArray<string>).includes(label))
  return found.length === 0
    ? undefined
    : html`<span class="times">${found.map((label) => label.toUpperCase()).join(", ")}</span> `
}

const rewards = ({ completions }: Transcript): string => {
  const found = completions.map(({ reward }) => reward).filter(Number.isFinite)
  if (found.length === 0) return "no rewards"
  const [low, high] = [Math.min(...found), Math.max(...found)]
  return low === high
    ? `all earned ${Text.figure(low)}`
    : `mean reward ${Text.figure(Statistics.mean(found))}, from ${Text.figure(low)} to ${Text.figure(high)}`
}

const oneTranscript = (transcript: Transcript): Markup => {
  const { completions, prompt, step } = transcript
  const different = alike(completions)
  const left = different.length - mostShown
  const about = `${Text.plural(completions.length, "completion")}; ${rewards(transcript)}`
  return html`<details class="transcript"><summary><strong>Step ${step}</strong> <span>${about}</span></summary>
<h4>Prompt</h4>
${promptOf(prompt)}
<h4>Completions, with what came of them</h4>
<ol class="completions">${different.slice(0, mostShown).map(completion)}</ol>
${left > 0 ? html`<p class="muted">and ${left} more that differ</p>` : undefined}
</details>`
}

/** A handful of transcripts for each stage. */
export const transcripts = (all: ReadonlyArray<Transcript>): Markup =>
  html`<section id="transcripts" aria-labelledby="transcripts-title">
<h2 id="transcripts-title">Transcripts</h2>
<p class="measure">What the policy was asked in training and what it wrote. The advantage says how much better or worse
than its group a completion did; it is what the update follows. For each stage there is one group from each fifth of
its transcripts; where it can be, one whose completions earned different rewards.</p>
${
    [...Map.groupBy(all, ({ stage }) => stage)].map(
      ([stage, found]) =>
        html`<h3>${Text.stage(stage)} <small>${handful(found).length} of ${found.length}</small></h3>
${handful(found).map(oneTranscript)}`
    )
  }
</section>`
