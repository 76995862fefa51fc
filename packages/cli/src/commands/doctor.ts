/**
 * `memory-r1 doctor`
 *
 * @since 0.1.0
 */
import { Checkpoint, Machine } from "@memory-r1/backend-onnx"
import { directory as nano } from "@memory-r1/nano"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { arch, availableParallelism, cpus, freemem, platform, totalmem } from "node:os"
import * as Arithmetic from "../arithmetic.ts"
import * as DryRun from "../DryRun.ts"
import * as Output from "../Output.ts"

// The shapes of models that people begin with, beside the embedded one.
const models: Readonly<Record<string, Arithmetic.Size>> = {
  "SmolLM2-135M": {
    hiddenSize: 576,
    intermediateSize: 1536,
    layers: 30,
    heads: 9,
    keyValueHeads: 3,
    headSize: 64,
    vocabularySize: 49_152
  },
  "Qwen2.5-0.5B": {
    hiddenSize: 896,
    intermediateSize: 4864,
    layers: 24,
    heads: 14,
    keyValueHeads: 2,
    headSize: 64,
    vocabularySize: 151_936
  }
}

// A GRPO step of an adapter: prompts, completions of each, and tokens of both; and the padded tokens of one pass.
const step = { prompts: 2, group: 8, prompt: 600, completion: 64, pass: 2048 } as const

const estimate = (size: Arithmetic.Size, gflops: number) => {
  // A token passes through each parameter once.
  const parameters = Arithmetic.flopsPerToken(size, true) / 2
  const times = Arithmetic.times(size, { gflops, weightBytes: 4 * parameters, isAdapter: true })
  const prompts = step.prompts * step.prompt
  const rows = step.prompts * step.group
  const completions = rows * step.completion
  return {
    parameters,
    bytes: 4 * parameters + step.pass * Arithmetic.activationBytesPerToken(size, 0, false) +
      Math.min(step.pass, completions) * size.vocabularySize * 4 * 3 + 2e8,
    seconds: times.forward(prompts, 0) + times.decode(rows, step.completion) + times.gradient(prompts, completions)
  }
}

/**
 * The command.
 *
 * @category running
 * @since 0.1.0
 */
export const doctor = Command.make(
  "doctor",
  {},
  Effect.fn(function*() {
    const gflops = yield* Machine.productRate()
    const devices = yield* Machine.devices
    const { decoder } = yield* Checkpoint.open(nano)
    const memory = { total: totalmem(), free: freemem() }
    const estimates = Object.entries({ "the embedded model": decoder, ...models }).map(([model, size]) => {
      const found = estimate(size, gflops)
      return { model, ...found, fits: found.bytes < memory.total }
    })
    const machine = {
      node: process.version,
      platform: `${platform()} ${arch()}`,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism()
    }
    yield* Output.document({ ...machine, memory, gflops, devices, models: estimates }, [
      `Node ${machine.node}, ${machine.platform}`,
      `${machine.cores} cores: ${machine.processor}`,
      `memory: ${DryRun.gibibytes(memory.total)}, ${DryRun.gibibytes(memory.free)} free`,
      `products of matrices in float32: ${gflops.toFixed(0)} GFLOP/s`,
      ...devices.map(({ device, needs }) => `device ${device}: ${needs ?? "usable"}`),
      ...estimates.map(({ bytes, fits, model, parameters, seconds }) =>
        `${model} (${(parameters / 1e6).toFixed(parameters < 1e7 ? 1 : 0)} M parameters): ${
          fits
            ? `fits in ${DryRun.gibibytes(bytes)}; a GRPO step of an adapter takes about ${DryRun.duration(seconds)}`
            : `needs ${DryRun.gibibytes(bytes)}, more than there is`
        }`
      )
    ])
  })
).pipe(Command.withDescription("Say what this machine can do, and how long a training step would take"))
