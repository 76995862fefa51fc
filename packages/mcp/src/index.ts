/**
 * Memories over the Model Context Protocol.
 */
export * as Server from "./Server.ts"
export * as Tools from "./Tools.ts"
