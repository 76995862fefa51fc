/**
 * The benchmarks, as commands of the program `memory-r1`.
 */
export { bench } from "./bench.ts"
