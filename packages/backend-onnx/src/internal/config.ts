import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Option from "effect/Option"

/** `withConfigOverride` of a model whose `Config` is the given service: inner overrides win over outer ones. */
export const overriding = <Self, Shape extends object>(tag: Context.Service<Self, Shape>): {
  (overrides: Shape): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Self>>
  <A, E, R>(self: Effect.Effect<A, E, R>, overrides: Shape): Effect.Effect<A, E, Exclude<R, Self>>
} =>
  dual(
    2,
    <A, E, R>(self: Effect.Effect<A, E, R>, overrides: Shape): Effect.Effect<A, E, Exclude<R, Self>> =>
      Effect.flatMap(Effect.serviceOption(tag), (outer) =>
        Effect.provideService(self, tag, { ...Option.getOrUndefined(outer), ...overrides }))
  )
