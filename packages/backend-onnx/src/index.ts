/**
 * Training and generation of Hugging Face decoders in Node, on onnxruntime-node.
 */
export * as Adapter from "./Adapter.ts"
export * as Autodiff from "./Autodiff.ts"
export * as Checkpoint from "./Checkpoint.ts"
export * as Graph from "./Graph.ts"
export * as Hub from "./Hub.ts"
export * as Machine from "./Machine.ts"
export * as OnnxEmbeddingModel from "./OnnxEmbeddingModel.ts"
export * as OnnxLanguageModel from "./OnnxLanguageModel.ts"
export * as OnnxLearner from "./OnnxLearner.ts"
export * as OnnxModel from "./OnnxModel.ts"
export * as OnnxSampler from "./OnnxSampler.ts"
export * as Op from "./Op.ts"
export * as Safetensors from "./Safetensors.ts"
