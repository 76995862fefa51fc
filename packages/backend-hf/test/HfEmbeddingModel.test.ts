import { assert, describe, it } from "@effect/vitest"
import { HfClient, HfEmbeddingModel } from "@memory-r1/backend-hf"
import { Effect, Layer, Redacted } from "effect"
import { EmbeddingModel } from "effect/ai"
import { type Handler, inputs, json, serve } from "./server.ts"

const minilm = "sentence-transformers/all-MiniLM-L6-v2"
const using = (url: string, options: HfEmbeddingModel.Options & { readonly dimensions: number }) =>
  Effect.provide(
    Layer.provideMerge(
      HfEmbeddingModel.model(minilm, options),
      HfClient.layer({ apiKey: Redacted.make("hf_secret"), endpointUrl: url })
    )
  )
const embedMany = (texts: ReadonlyArray<string>) =>
  EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(texts)).pipe(
    Effect.map(({ embeddings }) => embeddings.map(({ vector }) => vector))
  )
const embed = (text: string) => EmbeddingModel.EmbeddingModel.use((model) => model.embed(text))

/** A text-embeddings server: one vector for each text. */
const pooled: Handler = ({ body }, response) => json(response, inputs(body).map((text) => [text.length, 1]))

describe("HfEmbeddingModel", () => {
  it.effect("sends the texts to the endpoint and reads a vector for each", () =>
    Effect.gen(function*() {
      const server = yield* serve(pooled)
      const { dimensions, vectors } = yield* Effect.all({
        vectors: embedMany(["a", "bbb"]),
        dimensions: EmbeddingModel.Dimensions
      }).pipe(using(server.url, { dimensions: 2, normalize: true, promptName: "query", truncate: true }))
      assert.deepStrictEqual(vectors, [[1, 1], [3, 1]])
      assert.strictEqual(dimensions, 2)
      const [request] = server.requests
      assert.strictEqual(request!.path, "/")
      assert.strictEqual(request!.headers.authorization, "Bearer hf_secret")
      assert.deepStrictEqual(request!.body, {
        inputs: ["a", "bbb"],
        normalize: true,
        prompt_name: "query",
        truncate: true
      })
    }))

  it.effect("takes the mean over token vectors, in each form in which servers nest them", () =>
    Effect.gen(function*() {
      const tokens = [[1, 0], [3, 4]]
      const forms = [[tokens], [[tokens]], tokens]
      const server = yield* serve((_, response, nth) => json(response, forms[nth]))
      const vectors = yield* Effect.forEach(forms, () => embedMany(["Ann lives in Oslo"])).pipe(
        using(server.url, { dimensions: 2 })
      )
      assert.deepStrictEqual(vectors, forms.map(() => [[2, 2]]))
    }))

  it.effect("token vectors of several texts, of different lengths", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, [[[1, 0], [3, 4]], [[5, 5]]]))
      const vectors = yield* embedMany(["two tokens", "one"]).pipe(using(server.url, { dimensions: 2 }))
      assert.deepStrictEqual(vectors, [[2, 2], [5, 5]])
    }))

  it.effect("normalizes what it pooled itself", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, [[[6, 8], [0, 0]], [[0, 0]]]))
      const vectors = yield* embedMany(["a", "b"]).pipe(using(server.url, { dimensions: 2, normalize: true }))
      assert.deepStrictEqual(vectors, [[0.6, 0.8], [0, 0]])
    }))

  it.effect("a single text may come back without the outer list", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, [1, 2, 3]))
      assert.deepStrictEqual((yield* embed("a").pipe(using(server.url, { dimensions: 3 }))).vector, [1, 2, 3])
    }))

  it.effect("cuts many texts into batches, and calls at the same time share one", () =>
    Effect.gen(function*() {
      const server = yield* serve(pooled)
      const texts = Array.from({ length: 70 }, (_, i) => "x".repeat(i + 1))
      const vectors = yield* embedMany(texts).pipe(using(server.url, { dimensions: 2 }))
      assert.deepStrictEqual(vectors.map(([length]) => length), texts.map((text) => text.length))
      assert.deepStrictEqual(server.requests.map(({ body }) => inputs(body).length), [32, 32, 6])
      yield* Effect.forEach(["a", "bb"], embed, { concurrency: "unbounded" }).pipe(using(server.url, { dimensions: 2 }))
      assert.deepStrictEqual(inputs(server.requests[3]!.body), ["a", "bb"])
      assert.strictEqual(server.requests.length, 4)
    }))

  it.effect("calls with different overrides do not share a request", () =>
    Effect.gen(function*() {
      const server = yield* serve(pooled)
      yield* Effect.all([
        embed("a").pipe(HfEmbeddingModel.withConfigOverride({ promptName: "query" })),
        embed("b")
      ], { concurrency: "unbounded" }).pipe(using(server.url, { dimensions: 2 }))
      const sent = server.requests.map(({ body }) => [inputs(body)[0], body.prompt_name]).sort()
      assert.deepStrictEqual(sent, [["a", "query"], ["b", undefined]])
    }))

  it.effect("sends nothing for no texts", () =>
    Effect.gen(function*() {
      const server = yield* serve(pooled)
      assert.deepStrictEqual(yield* embedMany([]).pipe(using(server.url, { dimensions: 2 })), [])
      assert.strictEqual(server.requests.length, 0)
    }))

  it.effect("refuses wrong dimensions, counts and forms", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [unknown, string]> = [
        [[[1, 2, 3], [1, 2, 3]], "3 dimensions instead of 2"],
        [[[1, 2]], "1 embeddings for 2 texts"],
        [[[[1, 2], [1]], [[1, 2]]], "neither a vector nor"],
        [[[], []], "neither a vector nor"],
        [[[1, null], [1, 2]], "feature-extraction"],
        [{ error: "no" }, "feature-extraction"]
      ]
      const server = yield* serve((_, response, nth) => json(response, wrong[nth]![0]))
      for (const [, reason] of wrong) {
        const error = yield* embedMany(["a", "b"]).pipe(using(server.url, { dimensions: 2 }), Effect.flip)
        assert.strictEqual(error.reason._tag, "InvalidResponseError")
        assert.include(error.message, reason)
      }
    }))

  it.effect("without an endpoint: asks the Hub who serves the model, then that provider", () =>
    Effect.gen(function*() {
      const server = yield* serve(({ path }, response) =>
        path.startsWith("/api/models/")
          ? json(response, {
            inferenceProviderMapping: [
              {
                provider: "hf-inference",
                providerId: "org/pooled",
                hfModelId: "org/pooled",
                status: "live",
                task: "feature-extraction"
              }
            ]
          })
          : json(response, [[1, 2]])
      )
      const hosts: Array<string> = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        const { host, pathname, search } = new URL(String(input))
        hosts.push(host)
        return globalThis.fetch(new URL(pathname + search, server.url), init)
      }
      const { vector } = yield* embed("a").pipe(
        Effect.provide(HfEmbeddingModel.model("org/pooled", { dimensions: 2 })),
        Effect.provide(HfClient.layer({ apiKey: Redacted.make("hf_secret"), fetch }))
      )
      assert.deepStrictEqual(vector, [1, 2])
      assert.deepStrictEqual(hosts, ["huggingface.co", "router.huggingface.co"])
      assert.deepStrictEqual(server.requests.map(({ path }) => path), [
        "/api/models/org/pooled?expand[]=inferenceProviderMapping",
        "/hf-inference/models/org/pooled/pipeline/feature-extraction"
      ])
    }))
})
