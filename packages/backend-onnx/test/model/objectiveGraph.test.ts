// The three interpreters of an objective agree: its nodes in the training graph, its value in plain numbers, and its
// derivatives.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Autodiff, Graph, Op } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Arbitrary, Effect, Schema } from "effect"
import * as ObjectiveGraph from "../../src/model/objectiveGraph.ts"
import * as Engine from "../support/engine.ts"

const quantities = [
  "logp",
  "oldLogp",
  "samplerLogp",
  "refLogp",
  "entropy",
  "advantage",
  "value",
  "oldValue",
  "returns"
] as const
type Token = Readonly<Record<typeof quantities[number] | "mask", number>>
type Batch = ReadonlyArray<ReadonlyArray<Token>>

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const centi = (low: number, high: number) => Arbitrary.map(Arbitrary.schema(between(low, high)), (n) => n / 100)

// Numbers a hundredth and a bit apart, so that two sides of min, max or clip are seldom equal but for rounding.
const token = Arbitrary.map(
  Arbitrary.all([
    ...quantities.map((name) => name.endsWith("ogp") ? centi(-300, -1) : centi(-200, 200)),
    Arbitrary.schema(between(0, 3))
  ]),
  (drawn): Token => ({
    ...Object.fromEntries(quantities.map((name, i) => [name, drawn[i]! + 0.0007 * (i + 1)])) as Record<
      typeof quantities[number],
      number
    >,
    // Mostly there, sometimes not, sometimes in part.
    mask: [1, 1, 0, 0.5][drawn.at(-1)!]!
  })
)
const batches = Arbitrary.array(Arbitrary.array(token, { maxLength: 5 }), { minLength: 1, maxLength: 4 })

const { ConstantLength, SequenceMean, Sum, TokenMean } = Objective.Aggregation
const aggregations = [SequenceMean(), TokenMean(), ConstantLength({ length: 7 }), Sum()]
const { beta } = { beta: Objective.coefficient("beta", 0.3) }
const objectives: ReadonlyArray<Objective.Objective> = [
  Objective.sft,
  Objective.reinforce,
  ...aggregations.flatMap((aggregation) => [
    Objective.grpo({ aggregation }),
    Objective.grpo({ epsilon: 0.1, epsilonHigh: 0.3, beta: 0.2, aggregation }),
    Objective.gspo({ epsilon: 0.1, beta, aggregation })
  ]),
  Objective.drGrpo({ length: 9 }),
  Objective.dapo(),
  Objective.bnpo({ beta: 0.1 }),
  Objective.cispo({ ceiling: 1.3, beta }),
  Objective.withTerm(
    Objective.withEntropy(Objective.ppo({ dualClip: 3 }), 0.01),
    Objective.valueLoss({ epsilon: 0.2 }),
    0.5
  ),
  Objective.valueLoss(),
  Objective.withKl(Objective.reinforce, beta, "k1"),
  Objective.withKl(Objective.reinforce, 0.2, "k2"),
  ...(["token", "sequence"] as const).flatMap((level) =>
    (["truncate", "mask"] as const).map((mode) => Objective.withCorrection(Objective.grpo(), { level, mode, cap: 1.4 }))
  ),
  {
    name: "a ratio of sequences, beside one of stopped tokens",
    loss: Objective.add(
      Objective.mul(
        Objective.exp(Objective.sequenceMean(Objective.sub(Objective.logp, Objective.oldLogp))),
        Objective.advantage
      ),
      Objective.mul(Objective.stopGradient(Objective.ratio), Objective.max(Objective.logp, -1.002))
    ),
    aggregation: SequenceMean()
  },
  { name: "a constant's mean", loss: Objective.mul(Objective.sequenceMean(2), Objective.logp), aggregation: Sum() },
  { name: "no bound above", loss: Objective.clip(Objective.ratio, 0.5, Infinity), aggregation: TokenMean() }
]

const load = (objective: Objective.Objective) => {
  const graph = Graph.make()
  const perToken = (name: string) => Graph.input(graph, name, "float64", ["rows", "tokens"])
  const values = Object.fromEntries(quantities.map((name) => [name, perToken(name)]))
  const losses = ObjectiveGraph.lower(graph, objective.loss, {
    quantities: values,
    mask: perToken("mask"),
    inverseCount: Graph.input(graph, "inverseCount", "float64", ["rows", 1]),
    coefficients: new Map(
      [...Objective.coefficients(objective).keys()].map((
        name
      ) => [name, Graph.input(graph, ObjectiveGraph.coefficientName(name), "float64", [])])
    )
  })
  const loss = Op.reduceSum(graph, Op.mul(graph, losses, perToken("weight")), [0, 1])
  Graph.output(graph, "loss", loss)
  const slopes = Autodiff.gradient(graph, loss, Objective.trained.map((name) => values[name]!))
  Objective.trained.forEach((name, i) =>
    Graph.output(graph, `slope of ${name}`, slopes[i] ?? Op.zerosLike(graph, values[name]!))
  )
  return Engine.load(graph)
}

