/**
 * The owner of a bank. A scope is a key of its own type, never metadata, so no filter can widen it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A branded key made of tenant, user, agent and session.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Scope = Schema.NonEmptyString.pipe(Schema.brand("@memory-r1/core/Scope"))

/**
 * The type of `Scope`.
 *
 * @category models
 * @since 0.1.0
 */
export type Scope = typeof Scope.Type

/**
 * The parts of a scope. An omitted part differs from every named part.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parts {
  readonly tenant?: string | undefined
  readonly user?: string | undefined
  readonly agent?: string | undefined
  readonly session?: string | undefined
}

// Half of a surrogate pair has no percent-encoding, so it gets a unique one.
const encoded = (part: string): string =>
  Array.from(
    part,
    (character) =>
      character.isWellFormed() ? encodeURIComponent(character) : `%u${character.charCodeAt(0).toString(16)}`
  ).join("")

const names = ["tenant", "user", "agent", "session"] as const

/**
 * Makes a scope. Different parts always make different keys, because each part is percent-encoded.
 *
 * @example
 * ```ts
 * import { Scope } from "@memory-r1/core"
 *
 * Scope.make({ user: "ann" }) // => "user=ann"
 * Scope.make({ tenant: "a&user=b" }) // => "tenant=a%26user%3Db"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (parts: Parts): Scope =>
  Scope.make(
    names.flatMap((name) => {
      const part = parts[name]
      return part === undefined ? [] : [`${name}=${encoded(part)}`]
    }).join("&") || "default"
  )
