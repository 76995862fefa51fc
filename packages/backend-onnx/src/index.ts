/**
 * Training and generation of Hugging Face decoders in Node, on onnxruntime-node.
 */
export * as Adapter from "./checkpoint/Adapter.ts"
export * as Checkpoint from "./checkpoint/Checkpoint.ts"
export * as Gguf from "./checkpoint/Gguf.ts"
export * as Hub from "./checkpoint/Hub.ts"
export * as Ollama from "./checkpoint/Ollama.ts"
export * as Safetensors from "./checkpoint/Safetensors.ts"
export * as Autodiff from "./graph/Autodiff.ts"
export * as Graph from "./graph/Graph.ts"
export * as Machine from "./graph/Machine.ts"
export * as Model from "./graph/Model.ts"
export * as Op from "./graph/Op.ts"
export * as OnnxEmbeddingModel from "./OnnxEmbeddingModel.ts"
export * as OnnxLanguageModel from "./OnnxLanguageModel.ts"
export * as OnnxLearner from "./OnnxLearner.ts"
export * as OnnxModel from "./OnnxModel.ts"
export * as OnnxSampler from "./OnnxSampler.ts"
