// Adam's moments as a file beside the weights: what a run needs to go on as it would have.
import * as Effect from "effect/Effect"
import { join } from "node:path"
import type * as Adam from "../model/adam.ts"
import { CheckpointError } from "./CheckpointError.ts"
import * as Safetensors from "./Safetensors.ts"

/** Writes them. */
export const write = (
  directory: string,
  name: string,
  { first, second, step }: Adam.AdamState
): Effect.Effect<void, CheckpointError> =>
  Safetensors.writeFile(
    join(directory, name),
    [{ name: "exp_avg", shape: [first.length], data: first }, {
      name: "exp_avg_sq",
      shape: [second.length],
      data: second
    }],
    { step: `${step}` }
  )

/** Reads those of so many weights. */
export const read = Effect.fnUntraced(
  function*(directory: string, name: string, length: number) {
    const reader = yield* Safetensors.openFile(join(directory, name))
    const moments = { exp_avg: new Float32Array(length), exp_avg_sq: new Float32Array(length) }
    for (const [tensor, into] of Object.entries(moments)) {
      const shape = reader.tensors.get(tensor)?.shape
      if (shape?.join() !== `${length}`) {
        const reason = shape === undefined
          ? "is missing"
          : `has shape [${shape.join(", ")}], the weights are [${length}]`
        return yield* new CheckpointError({ file: reader.file, tensor, reason })
      }
      yield* reader.read(tensor, into)
    }
    const step = Number(reader.metadata["step"])
    if (!Number.isInteger(step) || step < 0) {
      return yield* new CheckpointError({ file: reader.file, reason: "does not say how many steps were taken" })
    }
    return { first: moments.exp_avg, second: moments.exp_avg_sq, step } satisfies Adam.AdamState
  },
  Effect.scoped
)
