// A language model in one table: the logits of the next character, by the two before it. Small enough that its log-probabilities
// and gradients are plainly right, so that a law of core/testing that fails here is itself wrong.
import { Learner, Objective, Sampler } from "@memory-r1/core"
import { Effect, Layer } from "effect"

const alphabet = " abcdefghijklmnopqrstuvwxyz.-"
const size = alphabet.length

const logits = (): Float64Array => Float64Array.from({ length: size * size * size }, (_, i) => 2 * Math.sin(i * i + 3 * i))

const tokenizer: Sampler.Tokenizer = {
  vocabularySize: size,
  stopTokens: [alphabet.indexOf(".")],
  encode: (text) => Array.from(text, (character) => Math.max(0, alphabet.indexOf(character))),
  decode: (tokens) => tokens.map((token) => alphabet[token]).join("")
}

// mulberry32
const uniform = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
}

const rowOf = (context: ReadonlyArray<number>): number => (context.at(-1)! * size + (context.at(-2) ?? 0)) * size

const logSoftmax = (weights: Float64Array, row: number, temperature: number): Array<number> => {
  const scaled = Array.from(weights.subarray(row, row + size), (logit) => logit / temperature)
  const top = Math.max(...scaled)
  const total = Math.log(scaled.reduce((sum, logit) => sum + Math.exp(logit - top), 0))
  return scaled.map((logit) => logit - top - total)
}

const logprobsOf = (weights: Float64Array, prompt: ReadonlyArray<number>, tokens: ReadonlyArray<number>, temperature: number) =>
  Float32Array.from(tokens, (token, t) => logSoftmax(weights, rowOf([...prompt, ...tokens.slice(0, t)]), temperature)[token]!)

const choose = (logps: ReadonlyArray<number>, request: Sampler.SampleRequest, random: () => number): number => {
  const order = Array.from(logps.keys()).sort((a, b) => logps[b]! - logps[a]!)
  if (request.temperature === 0) return order[0]!
  let kept = order.slice(0, request.topK ?? size)
  let mass = 0
  kept = kept.filter((token) => {
    const wanted = mass < (request.topP ?? 1)
    mass += Math.exp(logps[token]!)
    return wanted
  })
  let left = random() * kept.reduce((sum, token) => sum + Math.exp(logps[token]!), 0)
  return kept.find((token) => (left -= Math.exp(logps[token]!)) < 0) ?? kept.at(-1)!
}

const samplerOver = (weights: () => Float64Array): Sampler.Sampler["Service"] => ({
  tokenizer,
  contextLength: 128,
  sample: (request) =>
    Effect.suspend(() => {
      if (request.prompts.some((prompt) => prompt.length === 0)) return Effect.fail(new Sampler.SamplerError({ reason: "a prompt is empty" }))
      const random = uniform(request.seed ?? 0)
      const stopTokens = request.stopTokens ?? tokenizer.stopTokens
      return Effect.succeed(request.prompts.map((prompt) =>
        Array.from({ length: request.n ?? 1 }, (): Sampler.Completion => {
          const tokens: Array<number> = []
          while (tokens.length < request.maxTokens && !stopTokens.includes(tokens.at(-1) ?? -1)) {
            const logps = logSoftmax(weights(), rowOf([...prompt, ...tokens]), request.temperature || 1)
            tokens.push(choose(logps, request, random))
          }
          return {
            tokens,
            logprobs: logprobsOf(weights(), prompt, tokens, request.temperature || 1),
            finishReason: stopTokens.includes(tokens.at(-1)!) ? "stop" : "length"
          }
        })
      ))
    }),
  score: ({ groups, temperature = 1 }) =>
    Effect.sync(() =>
      groups.map(({ completions, prompt }) => completions.map((tokens) => logprobsOf(weights(), prompt, tokens, temperature)))
    )
})

