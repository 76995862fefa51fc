// Encoders of the BERT family (Devlin et al. 2018): MiniLM, bge, e5 and gte are such.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as GraphModule from "../graph/Graph.ts"
import type { Graph, Value } from "../graph/Graph.ts"
import * as Op from "../graph/Op.ts"

export interface Encoder {
  readonly vocabularySize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly layers: number
  readonly heads: number
  readonly contextLength: number
  readonly types: number
  readonly normEpsilon: number
  readonly activation: "gelu" | "geluTanh"
}

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const Config = Schema.Struct({
  architectures: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive.check(Schema.isLessThanOrEqualTo(1000)),
  num_attention_heads: positive,
  max_position_embeddings: positive,
  type_vocab_size: positive,
  layer_norm_eps: Schema.Finite.check(Schema.isGreaterThan(0)),
  hidden_act: Schema.String,
  position_embedding_type: Schema.optionalKey(Schema.NullOr(Schema.String))
})
const Named = Schema.Struct({ architectures: Schema.NullOr(Schema.Array(Schema.String)).pipe(Schema.optionalKey) })

const known = ["BertModel", "BertForMaskedLM"]

/** The encoder that a config.json describes, or in one line why it cannot be run. */
export const fromConfig = (json: unknown): Result.Result<Encoder, string> => {
  const named = Schema.decodeUnknownResult(Named)(json)
  const architecture = Result.isSuccess(named) ? named.success.architectures?.[0] ?? "(none)" : "(none)"
  if (!known.includes(architecture)) {
    return Result.fail(`names architecture ${architecture}; known encoders are ${known.join(", ")}`)
  }
  const decoded = Schema.decodeUnknownResult(Config)(json)
  if (Result.isFailure(decoded)) {
    return Result.fail(`is no encoder configuration: ${decoded.failure.message.replaceAll(/\s+/g, " ")}`)
  }
  const config = decoded.success
  const activation = ({ gelu: "gelu", gelu_new: "geluTanh", gelu_pytorch_tanh: "geluTanh" } as const)[config.hidden_act]
  const position = config.position_embedding_type ?? "absolute"
  if (activation === undefined || position !== "absolute") {
    const what = activation === undefined ? `hidden_act ${config.hidden_act}` : `position_embedding_type ${position}`
    return Result.fail(`asks for ${what}, which is not supported`)
  }
  if (config.hidden_size % config.num_attention_heads !== 0) {
    return Result.fail(`has ${config.num_attention_heads} heads, which do not divide ${config.hidden_size}`)
  }
  return Result.succeed({
    vocabularySize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    contextLength: config.max_position_embeddings,
    types: config.type_vocab_size,
    normEpsilon: config.layer_norm_eps,
    activation
  })
}

/** Every parameter, by its name in a `BertModel`. */
export const parameterShapes = (
  { contextLength, hiddenSize, intermediateSize, layers, types, vocabularySize }: Encoder
) => {
  const norm = (name: string) => [
    { name: `${name}.weight`, shape: [hiddenSize] },
    { name: `${name}.bias`, shape: [hiddenSize] }
  ]
  const linear = (name: string, out: number, inner: number) => [
    { name: `${name}.weight`, shape: [out, inner] },
    { name: `${name}.bias`, shape: [out] }
  ]
  return [
    { name: "embeddings.word_embeddings.weight", shape: [vocabularySize, hiddenSize] },
    { name: "embeddings.position_embeddings.weight", shape: [contextLength, hiddenSize] },
    { name: "embeddings.token_type_embeddings.weight", shape: [types, hiddenSize] },
    ...norm("embeddings.LayerNorm"),
    ...Array.from({ length: layers }, (_, i) => {
      const prefix = `encoder.layer.${i}`
      return [
        ...["query", "key", "value"].flatMap((name) =>
          linear(`${prefix}.attention.self.${name}`, hiddenSize, hiddenSize)
        ),
        ...linear(`${prefix}.attention.output.dense`, hiddenSize, hiddenSize),
        ...norm(`${prefix}.attention.output.LayerNorm`),
        ...linear(`${prefix}.intermediate.dense`, intermediateSize, hiddenSize),
        ...linear(`${prefix}.output.dense`, hiddenSize, intermediateSize),
        ...norm(`${prefix}.output.LayerNorm`)
      ]
    }).flat()
  ].map((parameter) => ({ ...parameter, parts: [parameter] }))
}

