/**
 * A small ONNX graph builder: typed values with symbolic dimensions, nodes in the order in which they run.
 *
 * `Op` has the operators, `Autodiff` the reverse mode, `Model` the bytes that ONNX Runtime loads.
 *
 * @since 0.1.0
 */
/**
 * Element types that graphs here use.
 *
 * @category models
 * @since 0.1.0
 */
export type ElementType = "float32" | "float64" | "float16" | "uint8" | "int64" | "bool"

/**
 * A dimension: a number, or a name that stands for the same number wherever it occurs.
 *
 * @category models
 * @since 0.1.0
 */
export type Dimension = number | string

/**
 * A tensor that flows through a graph.
 *
 * @category models
 * @since 0.1.0
 */
export interface Value {
  readonly name: string
  readonly type: ElementType
  readonly shape: ReadonlyArray<Dimension>
}

/**
 * An attribute of a node. Whole numbers are written as INT; a float attribute is `{ float: 0.5 }`.
 *
 * @category models
 * @since 0.1.0
 */
export type Attribute = number | string | ReadonlyArray<number> | { readonly float: number }

/**
 * One operation. Differentiation treats the outputs of a node that `stopsGradient` as constants. A `composite` node
 * stands for nodes before it, which compute its outputs: it is there for its gradient rule and is not part of the
 * model. With `rebuild`, the gradient computes what it needs of them again, out of the inputs, in place of keeping it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Node {
  readonly op: string
  readonly domain: string
  readonly inputs: ReadonlyArray<Value | undefined>
  readonly outputs: ReadonlyArray<Value>
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly stopsGradient: boolean
  readonly composite: boolean
  readonly rebuild?: ((inputs: ReadonlyArray<Value>) => ReadonlyArray<Value>) | undefined
}

/**
 * A constant held in the model.
 *
 * @category models
 * @since 0.1.0
 */
export interface Constant {
  readonly value: Value
  readonly data: Float32Array | Float64Array | BigInt64Array | Uint8Array
}

/**
 * A graph under construction.
 *
 * @category models
 * @since 0.1.0
 */
export interface Graph {
  /** Only operators that GPU providers have kernels for, where ONNX Runtime has a faster one of its own for CPUs. */
  readonly portable: boolean
  readonly nodes: Array<Node>
  readonly inputs: Array<Value>
  /** Outputs by the names that callers use. */
  readonly outputs: Map<string, Value>
  readonly constants: Array<Constant>
  /** @internal Constants by content, so that each is held once. */
  readonly shared: Map<string, Value>
  /** @internal Values that a gradient computes again once its dependency is there, in place of keeping them. */
  readonly transient: Map<Value, (dependency: Value) => Value>
  /** @internal The number of the next name. */
  next: number
}

/**
 * An empty graph.
 *
 * @example
 * ```ts
 * import { Graph, Op } from "@memory-r1/backend-onnx"
 *
 * const graph = Graph.make()
 * const x = Graph.input(graph, "x", "float32", ["rows", 4])
 * const y = Op.add(graph, x, x)
 * Graph.output(graph, "y", y)
 * y.shape // => ["rows", 4]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: { readonly portable?: boolean | undefined } = {}): Graph => ({
  portable: options.portable ?? false,
  nodes: [],
  inputs: [],
  outputs: new Map(),
  constants: [],
  shared: new Map(),
  transient: new Map(),
  next: 0
})

/**
 * Declares an input that is fed at every run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const input = (graph: Graph, name: string, type: ElementType, shape: ReadonlyArray<Dimension>): Value => {
  const value: Value = { name, type, shape }
  graph.inputs.push(value)
  return value
}

/**
 * Names a value as an output.
 *
 * @category constructors
 * @since 0.1.0
 */
export const output = (graph: Graph, name: string, value: Value): void => {
  // ONNX does not allow an input to be an output, nor one value to be two.
  const taken = graph.inputs.includes(value) || [...graph.outputs.values()].includes(value)
  graph.outputs.set(name, taken ? node(graph, "Identity", [value], [value])[0]! : value)
}

