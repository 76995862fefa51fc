// Objectives in the training graph are what core's interpreter computes, and their gradients its slopes.
import { assert, describe, it } from "@effect/vitest"
import { Autodiff, Graph, Op } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core"
import { Arbitrary, Effect, Schema } from "effect"
import * as ObjectiveGraph from "../../src/internal/objectiveGraph.ts"
import * as Engine from "../support/engine.ts"

const quantities = ["logp", "oldLogp", "refLogp", "advantage"] as const
type Token = Readonly<Record<typeof quantities[number] | "mask", number>>
type Batch = ReadonlyArray<ReadonlyArray<Token>>

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const centi = (low: number, high: number) => Arbitrary.map(Arbitrary.schema(between(low, high)), (n) => n / 100)

// Numbers a hundredth and a bit apart, so that a finite difference crosses no corner of min, max or clip.
const token = Arbitrary.map(
  Arbitrary.all([centi(-300, -1), centi(-300, -1), centi(-300, -1), centi(-200, 200), Arbitrary.schema(between(0, 3))]),
  ([logp, oldLogp, refLogp, advantage, mask]): Token => ({
    logp: logp + 0.0037,
    oldLogp,
    refLogp: refLogp + 0.0011,
    advantage: advantage + 0.0005,
    // Mostly there, sometimes not, sometimes in part.
    mask: [1, 1, 0, 0.5][mask]!
  })
)
const batches = Arbitrary.array(Arbitrary.array(token, { maxLength: 5 }), { minLength: 1, maxLength: 4 })