// As the learner feeds it: padded with zeros, weighted over the whole batch.
const run = Effect.fnUntraced(function*(engine: Engine.Run, objective: Objective.Objective, batch: Batch) {
  const tokens = Math.max(1, ...batch.map(({ length }) => length))
  const counts = batch.map((sequence) => sequence.reduce((sum, { mask }) => sum + mask, 0))
  const perToken = (of: (token: Token, row: number) => number): Engine.Numbers => ({
    shape: [batch.length, tokens],
    data: batch.flatMap((sequence, row) =>
      Array.from({ length: tokens }, (_, t) => sequence[t] === undefined ? 0 : of(sequence[t], row))
    )
  })
  const total = { sequences: batch.length, tokens: counts.reduce((sum, count) => sum + count, 0) }
  const weight = (row: number) =>
    Objective.tokenWeight(objective.aggregation, { ...total, tokensOfSequence: counts[row]! })
  const found = yield* engine({
    ...Object.fromEntries(quantities.map((name) => [name, perToken((token) => token[name])])),
    ...Object.fromEntries(
      [...Objective.coefficients(objective)].map((
        [name, value]
      ) => [ObjectiveGraph.coefficientName(name), { shape: [], data: [value] }])
    ),
    mask: perToken(({ mask }) => mask),
    weight: perToken(({ mask }, row) => mask * weight(row)),
    inverseCount: { shape: [batch.length, 1], data: counts.map((count) => count === 0 ? 0 : 1 / count) }
  })
  return {
    loss: found["loss"]!.data[0]!,
    slope: (name: string, row: number, t: number) => found[`slope of ${name}`]!.data[row * tokens + t]!
  }
})

const close = (found: number, expected: number, what: string): void =>
  assert.isAtMost(
    Math.abs(found - expected),
    1e-6 * Math.max(1, Math.abs(expected)),
    `${what}: ${found} is not ${expected}`
  )

const check = Effect.fnUntraced(function*(engine: Engine.Run, objective: Objective.Objective, batch: Batch) {
  const { loss, slope } = yield* run(engine, objective, batch)
  const sequences = batch.map((sequence) =>
    Object.fromEntries(
      [...quantities, "mask" as const].map((name) => [name, sequence.map((token) => token[name])])
    ) as Objective.SequenceValues
  )
  const expected = Objective.differentiate(objective, sequences)
  close(expected.loss, Objective.evaluate(objective, sequences), "the loss in numbers")
  close(loss, expected.loss, "the loss")
  expected.derivatives.forEach((derivatives, row) =>
    Objective.trained.forEach((name) =>
      derivatives[name].forEach((derivative, t) =>
        close(slope(name, row, t), derivative, `the slope in ${name} at token ${t} of sequence ${row}`)
      )
    )
  )
})

describe("ObjectiveGraph is Objective.evaluate, with the derivatives of Objective.differentiate", () => {
  for (const objective of objectives) {
    it.effect.prop(
      `${objective.name}, ${objective.aggregation._tag}, ${[...Objective.quantities(objective)].join()}`,
      {
        batch: batches
      },
      ({ batch }) => Effect.flatMap(load(objective), (engine) => check(engine, objective, batch)),
      {
        arbitrary: { runs: 30, seed: 1 }
      }
    )
  }

  // Any expression: a program for a machine with a stack.
  const programs = Arbitrary.array(Arbitrary.schema(between(0, 17)), { minLength: 1, maxLength: 12 })
  const expression = (program: ReadonlyArray<number>): Objective.Expr => {
    const stack: Array<Objective.Expr> = []
    const pop = (): Objective.Expr => stack.pop() ?? Objective.logp
    const steps: ReadonlyArray<() => Objective.Expr> = [
      () => Objective.logp,
      () => Objective.oldLogp,
      () => Objective.refLogp,
      () => Objective.advantage,
      () => Objective.neg(0.7),
      () => Objective.add(pop(), pop()),
      () => Objective.sub(pop(), pop()),
      () => Objective.mul(Objective.clip(pop(), -2.001, 2.002), pop()),
      () => Objective.min(pop(), pop()),
      () => Objective.max(pop(), pop()),
      () => Objective.neg(pop()),
      // Bounded, as float32 ends at e^88.
      () => Objective.exp(Objective.clip(pop(), -4.003, 2.001)),
      () => Objective.sequenceMean(pop()),
      () => Objective.sequenceSum(pop()),
      () => Objective.mul(Objective.less(pop(), pop()), pop()),
      () => Objective.value,
      () => Objective.entropy,
      () => Objective.stopGradient(pop())
    ]
    for (const step of program) stack.push(steps[step]!())
    return stack.reduce((sum, expr) => Objective.add(sum, expr), Objective.mul(Objective.logp, 0.1))
  }
  it.effect.prop("any expression", { program: programs, batch: batches }, ({ batch, program }) => {
    const objective = { name: "any", loss: expression(program), aggregation: SequenceMean() }
    return Effect.flatMap(load(objective), (engine) => check(engine, objective, batch))
  }, { arbitrary: { runs: 150, seed: 2 } })

  it("a quantity that the graph does not have is named", () => {
    const graph = Graph.make()
    const values = {
      quantities: {},
      mask: Graph.scalar(graph, 1),
      inverseCount: Graph.scalar(graph, 1),
      coefficients: new Map<string, Graph.Value>()
    }
    assert.throws(() => ObjectiveGraph.lower(graph, Objective.ratio, values), RangeError, "reads logp, which the graph")
  })
})
