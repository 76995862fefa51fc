/** A command without the superuser's right to write where nobody may: CI runs as root. */
export const unprivileged = (command: string, args: ReadonlyArray<string>): [command: string, args: Array<string>] =>
  process.getuid?.() === 0
    ? ["setpriv", ["--bounding-set", "-dac_override,-dac_read_search", command, ...args]]
    : [command, [...args]]
