/**
 * The program as a function, for other programs that start it in their own process.
 */
export { main } from "./main.ts"
