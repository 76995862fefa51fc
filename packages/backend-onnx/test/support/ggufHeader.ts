// What stands before the weights of a GGUF file: key/value pairs, and the names and shapes of tensors.
import { closeSync, openSync, readSync } from "node:fs"
import type { Metadata, Tensor } from "../../src/checkpoint/internal/ggufModel.ts"

// More than the headers of the files here, whose vocabularies are most of them.
const longest = 1 << 24

export const read = (file: string): { readonly metadata: Metadata; readonly tensors: ReadonlyArray<Tensor> } => {
  const bytes = Buffer.alloc(longest)
  const handle = openSync(file, "r")
  readSync(handle, bytes, 0, longest, 0)
  closeSync(handle)
  let at = 8
  const moved = (size: number): number => (at += size) - size
  const u32 = () => bytes.readUInt32LE(moved(4))
  const u64 = () => Number(bytes.readBigUInt64LE(moved(8)))
  const text = (): string => {
    const size = u64()
    return bytes.toString("utf8", moved(size), at)
  }
  const value = (type: number): unknown => {
    switch (type) {
      case 0:
        return bytes.readUInt8(moved(1))
      case 4:
        return u32()
      case 5:
        return bytes.readInt32LE(moved(4))
      case 6:
        return bytes.readFloatLE(moved(4))
      case 7:
        return bytes.readUInt8(moved(1)) === 1
      case 8:
        return text()
      case 9: {
        const of = u32()
        return Array.from({ length: u64() }, () => value(of))
      }
      case 10:
        return u64()
      default:
        throw new Error(`type ${type} of a value`)
    }
  }
  const tensors = u64()
  const pairs = u64()
  const metadata = Object.fromEntries(Array.from({ length: pairs }, () => [text(), value(u32())]))
  return {
    metadata,
    tensors: Array.from({ length: tensors }, () => {
      const name = text()
      const shape = Array.from({ length: u32() }, u64).reverse()
      moved(12)
      return { name, shape }
    })
  }
}
