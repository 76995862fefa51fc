/**
 * `memory-r1 convert --model FILE.gguf --out DIR`
 *
 * @since 0.1.0
 */
import { Checkpoint } from "@memory-r1/backend-onnx"
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
export const convert = Command.make(
  "convert",
  {
    model: Engine.model,
    out: Flag.String("out").pipe(Flag.withDescription("the Hugging Face directory to write, in float32"))
  },
  Effect.fn(function*({ model, out }) {
    yield* Checkpoint.save(yield* Checkpoint.load(yield* Engine.directory(model)), out)
    yield* Output.document({ out }, [out])
  })
).pipe(Command.withDescription("Write a GGUF file as a Hugging Face directory"))
