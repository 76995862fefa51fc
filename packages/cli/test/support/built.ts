// The program as one file. From its sources it is a thousand modules, which take a second to load; the tests start it
// hundreds of times.
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { build } from "vite"

const root = join(import.meta.dirname, "../..")

// What brings files of its own that a bundle would not have, and the package that depends on it.
const owners: Readonly<Record<string, string>> = { "onnxruntime-node": "backend-onnx", "sqlite-vec": "store-sqlite" }

const make = async (): Promise<string> => {
  // One for each worker of the tests, which begin at the same time.
  const outDir = join(root, "node_modules/.built", `memory-r1-${process.env["VITEST_POOL_ID"] ?? "0"}`)
  await build({
    configFile: false,
    logLevel: "error",
    ssr: { noExternal: true },
    plugins: [{
      name: "in-place",
      enforce: "pre",
      resolveId: (id) => {
        const owner = owners[id]
        if (owner === undefined) return undefined
        const from = createRequire(join(root, "..", owner, "package.json"))
        return { id: from.resolve(id), external: true }
      },
      // A module finds its files where it stands.
      transform: (code, id) =>
        id.includes("node_modules")
          ? undefined
          : code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
    }],
    build: {
      ssr: join(root, "src/bin.ts"),
      outDir,
      target: "node24",
      rollupOptions: { output: { entryFileNames: "main.mjs" } }
    }
  })
  return join(outDir, "main.mjs")
}

let made: Promise<string> | undefined

/** The file to run. */
export const program = (): Promise<string> => (made ??= make())
