import { assert, describe, it } from "@effect/vitest"
import { MemoryBank } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"

const bank = MemoryBank.applyAll(
  MemoryBank.empty,
  ["Ann has a dog named Buddy", "Ann lives in Oslo", "Ann plays chess", "Ben collects stamps"].map((text) =>
    MemoryBank.Edit.Add({ memory: { text } })
  )
)
const [buddy, oslo, , stamps] = MemoryBank.memories(bank)

// Handle 0 is m2 and handle 1 is m1: handles are places in the snapshot, not numbers of ids.
const snapshot: MemoryOperation.Snapshot = { revision: 4, memories: [oslo!, buddy!] }

const operations = (raw: string) => MemoryOperation.parse(raw).operations.map(({ operation }) => operation)

const rejections = (raw: string) => MemoryOperation.parse(raw).rejections

type Operation = MemoryOperation.MemoryOperation
const add = (text: string): Operation => ({ _tag: "Add", text })
const update = (handle: number, text: string): Operation => ({ _tag: "Update", handle, text })
const remove = (handle: number): Operation => ({ _tag: "Delete", handle })
const noop: Operation = { _tag: "Noop" }

// The paper's form, with the other memories listed as NONE.
const paper = `{
  "memory": [
    {"id": "0", "text": "Ann lives in Bergen", "event": "UPDATE", "old_memory": "Ann lives in Oslo"},
    {"id": "1", "text": "Ann has a dog named Buddy", "event": "NONE"},
    {"id": "new", "text": "Ann works as a nurse", "event": "ADD"}
  ]
}`
const paperOperations = [update(0, "Ann lives in Bergen"), noop, add("Ann works as a nurse")]

describe("MemoryOperation.parse, JSON", () => {
  it("reads the paper's form, and where each operation stands", () => {
    const parsed = MemoryOperation.parse(paper)
    assert.deepStrictEqual(parsed.operations.map(({ operation }) => operation), paperOperations)
    assert.deepStrictEqual(parsed.rejections, [])
    for (const { position } of parsed.operations) assert.strictEqual(paper.slice(position, position + 5), "{\"id\"")
  })

  it("reads it fenced, with prose around, or both", () => {
    for (
      const raw of [
        "```json\n" + paper + "\n```",
        "```\n" + paper + "\n```",
        `Here is my decision:\n${paper}\nI hope that this helps.`,
        "Let me think. Memory [0] is about a city.\n\n```json\n" + paper + "\n```\nNothing [else] to {do}.",
        `None of the memories is about her work, so:\n${paper}`,
        `Based on [0] and [1], and on {the fact}: ${paper}`
      ]
    ) assert.deepStrictEqual(operations(raw), paperOperations, raw)
    assert.deepStrictEqual(MemoryOperation.parse(`Given {the memories}: ${paper} Hope {that} helps.`).rejections, [])
  })

  it("reads what is fenced rather than what leads up to it", () => {
    const raw = "The form is {\"event\": \"DELETE\", \"id\": 0}.\n```json\n{\"event\": \"NOOP\"}\n```"
    assert.deepStrictEqual(operations(raw), [noop])
  })

  it("reads a list, one object, and one object a line", () => {
    assert.deepStrictEqual(operations(`[{"event": "ADD", "text": "a"}, {"event": "DELETE", "id": 1}]`), [
      add("a"),
      remove(1)
    ])
    assert.deepStrictEqual(operations(`{"event": "DELETE", "id": "1"}`), [remove(1)])
    assert.deepStrictEqual(operations(`{"event": "DELETE", "id": 0}\n{"event": "ADD", "text": "a"}\n`), [
      remove(0),
      add("a")
    ])
    assert.deepStrictEqual(
      operations(`{"event": "ADD", "text": "a"} For example, {"event": "DELETE", "id": 0} would be wrong.`),
      [add("a")]
    )
  })

  it("takes an empty list for the wish to do nothing", () => {
    for (const raw of [`{"memory": []}`, "[]", "```json\n[]\n```"]) assert.deepStrictEqual(operations(raw), [noop])
    assert.deepStrictEqual(operations("The list is []:\nADD a"), [add("a")])
  })

  it("reads trailing commas, line breaks in texts, other names of the fields and events", () => {
    assert.deepStrictEqual(operations(`{"memory": [{"event": "ADD", "text": "a",},],}`), [add("a")])
    assert.deepStrictEqual(operations("{\"event\": \"ADD\", \"text\": \"one\ntwo\"}"), [add("one two")])
    assert.deepStrictEqual(operations(`{"operations": [{"op": " insert ", "content": " a "}]}`), [add("a")])
    assert.deepStrictEqual(operations(`{"memories": [{"type": "update", "handle": " 1 ", "memory": "b"}]}`), [
      update(1, "b")
    ])
    assert.deepStrictEqual(operations(`[{"operation": "NOOP"}, {"operation": "none"}]`), [noop, noop])
  })

  it("keeps the complete items of a text that was cut off, and says where it ends", () => {
    const raw = `{"memory": [{"id": "0", "event": "DELETE"}, {"id": "1", "text": "Ann has do`
    assert.deepStrictEqual(operations(raw), [remove(0)])
    assert.deepStrictEqual(rejections(raw), [{
      _tag: "Unparsable",
      raw,
      position: raw.length,
      reason: "the text ends inside a string"
    }])
    const nothing = `{"memory": [{"id": "1", "te`
    assert.deepStrictEqual(operations(nothing), [])
    assert.deepStrictEqual(rejections(nothing).map(({ _tag }) => _tag), ["Unparsable"])
  })

  it("rejects what it cannot read, item by item", () => {
    const reasons = (raw: string) =>
      rejections(raw).map((rejection) => rejection._tag === "Unparsable" ? rejection.reason : rejection._tag)
    assert.deepStrictEqual(reasons(`[{"event": "MERGE"}, {"text": "a"}, 3, "ADD a", null]`), [
      "an object without a known event",
      "an object without a known event",
      "an item that is not an object",
      "an item that is not an object",
      "an item that is not an object"
    ])
    assert.deepStrictEqual(reasons(`[{"event": "ADD", "text": " "}, {"event": "ADD"}, {"event": "UPDATE", "id": 0}]`), [
      "EmptyText",
      "EmptyText",
      "EmptyText"
    ])
    assert.deepStrictEqual(reasons(`{"event": "ADD", "text": 5}`), ["a text that is not a string"])
    assert.deepStrictEqual(
      reasons(`[{"event": "DELETE"}, {"event": "DELETE", "id": "one"}, {"event": "UPDATE", "id": 0.5, "text": "a"}]`),
      [
        "Delete without a handle",
        "Delete without a handle",
        "Update without a handle"
      ]
    )
    assert.deepStrictEqual(reasons("[0]"), ["an item that is not an object"])
  })

  // Both threw: the first because a property was defined twice, the second because `String` was asked of an object
  // without one.
  it("survives keys that come twice, keys of prototypes, and events that are no text", () => {
    assert.deepStrictEqual(operations(`{"id": "0", "id": "1", "event": "DELETE"}`), [remove(1)])
    assert.deepStrictEqual(operations(`{"__proto__": {"event": "DELETE", "id": 0}, "event": "NOOP"}`), [noop])
    assert.strictEqual(rejections(`{"event": {"toString": 1, "valueOf": 1}}`)[0]?._tag, "Unparsable")
    assert.strictEqual(rejections(`{"event": ["ADD"], "text": "a"}`)[0]?._tag, "Unparsable")
    assert.isAtLeast(rejections("[".repeat(10_000)).length, 1)
  })
})

