// Ends a run with the names of the tests that were skipped, and why. CI reads the same from .cache/skipped-tests.json
// and fails where a test could have run.
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node"

interface Skipped {
  readonly file: string
  readonly name: string
  readonly reason: string
}

const reasonOf = (test: TestCase): string | undefined => {
  const result = test.result()
  const note = result.state === "skipped" ? result.note : undefined
  return note ?? /\(skipped: (.*?)\)(?= > |$)/.exec(test.fullName)?.[1]
}

const nameOf = (test: TestCase): string => test.fullName.replace(/ \(skipped: .*?\)(?= > |$)/, "")

export default class SkippedReporter implements Reporter {
  readonly outputFile: string
  /** Whether somebody asked for some of the tests, by tag or by name. The others have no reason of their own. */
  isFiltered = false

  constructor({ outputFile }: { readonly outputFile: string }) {
    this.outputFile = outputFile
  }

  onInit({ config }: Vitest): void {
    this.isFiltered = (config.tagsFilter ?? []).length > 0 || config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const skipped: Array<Skipped> = []
    let notAsked = 0
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const reason = reasonOf(test)
        if (reason === undefined && this.isFiltered) notAsked++
        else skipped.push({ file: module.relativeModuleId, name: nameOf(test), reason: reason ?? "no reason given" })
      }
    }
    mkdirSync(dirname(this.outputFile), { recursive: true })
    writeFileSync(this.outputFile, JSON.stringify(skipped, undefined, 2))
    if (notAsked > 0) console.log(`\nNot asked for: ${notAsked} tests.`)
    if (skipped.length === 0) return
    console.log(`\nSkipped: ${skipped.length} tests.`)
    for (const [reason, tests] of Map.groupBy(skipped, ({ reason }) => reason)) {
      console.log(`  ${reason}`)
      for (const { file, name } of tests) console.log(`    ${file}: ${name}`)
    }
  }
}
