// What stands before the weights of a GGUF file: key/value pairs, and the names and shapes of tensors.
import { closeSync, fstatSync, openSync } from "node:fs"
import * as Header from "../../src/checkpoint/internal/ggufHeader.ts"
import type { Metadata, Tensor } from "../../src/checkpoint/internal/ggufModel.ts"

export const read = (file: string): { readonly metadata: Metadata; readonly tensors: ReadonlyArray<Tensor> } => {
  const descriptor = openSync(file, "r")
  try {
    const { metadata, tensors } = Header.read(descriptor, fstatSync(descriptor).size)
    return { metadata, tensors: [...tensors].map(([name, { shape }]) => ({ name, shape })) }
  } finally {
    closeSync(descriptor)
  }
}
