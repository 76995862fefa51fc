/**
 * The memory of an agent in a file, for programs that do not use Effect.
 */
import * as Core from "@memory-r1/core"
import * as SqliteStore from "./SqliteStore.ts"

/**
 * As for `createMemory` of core, where `store` may be the path of a file.
 */
export interface Options extends Omit<NonNullable<Parameters<typeof Core.createMemory>[0]>, "store"> {
  readonly store?: string | NonNullable<Parameters<typeof Core.createMemory>[0]>["store"] | undefined
}

/**
 * Opens a memory. With the path of a file it lasts; see `SqliteStore`.
 *
 * @example
 * ```ts
 * import { createMemory } from "@memory-r1/store-sqlite"
 *
 * const memory = await createMemory({ store: ":memory:" })
 * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
 * const { text } = await memory.answer("What is the dog of Ann called?")
 * await memory.close()
 * text // => "Buddy"
 * ```
 */
export const createMemory = ({ store, ...options }: Options = {}): Promise<Core.AgentMemory> =>
  Core.createMemory({
    ...options,
    ...(store === undefined ? {} : { store: typeof store === "string" ? SqliteStore.layer({ file: store }) : store })
  })