const makeLearner = (): Learner.Learner["Service"] => {
  let weights = logits()
  let gradient = new Float64Array(weights.length)
  let [first, second] = [new Float64Array(weights.length), new Float64Array(weights.length)]
  let steps = 0
  const saved = new Map<string, Float64Array>()
  const states = new Map<string, { readonly weights: Float64Array; readonly first: Float64Array; readonly second: Float64Array; readonly steps: number }>()
  return {
    capabilities: { critic: false, entropy: false, fullFineTuning: true },
    values: () => Effect.fail(new Learner.LearnerError({ reason: "this learner has no critic" })),
    sampler: samplerOver(() => weights),
    forwardBackward: (batch, objective, { temperature = 1 } = {}) =>
      Effect.gen(function*() {
        const sequences = batch.flatMap(({ completions, prompt }) => completions.map((completion) => ({ prompt, ...completion })))
        for (const name of Objective.quantities(objective)) {
          if (name === "logp") continue
          if (name === "value" || name === "entropy" || sequences.some((sequence) => sequence[name] === undefined)) {
            return yield* new Learner.LearnerError({ reason: `the objective reads ${name}, which the batch does not have` })
          }
        }
        const values = sequences.map(({ advantage = 0, prompt, tokens, ...rest }) => ({
          ...rest,
          advantage: typeof advantage === "number" ? tokens.map(() => advantage) : advantage,
          logp: Array.from(logprobsOf(weights, prompt, tokens, temperature))
        }))
        const { derivatives, loss } = Objective.differentiate(objective, values)
        for (const [s, { prompt, tokens }] of sequences.entries()) {
          for (const [t, token] of tokens.entries()) {
            const row = rowOf([...prompt, ...tokens.slice(0, t)])
            const slope = derivatives[s]!.logp[t]! / temperature
            for (const [next, logp] of logSoftmax(weights, row, temperature).entries()) {
              gradient[row + next]! += slope * ((next === token ? 1 : 0) - Math.exp(logp))
            }
          }
        }
        let index = 0
        return {
          loss,
          logprobs: batch.map(({ completions }) => completions.map(() => Float32Array.from(values[index++]!.logp)))
        }
      }),
    optimStep: ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, learningRate }) =>
      Effect.sync(() => {
        steps++
        first = first.map((m, i) => beta1 * m + (1 - beta1) * gradient[i]!)
        second = second.map((v, i) => beta2 * v + (1 - beta2) * gradient[i]! ** 2)
        weights = weights.map((w, i) =>
          w - learningRate * first[i]! / (1 - beta1 ** steps) / (Math.sqrt(second[i]! / (1 - beta2 ** steps)) + epsilon)
        )
        const gradNorm = Math.hypot(...gradient.filter((g) => g !== 0))
        gradient = new Float64Array(weights.length)
        return { gradNorm }
      }),
    save: (directory) => Effect.sync(() => void saved.set(directory, weights.slice())),
    load: (directory) =>
      Effect.suspend(() => {
        const found = saved.get(directory)
        if (found === undefined) return Effect.fail(new Learner.LearnerError({ reason: `no checkpoint in ${directory}` }))
        weights = found.slice()
        first.fill(0)
        second.fill(0)
        steps = 0
        return Effect.void
      }),
    saveState: (directory) =>
      Effect.sync(() => void states.set(directory, { weights: weights.slice(), first: first.slice(), second: second.slice(), steps })),
    loadState: (directory) =>
      Effect.suspend(() => {
        const found = states.get(directory)
        if (found === undefined) return Effect.fail(new Learner.LearnerError({ reason: `no state in ${directory}` }))
        weights = found.weights.slice()
        first = found.first.slice()
        second = found.second.slice()
        steps = found.steps
        gradient = new Float64Array(weights.length)
        return Effect.void
      })
  }
}

export const layerSampler: Layer.Layer<Sampler.Sampler> = Layer.sync(Sampler.Sampler, () => {
  const table = logits()
  return samplerOver(() => table)
})

export const layerLearner: Layer.Layer<Learner.Learner> = Layer.sync(Learner.Learner, makeLearner)
