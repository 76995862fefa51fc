// @module-tag slow
import * as PgClient from "@effect/sql-pg/PgClient"
import { journalVectorLaws, memoryStoreLaws } from "@memory-r1/core/testing"
import { PostgresStore } from "@memory-r1/store-postgres"
import { Effect, Layer, type Scope } from "effect"
import { describeWith, postgresql } from "../../../tools/testing/needs.ts"
import { pglite, postgres } from "./support/servers.ts"

const laws = (name: string, server: Effect.Effect<PgClient.PgPoolConfig, never, Scope.Scope>) => {
  memoryStoreLaws(
    name,
    Layer.unwrap(Effect.map(server, ({ url, ...connection }) => PostgresStore.layer({ ...connection, url: url! })))
  )
  journalVectorLaws(
    name,
    Effect.gen(function*() {
      return yield* Effect.provide(PostgresStore.journal(), yield* Layer.build(PgClient.layer(yield* server)))
    })
  )
}

laws("PGlite with pgvector", pglite())
describeWith(postgresql, "a server", () => laws("PostgreSQL", Effect.map(postgres(), ({ url }) => ({ url }))))
