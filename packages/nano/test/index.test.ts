import { directory } from "@memory-r1/nano"
import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

const read = (name: string): string => readFileSync(join(directory, name), "utf8")
const tokenizer = JSON.parse(read("tokenizer.json")) as {
  readonly model: { readonly vocab: Readonly<Record<string, number>> }
}
const config = JSON.parse(read("config.json")) as Readonly<Record<string, unknown>>

describe("the embedded model", () => {
  it("is the file that its card names", () => {
    const hash = createHash("sha256").update(readFileSync(join(directory, "model.safetensors"))).digest("hex")
    expect(read("README.md")).toContain(hash)
  })

  it("has at most 10 MB in all", () => {
    const files = [
      "config.json",
      "generation_config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "model.safetensors",
      "README.md"
    ]
    expect(files.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)).toBeLessThan(10_000_000)
  })

  it("has one token for each row of its embedding", () => {
    expect(new Set(Object.values(tokenizer.model.vocab)).size).toBe(config["vocab_size"])
  })

  it("shows in its card the configuration that it was trained with", () => {
    const trained = JSON.parse(readFileSync(new URL("../train.json", import.meta.url), "utf8")) as {
      readonly seed: number
    }
    expect(read("README.md")).toContain(`seed ${trained.seed}`)
  })
})
