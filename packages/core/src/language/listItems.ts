// Answers that list things in prose, in any order.

const separators = /[,;，；、،؛]|(?<![\p{L}\p{M}\p{N}])and(?![\p{L}\p{M}\p{N}])/iu

/** The items of a list, each normalized: "Buddy, Tom and Scout" has three. */
export const listItems = (text: string, normalize: (item: string) => string): ReadonlyArray<string> =>
  text.split(separators).map(normalize).filter((item) => item !== "")

/** Whether two lists have the same items. */
export const sameItems = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): boolean => {
  const [set, otherSet] = [new Set(some), new Set(others)]
  return some.length === others.length && set.size === otherSet.size && some.every((item) => otherSet.has(item))
}
