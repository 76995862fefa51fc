/**
 * Runs as web pages.
 */
export * as Report from "./Report.ts"
