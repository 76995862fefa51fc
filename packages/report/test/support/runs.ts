// Run folders made of synthetic figures, for the tests of the report page and for looking at it. Nothing in them was
// measured.
import type { QuickstartResult, WorldEvaluation } from "@memory-r1/memory-world"

/** The files of a run folder, by name. */
export type Folder = Readonly<Record<string, string>>

// A small generator of numbers in [0, 1), so that the same folder comes out each time.
const numbers = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const events = { additive: 210, duplicate: 96, new: 344, replace: 118, retract: 86, talk: 106 }

const result = (
  level: number,
  memories: number,
  operations: WorldEvaluation.Result["operations"],
  right: number
): WorldEvaluation.Result => {
  const share = (offset: number): number => Math.round(Math.min(0.995, Math.max(0.02, level + offset)) * 1000) / 1000
  const answers = (n: number, offset: number) => ({ n, exactMatch: share(offset), f1: share(offset + 0.05) })
  const interval = (value: number, width: number) => ({
    low: Math.max(0, value - width),
    high: Math.min(1, value + width * 0.9),
    resampledBy: "cluster" as const
  })
  return {
    ...answers(672, 0),
    dialogues: 48,
    byAnswerKind: {
      single: answers(300, 0.06),
      list: answers(190, -0.15),
      date: answers(82, -0.04),
      none: answers(100, 0.12)
    },
    operations,
    operationAccuracy: {
      overall: right,
      byEvent: right === 1
        ? { new: 1, additive: 1, replace: 1, retract: 1, duplicate: 1, talk: 1 }
        : operations.update === 0
        ? { new: 1, additive: 0, replace: 0, retract: 0, duplicate: 0, talk: 0 }
        : {
          new: Math.min(1, right + 0.08),
          additive: right - 0.2,
          replace: right - 0.05,
          retract: right - 0.08,
          duplicate: right,
          talk: Math.min(1, right + 0.06)
        },
      events
    },
    memories,
    intervals: {
      exactMatch: interval(share(0), 0.038),
      f1: interval(share(0.05), 0.034),
      operationAccuracy: interval(right, 0.021)
    }
  }
}

const systems = (shift: number): QuickstartResult.Systems => ({
  addOnly: result(0.46 + shift, 20, { add: 960, update: 0, delete: 0, noop: 0 }, 0.36),
  addOnlyRlReader: result(0.51 + shift, 20, { add: 960, update: 0, delete: 0, noop: 0 }, 0.36),
  warmStart: result(0.58 + shift, 12.4, { add: 452, update: 268, delete: 61, noop: 179 }, 0.71 + shift),
  managerRl: result(0.69 + shift, 9.8, { add: 351, update: 322, delete: 84, noop: 203 }, 0.89 + shift),
  addOnlyStatements: result(0.64 + shift, 14, { add: 673, update: 0, delete: 0, noop: 287 }, 0.55),
  bothRl: result(0.76 + shift, 9.8, { add: 351, update: 322, delete: 84, noop: 203 }, 0.89 + shift),
  addOnlyOracle: result(0.7 + shift, 14, { add: 672, update: 0, delete: 0, noop: 288 }, 0.6),
  oracle: result(0.87 + shift, 9.1, { add: 344, update: 328, delete: 86, noop: 202 }, 1)
})

/** Results of a quickstart that did not take place. */
export const results: QuickstartResult.QuickstartResult = {
  seed: 1,
  algorithm: "grpo",
  order: "answer-first",
  seconds: 431.7,
  peakRssBytes: 1_310_000_000,
  results: systems(0),
  resultsNewPhrasings: systems(-0.09),
  probe: {
    kind: "additive",
    turn: "Ann: We adopted another dog, Scout!",
    memories: ["Ann has a dog named Buddy"],
    before: `UPDATE "Ann has a dog named Buddy" to "Ann has a dog named Scout"`,
    after: `UPDATE "Ann has a dog named Buddy" to "Ann has dogs named Buddy and Scout"`
  },
  changes: [
    {
      kind: "additive",
      turn: "Synthia: I have started playing the cello as well.",
      memories: ["Synthia plays the harp"],
      before: `ADD "Synthia plays the cello"`,
      after: `UPDATE "Synthia plays the harp" to "Synthia plays the harp and the cello"`
    },
    {
      kind: "retract",
      turn: "Sample: I no longer go climbing.",
      memories: ["Sample enjoys climbing"],
      before: "NOOP",
      after: `DELETE "Sample enjoys climbing"`
    },
    {
      kind: "duplicate",
      turn: "Synthia: As I said, Exampleville is home for me now.",
      memories: ["Synthia lives in Exampleville"],
      before: `ADD "Synthia lives in Exampleville"`,
      after: "NOOP"
    }
  ],
  history: {
    before: [
      {
        fact: "Synthia: I play the harp.",
        decision: `ADD "Synthia plays the harp"`,
        memories: ["Synthia plays the harp"]
      },
      { fact: "Sample: Hi!", decision: `ADD "Sample: Hi!"`, memories: ["Synthia plays the harp", "Sample: Hi!"] }
    ],
    after: [
      {
        fact: "Synthia: I play the harp.",
        decision: `ADD "Synthia plays the harp"`,
        memories: ["Synthia plays the harp"]
      },
      { fact: "Sample: Hi!", decision: "NOOP", memories: ["Synthia plays the harp"] }
    ]
  },
  run: "runs/quickstart-1",
  report: "runs/quickstart-1/report.html"
}

