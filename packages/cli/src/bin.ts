#!/usr/bin/env node
import * as HugePages from "./hugePages.ts"

// Before anything is loaded that would be loaded twice.
HugePages.use()
const { main } = await import("./main.ts")
main(process.argv.slice(2))
