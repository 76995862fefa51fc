/**
 * Graphs as ONNX models: the bytes that ONNX Runtime loads.
 *
 * @since 0.1.0
 */
import { PbfWriter } from "pbf"
import type { Attribute, Constant, Dimension, ElementType, Graph, Node, Value } from "./Graph.ts"

// Numbers of the ONNX protobuf schema (onnx.proto3), as far as graphs here need it.
const elementTypes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11
}

const writeDimension = (dimension: Dimension, pbf: PbfWriter): void => {
  if (typeof dimension === "number") pbf.writeVarintField(1, dimension)
  else pbf.writeStringField(2, dimension)
}

const writeValue = ({ name, shape, type }: Value, pbf: PbfWriter): void => {
  pbf.writeStringField(1, name)
  pbf.writeMessage(2, (_, typeProto) => {
    typeProto.writeMessage(1, (_, tensor) => {
      tensor.writeVarintField(1, elementTypes[type])
      tensor.writeMessage(2, (_, shapeProto) => {
        for (const dimension of shape) shapeProto.writeMessage(1, writeDimension, dimension)
      }, undefined)
    }, undefined)
  }, undefined)
}

// Constants of so many bytes may lie beside the model.
const largeBytes = 1 << 16

const bytesOf = ({ data }: Constant): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

const writeEntry = ([key, value]: readonly [string, string], pbf: PbfWriter): void => {
  pbf.writeStringField(1, key)
  pbf.writeStringField(2, value)
}

const writeConstant = (constant: Constant, isExternal: boolean, pbf: PbfWriter): void => {
  const { data, value } = constant
  for (const dimension of value.shape) pbf.writeVarintField(1, dimension as number)
  pbf.writeVarintField(2, elementTypes[value.type])
  pbf.writeStringField(8, value.name)
  if (!isExternal) return pbf.writeBytesField(9, bytesOf(constant))
  pbf.writeMessage(13, writeEntry, ["location", value.name] as const)
  pbf.writeMessage(13, writeEntry, ["length", `${data.byteLength}`] as const)
  pbf.writeVarintField(14, 1)
}

const writeAttribute = ([name, attribute]: readonly [string, Attribute], pbf: PbfWriter): void => {
  pbf.writeStringField(1, name)
  if (typeof attribute === "number") {
    pbf.writeVarintField(3, attribute)
    pbf.writeVarintField(20, 2)
  } else if (typeof attribute === "string") {
    pbf.writeBytesField(4, new TextEncoder().encode(attribute))
    pbf.writeVarintField(20, 3)
  } else if ("float" in attribute) {
    pbf.writeFloatField(2, attribute.float)
    pbf.writeVarintField(20, 1)
  } else {
    for (const item of attribute) pbf.writeVarintField(8, item)
    pbf.writeVarintField(20, 7)
  }
}

const writeNode = (node: Node, pbf: PbfWriter): void => {
  for (const value of node.inputs) pbf.writeStringField(1, value?.name ?? "")
  for (const value of node.outputs) pbf.writeStringField(2, value.name)
  // The name by which profiles and errors know it.
  pbf.writeStringField(3, node.outputs[0]!.name)
  pbf.writeStringField(4, node.op)
  for (const attribute of Object.entries(node.attributes)) pbf.writeMessage(5, writeAttribute, attribute)
  if (node.domain !== "") pbf.writeStringField(7, node.domain)
}

// The nodes that outputs need, in their order, and the names of all values that they read.
const needed = (graph: Graph): { readonly nodes: ReadonlyArray<Node>; readonly values: ReadonlySet<string> } => {
  const values = new Set([...graph.outputs.values()].map((value) => value.name))
  const nodes: Array<Node> = []
  for (const node of graph.nodes.toReversed()) {
    if (node.composite || !node.outputs.some((value) => values.has(value.name))) continue
    nodes.push(node)
    for (const value of node.inputs) if (value !== undefined) values.add(value.name)
  }
  return { nodes: nodes.toReversed(), values }
}

/**
 * The large constants that a model with `external` data does not hold, each under the path that the model has for it.
 *
 * @category getters
 * @since 0.1.0
 */
export const externalData = (
  graph: Graph
): ReadonlyArray<{ readonly path: string; readonly data: Uint8Array }> => {
  const { values } = needed(graph)
  return graph.constants.flatMap((constant) =>
    constant.data.byteLength >= largeBytes && values.has(constant.value.name)
      ? [{ path: constant.value.name, data: bytesOf(constant) }]
      : []
  )
}

/**
 * The graph as a serialized ONNX model, for `InferenceSession.create`. Nodes that no output needs are omitted. With
 * `external` so are the bytes of large constants, which are given to the session as `externalData`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const write = (
  graph: Graph,
  { external = false }: { readonly external?: boolean | undefined } = {}
): Uint8Array => {
  const { nodes, values } = needed(graph)
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, 10)
  pbf.writeStringField(2, "memory-r1")
  pbf.writeMessage(7, (_, graphProto) => {
    for (const node of nodes) graphProto.writeMessage(1, writeNode, node)
    graphProto.writeStringField(2, "graph")
    for (const constant of graph.constants) {
      if (!values.has(constant.value.name)) continue
      const isExternal = external && constant.data.byteLength >= largeBytes
      graphProto.writeMessage(5, (constant, pbf) => writeConstant(constant, isExternal, pbf), constant)
    }
    for (const value of graph.inputs) graphProto.writeMessage(11, writeValue, value)
    for (const value of graph.outputs.values()) graphProto.writeMessage(12, writeValue, value)
  }, undefined)
  for (const [domain, version] of [["", 21], ["com.microsoft", 1]] as const) {
    pbf.writeMessage(8, (_, opset) => {
      opset.writeStringField(1, domain)
      opset.writeVarintField(2, version)
    }, undefined)
  }
  return pbf.finish()
}
