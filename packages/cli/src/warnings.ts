/**
 * What Node says of itself on stderr and no user of this program can do anything about.
 *
 * @since 0.1.0
 */

/**
 * Leaves out that node:sqlite is experimental (Node 22 says so), and no other warning.
 *
 * @category running
 * @since 0.1.0
 */
export const quiet = (): void => {
  const { emitWarning } = process
  process.emitWarning = (...args: ReadonlyArray<unknown>): void => {
    if (!/^SQLite is an experimental feature\b/.test(String(args[0]))) Reflect.apply(emitWarning, process, args)
  }
}
