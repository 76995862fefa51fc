import { journalLaws, memoryStoreLaws } from "@memory-r1/core/testing"
import { SqliteStore } from "@memory-r1/store-sqlite"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

const directory = mkdtempSync(join(tmpdir(), "memory-r1-sqlite-"))
afterAll(() => rmSync(directory, { recursive: true }))

memoryStoreLaws("SQLite", SqliteStore.layer({ file: join(directory, "laws.db") }))
journalLaws("SQLite", SqliteStore.journal({ file: join(directory, "journal.db") }))
