/**
 * Whose bank it is. A scope is a key of its own type, never a piece of metadata, so that no filter can widen it.
 */
import * as Schema from "effect/Schema"

/**
 * A branded key over tenant, user, agent and session.
 */
export const Scope = Schema.NonEmptyString.pipe(Schema.brand("@memory-r1/core/Scope"))
export type Scope = typeof Scope.Type

/**
 * The parts of a scope. Parts that are left out are distinct from every named part.
 */
export interface Parts {
  readonly tenant?: string | undefined
  readonly user?: string | undefined
  readonly agent?: string | undefined
  readonly session?: string | undefined
}

// Half of a surrogate pair has no percent-encoding: it gets one that nothing else has.
const encoded = (part: string): string =>
  Array.from(
    part,
    (character) =>
      character.isWellFormed() ? encodeURIComponent(character) : `%u${character.charCodeAt(0).toString(16)}`
  ).join("")

const names = ["tenant", "user", "agent", "session"] as const

/**
 * Builds a scope. Different parts never give the same key: each part is percent-encoded.
 *
 * @example
 * ```ts
 * import { Scope } from "@memory-r1/core"
 *
 * Scope.make({ user: "ann" }) // => "user=ann"
 * Scope.make({ tenant: "a&user=b" }) // => "tenant=a%26user%3Db"
 * ```
 */
export const make = (parts: Parts): Scope =>
  Scope.make(
    names.flatMap((name) => {
      const part = parts[name]
      return part === undefined ? [] : [`${name}=${encoded(part)}`]
    }).join("&") || "default"
  )
