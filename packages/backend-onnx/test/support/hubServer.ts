// A hub on this machine, that serves a directory as the one repository that it has, and does wrong where it is told to.
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"

export const commit = "c".repeat(40)

export interface Faults {
  /** Cuts the connection after so many bytes of a file, the first time that it is asked for. */
  cutAfter?: number | undefined
  /** Answers everything with this status. */
  status?: number | undefined
  /** Sends other bytes than it lists. */
  spoilt?: boolean | undefined
  /** Lists a file under this name for its content. */
  etag?: string | undefined
}

export interface Request {
  readonly url: string
  readonly range: string | undefined
  readonly authorization: string | undefined
}

/** The server and what it was asked; `faults` may be changed as it goes. */
export const serve = Effect.fnUntraced(function*(directory: string, faults: Faults = {}) {
  const requests: Array<Request> = []
  const cut = new Set<string>()
  const resolved = `/owner/name/resolve/${commit}/`
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(directory, name)).isFile() && !name.startsWith("golden") && !name.startsWith("gradients")
  )
  const digest = (name: string, kind: "sha256" | "sha1") =>
    createHash(kind).update(readFileSync(join(directory, name))).digest("hex")
  const server = createServer((request, response) => {
    const url = request.url ?? ""
    requests.push({ url, range: request.headers.range, authorization: request.headers.authorization })
    const json = (value: unknown) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value))
    if (faults.status !== undefined) {
      response.writeHead(faults.status, { "content-type": "application/json" }).end(JSON.stringify({ error: "no" }))
    } else if (url.startsWith("/api/models/owner/name/revision/")) {
      json({
        id: "owner/name",
        modelId: "owner/name",
        _id: "1",
        sha: commit,
        private: false,
        gated: false,
        downloads: 0,
        likes: 0,
        lastModified: "2026-01-01T00:00:00.000Z"
      })
    } else if (url.startsWith(`/api/models/owner/name/tree/${commit}`)) {
      json(files.map((path) => {
        const size = readFileSync(join(directory, path)).length
        const oid = faults.etag ?? digest(path, "sha1")
        return {
          type: "file",
          path,
          size,
          oid,
          ...(path.endsWith(".safetensors") && faults.etag === undefined
            ? { lfs: { oid: digest(path, "sha256"), size, pointerSize: 130 } }
            : {})
        }
      }))
    } else if (url.startsWith(resolved) && files.includes(url.slice(resolved.length))) {
      const name = url.slice(resolved.length)
      const bytes = readFileSync(join(directory, name))
      if (faults.spoilt === true) bytes.fill(7)
      const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? []
      const part = bytes.subarray(Number(from), to === "" ? bytes.length : Number(to) + 1)
      const ranged = request.headers.range !== undefined
      response.writeHead(ranged ? 206 : 200, {
        etag: `"${digest(name, "sha1")}"`,
        "content-length": part.length,
        ...(ranged ? { "content-range": `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}` } : {})
      })
      if (faults.cutAfter !== undefined && part.length > faults.cutAfter && !cut.has(name)) {
        cut.add(name)
        response.write(part.subarray(0, faults.cutAfter), () => setTimeout(() => response.destroy(), 50))
      } else {
        response.end(part)
      }
    } else {
      response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error: "not found" }))
    }
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise<void>((resolve) => server.close(() => resolve()))
      })
  )
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, faults }
})
