import { assert, describe, it } from "@effect/vitest"
import { TensorBoard } from "@memory-r1/trainer"
import { PbfReader } from "pbf"

// Checksums bit by bit, as RFC 3720 defines CRC-32C: another way than the library's table.
const crc32c = (bytes: Uint8Array): number => {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  }
  return ~sum >>> 0
}
const masked = (bytes: Uint8Array): number => {
  const sum = crc32c(bytes)
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
}

const records = (file: Uint8Array): ReadonlyArray<Uint8Array> => {
  const found: Array<Uint8Array> = []
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true))
    assert.strictEqual(view.getUint32(at + 8, true), masked(file.subarray(at, at + 8)), "the length's checksum")
    const data = file.subarray(at + 12, at + 12 + length)
    assert.strictEqual(view.getUint32(at + 12 + length, true), masked(data), "the data's checksum")
    found.push(data)
    at += 16 + length
  }
  return found
}

const event = (data: Uint8Array) => {
  const found: { time: number; step: number; version: string; scalars: Record<string, number> } = {
    time: 0,
    step: 0,
    version: "",
    scalars: {}
  }
  const readScalar = (tag: number, scalar: { name: string; value: number }, pbf: PbfReader) => {
    if (tag === 1) scalar.name = pbf.readString()
    if (tag === 2) scalar.value = pbf.readFloat()
  }
  new PbfReader(data).readFields((tag, event, pbf) => {
    if (tag === 1) event.time = pbf.readDouble()
    if (tag === 2) event.step = pbf.readVarint()
    if (tag === 3) event.version = pbf.readString()
    if (tag !== 5) return
    pbf.readMessage((tag, _, pbf) => {
      if (tag !== 1) return
      const scalar = pbf.readMessage(readScalar, { name: "", value: NaN })
      event.scalars[scalar.name] = scalar.value
    }, undefined)
  }, found)
  return found
}

describe("TensorBoard", () => {
  it("knows CRC-32C", () => {
    // RFC 3720, B.4: 32 bytes of zeros.
    assert.strictEqual(crc32c(new Uint8Array(32)), 0x8a9136aa)
  })

  it("writes records that read back as events", () => {
    const values = { reward: 0.5, "share.add": 0.25, loss: NaN, "reward.äöü": -2 }
    const file = Buffer.concat([
      TensorBoard.header(1_700_000_000_500),
      TensorBoard.scalars({ stage: "manager 2", step: 300, steps: 400, values }, 1_700_000_001_000)
    ])
    const [header, step] = records(file).map(event)
    assert.deepStrictEqual([header!.version, header!.time], ["brain.Event:2", 1_700_000_000.5])
    assert.deepStrictEqual([step!.step, step!.time], [300, 1_700_000_001])
    assert.deepStrictEqual(step!.scalars, {
      "manager 2/reward": 0.5,
      "manager 2/share.add": 0.25,
      "manager 2/reward.äöü": -2
    })
  })
})
