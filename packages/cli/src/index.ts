/**
 * The program as a function, for other programs that start it in their own process.
 *
 * @since 0.1.0
 */
export { main } from "./main.ts"
