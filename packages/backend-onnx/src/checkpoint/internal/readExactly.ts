// Reads from open files.
import type { FileHandle } from "node:fs/promises"

/** Fills `target` with the bytes at a position, or throws where the file ends before. */
export const readExactly = async (handle: FileHandle, target: Uint8Array, position: number): Promise<void> => {
  let done = 0
  while (done < target.byteLength) {
    const { bytesRead } = await handle.read(target, done, Math.min(target.byteLength - done, 1 << 30), position + done)
    if (bytesRead === 0) throw new RangeError("the file ends before the data does")
    done += bytesRead
  }
}
