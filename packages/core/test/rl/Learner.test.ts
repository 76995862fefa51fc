import { learnerLaws } from "@memory-r1/core/testing"
import * as TinyModel from "../support/tinyModel.ts"

learnerLaws("a table of characters", TinyModel.layerLearner)
