/**
 * The metrics of a run as an event file, which TensorBoard opens.
 *
 * A file is a sequence of records (TensorFlow's TFRecord: length, masked CRC-32C of it, data, masked CRC-32C of that),
 * each of which is an `Event` in protocol buffers.
 *
 * @since 0.1.0
 */
import crc32c from "crc-32/crc32c.js"
import { PbfWriter } from "pbf"
import type { Metrics } from "./RunLog.ts"

/**
 * The name of the event file in a run folder. TensorBoard takes any that has "tfevents" in it.
 *
 * @category formatting
 * @since 0.1.0
 */
export const fileName = "events.out.tfevents.0.memory-r1"

// A checksum is turned and shifted, so that one over data with checksums in them is not their own.
const masked = (data: Uint8Array): number => {
  const sum = crc32c.buf(data) >>> 0
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
}

const record = (data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(12 + data.length + 4)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, masked(bytes.subarray(0, 8)), true)
  bytes.set(data, 12)
  view.setUint32(12 + data.length, masked(data), true)
  return bytes
}

/**
 * What a file begins with.
 *
 * @category formatting
 * @since 0.1.0
 */
export const header = (milliseconds: number): Uint8Array => {
  const pbf = new PbfWriter()
  pbf.writeDoubleField(1, milliseconds / 1000)
  pbf.writeStringField(3, "brain.Event:2")
  return record(pbf.finish())
}

/**
 * One line of the log: a scalar for each of its metrics, as `manager/reward`. Metrics that are not finite are omitted,
 * as TensorBoard would draw nothing.
 *
 * @example
 * ```ts
 * import { TensorBoard } from "@memory-r1/trainer"
 *
 * const bytes = TensorBoard.scalars({ stage: "manager", step: 1, steps: 9, values: { reward: 0.5 } }, 0)
 * // The length of the event, its checksum, the event, its checksum.
 * new DataView(bytes.buffer).getBigUint64(0, true) // => BigInt(bytes.length - 16)
 * ```
 *
 * @category formatting
 * @since 0.1.0
 */
export const scalars = ({ stage, step, values }: Metrics, milliseconds: number): Uint8Array => {
  const pbf = new PbfWriter()
  pbf.writeDoubleField(1, milliseconds / 1000)
  pbf.writeVarintField(2, step)
  pbf.writeMessage(5, (_, summary) => {
    for (const [name, value] of Object.entries(values)) {
      if (!Number.isFinite(value)) continue
      summary.writeMessage(1, (_, scalar) => {
        scalar.writeStringField(1, `${stage}/${name}`)
        scalar.writeFloatField(2, value)
      }, undefined)
    }
  }, undefined)
  return record(pbf.finish())
}
