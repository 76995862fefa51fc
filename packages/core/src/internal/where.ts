// What conditions on rows mean, for what is searched in the memory of the process.
import * as Filter from "../Filter.ts"
import type { Row, Where } from "./journal.ts"

export const isAmong = (
  { at, deleted, memory }: Omit<Row, "order">,
  { filter, since, speaker, unexpiredAt }: Where
): boolean =>
  !deleted &&
  (speaker === undefined || (memory.speaker ?? null) === speaker) &&
  (since === undefined || at >= since) &&
  (unexpiredAt === undefined || memory.expiresAt === undefined || memory.expiresAt > unexpiredAt) &&
  (filter === undefined || Filter.matches(filter, memory.metadata))
