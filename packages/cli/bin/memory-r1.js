#!/usr/bin/env node
// The program inside the repository, from its sources; what is published runs dist/bin.js.
import "../src/bin.ts"
