// Saves a checkpoint into a folder and prints what went wrong, for a test that limits the size of its files:
// node saveInto.ts CHECKPOINT FOLDER
import { Checkpoint } from "@memory-r1/backend-onnx"
import { Effect } from "effect"

const [directory, folder] = process.argv.slice(2)
const main = Effect.gen(function*() {
  const checkpoint = yield* Checkpoint.load(directory!)
  checkpoint.weights.fill(0)
  yield* Checkpoint.save(checkpoint, folder!)
  return "saved"
}).pipe(Effect.catch((error) => Effect.succeed(`${error._tag} ${error.message}`)))

process.stdout.write(await Effect.runPromise(main))
