// Counter-based uniform numbers: the draw for (seed, stream, step) does not depend on what else is drawn, so that a
// completion is the same whatever it was batched with. The mixing is MurmurHash3's finalizer.

const mix = (word: number): number => {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A key for one stream of draws. */
export const stream = (seed: number, ...path: ReadonlyArray<number>): number => {
  let key = mix((seed ^ 0x9e3779b9) >>> 0) ^ mix(Math.floor(seed / 2 ** 32) >>> 0)
  for (const part of path) key = mix((Math.imul(key, 0x01000193) ^ (part + 0x7f4a7c15)) >>> 0)
  return key >>> 0
}

/** The `step`-th draw of a stream, in [0, 1). */
export const uniform = (key: number, step: number): number =>
  (mix((key + Math.imul(step + 1, 0x9e3779b9)) >>> 0) +
    mix((key ^ Math.imul(step + 1, 0x85ebca6b)) >>> 0) / 4294967296) / 4294967296

/** The `step`-th standard normal draw of a stream (Box and Muller 1958). */
export const normal = (key: number, step: number): number => {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(key, 2 * step)))
  return radius * Math.cos(2 * Math.PI * uniform(key, 2 * step + 1))
}
