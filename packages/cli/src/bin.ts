#!/usr/bin/env node
import { enableCompileCache } from "node:module"
import * as HugePages from "./hugePages.ts"
import * as Warnings from "./warnings.ts"

// Before anything is loaded that would be loaded twice, that warns, or that takes long to compile.
HugePages.use()
Warnings.quiet()
enableCompileCache()
const { main } = await import("./main.ts")
main(process.argv.slice(2))
