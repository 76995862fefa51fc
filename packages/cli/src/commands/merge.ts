/**
 * `memory-r1 merge --model DIR --adapter DIR --out DIR`
 *
 * @since 0.1.0
 */
import { Adapter, Checkpoint } from "@memory-r1/backend-onnx"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Engine from "../Engine.ts"
import * as Output from "../Output.ts"

/**
 * The command.
 *
 * @category running
 * @since 0.1.0
 */
export const merge = Command.make(
  "merge",
  {
    model: Engine.model,
    adapter: Flag.String("adapter").pipe(Flag.withDescription("the PEFT directory of a LoRA adapter")),
    out: Flag.String("out").pipe(Flag.withDescription("the Hugging Face directory to write"))
  },
  Effect.fn(function*({ adapter, model, out }) {
    const checkpoint = yield* Checkpoint.load(yield* Engine.directory(model))
    yield* Checkpoint.save(
      Adapter.merge(checkpoint, yield* Adapter.load(yield* Engine.directory(adapter), checkpoint)),
      out
    )
    yield* Output.document({ out }, [out])
  })
).pipe(Command.withDescription("Write a model and its adapter as one checkpoint"))
