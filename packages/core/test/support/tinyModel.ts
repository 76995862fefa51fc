// A language model in one table: the logits of the next character, by the two before it. Small enough that its
// log-probabilities and gradients are plainly right, so that a law of core/testing that fails here is itself wrong.
import { Learner, Objective, Sampler } from "@memory-r1/core/rl"
import { Effect, Layer } from "effect"

const alphabet = " abcdefghijklmnopqrstuvwxyz.-"
const size = alphabet.length

const logits = (): Float64Array =>
  Float64Array.from({ length: size * size * size }, (_, i) => 2 * Math.sin(i * i + 3 * i))

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

const logprobsOf = (
  weights: Float64Array,
  prompt: ReadonlyArray<number>,
  tokens: ReadonlyArray<number>,
  temperature: number
) =>
  Float32Array.from(
    tokens,
    (token, t) => logSoftmax(weights, rowOf([...prompt, ...tokens.slice(0, t)]), temperature)[token]!
  )

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
      if (request.prompts.some((prompt) => prompt.length === 0)) {
        return Effect.fail(new Sampler.SamplerError({ reason: "a prompt is empty" }))
      }
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
      groups.map(({ completions, prompt }) =>
        completions.map((tokens) => logprobsOf(weights(), prompt, tokens, temperature))
      )
    )
})

/**
 * The learner of one table: the logits, and behind them the value of each pair of characters.
 */
export const makeLearner = (): Learner.Learner["Service"] => {
  const offset = size ** 3
  let weights = Float64Array.from([...logits(), ...Array.from({ length: size ** 2 }, (_, i) => 0.3 * Math.sin(3 * i))])
  let gradient = new Float64Array(weights.length)
  let [first, second] = [new Float64Array(weights.length), new Float64Array(weights.length)]
  let steps = 0
  const saved = new Map<string, Float64Array>()
  const states = new Map<
    string,
    {
      readonly weights: Float64Array
      readonly first: Float64Array
      readonly second: Float64Array
      readonly steps: number
    }
  >()
  const placesOf = (prompt: ReadonlyArray<number>, tokens: ReadonlyArray<number>) => {
    const rows = tokens.map((_, t) => rowOf([...prompt, ...tokens.slice(0, t)]))
    return { rows, places: rows.map((row) => offset + row / size) }
  }
  const perToken = (batch: ReadonlyArray<Learner.PromptGroup>, lists: ReadonlyArray<ReadonlyArray<number>>) => {
    let index = 0
    return batch.map(({ completions }) => completions.map(() => Float32Array.from(lists[index++]!)))
  }
  return {
    capabilities: { critic: true, entropy: true, fullFineTuning: true },
    values: (groups) =>
      Effect.sync(() =>
        groups.map(({ completions, prompt }) =>
          completions.map((tokens) => Float32Array.from(placesOf(prompt, tokens).places, (place) => weights[place]!))
        )
      ),
    sampler: samplerOver(() => weights),
    forwardBackward: (batch, objective, { temperature = 1 } = {}) =>
      Effect.gen(function*() {
        const sequences = batch.flatMap(({ completions, prompt }) =>
          completions.map((completion) => ({ prompt, ...completion }))
        )
        for (const name of Objective.given(objective)) {
          if (sequences.some((sequence) => sequence[name] === undefined)) {
            return yield* new Learner.LearnerError({
              reason: `the objective reads ${name}, which the batch does not have`
            })
          }
        }
        const known = sequences.map(({ advantage = 0, prompt, tokens, ...rest }) => {
          const { places, rows } = placesOf(prompt, tokens)
          const distributions = rows.map((row) => logSoftmax(weights, row, temperature))
          return {
            ...rest,
            advantage: typeof advantage === "number" ? tokens.map(() => advantage) : advantage,
            logp: tokens.map((token, t) => distributions[t]![token]!),
            entropy: distributions.map((logps) => -logps.reduce((sum, logp) => sum + Math.exp(logp) * logp, 0)),
            value: places.map((place) => weights[place]!)
          }
        })
        const { derivatives, loss } = Objective.differentiate(objective, known)
        for (const [s, { prompt, tokens }] of sequences.entries()) {
          const { places, rows } = placesOf(prompt, tokens)
          const { entropy, logp, value } = derivatives[s]!
          for (const [t, token] of tokens.entries()) {
            gradient[places[t]!]! += value[t]!
            for (const [next, other] of logSoftmax(weights, rows[t]!, temperature).entries()) {
              const p = Math.exp(other)
              gradient[rows[t]! + next]! +=
                (logp[t]! * ((next === token ? 1 : 0) - p) - entropy[t]! * p * (other + known[s]!.entropy[t]!)) /
                temperature
            }
          }
        }
        const read = Objective.quantities(objective)
        return {
          loss,
          logprobs: perToken(batch, known.map(({ logp }) => logp)),
          ...(read.has("entropy") ? { entropies: perToken(batch, known.map(({ entropy }) => entropy)) } : {}),
          ...(read.has("value") ? { values: perToken(batch, known.map(({ value }) => value)) } : {})
        }
      }),
    optimStep: (
      { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, learningRate, maxGradNorm = Infinity, weightDecay = 0 }
    ) =>
      Effect.sync(() => {
        const gradNorm = Math.hypot(...gradient.filter((g) => g !== 0))
        // Nothing is kept.
        if (gradNorm === 0) return { gradNorm }
        steps++
        const scale = Math.min(1, maxGradNorm / gradNorm)
        first = first.map((m, i) => beta1 * m + (1 - beta1) * scale * gradient[i]!)
        second = second.map((v, i) => beta2 * v + (1 - beta2) * (scale * gradient[i]!) ** 2)
        weights = weights.map((w, i) =>
          w -
          learningRate *
            (weightDecay * w +
              first[i]! / (1 - beta1 ** steps) / (Math.sqrt(second[i]! / (1 - beta2 ** steps)) + epsilon))
        )
        gradient = new Float64Array(weights.length)
        return { gradNorm }
      }),
    save: (directory) => Effect.sync(() => void saved.set(directory, weights.slice())),
    load: (directory) =>
      Effect.suspend(() => {
        const found = saved.get(directory)
        if (found === undefined) {
          return Effect.fail(new Learner.LearnerError({ reason: `no checkpoint in ${directory}` }))
        }
        weights = found.slice()
        first.fill(0)
        second.fill(0)
        steps = 0
        return Effect.void
      }),
    saveState: (directory) =>
      Effect.sync(() =>
        void states.set(directory, { weights: weights.slice(), first: first.slice(), second: second.slice(), steps })
      ),
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
