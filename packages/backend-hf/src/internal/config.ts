import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Option from "effect/Option"

/**
 * `withConfigOverride` of a model whose `Config` is the given service: what is overridden inside wins over what is
 * outside.
 */
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

/** The configuration of a request: the model's own, and over it what is overridden for the effect that runs. */
export const current = <Self, Shape extends object>(
  tag: Context.Service<Self, Shape>,
  own: Shape | undefined
): Effect.Effect<Partial<Shape>> =>
  Effect.map(
    Effect.serviceOption(tag),
    (overrides): Partial<Shape> => ({ ...own, ...Option.getOrUndefined(overrides) })
  )
