// However a server cuts calls into pieces, the calls are those that the model made.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ToolCalls from "../../src/internal/toolCalls.ts"

const tools = ["Weather", "get", "get_weather", "bobo", "Now"]

type Made = readonly [name: string, params: Readonly<Record<string, unknown>>]

/** The calls that come of chunks, each a list of pieces. */
const read = (chunks: ReadonlyArray<ReadonlyArray<ToolCalls.Piece>>) => {
  const accumulator = ToolCalls.accumulator(new Set(tools))
  const streamed = chunks.flatMap((pieces) => accumulator.write(pieces))
  const { calls, events } = accumulator.end()
  const all = [...streamed, ...events]
  // What is told on the way is what comes out in the end.
  for (const { arguments: text, id, name } of calls) {
    const own = all.filter((event) => event.id === id)
    assert.deepStrictEqual(own.map(({ type }) => type === "tool-params-start").indexOf(true), 0)
    assert.deepStrictEqual(own.flatMap((event) => event.type === "tool-params-start" ? [event.name] : []), [name])
    assert.strictEqual(own.map((event) => event.type === "tool-params-delta" ? event.delta : "").join(""), text)
  }
  assert.strictEqual(new Set(calls.map(({ id }) => id)).size, calls.length)
  return calls
}

const made = (chunks: ReadonlyArray<ReadonlyArray<ToolCalls.Piece>>): ReadonlyArray<Made> =>
  read(chunks).map(({ arguments: text, name }) => [name, text.trim() === "" ? {} : JSON.parse(text)])

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const value = Schema.Union([
  Schema.String,
  between(-9, 9),
  Schema.Literals(["}", "{\"a\":{}}", "\\\"", "東京 🐕"]),
  Schema.Array(Schema.Struct({ "}": Schema.Boolean }))
])
const calls = Schema.Array(Schema.Struct({
  tool: between(0, tools.length - 1),
  params: Schema.Record(Schema.Literals(["city", "unit", "{"]), value),
  nameCuts: Schema.Array(between(1, 9)).check(Schema.isMaxLength(2)),
  cuts: Schema.Array(between(0, 60)).check(Schema.isMaxLength(5))
})).check(Schema.isMinLength(1), Schema.isMaxLength(4))
const dialects = Schema.Struct({
  index: Schema.Literals(["counted", "zero", "none"]),
  id: Schema.Literals(["first", "each", "late", "same", "empty", "madeUp", "none"]),
  name: Schema.Literals(["first", "each", "pieces", "last", "alone"]),
  arguments: Schema.Literals(["text", "object"])
})

const cut = (text: string, at: ReadonlyArray<number>): ReadonlyArray<string> => {
  const places = [
    0,
    ...[...new Set(at)].filter((place) => place > 0 && place < text.length).sort((a, b) => a - b),
    text.length
  ]
  return places.slice(1).map((end, i) => text.slice(places[i], end))
}

const piecesOf = (
  call: typeof calls.Type[number],
  n: number,
  dialect: typeof dialects.Type
): ReadonlyArray<ToolCalls.Piece> => {
  const name = tools[call.tool]!
  const names = cut(name, call.nameCuts)
  const written = dialect.arguments === "object" ? [call.params] : cut(JSON.stringify(call.params), call.cuts)
  const head = dialect.name === "pieces"
    ? names.map((name) => ({ name }))
    : dialect.name === "alone"
    ? [{ name, arguments: "" }]
    : []
  const body = written.map((text, i) => {
    const isNamed = dialect.name === "each" || (dialect.name === "first" && i === 0) ||
      (dialect.name === "last" && i === written.length - 1)
    return { arguments: text, ...(isNamed ? { name } : {}) }
  })
  const all = [...head, ...body]
  const idOf = (i: number): Pick<ToolCalls.Piece, "id"> => {
    if (dialect.id === "same") return { id: "call" }
    if (dialect.id === "empty") return { id: "" }
    if (dialect.id === "madeUp") return { id: `id-${n}-${i}` }
    const said = dialect.id === "each" || (dialect.id === "first" && i === 0) ||
      (dialect.id === "late" && i === all.length - 1)
    return said ? { id: `id-${n}` } : {}
  }
  return all.map((piece, i) => ({
    ...(dialect.index === "none" ? {} : { index: dialect.index === "zero" ? 0 : n }),
    ...idOf(i),
    function: piece
  }))
}

// Where pieces say nothing that tells calls apart, nobody can put them together.
const isReadable = ({ id, index, name }: typeof dialects.Type): boolean => {
  if (id === "madeUp") return index !== "none" && (name === "first" || name === "alone")
  return !(id === "same" && index !== "counted" && (name === "pieces" || name === "alone"))
}