const { ConstantLength, SequenceMean, Sum, TokenMean } = Objective.Aggregation
const aggregations = [SequenceMean(), TokenMean(), ConstantLength({ length: 7 }), Sum()]
const objectives: ReadonlyArray<Objective.Objective> = [
  Objective.sft,
  ...aggregations.flatMap((aggregation) => [
    Objective.grpo({ aggregation }),
    Objective.grpo({ epsilon: 0.1, epsilonHigh: 0.3, beta: 0.2, aggregation })
  ]),
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

const reference = (objective: Objective.Objective, batch: Batch): number =>
  Objective.evaluate(
    objective,
    batch.map((sequence) => ({
      logp: sequence.map(({ logp }) => logp),
      oldLogp: sequence.map(({ oldLogp }) => oldLogp),
      refLogp: sequence.map(({ refLogp }) => refLogp),
      advantage: sequence.map(({ advantage }) => advantage),
      mask: sequence.map(({ mask }) => mask)
    }))
  )

const load = (objective: Objective.Objective) => {
  const graph = Graph.make()
  const perToken = (name: string) => Graph.input(graph, name, "float32", ["rows", "tokens"])
  const values = Object.fromEntries(quantities.map((name) => [name, perToken(name)]))
  const losses = ObjectiveGraph.lower(graph, objective.loss, {
    quantities: values,
    mask: perToken("mask"),
    inverseCount: Graph.input(graph, "inverseCount", "float32", ["rows", 1])
  })
  const loss = Op.reduceSum(graph, Op.mul(graph, losses, perToken("weight")), [0, 1])
  Graph.output(graph, "loss", loss)
  Graph.output(graph, "dlogp", Autodiff.gradient(graph, loss, [values["logp"]!])[0]!)
  return Engine.load(graph)
}

// As the learner feeds it: padded with zeros, weighted over the whole batch.
const run = Effect.fnUntraced(function*(engine: Engine.Run, objective: Objective.Objective, batch: Batch) {
  const tokens = Math.max(1, ...batch.map(({ length }) => length))
  const counts = batch.map((sequence) => sequence.reduce((sum, { mask }) => sum + mask, 0))
  const perToken = (of: (token: Token, row: number) => number): Engine.Numbers => ({
    shape: [batch.length, tokens],
    data: batch.flatMap((sequence, row) =>
      Array.from({ length: tokens }, (_, t) => sequence[t] === undefined ? 0 : of(sequence[t], row)))
  })
  const total = { sequences: batch.length, tokens: counts.reduce((sum, count) => sum + count, 0) }
  const weight = (row: number) =>
    ObjectiveGraph.tokenWeight(objective.aggregation, { ...total, tokensOfSequence: counts[row]! })
  const found = yield* engine({
    ...Object.fromEntries(quantities.map((name) => [name, perToken((token) => token[name])])),
    mask: perToken(({ mask }) => mask),
    weight: perToken(({ mask }, row) => mask * weight(row)),
    inverseCount: { shape: [batch.length, 1], data: counts.map((count) => count === 0 ? 0 : 1 / count) }
  })
  return { loss: found["loss"]!.data[0]!, slope: (row: number, t: number) => found["dlogp"]!.data[row * tokens + t]! }
})

const close = (found: number, expected: number, tolerance: number, what: string): void =>
  assert.closeTo(found, expected, tolerance * Math.max(1, Math.abs(expected)), what)

const check = Effect.fnUntraced(function*(engine: Engine.Run, objective: Objective.Objective, batch: Batch) {
  const { loss, slope } = yield* run(engine, objective, batch)
  close(loss, reference(objective, batch), 1e-5, "the loss")
  batch.forEach((sequence, row) =>
    sequence.forEach((token, t) => {
      const moved = (by: number) => batch.with(row, sequence.with(t, { ...token, logp: token.logp + by }))
      // What stands behind a stopGradient does not move with the rest.
      if (objective.name.includes("stopped")) return
      const step = 1e-6
      const expected = (reference(objective, moved(step)) - reference(objective, moved(-step))) / (2 * step)
      close(slope(row, t), expected, 1e-4, `the slope at token ${t} of sequence ${row}`)
    })
  )
})

describe("ObjectiveGraph is Objective.evaluate, with its slopes", () => {
  for (const objective of objectives) {
    it.effect.prop(`${objective.name}, ${objective.aggregation._tag}, ${[...Objective.quantities(objective)].join()}`, {
      batch: batches
    }, ({ batch }) => Effect.flatMap(load(objective), (engine) => check(engine, objective, batch)), {
      arbitrary: { runs: 30, seed: 1 }
    })
  }

  // Any expression: a program for a machine with a stack.
  const programs = Arbitrary.array(Arbitrary.schema(between(0, 13)), { minLength: 1, maxLength: 12 })
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
      () => Objective.logp
    ]
    for (const step of program) stack.push(steps[step]!())
    return stack.reduce((sum, expr) => Objective.add(sum, expr), Objective.mul(Objective.logp, 0.1))
  }
  it.effect.prop("any expression", { program: programs, batch: batches }, ({ batch, program }) => {
    const objective = { name: "any", loss: expression(program), aggregation: SequenceMean() }
    return Effect.flatMap(load(objective), (engine) => check(engine, objective, batch))
  }, { arbitrary: { runs: 150, seed: 2 } })

  it.effect("a stopped expression counts, and has no slope", () =>
    Effect.gen(function*() {
      const loss = Objective.mul(Objective.stopGradient(Objective.ratio), Objective.logp)
      const objective = { name: "stopped", loss, aggregation: Sum() }
      const batch = [[{ logp: -1, oldLogp: -1.5, refLogp: 0, advantage: 0, mask: 1 }]]
      const { loss: found, slope } = yield* run(yield* load(objective), objective, batch)
      close(found, -Math.exp(0.5), 1e-6, "the loss")
      close(slope(0, 0), Math.exp(0.5), 1e-6, "the slope")
    }))

  it("a quantity that the graph does not have is named", () => {
    const graph = Graph.make()
    const values = { quantities: {}, mask: Graph.scalar(graph, 1), inverseCount: Graph.scalar(graph, 1) }
    assert.throws(() => ObjectiveGraph.lower(graph, Objective.ratio, values), RangeError, "reads logp, which the graph")
  })
})
