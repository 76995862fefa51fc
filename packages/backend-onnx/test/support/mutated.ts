// Files that are nearly right.
import { Arbitrary, Schema } from "effect"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A file with a few changes: bits that flip, bytes that are lost or come twice, an early end. */
export const mutatedFrom = (valid: Buffer) =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Array(Schema.Struct({
      kind: Schema.Literals(["flip", "flip", "flip", "set", "cut", "end", "double"]),
      // Half of the changes hit the length and the header's beginning.
      near: Schema.Boolean,
      at: between(0, 9999),
      value: between(0, 255)
    }))),
    (mutations) =>
      mutations.slice(0, 6).reduce((file, { at, kind, near, value }) => {
        const position = Math.floor((near ? Math.min(24, file.length) : file.length) * at / 10_000)
        if (kind === "end") return file.subarray(0, position)
        if (kind === "cut") return Buffer.concat([file.subarray(0, position), file.subarray(position + 1 + value % 8)])
        if (kind === "double") return Buffer.concat([file.subarray(0, position + value % 8), file.subarray(position)])
        const copy = Buffer.from(file)
        if (position < copy.length) copy[position] = kind === "set" ? value : copy[position]! ^ (1 << (value % 8))
        return copy
      }, valid)
  )
