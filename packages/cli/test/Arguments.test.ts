// @module-tag slow
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type * as Command from "effect/cli/Command"
import * as Arguments from "../src/Arguments.ts"
import * as Bench from "../src/commands/bench.ts"
import * as Root from "../src/root.ts"

// Every command that does something, by its path.
const leaves = (command: Command.Command.Any, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const subcommands = command.subcommands.flatMap(({ commands }) => commands)
  return subcommands.length === 0 ? [path] : subcommands.flatMap((one) => leaves(one, [...path, one.name]))
}
const root = Root.root(await Effect.runPromise(Bench.load(["bench"])))
const paths = leaves(root, [])

const values = [
  "-bar",
  "- item",
  "-0.5 0.5",
  "-5",
  "-5 degrees",
  "-1e-3",
  "--",
  "-",
  "---",
  "-->",
  "--json",
  "--db",
  "--help",
  "-h",
  "-v",
  "-x=1",
  "--limit=3",
  "lr=-1",
  "--no such flag",
  "",
  " ",
  "-ünï",
  "-1\n--2",
  "plain"
]

layer(NodeServices.layer)("Arguments", (it) => {
  const normal = (args: ReadonlyArray<string>) => Arguments.normal(root, args)

  it.effect("takes whatever follows a flag with a value as its value, in every command", () =>
    Effect.gen(function*() {
      assert.isAbove(paths.length, 20)
      let flags = 0
      for (const path of paths) {
        const doc = yield* Arguments.described(root, path)
        for (const { name, type } of [...(doc?.flags ?? []), ...(doc?.globalFlags ?? [])]) {
          if (type === "boolean") continue
          flags++
          for (const value of values) {
            assert.deepStrictEqual(yield* normal([...path, `--${name}`, value]), [...path, `--${name}=${value}`])
            assert.deepStrictEqual(yield* normal([...path, `--${name}=${value}`]), [...path, `--${name}=${value}`])
          }
          // Nothing follows: the parser says that its value is missing.
          assert.deepStrictEqual(yield* normal([...path, `--${name}`]), [...path, `--${name}`])
        }
      }
      assert.isAbove(flags, 100)
    }))

  it.effect("takes what is no flag as a value, in every command, and keeps the order", () =>
    Effect.gen(function*() {
      const shown = [
        "-bar",
        "- item",
        "-5 degrees",
        "-5",
        "---",
        "-->",
        "-",
        "--no such flag",
        "-ünï",
        "-vx",
        "",
        "plain"
      ]
      for (const path of paths) {
        assert.deepStrictEqual(yield* normal([...path, "--json", ...shown, "--verbose"]), [
          ...path,
          "--json",
          "--verbose",
          "--",
          ...shown
        ])
        assert.deepStrictEqual(yield* normal([...path, "a", "--", ...values]), [...path, "--", "a", ...values])
        assert.deepStrictEqual(yield* normal(["--json", ...path, "--no-json", "-h"]), [
          "--json",
          ...path,
          "--no-json",
          "-h"
        ])
        // A flag without a value leaves what follows it alone.
        assert.deepStrictEqual(yield* normal([...path, "--json", "1", "--verbose", "yes"]), [
          ...path,
          "--json",
          "--verbose",
          "--",
          "1",
          "yes"
        ])
        // A slip of the pen stays one.
        assert.deepStrictEqual(yield* normal([...path, "--limt", "3"]), [...path, "--limt", "--", "3"])
        assert.deepStrictEqual(yield* normal([...path, "--limt=3"]), [...path, "--limt=3"])
      }
      for (
        const args of [
          ["nonsense", "-x"],
          ["memory", "nonsense", "--db", "x"],
          ["memory"],
          [],
          ["--version"],
          ["--help", "-h"]
        ]
      ) {
        assert.deepStrictEqual(yield* normal(args), args)
      }
    }))

  it.effect.prop(
    "loses and changes no value",
    [Schema.String, Schema.String, Schema.String],
    ([user, text, more]) =>
      Effect.gen(function*() {
        const found = yield* normal(["memory", "erase", "--user", user, "--", text, more])
        assert.deepStrictEqual(found, ["memory", "erase", `--user=${user}`, "--", text, more])
      })
  )

  it.effect("knows which flags are set, and which are values", () =>
    Effect.gen(function*() {
      const isJson = (...args: ReadonlyArray<string>) =>
        Effect.map(normal(["memory", "add", ...args]), (args) => Arguments.isSet(args, "json"))
      assert.isTrue(yield* isJson("x", "--json"))
      assert.isTrue(yield* isJson("--json=true", "x"))
      assert.isFalse(yield* isJson("--json=false", "x"))
      assert.isFalse(yield* isJson("--", "--json"))
      assert.isFalse(yield* isJson("x", "--speaker", "--json"))
    }))
})
