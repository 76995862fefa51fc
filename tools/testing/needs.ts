// What some tests need and a machine may lack: programs, shared data, real models, a key. Such a test is skipped, and
// the run ends with its name and the reason (tools/testing/SkippedReporter.ts).
import { existsSync, readdirSync } from "node:fs"
import { delimiter, join } from "node:path"
import { describe } from "vitest"

export interface Need {
  /** Where it is, or undefined where it is not there. */
  readonly path: string | undefined
  /** What is missing, and how to get it. */
  readonly reason: string
}

const firstOf = (paths: ReadonlyArray<string | undefined>): string | undefined =>
  paths.find((path) => path !== undefined && path !== "" && existsSync(path))

/** A browser, to look at pages. */
export const chromium: Need = {
  path: firstOf([
    process.env["CHROMIUM"],
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome"
  ]),
  reason: "no Chromium; install Debian's chromium, or name one in CHROMIUM"
}

/** The Vulkan driver that Chromium brings along. It computes on the CPU. */
export const swiftShader: Need = {
  path: firstOf([process.env["VK_ICD_FILENAMES"], "/usr/lib/chromium/vk_swiftshader_icd.json"]),
  reason: "no GPU and no SwiftShader; install Debian's chromium, or name a Vulkan driver in VK_ICD_FILENAMES"
}

const debian = "/usr/lib/postgresql"
const postgresqlFolders = [
  ...(existsSync(debian) ? readdirSync(debian) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debian, version, "bin")),
  ...(process.env["PATH"] ?? "").split(delimiter)
]

/** The folder with PostgreSQL's programs. */
export const postgresql: Need = {
  path: postgresqlFolders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name)))),
  reason: "no PostgreSQL (initdb, postgres); install Debian's postgresql"
}

/** Data that is not part of the project, at `path` in the folder of shared files. */
export const shared = (path: string): Need => {
  const file = join(process.env["MEMORY_R1_SHARED"] ?? join(import.meta.dirname, "../../../shared"), path)
  return { path: firstOf([file]), reason: `${path} is not there; name the folder of shared files in MEMORY_R1_SHARED` }
}

/** A real language model: a file or a folder in the folder of models. */
export const model = (name: string): Need => {
  const folder = process.env["MEMORY_R1_MODELS"] ?? ""
  return {
    path: folder === "" ? undefined : firstOf([join(folder, name)]),
    reason: `no model ${name}; name the folder of models in MEMORY_R1_MODELS`
  }
}

/** A suite of tests that need something. `suite` gets the path of it. */
export const describeWith = ({ path, reason }: Need, name: string, suite: (path: string) => void): void => {
  describe.skipIf(path === undefined)(
    path === undefined ? `${name} (skipped: ${reason})` : name,
    () => suite(path ?? "")
  )
}
