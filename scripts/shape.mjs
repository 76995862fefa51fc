// Checks the shape of what is tracked: lines of at most 120 columns, source files of at most 400 lines. Tables,
// links and what programs print (```text) cannot be broken in Markdown, nor can what was recorded elsewhere (fixtures).
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"

const columns = 120
const most = 400
const unbreakable = /^\s*(\||!?\[|<img)|\]\([^)]*$|^\S{121,}$/

// Without what programs print.
const prose = (text) => text.replaceAll(/^```text\n.*?^```$/gms, (block) => block.replaceAll(/[^\n]+/g, ""))

const found = execFileSync("git", ["ls-files", "*.ts", "*.mjs", "*.js", "*.md", "*.py"], { encoding: "utf8" })
  .trim().split("\n")
  .filter((file) => !file.includes("/fixtures/") && existsSync(file))
  .flatMap((file) => {
    const text = readFileSync(file, "utf8").replace(/\n$/, "")
    const lines = (file.endsWith(".md") ? prose(text) : text).split("\n")
    const long = lines.flatMap((line, i) =>
      line.length > columns && !(file.endsWith(".md") && unbreakable.test(line))
        ? [`${file}:${i + 1}: ${line.length} columns`]
        : []
    )
    return lines.length > most && /\/src\/.*\.ts$/.test(file) ? [...long, `${file}: ${lines.length} lines`] : long
  })
if (found.length > 0) {
  console.error(found.join("\n"))
  process.exit(1)
}
