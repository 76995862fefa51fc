import { readFileSync } from "node:fs"
import { defineConfig } from "tsup"

// One configuration for every package: what is built is what its publishConfig.exports and bin name.
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly publishConfig: {
    readonly exports: Record<string, { readonly default: string } | string>
    readonly bin?: Record<string, string> | undefined
  }
}
const outputs = [
  ...Object.values(manifest.publishConfig.exports).flatMap((entry) => typeof entry === "string" ? [] : [entry.default]),
  ...Object.values(manifest.publishConfig.bin ?? {})
]

export default defineConfig({
  entry: outputs.map((output) => output.replace("./dist/", "src/").replace(/\.js$/, ".ts")),
  format: "esm",
  target: "es2024",
  platform: "node",
  dts: true,
  clean: true,
  // A package of the workspace is never bundled, not even one that is only loaded where it is there.
  external: [/^@memory-r1\//],
  sourcemap: true,
  tsconfig: "../../tsconfig.build.json"
})