/** How the vectors of tokens become one for the text. */
export type Pooling = "mean" | "cls"

/**
 * Vectors `[N, hidden]` of N texts of T tokens, padded. `mask` `[N, T, 1]` is 1 for tokens and 0 for padding, `visible`
 * `[N, 1, 1, T]` what is added to scores.
 */
export const build = (encoder: Encoder, pooling: Pooling, portable: boolean): Graph => {
  const { heads, hiddenSize, layers, normEpsilon } = encoder
  const size = hiddenSize / heads
  const graph = GraphModule.make({ portable })
  const weights = new Map(
    parameterShapes(encoder).map(({ name, shape }) => [name, GraphModule.input(graph, name, "float32", shape)])
  )
  const weight = (name: string): Value => weights.get(name)!
  const tokens = GraphModule.input(graph, "tokens", "int64", ["N", "T"])
  const positions = GraphModule.input(graph, "positions", "int64", ["T"])
  const mask = GraphModule.input(graph, "mask", "float32", ["N", "T", 1])
  const visible = GraphModule.input(graph, "visible", "float32", ["N", 1, 1, "T"])
  const sizes = (shape: ReadonlyArray<number | string>): Value =>
    Op.concat(
      graph,
      shape.map((dimension) =>
        typeof dimension === "number"
          ? GraphModule.integers(graph, [dimension])
          : Op.gather(graph, Op.shapeOf(graph, tokens), GraphModule.integers(graph, [dimension === "N" ? 0 : 1]))
      ),
      0
    )
  const linear = (x: Value, name: string): Value =>
    Op.add(graph, Op.matMul(graph, x, Op.transpose(graph, weight(`${name}.weight`), [1, 0])), weight(`${name}.bias`))
  const norm = (x: Value, name: string): Value =>
    Op.layerNorm(graph, x, weight(`${name}.weight`), weight(`${name}.bias`), normEpsilon)

  const embedded = Op.add(
    graph,
    Op.add(
      graph,
      Op.gather(graph, weight("embeddings.word_embeddings.weight"), tokens),
      Op.gather(graph, weight("embeddings.position_embeddings.weight"), positions)
    ),
    Op.gather(graph, weight("embeddings.token_type_embeddings.weight"), GraphModule.integers(graph, [0]))
  )
  let x = norm(embedded, "embeddings.LayerNorm")
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `encoder.layer.${layer}`
    const projected = (name: string): Value => {
      const shape = ["N", "T", heads, size]
      return Op.transpose(
        graph,
        Op.reshape(graph, linear(x, `${prefix}.attention.self.${name}`), shape, sizes(shape)),
        [0, 2, 1, 3]
      )
    }
    const block = { query: projected("query"), keys: projected("key"), values: projected("value"), mask: visible }
    const mixed = Op.attention(graph, [block], { shape: ["N", heads, "T"], sizes }, size ** -0.5)
    const joined = Op.reshape(
      graph,
      Op.transpose(graph, mixed, [0, 2, 1, 3]),
      ["N", "T", hiddenSize],
      sizes(["N", "T", hiddenSize])
    )
    x = norm(
      Op.add(graph, x, linear(joined, `${prefix}.attention.output.dense`)),
      `${prefix}.attention.output.LayerNorm`
    )
    const inner = Op.gelu(graph, linear(x, `${prefix}.intermediate.dense`), {
      approximate: encoder.activation === "geluTanh"
    })
    x = norm(Op.add(graph, x, linear(inner, `${prefix}.output.dense`)), `${prefix}.output.LayerNorm`)
  }
  if (pooling === "cls") {
    GraphModule.output(
      graph,
      "vectors",
      Op.gather(graph, Op.transpose(graph, x, [1, 0, 2]), GraphModule.integers(graph, [0]))
    )
    return graph
  }
  const sum = Op.reduceSum(graph, Op.mul(graph, x, mask), [1])
  GraphModule.output(graph, "vectors", Op.div(graph, sum, Op.reduceSum(graph, mask, [1])))
  return graph
}