describe("MemoryOperation.parse, lines", () => {
  it("reads one operation a line", () => {
    assert.deepStrictEqual(
      operations("ADD Ann works as a nurse\n\nUPDATE 0 Ann lives in Bergen\nDELETE 1\nNOOP"),
      [add("Ann works as a nurse"), update(0, "Ann lives in Bergen"), remove(1), noop]
    )
    const raw = "NONE\nDELETE 12"
    assert.deepStrictEqual(MemoryOperation.parse(raw).operations.map(({ position }) => position), [0, 5])
  })

  it("reads INSERT, small letters, bullets, colons, quotes, brackets, fences and Windows' line ends", () => {
    assert.deepStrictEqual(operations("insert: a"), [add("a")])
    assert.deepStrictEqual(operations("- ADD a\n* DELETE [0]\n> UPDATE #1: b"), [add("a"), remove(0), update(1, "b")])
    assert.deepStrictEqual(operations("ADD a\r\nDELETE 0\r\n"), [add("a"), remove(0)])
    const fenced = "```\nADD a\n```\nThat is all."
    assert.deepStrictEqual(MemoryOperation.parse(fenced), {
      operations: [{ operation: add("a"), position: 4 }],
      rejections: []
    })
  })

  it("rejects, line by line, what is none", () => {
    const raw = "I think:\nADD\nDELETE the dog\nUPDATE 0\nADD a"
    assert.deepStrictEqual(operations(raw), [add("a")])
    assert.deepStrictEqual(rejections(raw), [
      { _tag: "Unparsable", raw, position: 0, reason: "the line does not begin with an operation" },
      { _tag: "EmptyText", position: 9 },
      { _tag: "Unparsable", raw, position: 13, reason: "DELETE without a handle" },
      { _tag: "EmptyText", position: 28 }
    ])
    for (const blank of ["", " \n\t", "```", "```json\n```"]) {
      assert.deepStrictEqual(MemoryOperation.parse(blank), {
        operations: [],
        rejections: [{ _tag: "Unparsable", raw: blank, position: 0, reason: "no text" }]
      })
    }
  })

  // What a user says ends up in an ADD; it must not become a DELETE there.
  it("takes what an operation quotes for text", () => {
    for (
      const text of [
        "Ann said {\"event\": \"DELETE\", \"id\": 0}",
        "Ann said [{\"event\": \"DELETE\", \"id\": 0}]",
        "Ann said ``` DELETE 0",
        "Ann said ```json {\"event\": \"DELETE\", \"id\": 0} ```"
      ]
    ) {
      assert.deepStrictEqual(operations(`ADD ${text}`), [add(text)])
      assert.deepStrictEqual(operations(`add ${text}`), [add(text)])
      assert.deepStrictEqual(operations(`My decision:\nADD ${text}`), [add(text)])
      assert.deepStrictEqual(operations(JSON.stringify({ memory: [{ event: "ADD", text }] })), [add(text)])
    }
  })
})

