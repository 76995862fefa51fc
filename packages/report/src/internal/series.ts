// The metrics of a run as curves: by stage, smoothed, and thinned to what a chart can show.
import { Statistics } from "@memory-r1/core/rl"
import type { RunFolder } from "@memory-r1/trainer"

/** The steps of one stage, as far as they were logged. */
export interface Stage {
  readonly name: string
  readonly records: ReadonlyArray<RunFolder.MetricsLine>
}

// Validation has lines of its own, with the number of the step that it came after.
const isValidation = ({ values }: RunFolder.MetricsLine): boolean =>
  [...values.keys()].every((name) => name.startsWith("validation."))

/**
 * Stages in the order of the log. A step that was done again, after a run was taken up where it had stopped, counts
 * once; what validation found after a step stands with it.
 */
export const stages = (metrics: ReadonlyArray<RunFolder.MetricsLine>): ReadonlyArray<Stage> => {
  const found: Array<{ readonly name: string; records: Array<RunFolder.MetricsLine> }> = []
  for (const record of metrics) {
    const last = found.at(-1)
    if (last?.name !== record.stage) found.push({ name: record.stage, records: [record] })
    else if (last.records.at(-1)?.step === record.step && isValidation(record)) {
      const before = last.records.pop()!
      last.records.push({ ...before, values: new Map([...before.values, ...record.values]) })
    } else {
      while (last.records.length > 0 && last.records.at(-1)!.step >= record.step) last.records.pop()
      last.records.push(record)
    }
  }
  return found
}

/** The names of all figures of a stage, in the order in which they first appear. */
export const namesOf = ({ records }: Stage): ReadonlyArray<string> => [
  ...new Set(records.flatMap(({ values }) => [...values.keys()]))
]

/** A figure at every step; null where it was not logged, or 0 for a share, which is logged where it is not 0. */
export const valuesOf = ({ records }: Stage, name: string): ReadonlyArray<number | null> =>
  records.map(({ values }) => values.get(name) ?? (name.startsWith("share.") ? 0 : null))

/** How many steps a point of the smoothed line is the mean of: an odd number, a twelfth of all and at most 101. */
export const windowOf = (length: number): number => Math.min(101, Math.floor(length / 12)) | 1

/**
 * The mean over a window around each point, as far as there are points: it does not lag, and takes in fewer at both
 * ends. Where there is no point there is none after it either.
 */
export const smooth = (values: ReadonlyArray<number | null>, window: number): ReadonlyArray<number | null> => {
  const sums = new Float64Array(values.length + 1)
  const counts = new Int32Array(values.length + 1)
  values.forEach((value, i) => {
    sums[i + 1] = sums[i]! + (value ?? 0)
    counts[i + 1] = counts[i]! + (value === null ? 0 : 1)
  })
  const half = (window - 1) / 2
  return values.map((value, i) => {
    if (value === null) return null
    const [from, to] = [Math.max(0, i - half), Math.min(values.length, i + half + 1)]
    return (sums[to]! - sums[from]!) / (counts[to]! - counts[from]!)
  })
}

/** Places of at most `most` points, evenly apart, with the first and the last. */
export const places = (length: number, most: number): ReadonlyArray<number> =>
  length <= most
    ? Array.from({ length }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)))

/** The means of a figure over the first and the last tenth of the steps, and how many steps those are. */
export const ends = (values: ReadonlyArray<number | null>) => {
  const there = values.filter((value) => value !== null)
  const steps = Math.max(1, Math.round(there.length / 10))
  if (there.length === 0) return { steps, first: undefined, last: undefined }
  return { steps, first: Statistics.mean(there.slice(0, steps)), last: Statistics.mean(there.slice(-steps)) }
}