const began = Date.UTC(2026, 10, 20, 22, 4, 12)

const line = (value: object): string => `${JSON.stringify(value)}\n`

/** Metrics of a reinforcement stage, as `Grpo.run` logs them. */
export const grpo = (stage: "manager" | "answer", steps: number, from = 0, done = steps): string => {
  const next = numbers(steps + stage.length)
  const noise = (size: number): number => (next() + next() + next() - 1.5) * size
  return Array.from({ length: done }, (_, i) => {
    const learned = 1 - Math.exp((-3 * i) / steps)
    const reward = 0.48 + 0.3 * learned + noise(0.09)
    const mix = stage === "manager"
      ? {
        add: 0.47 - 0.1 * learned + noise(0.04),
        delete: 0.06 + 0.03 * learned + noise(0.02),
        noop: 0.19 + noise(0.03)
      }
      : { single: 0.5 + noise(0.1), date: 0.12 + noise(0.05), list: 0.27 + noise(0.06) }
    const rest = 1 - Object.values(mix).reduce((sum, share) => sum + share, 0)
    const shares = { ...mix, ...(stage === "manager" ? { update: rest } : { none: Math.max(0, rest) }) }
    return line({
      stage,
      step: i + 1,
      steps,
      at: began + Math.round((from + i * 1.6) * 1000),
      reward,
      ...(stage === "manager"
        ? {
          "reward.answers": reward + 0.03,
          "reward.growth": -0.45 + 0.12 * learned + noise(0.03),
          "reward.rejected": -0.08 * (1 - learned)
        }
        : { "reward.exactMatch": reward + 0.01, "reward.malformed": -0.04 * (1 - learned) }),
      ...Object.fromEntries(Object.entries(shares).map(([name, share]) => [`share.${name}`, share])),
      completionTokens: 11.5 - 1.4 * learned + noise(0.8),
      truncated: Math.max(0, 0.04 * (1 - learned) + noise(0.01)),
      entropy: 0.62 - 0.4 * learned + noise(0.06),
      tokensPerSecond: 9400 + noise(1600),
      zeroVariance: Math.min(1, 0.28 + 0.3 * learned + noise(0.12)),
      ...(i === 11
        ? {}
        : {
          loss: noise(0.02),
          gradNorm: 0.9 - 0.35 * learned + Math.abs(noise(0.5)),
          ratio: 1,
          clipped: 0,
          mismatch: 2e-5 + Math.abs(noise(1e-5))
        }),
      seconds: 1.6 + noise(0.2),
      rewards: Array.from({ length: 24 }, () => (next() < reward ? 1 : next() < 0.4 ? -0.25 : 0))
    })
  }).join("")
}

/** What validation finds: every `every` steps, and before the first. */
export const validated = (stage: string, steps: number, every: number) => {
  const at = Array.from({ length: 1 + Math.floor(steps / every) }, (_, i) => i * every)
  const values = at.map((step) => ({
    "validation.exactMatch": 0.4 + (0.2 * step) / steps,
    "validation.f1": 0.5 + (0.15 * step) / steps,
    "validation.memories": 12 - (3 * step) / steps
  }))
  const known = ["Synthia lives in Exampleville", "Synthia plays the harp"]
  return {
    metrics: at.map((step, i) => line({ stage, step, steps, at: began + step * 1600, ...values[i] })),
    validations: at
      .map((step) =>
        line({
          stage,
          step,
          answers: [
            {
              id: "x/0",
              question: "Which instruments does Synthia play?",
              gold: right,
              answer: step < steps / 2 ? "the harp" : right,
              right: step >= steps / 2
            },
            {
              id: "x/1",
              question: "Where does Synthia live?",
              gold: "Exampleville",
              answer: "Exampleville",
              right: true
            },
            { id: "x/2", question: "Which cats does Sample have?", gold: "none", answer: "", right: false }
          ],
          bank: [
            { fact: "Sample: Hello there!", decision: "NOOP", memories: [] },
            { fact: "Synthia: I moved to Exampleville.", decision: `ADD "${known[0]}"`, memories: [known[0]] },
            { fact: "Synthia: I play the harp.", decision: `ADD "${known[1]}"`, memories: known },
            {
              fact: "Synthia: I have started playing the cello as well.",
              decision: `UPDATE "${known[1]}" to "Synthia plays ${right}"`,
              memories: [known[0], `Synthia plays ${right}`]
            }
          ]
        })
      )
      .join("")
  }
}

