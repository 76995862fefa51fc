// AdamW over one flat buffer (Kingma and Ba 2015; Loshchilov and Hutter 2019).

export interface AdamState {
  readonly first: Float32Array
  readonly second: Float32Array
  step: number
}

export const make = (length: number): AdamState => ({
  first: new Float32Array(length),
  second: new Float32Array(length),
  step: 0
})

export interface AdamOptions {
  readonly learningRate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly weightDecay: number
}

/** The Euclidean norm, in float64. */
export const norm = (values: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  return Math.sqrt(sum)
}

/** Moves the weights by the gradient times `scale`. */
export const step = (
  state: AdamState,
  weights: Float32Array,
  gradient: Float32Array,
  scale: number,
  options: AdamOptions
): void => {
  const { beta1, beta2, epsilon, learningRate, weightDecay } = options
  const { first, second } = state
  state.step++
  const rate = learningRate / (1 - beta1 ** state.step)
  const correction = 1 / Math.sqrt(1 - beta2 ** state.step)
  const keep = 1 - learningRate * weightDecay
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i]! * scale
    const m = beta1 * first[i]! + (1 - beta1) * g
    const v = beta2 * second[i]! + (1 - beta2) * g * g
    first[i] = m
    second[i] = v
    weights[i] = keep * weights[i]! - rate * m / (Math.sqrt(v) * correction + epsilon)
  }
}