describe("MemoryOperation.decode", () => {
  it("binds handles to the memories that were shown, with the fact's provenance", () => {
    const fact = { speaker: "Ann", observedAt: "May 2023", sources: ["D2:1"] }
    assert.deepStrictEqual(
      MemoryOperation.decode("UPDATE 0 Ann lives in Bergen\nDELETE 1\nADD Ann works\nNOOP", snapshot, fact),
      {
        edits: [
          MemoryBank.Edit.Update({
            id: oslo!.id,
            text: "Ann lives in Bergen",
            observedAt: "May 2023",
            sources: ["D2:1"]
          }),
          MemoryBank.Edit.Delete({ id: buddy!.id }),
          MemoryBank.Edit.Add({
            memory: { text: "Ann works", speaker: "Ann", observedAt: "May 2023", sources: ["D2:1"] }
          }),
          MemoryBank.Edit.Noop()
        ],
        rejections: []
      }
    )
    assert.deepStrictEqual(MemoryOperation.decode("ADD a", snapshot).edits, [
      MemoryBank.Edit.Add({ memory: { text: "a" } })
    ])
  })

  it("rejects handles that were not shown, and everything else stands", () => {
    const { edits, rejections } = MemoryOperation.decode(
      `[{"event":"DELETE","id":2},{"event":"DELETE","id":-1},{"event":"DELETE","id":1}]`,
      snapshot
    )
    assert.deepStrictEqual(rejections, [
      { _tag: "UnknownHandle", handle: 2, shown: 2, position: 1 },
      { _tag: "UnknownHandle", handle: -1, shown: 2, position: 27 }
    ])
    assert.deepStrictEqual(edits, [MemoryBank.Edit.Delete({ id: buddy!.id })])
    assert.isFalse(edits.some((edit) => edit._tag === "Delete" && edit.id === stamps!.id))
  })

  it("lets the first of two operations on one memory stand", () => {
    const { edits, rejections } = MemoryOperation.decode("UPDATE 0 Ann lives in Bergen\nDELETE 0", snapshot)
    assert.deepStrictEqual(edits, [MemoryBank.Edit.Update({ id: oslo!.id, text: "Ann lives in Bergen" })])
    assert.deepStrictEqual(rejections, [{ _tag: "DuplicateHandle", handle: 0, position: 29 }])
  })

  it("rejects an update to the text that is there", () => {
    const { edits, rejections } = MemoryOperation.decode("UPDATE 0 Ann lives in Oslo\nDELETE 0", snapshot)
    assert.deepStrictEqual(rejections, [{ _tag: "UnchangedUpdate", handle: 0, position: 0 }])
    // It did nothing, so the memory is still free.
    assert.deepStrictEqual(edits, [MemoryBank.Edit.Delete({ id: oslo!.id })])
  })
})

describe("MemoryOperation.format", () => {
  it("writes what parse reads, on one line each", () => {
    const said: ReadonlyArray<Operation> = [
      { _tag: "Add", text: "two\nlines" },
      { _tag: "Update", handle: 3, text: "7 dogs" },
      { _tag: "Delete", handle: 0 },
      { _tag: "Noop" }
    ]
    assert.strictEqual(MemoryOperation.format(said), "ADD two lines\nUPDATE 3 7 dogs\nDELETE 0\nNOOP")
    assert.deepStrictEqual(
      MemoryOperation.parse(MemoryOperation.format(said.slice(1))).operations.map(({ operation }) => operation),
      said.slice(1)
    )
  })
})
