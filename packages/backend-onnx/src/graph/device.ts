// Where graphs run, and what to say where they cannot.
import { messageOf } from "@memory-r1/core"
import * as Schema from "effect/Schema"
import * as ort from "onnxruntime-node"

/** ONNX Runtime's execution providers that are known here. */
export type Device = "cpu" | "webgpu" | "cuda" | "dml" | "coreml"

/** What a device needs, for whoever lacks it. */
const needs: Readonly<Record<Exclude<Device, "cpu">, string>> = {
  webgpu: "needs a GPU with a driver for Vulkan (Linux, with libvulkan.so.1), Direct3D 12 (Windows) or Metal (macOS), "
    + "and onnxruntime-node for that platform, which has none for Linux on arm64",
  cuda: "needs Linux on x64, an NVIDIA GPU, CUDA 12 with cuDNN 9, and the CUDA files of "
    + "onnxruntime-node, which its install script fetches: "
    + "`npm rebuild onnxruntime-node` with install scripts allowed and ONNXRUNTIME_NODE_INSTALL unset",
  dml: "is DirectML, which onnxruntime-node has on Windows",
  coreml: "is Core ML, which onnxruntime-node has on macOS"
}

/** A device that is not there. Says what is missing, and how to get it. */
export class DeviceError extends Schema.TaggedError<DeviceError>()("DeviceError", {
  device: Schema.Literals(["cpu", "webgpu", "cuda", "dml", "coreml"]),
  reason: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `device ${this.device} cannot be used here: ${this.reason}`
  }
}

/** What a device needs, in one sentence without a subject. */
export const needOf = (device: Device): string => device === "cpu" ? "needs nothing" : needs[device]

const firstLine = (cause: unknown): string => messageOf(cause).split("\n")[0]!

export const unavailable = (device: Exclude<Device, "cpu">, cause: unknown): DeviceError =>
  new DeviceError({ device, reason: `it ${needs[device]} (${firstLine(cause)})`, cause })

export const withoutHalves = (device: Device, cause: unknown): DeviceError =>
  new DeviceError({
    device,
    reason: `it has no numbers of 16 bits, so weights cannot be held in float16: choose another dtype (${
      firstLine(cause)
    })`,
    cause
  })

export const withoutPacked = (device: Device, decode: string): DeviceError =>
  new DeviceError({
    device,
    reason: `only the CPU decodes in ${decode}: choose device cpu, or decode in float32`
  })

/** Whether tensors may stay on the device from one run to the next. */
export const keepsTensors = (device: Device): boolean => device === "webgpu"

/** Settings of a session that gives its results where the device has them. */
export const onDevice: Pick<ort.InferenceSession.SessionOptions, "preferredOutputLocation"> = {
  preferredOutputLocation: "gpu-buffer"
}
