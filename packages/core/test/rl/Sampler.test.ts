import { samplerLaws } from "@memory-r1/core/testing"
import * as TinyModel from "../support/tinyModel.ts"

samplerLaws("a table of characters", TinyModel.layerSampler)
