// Blocks of code in a text.
const fence = /^[ \t]*(`{3,}|~{3,})[\w+.-]*\s*/gm

/**
 * Where a block begins, and what is in it: from behind its opening fence to its closing one, or to the end of the text.
 */
export interface Block {
  readonly opens: number
  readonly from: number
  readonly to: number
}

export const blocks = (text: string): ReadonlyArray<Block> => {
  const found: Array<Block> = []
  for (fence.lastIndex = 0;;) {
    const opening = fence.exec(text)
    if (opening === null) return found
    const from = opening.index + opening[0].length
    const close = text.indexOf(`\n${opening[1]}`, from - 1)
    const to = close < 0 ? text.length : close
    found.push({ opens: opening.index, from, to })
    fence.lastIndex = close < 0 ? to : close + 1 + opening[1]!.length
  }
}
