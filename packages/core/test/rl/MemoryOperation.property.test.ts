// The decoder is the border between a model and a user's data: whatever comes in, it neither throws nor touches what
// was not shown.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { MemoryBank } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import { Arbitrary, Schema } from "effect"

const bank = MemoryBank.applyAll(
  MemoryBank.empty,
  ["a dog", "a cat", "chess", "Oslo", "stamps", "a nurse"].map((text) => MemoryBank.Edit.Add({ memory: { text } }))
)
const shown = [4, 1, 2].map((at) => MemoryBank.memories(bank)[at]!)
const snapshot: MemoryOperation.Snapshot = { revision: 6, memories: shown }

const outputs = [
  `{"memory": [{"id": "0", "text": "no stamps", "event": "UPDATE", "old_memory": "stamps"}, {"id": "1", "text": "a ` +
  `cat", "event": "NONE"}]}`,
  "```json\n{\n  \"memory\": [\n    {\"id\": \"2\", \"event\": \"DELETE\"},\n    {\"id\": \"new\", \"text\": " +
  "\"go\", \"event\": \"ADD\"}\n  ]\n}\n```",
  `I would say [1] is stale, so: [{"event": "DELETE", "id": 1}, {"event": "INSERT", "text": "two \\"cats\\""}] and ` +
  `that is it.`,
  "ADD Ann has a bird\nUPDATE 1 Ann has two cats\nDELETE 2\nNOOP",
  "- UPDATE [0]: no more stamps\r\n- DELETE 7\r\n- NONE",
  `{"event": "DELETE", "id": 0}\n{"event": "DELETE", "id": 0}\n{"event": "UPDATE", "id": 5, "text": "x"}`,
  `{"operations": [{"op": "add", "content": "a \\u00e9 b"}, {"op": "update", "handle": 9999999999, "memory": ""}], ` +
  `"memory": 3}`,
  "None of these."
]
const snippets = [
  "{",
  "}",
  "[",
  "]",
  "\"",
  "\\",
  ",",
  ":",
  "\n",
  "\r",
  "```",
  "```json\n",
  "ADD ",
  "DELETE 1\n",
  "UPDATE 2 ",
  "NOOP",
  "null",
  "-1",
  "1e309",
  "\u2028",
  "\ud800",
  "\"id\": \"0\", ",
  "\"event\": \"DELETE\"",
  "{\"event\": \"DELETE\", \"id\": 1}",
  "\"__proto__\": ",
  "\"event\": {\"toString\": 0}, ",
  " ",
  "é",
  "🐶"
]

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

// Cuts, doubles and insertions at any place of a plausible output.
const mutated = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    output: between(0, outputs.length - 1),
    mutations: Schema.Array(Schema.Struct({
      kind: Schema.Literals(["cut", "end", "double", "insert", "insert"]),
      at: between(0, 999),
      length: between(1, 40),
      snippet: between(0, snippets.length - 1)
    }))
  })),
  ({ mutations, output }) =>
    mutations.reduce((text, { at, kind, length, snippet }) => {
      const from = Math.floor(at * (text.length + 1) / 1000)
      const piece = text.slice(from, from + length)
      if (kind === "end") return text.slice(0, from)
      const middle = kind === "cut" ? "" : kind === "double" ? piece + piece : snippets[snippet]! + piece
      return text.slice(0, from) + middle + text.slice(from + length)
    }, outputs[output]!)
)

const obeysTheLaws = (raw: string): void => {
  const parsed = MemoryOperation.parse(raw)
  const { edits, rejections } = MemoryOperation.bind(parsed, snapshot)
  for (const edit of edits) {
    if (edit._tag === "Update" || edit._tag === "Delete") {
      assert.isTrue(shown.some(({ id }) => id === edit.id), `an edit of ${edit.id}, which was not shown`)
    } else if (edit._tag === "Add") {
      assert.isUndefined(edit.id)
      assert.notStrictEqual(edit.memory.text.trim(), "")
    }
  }
  const touched = edits.flatMap((edit) => edit._tag === "Update" || edit._tag === "Delete" ? [edit.id] : [])
  assert.strictEqual(new Set(touched).size, touched.length, "two edits of one memory")
  // Nothing is dropped in silence: each operation is an edit or a rejection, and no text says nothing.
  assert.strictEqual(edits.length + rejections.length, parsed.operations.length + parsed.rejections.length)
  assert.isAbove(edits.length + rejections.length, 0)
  for (const { position } of [...parsed.operations, ...rejections]) {
    assert.isTrue(position >= 0 && position <= raw.length, `position ${position}`)
  }
  // What is no shown memory stays.
  const after = MemoryBank.applyAll(bank, edits)
  for (const memory of MemoryBank.memories(bank)) {
    if (!shown.includes(memory)) assert.isTrue(MemoryBank.memories(after).includes(memory), memory.text)
  }
}

