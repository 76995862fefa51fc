/**
 * The quickstart's result as text.
 */
import { QuickstartResult, type WorldEvaluation } from "@memory-r1/memory-world"

const { measured } = QuickstartResult
type Systems = QuickstartResult.Systems

const percent = (share: number | undefined): string => share === undefined ? "-" : (100 * share).toFixed(1)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)))
  const line = (row: ReadonlyArray<string>): string =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ").trimEnd()
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
}

const kinds = ["single", "list", "date", "none"] as const
const events = ["new", "additive", "replace", "retract", "duplicate", "talk"] as const

const answers = (results: Systems): ReadonlyArray<string> =>
  table(
    ["", "EM", "95 %", "F1", ...kinds.map((kind) => `EM ${kind}`), "memories"],
    measured(results).map(({ name, result }) => {
      const { high, low } = result.intervals.exactMatch
      return [
        name,
        percent(result.exactMatch),
        `${percent(low)}-${percent(high)}`,
        percent(result.f1),
        ...kinds.map((kind) => percent(result.byAnswerKind[kind]?.exactMatch)),
        result.memories.toFixed(1)
      ]
    })
  )

const operations = (results: Systems): ReadonlyArray<string> =>
  table(
    ["", "add", "update", "delete", "noop", "right", ...events],
    measured(results).filter(({ key }) => key !== "addOnlyRlReader" && key !== "managerRl").map(
      ({ key, name, result }) => {
        const { operationAccuracy: accuracy, operations } = result
        return [
          key === "bothRl" ? "manager RL" : name,
          String(operations.add),
          String(operations.update),
          String(operations.delete),
          String(operations.noop),
          percent(accuracy.overall),
          ...events.map((event) => percent(accuracy.byEvent[event]))
        ]
      }
    )
  )

const size = ({ dialogues, n }: WorldEvaluation.Result): string => `${dialogues} dialogues, ${n} questions`

/**
 * Lines for people.
 */
export const lines = (result: QuickstartResult.QuickstartResult): ReadonlyArray<string> => [
  `Held-out people and values (${size(result.results.bothRl)}): exact match in %`,
  ...answers(result.results),
  "",
  `Held-out phrasings too (${size(result.resultsNewPhrasings.bothRl)}): exact match in %`,
  ...answers(result.resultsNewPhrasings),
  "",
  "Operations made, and turns after which the bank was right, in % (held-out people and values)",
  ...operations(result.results),
  "",
  ...[result.probe, ...result.changes].flatMap(({ after, before, memories, turn }) => [
    turn,
    `  in memory:  ${memories.map((memory) => `"${memory}"`).join(", ") || "nothing about it"}`,
    `  before RL:  ${before}`,
    `  after RL:   ${after}`,
    ""
  ]),
  `seed ${result.seed}, ${result.algorithm.toUpperCase()}, ${result.order}, ${
    Math.round(result.seconds)
  } s, peak memory ${(result.peakRssBytes / 2 ** 30).toFixed(2)} GiB`,
  `run folder  ${result.run}`,
  `report      ${result.report}`
]
