import { samplerLaws } from "@memory-r1/core/testing"
import { OnnxSampler } from "@memory-r1/backend-onnx"
import * as Checkpoints from "./support/checkpoints.ts"

for (const name of Checkpoints.names) samplerLaws(`onnx, ${name}`, OnnxSampler.layer(Checkpoints.directory(name), { threads: 1 }))