/** Metrics of a supervised stage, as `Sft.run` logs them. */
export const sft = (steps: number): string => {
  const next = numbers(steps)
  return Array.from({ length: steps }, (_, i) =>
    line({
      stage: "sft",
      step: i + 1,
      steps,
      at: began + i * 240,
      loss: 0.35 + 5.2 * Math.exp((-6 * i) / steps) + (next() - 0.5) * 0.3,
      gradNorm: 0.5 + 1.5 * Math.exp((-9 * i) / steps) + next() * 0.3,
      tokens: 2000 + Math.floor(next() * 2500),
      tokensPerSecond: 15500 + (next() - 0.5) * 3000
    })).join("")
}

const prompt = (plays: string, asked: string): string =>
  [
    "Memories:",
    `0 Synthia: Synthia plays ${plays}`,
    "1 Synthia: Synthia lives in Exampleville",
    "2 Sample: Sample has a parrot named Nil",
    `${asked}\n`
  ].join("\n")

const right = "the harp and the cello"

/** Transcripts of a stage, a group every ten steps. */
export const transcripts = (stage: "manager" | "answer", steps: number): string =>
  Array.from({ length: Math.ceil(steps / 10) }, (_, i) => {
    const rewards = Array.from({ length: 8 }, (_, g) => Number((g * 7 + i * 3) % 8 < 2 + i / 2))
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length
    const deviation = Math.sqrt(rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length)
    const manager = stage === "manager"
    return line({
      stage,
      step: i * 10 + 1,
      prompt: manager
        ? prompt("the harp", "[20 June 2023] Synthia: I have started playing the cello as well.")
        : prompt(right, "Question: Which instruments does Synthia play?"),
      completions: rewards.map((reward) => ({
        text: manager
          ? reward === 1
            ? "UPDATE 0 Synthia plays the harp and the cello"
            : "ADD Synthia plays the cello"
          : reward === 1
          ? "0 = the harp and the cello"
          : "0 = the harp",
        reward: manager && reward === 0 ? -0.05 : reward,
        advantage: deviation === 0 ? 0 : (reward - mean) / deviation,
        parts: manager ? { answers: reward, growth: reward - 1, rejected: 0 } : { exactMatch: reward, malformed: 0 },
        labels: [manager ? (reward === 1 ? "update" : "add") : "list"],
        ...(manager && i % 2 === 1 ? { later: ["NOOP", "ADD Synthia has a cat"] } : {}),
        result: `Which instruments does Synthia play? ${reward === 1 ? right : "the harp"} (${right})`
      }))
    })
  }).join("")

const status = (state: string, stage: string, step: number, message?: string): string =>
  JSON.stringify({ state, stage, step, message })

const run = (command: string): string => JSON.stringify({ command, seed: 1, algorithm: "grpo", order: "answer-first" })

/** A whole quickstart. */
export const quickstart: Folder = {
  "results.json": JSON.stringify(results),
  "status.json": status("done", "manager", 120),
  "run.json": run("memory-r1 quickstart --seed 1"),
  "metrics.jsonl": grpo("answer", 80, 20) + grpo("manager", 120, 170),
  "transcripts.jsonl": transcripts("answer", 80) + transcripts("manager", 120)
}

/** A quickstart that was stopped in its second stage, in the middle of a line. */
export const interrupted: Folder = {
  "status.json": status("interrupted", "manager", 46, "stopped before the end"),
  "run.json": run("memory-r1 quickstart --seed 1"),
  "metrics.jsonl": `${grpo("answer", 80, 20)}${grpo("manager", 120, 170, 46)}{"stage":"manager","step":47,"rew`,
  "transcripts.jsonl": transcripts("answer", 80) + transcripts("manager", 46)
}

const validations = validated("manager", 60, 12)

/** A training run with validation on the way, and signs that something went wrong. */
export const training: Folder = {
  "status.json": status("done", "manager", 60),
  "run.json": JSON.stringify({ command: "memory-r1 train --config mine.json", seed: 7 }),
  // A line of validation stands behind that of its step.
  "metrics.jsonl": [
    validations.metrics[0],
    ...grpo("manager", 60)
      .trim()
      .split("\n")
      .flatMap((text, i) => [`${text}\n`, ...((i + 1) % 12 === 0 ? [validations.metrics[(i + 1) / 12]] : [])])
  ].join(""),
  "validations.jsonl": validations.validations,
  "alarms.jsonl": line({
    stage: "manager",
    step: 41,
    name: "oneOperation",
    message: "99 % of the operations are NOOP, which was not so at first: the reward may pay for one operation alone"
  }),
  "transcripts.jsonl": transcripts("manager", 60)
}

/** A training run with a supervised stage, which failed in the stage after it. */
export const failed: Folder = {
  "status.json": status(
    "failed",
    "manager",
    9,
    "LearnerError: the gradient is not a number\n  in model.layers.2.mlp.up_proj.weight"
  ),
  "run.json": JSON.stringify({ command: "memory-r1 train --config nano/train.json --out runs/nano", seed: 7 }),
  "metrics.jsonl": sft(1500) + grpo("manager", 120, 400, 9)
}
