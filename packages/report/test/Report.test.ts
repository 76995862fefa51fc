import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Report } from "@memory-r1/report"
import type { RunFolder } from "@memory-r1/trainer"
import { Effect, FileSystem } from "effect"
import { createHash } from "node:crypto"
import * as Runs from "./support/runs.ts"
import { write } from "./support/writeRun.ts"

const empty: Report.Input = { folder: "runs/x", metrics: [], transcripts: [], skipped: [] }

const metric = (
  stage: string,
  step: number,
  values: Readonly<Record<string, number>>,
  steps = 10
): RunFolder.MetricsLine => ({
  stage,
  step,
  steps,
  values: new Map(Object.entries(values))
})

const headings = (page: string): ReadonlyArray<string> =>
  [...page.matchAll(/<h2[^>]*>([^<]*)</g)].map(([, text]) => text!)

const scripts = (page: string): ReadonlyArray<readonly [attributes: string, content: string]> =>
  [...page.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)].map(([, attributes, content]) => [attributes!, content!])

const charts = (
  page: string
): ReadonlyArray<{
  readonly labels: ReadonlyArray<string>
  readonly series: ReadonlyArray<{ readonly label: string }>
}> => JSON.parse(scripts(page).find(([attributes]) => attributes.includes("application/json"))![1])

// What a browser would show: tags taken out, white space as one space, entities read.
const text = (page: string): string =>
  page
    .replace(/<(script|style)[\s\S]*?<\/\1>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/[\s\u00a0]+/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, "\"")
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")

const attack = `<img src=x onerror="window.hacked = 1">'"&amp;<script>window.hacked = 1</script><!--`
const hostile = `</script></style></pre>${attack}`

// Whatever is in a page, as a run folder gives it.
const pageOf = Effect.fnUntraced(function*(content: Runs.Folder) {
  const files = yield* FileSystem.FileSystem
  const folder = yield* files.makeTempDirectoryScoped()
  yield* write(folder, content)
  return Report.html(yield* Report.read(folder))
})

