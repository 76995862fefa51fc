// A law is a check that can be run by any test runner, and registered with vitest.
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/**
 * What every implementation of a service has to obey. `check` fails, or dies of an assertion, where one does not. It
 * changes the service that it runs on, so each law needs a fresh one.
 */
export interface Law<Service> {
  readonly title: string
  readonly check: Effect.Effect<void, unknown, Service | Scope.Scope>
}

/** Laws as a vitest suite: the layer is built anew for every law. */
export const register = <Service, E>(
  suite: string,
  laws: ReadonlyArray<Law<Service>>,
  live: Layer.Layer<Service, E>,
  timeout: number
): void => {
  describe(suite, () => {
    for (const { check, title } of laws) it.live(title, () => Effect.provide(check, live), timeout)
  })
}
