// Ends a run with the names of the tests that were skipped, and why. CI reads the same from .cache/skipped-tests.json and
// fails where a test could have run.
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Reporter, TestCase, TestModule } from "vitest/node"

interface Skipped {
  readonly file: string
  readonly name: string
  readonly reason: string
}

const reasonOf = (test: TestCase): string => {
  const result = test.result()
  const note = result.state === "skipped" ? result.note : undefined
  return note ?? /\(skipped: (.*?)\)(?= > |$)/.exec(test.fullName)?.[1] ?? "no reason given"
}

const nameOf = (test: TestCase): string => test.fullName.replace(/ \(skipped: .*?\)(?= > |$)/, "")

export interface Options {
  readonly outputFile: string
  /** Tests with this tag are counted only: they were left out on request. */
  readonly leftOut: string
}

export default class SkippedReporter implements Reporter {
  readonly options: Options

  constructor(options: Options) {
    this.options = options
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const skipped: Array<Skipped> = []
    let slow = 0
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        if (test.tags.includes(this.options.leftOut)) slow++
        else skipped.push({ file: module.relativeModuleId, name: nameOf(test), reason: reasonOf(test) })
      }
    }
    mkdirSync(dirname(this.options.outputFile), { recursive: true })
    writeFileSync(this.options.outputFile, JSON.stringify(skipped, undefined, 2))
    if (slow > 0) console.log(`\nLeft out: ${slow} slow tests; without --fast they run too.`)
    if (skipped.length === 0) return
    console.log(`\nSkipped: ${skipped.length} tests.`)
    for (const [reason, tests] of Map.groupBy(skipped, ({ reason }) => reason)) {
      console.log(`  ${reason}`)
      for (const { file, name } of tests) console.log(`    ${file}: ${name}`)
    }
  }
}
