// Turns the examples of JSDoc (`@example` with a ts fence) and of Markdown (fences marked `ts run`) into test files
// under .cache/doctest, so that every example is type-checked and executed. In an example, `expression // => value` is
// an assertion.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

interface Example {
  readonly title: string
  readonly code: string
}

const fromSource = (text: string): ReadonlyArray<Example> =>
  [...text.matchAll(/\/\*\*([\s\S]*?)\*\/\s*(?:export (?:declare )?(?:const|class|interface|type|function) (\w+))?/g)]
    .flatMap(([, comment, name]) =>
      [...comment!.matchAll(/@example\n([\s\S]*?```ts\n[\s\S]*?```)/g)].map((match) => ({
        title: name ?? "module",
        code: match[1]!.replace(/^ ?\s*\* ?/gm, "").replace(/^[\s\S]*?```ts\n/, "").replace(/```$/, "")
      }))
    )

const fromMarkdown = (text: string): ReadonlyArray<Example> =>
  [...text.matchAll(/^```ts run\n([\s\S]*?)^```/gm)].map((match, i) => ({ title: `example ${i + 1}`, code: match[1]! }))

const assertions = (code: string): string =>
  code
    .replace(/^(?!\s*(?:\/\/|const |let ))(.+?) *\n?\/\/ => (.+)$/gm, (_, expression: string, value: string) =>
      `same(${expression.trim()}, ${value.trim()})`)

const testFile = (source: string, examples: ReadonlyArray<Example>): string => {
  const imports = new Map<string, Set<string>>()
  const bodies = examples.map(({ code, title }) => {
    const body = code.replace(/^import (.+?) from "(.+?)"\n/gm, (_, names: string, from: string) => {
      const set = imports.get(from) ?? new Set()
      for (const name of names.replace(/[{}]/g, "").split(",")) set.add(name.trim())
      imports.set(from, set)
      return ""
    })
    // A file that an example writes lies in a folder of its own.
    return `it(${JSON.stringify(title)}, async () => {\n${
      assertions(body).trim().replaceAll("\"memory.db\"", "inFolder(\"memory.db\")")
    }\n})`
  })
  const head = [...imports].flatMap(([from, names]) => {
    const stars = [...names].filter((name) => name.startsWith("* as"))
    const named = [...names].filter((name) => !name.startsWith("* as"))
    return [
      ...stars.map((name) => `import ${name} from "${from}"`),
      ...(named.length === 0 ? [] : [`import { ${named.sort().join(", ")} } from "${from}"`])
    ]
  })
  return [
    ...head,
    `import { describe, it } from "vitest"`,
    `import { ${
      ["inFolder", "same"].filter((name) => bodies.some((body) => body.includes(`${name}(`))).join(", ")
    } } from "../../scripts/same.ts"`,
    "",
    `describe("examples of ${source}", () => {`,
    ...bodies,
    "})",
    ""
  ].join("\n")
}

/** Writes the test files anew and gives their folder. */
export const generate = (root: string): string => {
  const folder = join(root, ".cache", "doctest")
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const pattern of ["packages/*/src/**/*.ts", "README.md", "packages/*/README.md", "docs/**/*.md"]) {
    for (const source of globSync(pattern, { cwd: root })) {
      const text = readFileSync(join(root, source), "utf8")
      const examples = source.endsWith(".md") ? fromMarkdown(text) : fromSource(text)
      if (examples.length === 0) continue
      writeFileSync(join(folder, `${source.replaceAll(/[/\\.]/g, "-")}.test.ts`), testFile(source, examples))
    }
  }
  return folder
}

if (import.meta.main) generate(join(import.meta.dirname, ".."))
