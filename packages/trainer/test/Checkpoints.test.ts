import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Checkpoints } from "@memory-r1/trainer"
import { Effect, FileSystem } from "effect"
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const folder = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

const weights = (text: string) => (directory: string) =>
  Effect.sync(() => writeFileSync(join(directory, "weights"), text))
const write = (
  folder: string,
  number: number,
  text = `weights of ${number}`,
  options: Partial<Parameters<typeof Checkpoints.write>[2]> = {}
) =>
  Checkpoints.write(folder, { number, state: `state of ${number}`, learners: { manager: weights(text) } }, {
    keepLast: 2,
    ...options
  })

const at = (folder: string, ...parts: ReadonlyArray<string>) => join(folder, "checkpoints", ...parts)

const test = <E>(name: string, run: (folder: string) => Effect.Effect<void, E, NodeServices.NodeServices>) =>
  it.effect(name, () => Effect.flatMap(folder, run).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

describe("Checkpoints", () => {
  test(
    "there is none in a folder that is not there",
    Effect.fnUntraced(function*(folder) {
      assert.deepStrictEqual(yield* Checkpoints.list(join(folder, "nowhere")), [])
      assert.deepStrictEqual(yield* Checkpoints.newest(folder), { found: undefined, damaged: [] })
    })
  )

  test(
    "gives back what was written, the newest first, and keeps the last and the chosen ones",
    Effect.fnUntraced(function*(folder) {
      for (const number of [0, 5, 10, 15, 20]) yield* write(folder, number, undefined, { keep: [5] })
      assert.deepStrictEqual(yield* Checkpoints.list(folder), [20, 15, 5])
      const { damaged, found } = yield* Checkpoints.newest(folder)
      assert.deepStrictEqual([damaged, found!.number, found!.state], [[], 20, "state of 20"])
      assert.strictEqual(readFileSync(join(found!.learner("manager"), "weights"), "utf8"), "weights of 20")
      assert.deepStrictEqual(readdirSync(at(folder)).filter((name) => name.startsWith(".")), [])
      assert.strictEqual((yield* Checkpoints.read(folder, 5)).state, "state of 5")
    })
  )

  test(
    "copies a learner that has not changed, also out of the checkpoint that it replaces",
    Effect.fnUntraced(function*(folder) {
      yield* write(folder, 7)
      const again = { number: 7, state: "more", learners: { manager: 7, answer: weights("answers") } }
      yield* Checkpoints.write(folder, again, { keepLast: 2 })
      const { found } = yield* Checkpoints.newest(folder)
      assert.strictEqual(found!.state, "more")
      assert.strictEqual(readFileSync(join(found!.learner("manager"), "weights"), "utf8"), "weights of 7")
      yield* Checkpoints.write(folder, { ...again, number: 8 }, { keepLast: 2 })
      // What damages one leaves the other.
      writeFileSync(at(folder, "000008", "manager", "weights"), "WEIGHTS of 7")
      assert.strictEqual((yield* Checkpoints.newest(folder)).found!.number, 7)
    })
  )

  const damages: ReadonlyArray<readonly [name: string, damage: (place: string) => void, said: RegExp]> = [
    [
      "a flipped byte",
      (place) => writeFileSync(join(place, "manager/weights"), "weights of 9!".replace("!", "").replace("w", "W")),
      /000009\/manager\/weights: is damaged: its bytes are not those that were written$/
    ],
    [
      "a cut file",
      (place) => truncateSync(join(place, "manager/weights"), 3),
      /000009\/manager\/weights: is damaged: it has 3 bytes of 12$/
    ],
    ["a missing file", (place) => rmSync(join(place, "manager/weights")), /000009\/manager\/weights: cannot be read/],
    [
      "another state",
      (place) => writeFileSync(join(place, "state.json"), "state of 8"),
      /000009\/state\.json: is damaged/
    ],
    [
      "no manifest",
      (place) => rmSync(join(place, "manifest.json")),
      /000009\/manifest\.json: cannot be read: the checkpoint is not whole$/
    ],
    [
      "half a manifest",
      (place) => truncateSync(join(place, "manifest.json"), 40),
      /000009\/manifest\.json: is damaged$/
    ],
    [
      "a manifest that was edited",
      (place) =>
        writeFileSync(
          join(place, "manifest.json"),
          readFileSync(join(place, "manifest.json"), "utf8").replace(/"bytes": 12/, "\"bytes\": 13")
        ),
      /000009\/manifest\.json: is damaged: it has not the hash/
    ]
  ]
  for (const [name, damage, said] of damages) {
    test(
      `names what is damaged, and uses the one before: ${name}`,
      Effect.fnUntraced(function*(folder) {
        yield* write(folder, 8)
        yield* write(folder, 9)
        damage(at(folder, "000009"))
        const { damaged, found } = yield* Checkpoints.newest(folder)
        assert.strictEqual(found!.number, 8)
        assert.lengthOf(damaged, 1)
        assert.match(damaged[0]!.message, said)
        // Written again, the run goes on with it.
        yield* write(folder, 9)
        assert.strictEqual((yield* Checkpoints.newest(folder)).found!.number, 9)
      })
    )
  }

  test(
    "one that fails halfway leaves nothing, and those before it",
    Effect.fnUntraced(function*(folder) {
      yield* write(folder, 1)
      const error = yield* Effect.flip(Checkpoints.write(folder, {
        number: 2,
        state: "2",
        learners: { manager: weights("half"), answer: () => Effect.fail("no room" as const) }
      }, { keepLast: 1 }))
      assert.strictEqual(error, "no room")
      assert.deepStrictEqual(readdirSync(at(folder)), ["000001"])
      // What a process that was killed was writing goes with the next.
      yield* Effect.flatMap(
        FileSystem.FileSystem,
        (files) => files.makeDirectory(at(folder, ".writing-000002", "manager"), { recursive: true })
      )
      writeFileSync(at(folder, ".writing-000002", "manager", "other"), "left")
      yield* write(folder, 2)
      assert.isFalse(existsSync(at(folder, "000002", "manager", "other")))
      assert.strictEqual((yield* Checkpoints.newest(folder)).found!.number, 2)
    })
  )

  test(
    "says which folder cannot be written",
    Effect.fnUntraced(function*(folder) {
      writeFileSync(join(folder, "checkpoints"), "a file where the folder should be")
      const error = yield* Effect.flip(write(folder, 1))
      assert.strictEqual(error._tag, "CheckpointsError")
      assert.match(
        error.message,
        /checkpoints\/000001: cannot be written \(.*\); is the folder writable, and is there room\?$/s
      )
    })
  )
})
