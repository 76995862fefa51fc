/**
 * What a configuration names: data sets, rewards, formats and managers. A name is a registered one, or the path of a
 * module and one of its exports: `./my-reward.ts#reward`.
 *
 * @since 0.1.0
 */
import { MemoryManager, messageOf } from "@memory-r1/core"
import { AnswerFormat, ManagerFormat, Reward } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { pathToFileURL } from "node:url"
import type * as Dataset from "./Dataset.ts"
import type * as Demonstrations from "./Demonstrations.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * How decisions and answers are asked for and written.
 *
 * @category models
 * @since 0.1.0
 */
export interface Format {
  readonly manager: ManagerFormat.ManagerFormat
  readonly answer: AnswerFormat.AnswerFormat
}

/**
 * - `datasets`: what is trained on.
 * - `rewards`: of one answer.
 * - `formats`: of decisions and answers.
 * - `managers`: that make the banks which the Answer Agent is trained on.
 * - `demonstrations`: exercises that are no part of a data set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Registry {
  readonly datasets: Readonly<Record<string, Dataset.Definition>>
  readonly rewards: Readonly<Record<string, Reward.Reward<Reward.JudgedOutcome>>>
  readonly formats: Readonly<Record<string, Format>>
  readonly managers: Readonly<Record<string, Layer.Layer<MemoryManager.MemoryManager>>>
  readonly demonstrations: Readonly<Record<string, Demonstrations.Make>>
}

const builtIn: Registry = {
  datasets: {},
  rewards: {
    exactMatch: Reward.exactMatch,
    exactMatchElseF1: Reward.firstNonZero([Reward.exactMatch, Reward.setF1]),
    f1: Reward.setF1,
    f1TimesJudge: Reward.product<Reward.JudgedOutcome>([Reward.setF1, Reward.judge]),
    judge: Reward.judge
  },
  formats: {
    compact: { manager: ManagerFormat.compact, answer: AnswerFormat.compact },
    paper: { manager: ManagerFormat.paper, answer: AnswerFormat.paper }
  },
  managers: { addOnly: MemoryManager.layerAddOnly, ruleBased: MemoryManager.layerRuleBased() },
  demonstrations: {}
}

/**
 * A registry of the names that the trainer brings (rewards `exactMatch`, `exactMatchElseF1`, `f1`, `f1TimesJudge`,
 * `judge`; formats `compact`, `paper`; managers `addOnly`, `ruleBased`) and of yours.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core/rl"
 * import { Registry } from "@memory-r1/trainer"
 *
 * const registry = Registry.make({ rewards: { brief: Reward.make("brief", ({ prediction }) => -prediction.length) } })
 * Object.keys(registry.rewards).includes("exactMatch") // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (own: Partial<Registry> = {}): Registry => ({
  datasets: { ...builtIn.datasets, ...own.datasets },
  rewards: { ...builtIn.rewards, ...own.rewards },
  formats: { ...builtIn.formats, ...own.formats },
  managers: { ...builtIn.managers, ...own.managers },
  demonstrations: { ...builtIn.demonstrations, ...own.demonstrations }
})

/**
 * Whether a name is the path of a module.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isModule = (name: string): boolean => /^(\.{0,2}\/|[A-Za-z]:[\\/])/.test(name)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
const isFunction = (value: unknown): boolean => typeof value === "function"

// What an export has to be.
const kinds: Readonly<
  Record<keyof Registry, { readonly one: string; readonly is: (value: unknown) => boolean; readonly expected: string }>
> = {
  datasets: {
    one: "data set",
    is: (value) => isObject(value) && isFunction(value["load"]) && isFunction(value["decode"]),
    expected: "what Dataset.define returns"
  },
  rewards: { one: "reward", is: isFunction, expected: "a function from an outcome to a reward" },
  formats: {
    one: "format",
    is: (value) => isObject(value) && isObject(value["manager"]) && isObject(value["answer"]),
    expected: "{ manager, answer }"
  },
  managers: {
    one: "manager",
    is: Layer.isLayer,
    expected: "a layer of a MemoryManager"
  },
  demonstrations: { one: "exercise", is: isFunction, expected: "a function from a number to demonstrations" }
}

const imported = Effect.fnUntraced(function*(kind: keyof Registry, name: string) {
  const { expected, is, one } = kinds[kind]
  const [file = "", own = "default"] = name.split("#")
  const wrong = (reason: string) => new TrainingError({ reason: `${one} ${name}: ${reason}` })
  const module = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>,
    catch: (cause) => wrong(`the module cannot be imported (${messageOf(cause)})`)
  })
  if (!(own in module)) {
    const names = Object.keys(module).join(", ") || "nothing"
    return yield* wrong(`the module has no export ${own}; it exports ${names}`)
  }
  const value = module[own]
  return is(value) ? value : yield* wrong(`the export is not ${expected}`)
})

/**
 * What a name stands for. Fails with a `TrainingError` that lists the names which are known, or says what is wrong with
 * the module.
 *
 * @category getters
 * @since 0.1.0
 */
export const find = Effect.fn("Registry.find")(
  function*<K extends keyof Registry>(registry: Registry, kind: K, name: string) {
    if (isModule(name)) return (yield* imported(kind, name)) as Registry[K][string]
    if (Object.hasOwn(registry[kind], name)) return registry[kind][name] as Registry[K][string]
    const known = Object.keys(registry[kind]).join(", ") || "none"
    return yield* new TrainingError({
      reason: `there is no ${kinds[kind].one} named ${JSON.stringify(name)}: known are ${known}; or give the path of ` +
        `a module and its export, such as ./mine.ts#${kind === "rewards" ? "reward" : "mine"}`
    })
  }
)
