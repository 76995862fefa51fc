/**
 * The memory of an agent in PostgreSQL, for programs that do not use Effect.
 */
import * as Core from "@memory-r1/core"
import * as PostgresStore from "./PostgresStore.ts"

type CoreOptions = NonNullable<Parameters<typeof Core.createMemory>[0]>

/**
 * As for `createMemory` of core, where `store` may be the URL of a database.
 */
export interface Options extends Omit<CoreOptions, "store"> {
  readonly store: string | NonNullable<CoreOptions["store"]>
}

/**
 * Opens a memory in a database; see `PostgresStore`.
 *
 * @example
 * ```typescript
 * import { createMemory } from "@memory-r1/store-postgres"
 *
 * const memory = await createMemory({ store: "postgresql://memory:secret@localhost/memory", scope: { user: "ann" } })
 * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
 * const { text } = await memory.answer("What is the dog of Ann called?")
 * await memory.close()
 * ```
 */
export const createMemory = ({ store, ...options }: Options): Promise<Core.AgentMemory> =>
  Core.createMemory({ ...options, store: typeof store === "string" ? PostgresStore.layer({ url: store }) : store })