/**
 * A constant of the graph. Equal small constants are held once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const constant = (
  graph: Graph,
  data: Constant["data"],
  shape: ReadonlyArray<number>
): Value => {
  const type: ElementType = data instanceof BigInt64Array
    ? "int64"
    : data instanceof Float64Array
    ? "float64"
    : data instanceof Uint8Array
    ? "uint8"
    : "float32"
  const key = data.length <= 16 ? `${type}[${shape.join()}]${data.join()}` : undefined
  const known = key === undefined ? undefined : graph.shared.get(key)
  if (known !== undefined) return known
  const value: Value = { name: `c${graph.next++}`, type, shape }
  graph.constants.push({ value, data })
  if (key !== undefined) graph.shared.set(key, value)
  return value
}

/**
 * A scalar constant of a floating type.
 *
 * @category constructors
 * @since 0.1.0
 */
export const scalar = (graph: Graph, value: number, type: ElementType = "float32"): Value =>
  constant(graph, type === "float64" ? Float64Array.of(value) : Float32Array.of(value), [])

/**
 * A list of whole numbers, as shapes and axes are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const integers = (graph: Graph, values: ReadonlyArray<number>): Value =>
  constant(graph, BigInt64Array.from(values, BigInt), [values.length])

/**
 * A list of equal bytes, held once for each length and value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bytes = (graph: Graph, length: number, value: number): Value => {
  const key = `bytes[${length}]${value}`
  const known = graph.shared.get(key) ?? constant(graph, new Uint8Array(length).fill(value), [length])
  graph.shared.set(key, known)
  return known
}

/**
 * Appends a node. The caller knows the types and shapes of the outputs; `Op` does this for every operator that is used
 * here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const node = (
  graph: Graph,
  op: string,
  inputs: ReadonlyArray<Value | undefined>,
  outputs: ReadonlyArray<Omit<Value, "name">>,
  options: {
    readonly domain?: string | undefined
    readonly attributes?: Readonly<Record<string, Attribute>> | undefined
    readonly stopsGradient?: boolean | undefined
  } = {}
): ReadonlyArray<Value> => {
  const values = outputs.map((value): Value => ({ ...value, name: `v${graph.next++}` }))
  graph.nodes.push({
    op,
    domain: options.domain ?? "",
    inputs,
    outputs: values,
    attributes: options.attributes ?? {},
    stopsGradient: options.stopsGradient ?? false,
    composite: false
  })
  return values
}

/**
 * Several nodes with one gradient rule, that of `op`: for sums that the chain rule, node by node, would make slow or
 * inexact. The rule gets `inputs`, and as outputs the results that `build` makes of them.
 *
 * With `recompute` the gradient builds the results again, and nothing of them is held from the forward pass to the
 * backward.
 *
 * @category constructors
 * @since 0.1.0
 */
export const composite = (
  graph: Graph,
  op: string,
  inputs: ReadonlyArray<Value>,
  build: (inputs: ReadonlyArray<Value>) => ReadonlyArray<Value>,
  options: { readonly attributes?: Node["attributes"] | undefined; readonly recompute?: boolean | undefined } = {}
): ReadonlyArray<Value> => {
  const from = graph.nodes.length
  const outputs = build(inputs)
  for (let i = from; i < graph.nodes.length; i++) graph.nodes[i] = { ...graph.nodes[i]!, stopsGradient: true }
  graph.nodes.push({
    op,
    domain: "",
    inputs,
    outputs,
    attributes: options.attributes ?? {},
    stopsGradient: false,
    composite: true,
    ...(options.recompute === true ? { rebuild: build } : {})
  })
  return outputs
}

/**
 * What `build` makes of nothing that carries a gradient, once `dependency` is there. Gradients that read it build it
 * again rather than hold it: the widened form of a weight that is stored in fewer bits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const transient = (graph: Graph, dependency: Value, build: (dependency: Value) => Value): Value => {
  const value = build(dependency)
  graph.transient.set(value, build)
  return value
}
