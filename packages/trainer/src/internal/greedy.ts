// What a frozen agent writes at temperature 0 depends on its prompt alone. It is computed once in a run, and kept in
// the run's folder, so that a resumed run does not compute it again either.
import { messageOf } from "@memory-r1/core"
import { Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { RunLogError } from "../RunLog.ts"

/** The file in a run's folder. */
export const fileName = "greedy.jsonl"

// The completions of one request, by the hashes of their prompts. They are one line, so that a killed process leaves
// all of them or none: those that are missing are then the same as before, in the same batch.
const Line = Schema.fromJsonString(Schema.Array(Schema.Struct({
  key: Schema.String,
  tokens: Schema.Array(Schema.Int),
  logprobs: Schema.Array(Schema.Finite),
  finishReason: Schema.Literals(["stop", "length"])
})))
const readLine = Schema.decodeUnknownOption(Line)

const keyOf = (scope: string, prompt: ReadonlyArray<number>, rest: string): string =>
  createHash("sha256").update(scope).update("\0").update(Int32Array.from(prompt)).update(rest).digest("base64url")

// What a file holds. A line that was cut off is removed from it.
const known = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const found = new Map<string, Sampler.Completion>()
  if (!(yield* files.exists(file))) return found
  const text = yield* files.readFileString(file)
  const end = text.lastIndexOf("\n") + 1
  if (end < text.length) yield* files.truncate(file, Buffer.byteLength(text.slice(0, end)))
  for (const line of text.slice(0, end).split("\n")) {
    for (const { key, logprobs, ...completion } of Option.getOrElse(readLine(line), () => [])) {
      found.set(key, { ...completion, logprobs: Float32Array.from(logprobs) })
    }
  }
  return found
})

/**
 * A sampler of frozen weights that samples each prompt at temperature 0 once. `scope` names the weights within the run:
 * the stage and the agent.
 */
export const remembered = Effect.fnUntraced(function*(
  sampler: Sampler.Service,
  { file, scope }: { readonly file: string; readonly scope: string }
) {
  const files = yield* FileSystem.FileSystem
  const failing = Effect.mapError((cause: unknown) => new RunLogError({ file, cause }))
  const path = yield* Path.Path
  const completions = yield* failing(known(file))
  const sample: Sampler.Service["sample"] = Effect.fnUntraced(function*(request) {
    if (request.temperature !== 0 || (request.n ?? 1) !== 1) return yield* sampler.sample(request)
    const rest = JSON.stringify([request.maxTokens, request.stopTokens])
    const keys = request.prompts.map((prompt) => keyOf(scope, prompt, rest))
    const missing = new Map(keys.flatMap((key, i) => completions.has(key) ? [] : [[key, request.prompts[i]!] as const]))
    if (missing.size > 0) {
      const sampled = yield* sampler.sample({ ...request, prompts: [...missing.values()] })
      const found = [...missing.keys()].map((key, i) => ({ key, ...sampled[i]![0]! }))
      const line = found.map((one) => ({ ...one, logprobs: Array.from(one.logprobs) }))
      yield* Effect.mapError(
        Effect.andThen(
          files.makeDirectory(path.dirname(file), { recursive: true }),
          files.writeFileString(file, `${JSON.stringify(line)}\n`, { flag: "a" })
        ),
        (cause) => new Sampler.SamplerError({ reason: `${file} cannot be written: ${messageOf(cause)}`, cause })
      )
      for (const { key, ...completion } of found) completions.set(key, completion)
    }
    return keys.map((key) => [completions.get(key)!])
  })
  return { ...sampler, sample } satisfies Sampler.Service
})
