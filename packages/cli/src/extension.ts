/**
 * What a package needs that adds commands to the program: how models are loaded, and where results and progress go. It
 * is there for packages of this repository, and not published.
 *
 * @since 0.1.0
 */
export * as Arithmetic from "./arithmetic.ts"
export * as Engine from "./Engine.ts"
export * as HugePages from "./hugePages.ts"
export * as Output from "./Output.ts"
export * as Progress from "./Progress.ts"
export * as Flags from "./shared.ts"
