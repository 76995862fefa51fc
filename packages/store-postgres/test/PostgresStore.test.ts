// @module-tag slow
import * as PgClient from "@effect/sql-pg/PgClient"
import { journalLaws, memoryStoreLaws } from "@memory-r1/core/testing"
import { PostgresStore } from "@memory-r1/store-postgres"
import { Effect, Exit, Layer, Scope } from "effect"
import { afterAll } from "vitest"
import { describeWith, postgresql } from "../../../tools/testing/needs.ts"
import { pglite, postgres } from "./support/servers.ts"

// One server for all laws.
const laws = (name: string, server: Effect.Effect<PgClient.PgPoolConfig, never, Scope.Scope>) => {
  const kept = Scope.makeUnsafe()
  afterAll(() => Effect.runPromise(Scope.close(kept, Exit.void)))
  const started = Effect.runSync(Effect.cached(Scope.provide(server, kept)))
  memoryStoreLaws(
    name,
    Layer.unwrap(Effect.map(started, ({ url, ...connection }) => PostgresStore.layer({ ...connection, url: url! })))
  )
  journalLaws(
    name,
    Effect.gen(function*() {
      return yield* Effect.provide(PostgresStore.journal(), yield* Layer.build(PgClient.layer(yield* started)))
    })
  )
}

laws("PGlite with pgvector", pglite())
describeWith(postgresql, "a server", () => laws("PostgreSQL", Effect.map(postgres(), ({ url }) => ({ url }))))
