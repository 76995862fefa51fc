/**
 * The `Sampler` of core on ONNX Runtime.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import { Progress, Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Adapter } from "./checkpoint/Adapter.ts"
import type { Graph } from "./graph/Graph.ts"
import * as Answer from "./internal/answer.ts"
import * as Batch from "./model/batch.ts"
import * as Cache from "./model/cache.ts"
import * as DecoderGraphs from "./model/decoderGraphs.ts"
import * as Generation from "./model/generation.ts"
import * as Prefixes from "./model/prefixes.ts"
import * as Random from "./model/random.ts"
import * as Requests from "./model/requests.ts"
import * as OnnxModel from "./OnnxModel.ts"

// Padded tokens of one run: enough to fill the cores, small enough to stay in the processor's cache.
const tokenBudget = 4096
const maxSequences = 256

const fail = (reason: string, cause?: unknown) => new Sampler.SamplerError({ reason, cause })

/**
 * - `adapter`: with it the sampler is that of the adapted model, without it that of the base.
 * - `templateOptions`: variables of the chat template wherever this sampler applies it, such as `{ enable_thinking:
 *   false }`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly adapter?: Adapter | undefined
  readonly templateOptions?: Sampler.TemplateOptions | undefined
}

// A tokenizer whose chat template has some variables set.
const withOptions = (tokenizer: Sampler.Tokenizer, templateOptions: Sampler.TemplateOptions): Sampler.Tokenizer =>
  Object.keys(templateOptions).length === 0 ? tokenizer : {
    ...tokenizer,
    applyChatTemplate: (messages, options) => {
      if (tokenizer.applyChatTemplate !== undefined) {
        return tokenizer.applyChatTemplate(messages, { ...templateOptions, ...options })
      }
      throw fail(Sampler.withoutTemplate(templateOptions))
    }
  }

/**
 * The sampler of a resident model. Prompts of any number and length: they are sorted into runs of like length.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (model: OnnxModel.OnnxModel, options: Options = {}) =>
  Effect.map(makeStreaming(model, options), ({ sampler }) => sampler)

// Runs batches one after the other, and reports how many completions they did, if they are several; `run` returns their
// number.
const inParts = <E, R>(
  verb: string,
  total: number,
  batches: ReadonlyArray<ReadonlyArray<number>>,
  run: (batch: ReadonlyArray<number>) => Effect.Effect<number, E, R>
): Effect.Effect<unknown, E, R> =>
  batches.length === 1
    ? run(batches[0]!)
    : Progress.Progress.use(({ part }) =>
      part(`${verb} ${total} completions`, total, ({ update }) =>
        Effect.gen(function*() {
          let done = 0
          for (const batch of batches) yield* update(done += yield* run(batch))
        }))
    )

/**
 * A sampler for text that is shown while it is written. `sampleWith` is its `sample` with a function that hears of the
 * tokens of a completion after each of them, and ends it by returning true. `reader` reads the text of one completion
 * as it grows: what will not change any more, and whether one of some texts has ended it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeStreaming = Effect.fn("OnnxSampler.make")(
  function*(model: OnnxModel.OnnxModel, { adapter, templateOptions = {} }: Options = {}) {
    const { checkpoint } = model
    const tokenizer = withOptions(checkpoint.tokenizer, templateOptions)
    const { decoder } = checkpoint
    const resident = Effect.mapError(model.resident(adapter), (error) => fail(error.message, error))
    const { key: variant, plan } = OnnxModel.planOf(model, adapter)
    const window = Batch.windowOf(decoder)
    const memory = Cache.memory()
    const session = (key: string, graph: () => Graph) =>
      Effect.mapError(model.session(key + variant, graph), (error) => fail(error.message, error))

    // Packed matrices are held by their session: one for all numbers of rows.
    const decodeSession = (wide: boolean) =>
      model.decodeType === "float32"
        ? session(wide ? "decode wide" : "decode", () => DecoderGraphs.decode(plan, wide))
        : session("decode", () => DecoderGraphs.decode({ ...plan, packed: model.packed() }, false))

    const sample = Effect.fn("OnnxSampler.sample")(
      function*(request: Sampler.SampleRequest, onToken?: (tokens: ReadonlyArray<number>) => boolean) {
        const {
          maxTokens,
          minP,
          n = 1,
          prompts,
          seed = 0,
          stopTokens = tokenizer.stopTokens,
          temperature = 1,
          topK,
          topP
        } = request
        const problem = Requests.sample(request, decoder)
        if (problem !== undefined) return yield* fail(problem)
        const extend = yield* session("extend", () => DecoderGraphs.extend(plan))
        const inputs = {
          ...(yield* resident),
          ...model.ropes(
            maxTokens + Math.max(
              0,
              ...prompts.map(({ length }) => length)
            )
          )
        }
        const settings = {
          maxTokens,
          temperature,
          filter: { topK, topP, minP },
          stopTokens: new Set(stopTokens),
          onToken
        }
        // A group is n completions of one prompt, or single completions of prompts that begin alike.
        const shared = n > 1
          ? prompts.map((prompt, i) => ({ members: new Array<number>(n).fill(i), shared: prompt.length - 1 }))
          : Prefixes.group(prompts, { minimum: 16, largest: 12 })
        const groups = shared.map(({ members, shared }): Generation.Group => ({
          prefix: prompts[members[0]!]!.slice(0, shared),
          rows: members.map((member, j) => ({
            suffix: prompts[member]!.slice(shared),
            stream: Random.stream(seed, member, n > 1 ? j : 0)
          }))
        }))
        const sizes = groups.map(({ prefix, rows }) => ({
          prompt: prefix.length,
          group: rows.length,
          completion: Math.max(...rows.map(({ suffix }) => suffix.length))
        }))
        const results: Array<Array<Sampler.Completion>> = prompts.map(() => [])
        const batches = Batch.microBatches(sizes, tokenBudget).flatMap((batch) => {
          const size = Math.max(1, Math.floor(maxSequences / Math.max(...batch.map((i) => sizes[i]!.group))))
          return Array.from({ length: Math.ceil(batch.length / size) }, (_, i) => batch.slice(i * size, (i + 1) * size))
        })
        yield* inParts("sample", prompts.length * n, batches, (indices) =>
          Effect.gen(function*() {
            const chosen = indices.map((i) => groups[i]!)
            const blocks = Generation.blocksOf(chosen)
            const wide = DecoderGraphs.isWide(decoder, Math.max(...chosen.map(({ rows }) => rows.length)))
            const decode = yield* decodeSession(wide)
            const prefill = yield* session(`prefill ${blocks}`, () => DecoderGraphs.prefill(plan, blocks))
            const completions = yield* Effect.tryPromise({
              try: (signal) =>
                Generation.generate({ prefill, extend, decode }, memory, inputs, decoder, chosen, settings, signal),
              catch: (cause) => fail(`generation failed in ONNX Runtime: ${messageOf(cause)}`, cause)
            })
            indices.forEach((index, i) =>
              shared[index]!.members.forEach((member, j) => results[member]!.push(completions[i]![j]!))
            )
            return completions.flat().length
          }))
        return results
      }
    )

    const score: Sampler.Sampler["Service"]["score"] = Effect.fn("OnnxSampler.score")(
      function*({ groups, temperature = 1 }) {
        const problem = Requests.first(
          Requests.groups(
            groups.map(({ completions, prompt }) => ({
              prompt,
              completions: completions.map((tokens) => ({ tokens }))
            })),
            decoder
          ),
          Requests.positive("temperature", temperature)
        )
        if (problem !== undefined) return yield* fail(problem)
        const longest = Batch.longest(groups)
        const weights = yield* resident
        const results = groups.map((): ReadonlyArray<Float32Array> => [])
        const scored = [...groups.keys()].filter((i) => groups[i]!.completions.length > 0)
        const batches = Batch.microBatches(scored.map((i) => Batch.sizeOf(groups[i]!)), tokenBudget)
        const completions = groups.reduce((sum, { completions }) => sum + completions.length, 0)
        yield* inParts("score", completions, batches, (places) =>
          Effect.gen(function*() {
            const indices = places.map((place) => scored[place]!)
            const { C, G, blocks, feeds } = Batch.groupFeeds(indices.map((i) => groups[i]!), temperature, window)
            const scorer = yield* session(`score ${blocks}`, () => DecoderGraphs.score(plan, blocks))
            const { logp } = yield* Effect.tryPromise({
              try: () => scorer.run({ ...weights, ...model.ropes(longest), ...feeds }),
              catch: (cause) => fail(`scoring failed in ONNX Runtime: ${messageOf(cause)}`, cause)
            })
            const flat = logp!.data as Float32Array
            if (!flat.every(Number.isFinite)) {
              return yield* fail(
                "the model gives log-probabilities that are NaN or infinite; check its weights"
              )
            }
            indices.forEach((index, n) => {
              results[index] = groups[index]!.completions.map((tokens, g) =>
                flat.slice((n * G + g) * C, (n * G + g) * C + tokens.length)
              )
            })
            return indices.reduce((sum, index) => sum + groups[index]!.completions.length, 0)
          }))
        return results
      }
    )
    const sampler = Sampler.Sampler.of({
      tokenizer,
      contextLength: decoder.contextLength,
      sample: (request) => sample(request),
      score
    })
    const reader = (stop: ReadonlyArray<string> = []) => Answer.reader(tokenizer, stop)
    return { sampler, sampleWith: sample, reader }
  }
)

/**
 * The sampler of a Hugging Face directory, as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  directory: string,
  { templateOptions, ...options }: OnnxModel.LoadOptions & Pick<Options, "templateOptions"> = {}
) =>
  Layer.effect(
    Sampler.Sampler,
    Effect.flatMap(OnnxModel.load(directory, options), (model) => make(model, { templateOptions }))
  )