describe("ToolCalls.accumulator", () => {
  it.prop(
    "gives the same calls for every cutting, in every dialect",
    { calls, dialect: dialects },
    ({ calls, dialect }) => {
      if (!isReadable(dialect)) return
      const pieces = calls.flatMap((call, n) => piecesOf(call, n, dialect))
      assert.deepStrictEqual(
        made(pieces.map((piece) => [piece])),
        calls.map(({ params, tool }) => [tools[tool]!, params])
      )
    },
    { arbitrary: { runs: 3000 } }
  )

  it.prop("and for calls that come at the same time, where index or id tells them apart", {
    calls,
    dialect: dialects,
    order: Schema.Array(between(0, 3)).check(Schema.isMinLength(40), Schema.isMaxLength(40)),
    together: Schema.Array(between(1, 3)).check(Schema.isMinLength(40), Schema.isMaxLength(40))
  }, ({ calls, dialect, order, together }) => {
    const tellsApart = dialect.index === "counted" || dialect.id === "each"
    if (!isReadable(dialect) || !tellsApart) return
    const queues = calls.map((call, n) => [...piecesOf(call, n, dialect)])
    const mixed: Array<ToolCalls.Piece> = []
    for (let i = 0; queues.some((queue) => queue.length > 0); i++) {
      // Calls begin in their order.
      const open = queues.filter((queue, n) =>
        queue.length > 0 && (n === 0 || queues[n - 1]!.length < piecesOf(calls[n - 1]!, n - 1, dialect).length)
      )
      mixed.push(open[order[i % order.length]! % open.length]!.shift()!)
    }
    const chunks: Array<ReadonlyArray<ToolCalls.Piece>> = []
    for (let i = 0; mixed.length > 0; i++) chunks.push(mixed.splice(0, together[i % together.length]))
    assert.deepStrictEqual(made(chunks), calls.map(({ params, tool }) => [tools[tool]!, params]))
  }, { arbitrary: { runs: 3000 } })

  const whole = (name: string, written: unknown, more: Partial<ToolCalls.Piece> = {}) =>
    ({ ...more, function: { name, arguments: written } }) as ToolCalls.Piece

  it("reads calls that come whole, together or one after the other, without index and id", () => {
    const [oslo, rome] = [whole("Weather", `{"city":"Oslo"}`), whole("Weather", `{"city":"Rome"}`)]
    const expected = [["Weather", { city: "Oslo" }], ["Weather", { city: "Rome" }]] as const
    assert.deepStrictEqual(made([[oslo, rome]]), expected)
    assert.deepStrictEqual(made([[oslo], [rome]]), expected)
    assert.deepStrictEqual(made([[whole("Weather", { city: "Oslo" })], [whole("Weather", { city: "Rome" })]]), expected)
    assert.deepStrictEqual(
      made([[oslo, whole("Weather", `{"city":`)], [{ function: { arguments: `"Rome"}` } }]]),
      expected
    )
  })

  it("reads calls without arguments", () => {
    const expected = [["Now", {}], ["Now", {}]] as const
    for (const nothing of ["", "{}", " ", null, undefined, {}]) {
      assert.deepStrictEqual(
        made([[whole("Now", nothing, { index: 0, id: "a" }), whole("Now", nothing, { index: 0, id: "b" })]]),
        expected
      )
      assert.deepStrictEqual(
        made([[whole("Now", nothing, { index: 0, id: "a" })], [whole("Now", nothing, { index: 0, id: "b" })]]),
        expected
      )
      assert.deepStrictEqual(
        made([[whole("Now", nothing, { index: 0 })], [whole("Now", nothing, { index: 1 })]]),
        expected
      )
      assert.deepStrictEqual(made([[whole("Now", nothing), whole("Now", nothing)]]), expected)
    }
    assert.deepStrictEqual(made([[whole("Now", "")], [whole("Weather", `{"city":"Oslo"}`)]]), [["Now", {}], [
      "Weather",
      { city: "Oslo" }
    ]])
  })

  it("gives every call an id of its own, that of the server where there is one", () => {
    const ids = (...said: ReadonlyArray<string | null>) =>
      read(said.map((id) => [whole("Now", "{}", { id })])).map(({ id }) => id)
    assert.deepStrictEqual(ids("a", "b"), ["a", "b"])
    assert.deepStrictEqual(ids("Now", "Now"), ["Now", "call_1"])
    assert.deepStrictEqual(ids("call_1", null), ["call_1", "call_2"])
    assert.deepStrictEqual(ids("", null), ["call_0", "call_1"])
  })

  it("leaves out pieces that say nothing, and keeps the name empty that never came", () => {
    assert.deepStrictEqual(
      made([[{ index: 0 }], [whole("Now", "{}", { index: 0, id: "a" })], [{
        index: 0,
        id: "a",
        function: { arguments: "" }
      }], [{ index: 1, id: "b" }]]),
      [
        ["Now", {}]
      ]
    )
    assert.deepStrictEqual(read([[{ index: 0, id: "a", function: { arguments: "{}" } }]]).map(({ name }) => name), [""])
  })
})