describe("MemoryOperation, any input", () => {
  it("the outputs to mutate are read as they are", () => {
    for (const raw of outputs) assert.isAbove(MemoryOperation.parse(raw).operations.length, 0, raw)
  })

  it.prop("mutated outputs, made small where one fails", { raw: mutated }, ({ raw }) => obeysTheLaws(raw), {
    arbitrary: { runs: 2000, size: 8, seed: 11 }
  })

  // Without shrinking, so that there can be many: the seed and the number of a round tell the text.
  it("a hundred thousand mutated outputs", () => {
    let state = 11
    // Mulberry32, by Tommy Ettinger, in the public domain.
    const below = (bound: number): number => {
      state = (state + 0x6d2b79f5) | 0
      let bits = Math.imul(state ^ (state >>> 15), 1 | state)
      bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
      return Math.floor(((bits ^ (bits >>> 14)) >>> 0) / 4294967296 * bound)
    }
    const one = <A>(of: ReadonlyArray<A>): A => of[below(of.length)]!
    const mutations: ReadonlyArray<(text: string, at: number, length: number) => string> = [
      (text, at, length) => text.slice(0, at) + text.slice(at + length),
      (text, at) => text.slice(0, at),
      (text, at, length) => text.slice(0, at + length) + text.slice(at),
      (text, at) => text.slice(0, at) + one(snippets) + text.slice(at),
      (text, at, length) => text.slice(0, at) + one(snippets) + text.slice(at + length),
      (text, at, length) =>
        text.slice(0, at) + text.slice(at + length, at + 2 * length) + text.slice(at, at + length) +
        text.slice(at + 2 * length),
      (text, at) => text.slice(0, at) + one(outputs) + text.slice(at),
      (text, at) => text.slice(0, at) + one(outputs).slice(below(60)),
      (text) => `{"memory": [${text}, ${text}]}`,
      (text) => JSON.stringify({ memory: text }),
      (text) => `Sure!\n\`\`\`json\n${text}\n\`\`\`\nDone.`,
      (text, at) => text.slice(0, at) + String.fromCharCode(below(65536)) + text.slice(at + 1)
    ]
    for (let round = 0; round < 100_000; round++) {
      let text = one(outputs)
      for (let left = 1 + below(5); left > 0 && text.length < 4000; left--) {
        text = one(mutations)(text, below(text.length + 1), 1 + below(40))
      }
      try {
        obeysTheLaws(text)
      } catch (error) {
        throw new Error(`round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
    }
  }, 120_000)

  it.prop("any text", { raw: Schema.String }, ({ raw }) => obeysTheLaws(raw), { arbitrary: { runs: 2000, seed: 12 } })

  it.prop(
    "snippets in any order",
    { parts: Arbitrary.array(Arbitrary.schema(between(0, snippets.length - 1)), { maxLength: 30 }) },
    ({ parts }) => obeysTheLaws(parts.map((part) => snippets[part]!).join("")),
    { arbitrary: { runs: 4000, seed: 13 } }
  )

  it.prop("what format writes, parse reads", {
    operations: Arbitrary.array(
      Arbitrary.map(
        Arbitrary.schema(
          Schema.Struct({
            kind: Schema.Literals(["Add", "Update", "Delete", "Noop"]),
            handle: between(0, 99),
            text: Schema.String
          })
        ),
        ({ handle, kind, text }): MemoryOperation.MemoryOperation => {
          // A text that begins a line, without the white space that format folds.
          const clean = `it ${text}`.replace(/\s+/g, " ").trim()
          return kind === "Add"
            ? { _tag: "Add", text: clean }
            : kind === "Update"
            ? { _tag: "Update", handle, text: clean }
            : kind === "Delete"
            ? { _tag: "Delete", handle }
            : { _tag: "Noop" }
        }
      ),
      { minLength: 1, maxLength: 6 }
    )
  }, ({ operations }) => {
    const parsed = MemoryOperation.parse(MemoryOperation.format(operations))
    assert.deepStrictEqual(parsed.operations.map(({ operation }) => operation), operations)
    assert.deepStrictEqual(parsed.rejections, [])
  }, { arbitrary: { runs: 1000, seed: 14 } })

  it("long and deep inputs take no longer than their length asks for", () => {
    for (
      const piece of [
        "[",
        "{\"a\":",
        "[{",
        "[1,",
        "[\"",
        "```",
        "{\"event\":\"ADD\",\"text\":\"a\"}\n",
        "ADD {",
        "\"",
        "\\",
        "[/*",
        "[//\n",
        "['",
        "~~~\n",
        "<think>",
        "[THINK]"
      ]
    ) {
      obeysTheLaws(piece.repeat(20_000))
    }
  })
})
