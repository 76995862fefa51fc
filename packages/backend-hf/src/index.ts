/**
 * `LanguageModel` and `EmbeddingModel` of `effect/ai` on Hugging Face Inference Providers and Inference Endpoints.
 */
export * as HfClient from "./HfClient.ts"
export * as HfEmbeddingModel from "./HfEmbeddingModel.ts"
export * as HfLanguageModel from "./HfLanguageModel.ts"
