/**
 * Memory in large pages, where glibc can be told so.
 *
 * A pass over a model touches gigabytes that were just allocated. In pages of 4 KB that is a fault for each, and faults
 * then take more time than what elementwise operators compute (docs/engine.md has the figures). glibc asks for pages of
 * 2 MB where GLIBC_TUNABLES says so, which it reads once, before a program begins: so the program begins again, in the
 * same process.
 *
 * @since 0.1.0
 */
const tunables = "GLIBC_TUNABLES"
const setting = "glibc.malloc.hugetlb=1"

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The environment to begin again with, or nothing where it says already how malloc takes its pages; an empty value says
 * so too.
 *
 * @category getters
 * @since 0.1.0
 */
export const environment = (env: Environment): Environment | undefined => {
  const set = env[tunables]
  if (set !== undefined && (set === "" || set.includes("glibc.malloc.hugetlb"))) return undefined
  return { ...env, [tunables]: set === undefined ? setting : `${set}:${setting}` }
}

/**
 * An environment without what `environment` adds, for programs that this one starts to be compared with.
 *
 * @category combinators
 * @since 0.1.0
 */
export const without = (env: Environment): Environment => {
  const kept = (env[tunables] ?? "").split(":").filter((part) => part !== setting && part !== "")
  const { [tunables]: _, ...rest } = env
  return kept.length === 0 ? rest : { ...rest, [tunables]: kept.join(":") }
}

/**
 * Begins the program again with large pages. Its process, arguments and open files stay the same.
 *
 * @category running
 * @since 0.1.0
 */
export const use = (): void => {
  const env = process.platform === "linux" && process.execve !== undefined ? environment(process.env) : undefined
  if (env !== undefined) {
    process.execve!(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], { ...env })
  }
}
