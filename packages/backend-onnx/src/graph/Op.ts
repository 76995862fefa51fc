/**
 * The operators: each appends a node and says the type and shape of what it gives.
 *
 * Names and meanings are those of ONNX (opset 21) and, where said, of ONNX Runtime's own domain `com.microsoft`.
 *
 * @since 0.1.0
 */
export * from "./internal/elementwise.ts"
export * from "./internal/layer.ts"
export * from "./internal/product.ts"
export * from "./internal/shape.ts"