describe("a training run's page", () => {
  it.effect("shows validation beside training, the bank over time, answers before and after, and alarms", () =>
    Effect.gen(function*() {
      const page = yield* pageOf(Runs.training)
      assert.deepStrictEqual(headings(page), [
        "How training went",
        "A bank over time",
        "Answers before and after",
        "Transcripts"
      ])
      const shown = text(page)
      // Sixty steps, and the validation before the first of them.
      assert.include(shown, "Memory manager (60 steps)")
      assert.include(shown, "60 of 60 steps")
      assert.include(shown, "Signs that something went wrong Memory manager, step 41: 99 % of the operations are NOOP")
      assert.include(
        shown,
        "Which instruments does Synthia play? \u2717 the harp \u2713 the harp and the cello the harp and the cello"
      )
      assert.include(
        page,
        `<li class="gone">Synthia plays the harp</li><li class="">Synthia lives in Exampleville</li>` +
          `<li class="new">Synthia plays the harp and the cello</li>`
      )
      assert.include(shown, "The same dialogue before training")
      assert.include(shown, "UPDATE 0 Synthia plays the harp and the cello NOOP ADD Synthia has a cat UPDATE")
      const drawn = charts(page) as ReadonlyArray<
        {
          readonly kind?: string | undefined
          readonly labels?: ReadonlyArray<string> | undefined
          readonly x?: ReadonlyArray<number> | undefined
        }
      >
      const histogram = drawn.find(({ kind }) => kind === "histogram")
      assert.deepStrictEqual(histogram?.labels, ["-0.25", "0", "1"])
      assert.isTrue(drawn.some(({ x }) => x?.join() === "0,12,24,36,48,60"))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it("has bins of a width where rewards are many", () => {
    const many = Array.from(
      { length: 20 },
      (_, i) => ({
        ...metric("answer", i + 1, { reward: 0.5 }, 20),
        rewards: Array.from({ length: 50 }, (_, j) => j / 50 + i / 1000)
      })
    )
    const page = Report.html({ ...empty, metrics: many })
    const { labels, series } = charts(page).find((chart) =>
      chart.series.some(({ label }) => label === "first 4 steps")
    )! as unknown as {
      readonly labels: ReadonlyArray<string>
      readonly series: ReadonlyArray<{ readonly values: ReadonlyArray<number> }>
    }
    assert.lengthOf(labels, 12)
    for (const { values } of series) assert.closeTo(values.reduce((sum, value) => sum + value, 0), 1, 1e-3)
  })
})

describe("Report.writeRuns", () => {
  it.effect("gives means over seeds with intervals, and bands", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const folder = yield* files.makeTempDirectoryScoped()
      const levels = [0.5, 0.56, 0.62]
      for (const [i, level] of levels.entries()) {
        const results = {
          ...Runs.results,
          seed: i + 1,
          results: { ...Runs.results.results, bothRl: { ...Runs.results.results.bothRl, exactMatch: level } }
        }
        yield* write(`${folder}/${i}`, { ...Runs.quickstart, "results.json": JSON.stringify(results) })
      }
      yield* write(`${folder}/ppo`, {
        ...Runs.quickstart,
        "results.json": JSON.stringify({ ...Runs.results, algorithm: "ppo" })
      })
      const file = yield* Report.writeRuns(
        ["0", "1", "2", "ppo"].map((name) => `${folder}/${name}`),
        `${folder}/all.html`
      )
      const page = yield* files.readFileString(file)
      const shown = text(page)
      assert.include(shown, "Memory-R1, 4 runs GRPO seeds 1, 2, 3 PPO seed 1")
      // The mean of three is 56; its standard error 6 / sqrt(3), times 4.303.
      assert.include(shown, "both RL 50.0 56.0 62.0 56.0 41.1\u201370.9")
      // One run has no interval.
      assert.match(shown, /PPO: held-out people and values.*both RL 76\.0 76\.0 oracle/)
      const bands = (charts(page) as unknown as ReadonlyArray<
        {
          readonly kind: string
          readonly series: ReadonlyArray<Readonly<Record<"mean" | "low" | "high", ReadonlyArray<number>>>>
        }
      >).filter(({ kind }) => kind === "bands")
      assert.isAbove(bands.length, 6)
      for (const { series } of bands) {
        for (const { high, low, mean } of series) {
          mean.forEach((value, i) => assert.isTrue(low[i]! <= value + 1e-9 && value <= high[i]! + 1e-9))
        }
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})

describe("Report.html", () => {
  it("shows what ran, then results, operations, decisions, training and transcripts", () => {
    const page = Report.html({
      folder: "runs/quickstart-1",
      run: { command: "memory-r1 quickstart --seed 1" },
      status: { state: "done", stage: "manager", step: 10 },
      results: Runs.results,
      metrics: [metric("manager", 10, { reward: 0.5, "share.add": 1 })],
      transcripts: [
        {
          stage: "manager",
          step: 1,
          prompt: "p",
          completions: [{ text: "NOOP", reward: 1, advantage: 0, parts: {}, result: "r" }]
        }
      ],
      skipped: []
    })
    assert.deepStrictEqual(headings(page), [
      "Results",
      "What the manager does",
      "Decisions before and after",
      "How training went",
      "A bank over time",
      "Transcripts"
    ])
    const shown = text(page)
    for (
      const expected of [
        "Memory-R1 quickstart, seed 1 State done Seed 1 Algorithm GRPO Order answer agent first, then manager",
        "Time 7 min 12 s Peak memory 1.22 GiB",
        "Before reinforcement learning, 58.0 % of 672 answers were exactly right",
        "after 7 min 12 s on this machine, 76.0 %",
        "The 95 % intervals (54.2–61.4 and 72.2–79.4) do not overlap",
        "With the same statements only added, never updated or deleted, the same answer agent reached 64.0 % " +
        "(with raw turns in their place, before training, 46.0 %)",
        "both RL, ADD-only 64.0",
        "after RL, ADD-only 673 0 0 287 55.0",
        "both RL 76.0 72.2–79.4 81.0 82.0 61.0 72.0 88.0 9.8",
        "after RL 351 322 84 203 89.0 86.9–90.9 97.0 69.0 84.0 81.0 89.0 95.0",
        `before RL UPDATE "Ann has a dog named Buddy" to "Ann has a dog named Scout"`,
        "The command that made this run: memory-r1 quickstart --seed 1"
      ]
    ) {
      assert.include(shown, expected)
    }
    assert.isBelow(shown.indexOf("another dog, Scout"), shown.indexOf("the cello as well"))
    assert.deepStrictEqual(charts(page)[0]!.labels, [
      "raw turns, ADD-only",
      "raw turns, RL answers",
      "warm start",
      "manager RL",
      "both RL, ADD-only",
      "both RL",
      "oracle, ADD-only",
      "oracle operations"
    ])
    assert.deepStrictEqual(
      charts(page)[1]!.series.map(({ label }) => label),
      ["ADD", "UPDATE", "DELETE", "NOOP"]
    )
  })

  it.effect("shows the results of a run of an earlier version, which lacks ADD-only baselines of its statements", () =>
    Effect.gen(function*() {
      const without = ({ addOnlyOracle: _, addOnlyStatements: __, ...systems }: typeof Runs.results.results) => systems
      const results = {
        ...Runs.results,
        results: without(Runs.results.results),
        resultsNewPhrasings: without(Runs.results.resultsNewPhrasings)
      }
      const page = yield* pageOf({ ...Runs.quickstart, "results.json": JSON.stringify(results) })
      const shown = text(page)
      assert.include(
        shown,
        "A memory that only adds what was said reached 46.0 % before training; with operations that are always right"
      )
      assert.notInclude(shown, "both RL, ADD-only")
      assert.deepStrictEqual(charts(page)[0]!.labels, [
        "raw turns, ADD-only",
        "raw turns, RL answers",
        "warm start",
        "manager RL",
        "both RL",
        "oracle operations"
      ])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it("says where a run was interrupted, failed or is", () => {
    const metrics = [metric("manager", 4, { reward: 0 })]
    const shown = (state: RunFolder.Status["state"], more: Partial<Report.Input> = {}): string =>
      text(Report.html({ ...empty, metrics, status: { state, stage: "manager", step: 4, message: "E: <b>" }, ...more }))
    assert.include(shown("interrupted"), "This run was interrupted at step 4 of 10 of the stage “Memory manager”.")
    assert.include(shown("failed"), "This run failed at step 4 of 10 of the stage “Memory manager”.")
    assert.include(shown("failed"), "E: <b>")
    assert.notInclude(shown("interrupted"), "E: <b>")
    // A run that was killed still says "running", from its start.
    assert.include(
      shown("running", { status: { state: "running", stage: "start", step: 0 } }),
      "had not ended when the page was made; it was at step 4 of 10 of the stage “Memory manager”"
    )
    assert.include(
      shown("failed", { metrics: [], status: { state: "failed", stage: "start", step: 0 } }),
      "This run failed before its first step."
    )
    assert.include(
      shown("interrupted", { status: { state: "interrupted", stage: "manager", step: 10 } }),
      "after the last step of the stage “Memory manager”"
    )
    assert.notInclude(shown("done"), "This run")
  })

  it("makes a page of nothing, without charts or their scripts", () => {
    const page = Report.html(empty)
    assert.deepStrictEqual(headings(page), [])
    assert.deepStrictEqual(scripts(page), [])
    assert.include(text(page), "Memory-R1 training run State not recorded")
    assert.include(text(page), "No training step was logged")
  })

  it("escapes texts wherever they come from", () => {
    const result = { ...Runs.results.results.bothRl }
    const accuracy = { ...result.operationAccuracy, byEvent: { [hostile]: 0.5 }, events: { [hostile]: 3 } }
    const systems = { ...Runs.results.results, bothRl: { ...result, operationAccuracy: accuracy } }
    const change = { kind: hostile, turn: hostile, memories: [hostile], before: hostile, after: `${hostile}!` }
    const page = Report.html({
      folder: hostile,
      run: { command: hostile, algorithm: hostile, order: hostile },
      status: { state: "failed", stage: hostile, step: 2, message: hostile },
      results: {
        ...Runs.results,
        algorithm: hostile,
        results: systems,
        probe: change,
        changes: [change],
        run: hostile,
        report: hostile
      },
      metrics: [1, 2].map((step) =>
        metric(hostile, step, { reward: step, [hostile]: 1, [`reward.${hostile}`]: 1, [`share.${hostile}`]: 1 })
      ),
      transcripts: [
        {
          stage: hostile,
          step: 1,
          prompt: hostile,
          completions: [
            { text: hostile, reward: 1, advantage: 1, parts: { [hostile]: 1, ["__proto__"]: 1 }, result: hostile }
          ]
        },
        {
          stage: "constructor",
          step: 1,
          prompt: JSON.stringify([{ role: hostile, content: hostile }]),
          completions: []
        }
      ],
      skipped: [{ file: hostile, lines: 1, partial: true }]
    })
    assert.notInclude(page, "<img")
    assert.notInclude(page, "<!--")
    assert.deepStrictEqual(
      scripts(page).map(([attributes]) => attributes),
      [` type="application/json" id="charts"`, "", ""]
    )
    assert.strictEqual(page.split("</script").length, 4)
    assert.strictEqual(page.split("</style").length, 2)
    // No attribute is left by a quote: outside of the hostile text itself, nothing has a handler.
    assert.notMatch(page, /<[^>"]*("[^"]*"[^>"]*)*\sonerror=/)
    assert.isTrue(charts(page).some(({ series }) => series.some(({ label }) => label === hostile)))
    assert.include(text(page), hostile)
  })

  it("lets the browser run and fetch nothing but what the page carries", () => {
    const page = Report.html({ ...empty, metrics: [metric("manager", 1, { reward: 1 })] })
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll("&#39;", "'")
    const hashes = scripts(page)
      .slice(1)
      .map(([, content]) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`)
    assert.include(policy, "default-src 'none'")
    assert.include(policy, `script-src ${hashes.join(" ")};`)
    const references = [...page.replace(/<script[\s\S]*?<\/script>/g, "").matchAll(/\s(?:src|href)="([^"]*)"/g)].map(
      ([, to]) => to!
    )
    assert.deepStrictEqual(
      references.filter((to) => !to.startsWith("#")),
      ["data:,"]
    )
    assert.notInclude(page, "sourceMappingURL")
  })

  it("smooths and thins long stages, and gives their figures as a table", () => {
    const metrics = Array.from({ length: 6000 }, (_, i) => metric("sft", i + 1, { loss: i % 2, gradNorm: 1 }, 6000))
    const page = Report.html({ ...empty, metrics })
    const [loss] = JSON.parse(scripts(page)[0]![1])
    assert.strictEqual(loss.x.length, 240)
    assert.deepStrictEqual([loss.x[0], loss.x.at(-1)], [1, 6000])
    assert.isTrue(loss.series[0].line.every((value: number) => Math.abs(value - 0.5) < 0.01))
    assert.isBelow(page.length, 350_000)
    assert.include(text(page), "6,000 of 6,000 steps. Mean loss: 0.5 in the first 600 steps, 0.5 in the last 600.")
    assert.include(text(page), "12 of 6,000 steps loss gradNorm step 1 0.490 1.00")
  })

  it("counts a step that was done again once, and tells repeated stages apart", () => {
    const metrics = [
      ...[1, 2, 3].map((step) => metric("manager", step, { reward: 0 })),
      ...[2, 3].map((step) => metric("manager", step, { reward: 1 })),
      metric("answer", 1, { reward: 1 }),
      metric("manager", 1, { reward: 1 })
    ]
    const page = Report.html({ ...empty, metrics })
    assert.deepStrictEqual(
      [...page.matchAll(/<h3>([^<]*)</g)].map(([, name]) => name),
      ["Memory manager", "Answer agent", "Memory manager, part 2"]
    )
    const [reward] = JSON.parse(scripts(page)[0]![1])
    assert.deepStrictEqual(
      [reward.x, reward.series[0].points],
      [
        [1, 2, 3],
        [0, 1, 1]
      ]
    )
  })

  it("takes a share that was not logged for none, and another figure for missing", () => {
    const metrics = [
      metric("manager", 1, { reward: 1, "share.add": 1, gradNorm: 2 }),
      metric("manager", 2, { reward: 1, "share.noop": 1 })
    ]
    const [, shares, norm] = JSON.parse(scripts(Report.html({ ...empty, metrics }))[0]![1])
    assert.deepStrictEqual(
      shares.series.map(({ label, line }: { label: string; line: ReadonlyArray<number> }) => [label, line]),
      [
        ["ADD", [1, 0]],
        ["NOOP", [0, 1]]
      ]
    )
    assert.deepStrictEqual(norm.series[0].points, [2, null])
  })

  it("shows a handful of transcripts, those whose rewards differ, and completions that are alike once", () => {
    const completion = (reward: number) => ({ text: `earns ${reward}`, reward, advantage: 0, parts: {}, result: "" })
    const transcripts = Array.from({ length: 20 }, (_, i) => ({
      stage: "manager",
      step: i + 1,
      prompt: "",
      completions: [completion(0), completion(0), completion(i % 4 === 2 ? 1 : 0)]
    }))
    const page = text(Report.html({ ...empty, transcripts }))
    assert.deepStrictEqual(
      [...page.matchAll(/Step (\d+)/g)].map(([, step]) => Number(step)),
      [3, 7, 11, 15, 19]
    )
    assert.include(page, "earns 0 2 times")
    assert.include(page, "Memory manager 5 of 20")
  })
})

layer(NodeServices.layer)("Report.read", (it) => {
  const folderOf = Effect.fnUntraced(function*(content: Runs.Folder) {
    const files = yield* FileSystem.FileSystem
    const folder = `${yield* files.makeTempDirectoryScoped()}/run`
    yield* write(folder, content)
    return folder
  })
  const failure = Effect.fnUntraced(function*(content: Runs.Folder) {
    const folder = yield* folderOf(content)
    const error = yield* Effect.flip(Report.write(folder))
    return { tag: error._tag, message: error.message.replace(folder, "RUN") }
  })

  it.effect(
    "reads a whole quickstart",
    Effect.fnUntraced(function*() {
      const input = yield* Report.read(yield* folderOf(Runs.quickstart))
      assert.deepStrictEqual(input.results, Runs.results)
      assert.strictEqual(input.metrics.length, 200)
      assert.deepStrictEqual(
        input.metrics.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1]),
        ["answer", "manager"]
      )
      assert.isAbove(input.metrics[0]!.values.get("reward")!, 0)
      assert.isFalse(input.metrics[0]!.values.has("at"))
      assert.strictEqual(input.transcripts.length, 20)
      assert.deepStrictEqual(input.skipped, [])
    })
  )

  it.effect(
    "skips and counts lines that cannot be read, and knows the unfinished end",
    Effect.fnUntraced(function*() {
      const [first, last] = [`{"stage":"manager","step":1,"reward":null,"loss":2}`, `{"stage":"manager","step":2,"rew`]
      const metrics = [first, "not json", "", "[]", `{"step":2}`, last].join("\n")
      const input = yield* Report.read(yield* folderOf({ "metrics.jsonl": metrics, "transcripts.jsonl": "{}\n" }))
      assert.deepStrictEqual(input.metrics, [{ stage: "manager", step: 1, values: new Map([["loss", 2]]) }])
      assert.deepStrictEqual(input.skipped, [
        { file: "metrics.jsonl", lines: 4, partial: true },
        { file: "transcripts.jsonl", lines: 1, partial: false }
      ])
      const page = text(Report.html(input))
      assert.include(
        page,
        "4 lines of metrics.jsonl could not be read and are omitted; the file ends in the middle of a line"
      )
      assert.include(page, "1 line of transcripts.jsonl could not be read and is omitted.")
    })
  )

  it.effect(
    "does with an empty log, or with no more than a status",
    Effect.fnUntraced(function*() {
      for (
        const content of [
          { "metrics.jsonl": "" },
          { "status.json": `{"state":"running","stage":"start","step":0}` }
        ]
      ) {
        const folder = yield* folderOf(content)
        const file = yield* Report.write(folder)
        assert.strictEqual(file, `${folder}/report.html`)
        const page = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(file))
        assert.include(text(page), "No training step was logged")
      }
    })
  )

  it.effect(
    "names the file that cannot be used",
    Effect.fnUntraced(function*() {
      assert.deepStrictEqual(yield* failure({}), {
        tag: "FileUnusable",
        message:
          "RUN: no run folder: it holds none of results.json, metrics.jsonl, transcripts.jsonl, validations.jsonl, " +
          "alarms.jsonl, status.json, run.json"
      })
      assert.deepStrictEqual(yield* failure({ "metrics.jsonl": "", "status.json": "{" }), {
        tag: "BrokenJson",
        message: `RUN/status.json:1:2: broken JSON: key or } expected, the file ends`
      })
      const { message, tag } = yield* failure({ "results.json": JSON.stringify({ ...Runs.results, seed: "1" }) })
      assert.strictEqual(tag, "WrongShape")
      assert.match(message, /^RUN\/results\.json: at seed: /)
    })
  )
})
