import { learnerLaws } from "@memory-r1/core/testing"
import { OnnxLearner } from "@memory-r1/backend-onnx"
import * as Checkpoints from "./support/checkpoints.ts"

for (const name of Checkpoints.names) learnerLaws(`onnx, ${name}`, OnnxLearner.layer(Checkpoints.directory(name), { threads: 1 }))
