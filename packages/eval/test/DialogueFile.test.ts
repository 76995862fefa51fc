import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Dialogue } from "@memory-r1/core/rl"
import { Arbitrary, Effect, FileSystem, Schema } from "effect"
import { describeWith, shared } from "../../../tools/testing/needs.ts"
import * as DialogueFile from "../src/DialogueFile.ts"
import * as Support from "./support/dialogues.ts"

const scratch = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  return yield* files.makeTempDirectoryScoped()
})

const fileWith = Effect.fnUntraced(function*(text: string) {
  const files = yield* FileSystem.FileSystem
  const file = `${yield* scratch}/dialogues.json`
  yield* files.writeFileString(file, text)
  return file
})

// Dialogues of all shapes that the file's schema can carry.
const Word = Schema.Literals(["Ann", "Bob", "Buddy", "Oslo", "D1:1", "", " ", "x; y", "ü\n\"", "7"])
const Shape = Schema.Struct({
  id: Schema.Literals(["conv-26", "world 1", "ü"]),
  timed: Schema.Boolean,
  sessions: Schema.Array(Schema.Struct({
    texts: Schema.Array(
      Schema.Struct({ text: Word, caption: Schema.optionalKey(Word), fact: Schema.optionalKey(Word) })
    ),
    summary: Schema.optionalKey(Word)
  })),
  questions: Schema.Array(Schema.Struct({
    own: Schema.Boolean,
    question: Word,
    answer: Word,
    category: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
    evidence: Schema.Array(Schema.Int),
    kind: Schema.optionalKey(Schema.Literals(["single", "list", "date", "none"])),
    adversarialAnswer: Schema.optionalKey(Word)
  }))
})

const dialogueOf = (shape: typeof Shape.Type): Dialogue.Dialogue => {
  const time = (index: number) => shape.timed ? { observedAt: `time ${index}` } : {}
  const sessions = shape.sessions.map(({ texts, ...rest }, s) => ({
    index: s * 3,
    ...time(s * 3),
    ...rest,
    turns: texts.map(({ caption, text }, t) => ({
      id: `D${s}:${t}`,
      speaker: t % 2 === 0 ? "Ann" : "Bob",
      ...time(s * 3),
      text,
      ...(caption === undefined ? {} : { caption })
    }))
  }))
  const ids = sessions.flatMap(({ turns }) => turns.map(({ id }) => id))
  return {
    id: shape.id,
    speakers: ["Ann", "Bob"],
    sessions,
    questions: shape.questions.map(({ evidence, own, ...question }, place) => ({
      id: own ? `own-${place}` : `${shape.id}/${place}`,
      ...question,
      evidence: ids.length === 0 ? [] : [...new Set(evidence.map((n) => ids[Math.abs(n) % ids.length]!))]
    })),
    observations: shape.sessions.flatMap(({ texts }, s) =>
      texts.flatMap(({ fact }, t) =>
        fact === undefined || fact === ""
          ? []
          : ["Ann", "Bob", "Eve", "Zoe"].slice(t % 2, 2 + t % 3)
            .map((speaker) => ({ text: fact, speaker, ...time(s * 3), sources: [`D${s}:${t}`] }))
      )
    )
  }
}

describe("Dialogue", () => {
  const [ann, cid] = Schema.decodeUnknownSync(DialogueFile.Dialogues)(Support.file)

  it("decodes LoCoMo's schema into clean values", () => {
    assert.deepStrictEqual(ann!.speakers, ["Ann", "Bob"])
    assert.deepStrictEqual(ann!.sessions.map(({ index }) => index), [1, 2, 10])
    assert.deepStrictEqual(ann!.sessions[0]!.turns[2], {
      id: "D1:3",
      speaker: "Ann",
      text: "Look!",
      observedAt: "1:56 pm on 8 May, 2023",
      caption: "a photo of a red boat"
    })
    assert.strictEqual(ann!.sessions[0]!.summary, "Ann moved.")
    assert.deepStrictEqual(ann!.questions[0], {
      id: "conv-1/0",
      question: "How many dogs does Bob have?",
      answer: "2",
      category: 1,
      evidence: ["D1:2"]
    })
    assert.deepStrictEqual(ann!.questions[3], {
      id: "conv-1/3",
      question: "Where does Bob's sister live?",
      answer: "",
      category: 5,
      evidence: [],
      adversarialAnswer: "Oslo"
    })
    assert.deepStrictEqual(cid!.observations, [])
    assert.isFalse("observedAt" in cid!.sessions[0]!)
  })

  it("splits evidence, and omits what names no turn", () => {
    assert.deepStrictEqual(ann!.questions.map(({ evidence }) => evidence), [["D1:2"], ["D1:1", "D2:1"], ["D2:1"], []])
  })

  it("puts facts in the order of their turns", () => {
    assert.deepStrictEqual(ann!.observations, [
      { text: "Ann moved to Oslo.", speaker: "Ann", observedAt: "1:56 pm on 8 May, 2023", sources: ["D1:1"] },
      {
        text: "Bob has two dogs, Buddy and Scout.",
        speaker: "Bob",
        observedAt: "1:56 pm on 8 May, 2023",
        sources: ["D1:2"]
      },
      { text: "Ann likes red boats.", speaker: "Ann", observedAt: "1:56 pm on 8 May, 2023", sources: ["D1:3", "D1:1"] },
      { text: "Bob went to Bergen.", speaker: "Bob", observedAt: "10:01 am on 1 July, 2023", sources: ["D10:1"] }
    ])
  })

  it("shows a turn with its speaker and caption", () => {
    assert.deepStrictEqual(Dialogue.turns(ann!).slice(1, 3).map(Dialogue.line), [
      "Bob: Great! I have 2 dogs, Buddy and Scout.",
      "Ann: Look! [image: a photo of a red boat]"
    ])
  })

  it("encodes no more than there is", () => {
    assert.deepStrictEqual(Schema.encodeSync(DialogueFile.Dialogues)([Support.dialogue]) as unknown, [{
      sample_id: "world-1",
      conversation: {
        speaker_a: "Ann",
        speaker_b: "Bob",
        session_1: [
          { speaker: "Ann", dia_id: "t1", text: "I have a dog named Buddy." },
          { speaker: "Bob", dia_id: "t2", text: "Hi!" }
        ],
        session_3_date_time: "2023-05-08",
        session_3: [{ speaker: "Ann", dia_id: "t3", text: "And Scout.", blip_caption: "two dogs" }]
      },
      qa: [
        { question: "Which dogs?", answer: "Buddy and Scout", evidence: ["t1", "t3"], category: 1, kind: "list" },
        { id: "q-9", question: "Which cat?", evidence: [], category: 5, kind: "none", adversarial_answer: "Tom" }
      ],
      observation: {
        session_1_observation: { Ann: [["Ann has a dog named Buddy", "t1"]] },
        session_3_observation: { Ann: [["Ann has dogs named Buddy and Scout", ["t3", "t1"]]] }
      },
      session_summary: { session_3_summary: "Ann again." }
    }])
  })

  const arbitrary = Arbitrary.array(Arbitrary.map(Arbitrary.schema(Shape), dialogueOf))

  it.effect.prop("what is written reads back equal", [arbitrary], ([dialogues]) =>
    Effect.gen(function*() {
      const text = JSON.stringify(yield* Schema.encodeEffect(DialogueFile.Dialogues)(dialogues))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(DialogueFile.Dialogues)(JSON.parse(text)), dialogues)
    }), { arbitrary: { runs: 300 } })

  const first = Support.dialogue.questions[0]!
  const doubled = Support.dialogue.sessions.map((session) => ({
    ...session,
    turns: [...session.turns, ...session.turns]
  }))
  for (
    const [name, change, message] of [
      ["a turn that does not exist", { questions: [{ ...first, evidence: ["t9"] }] }, "t9 is no turn"],
      ["evidence that stands twice", { questions: [{ ...first, evidence: ["t1", "t1"] }] }, "t1 stands twice"],
      ["two questions of one id", { questions: [first, first] }, "the id world-1/0"],
      ["sessions out of order", { sessions: Support.dialogue.sessions.toReversed() }, "must rise"],
      [
        "a turn with its own time",
        { sessions: [{ ...Support.dialogue.sessions[1]!, observedAt: "now" }] },
        "another time"
      ],
      ["two turns of one id", { sessions: doubled }, "two turns have the id t1"],
      [
        "facts out of order",
        { observations: Support.dialogue.observations.toReversed() },
        "in the order of their turns"
      ],
      ["a fact of no turn", { observations: [{ text: "x", speaker: "Ann", sources: [] }] }, "must name the turn"],
      [
        "a fact at another time",
        { observations: [{ text: "x", speaker: "Ann", sources: ["t1"], observedAt: "now" }] },
        "another time"
      ]
    ] as const
  ) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Schema.encodeEffect(DialogueFile.Dialogues)([{ ...Support.dialogue, ...change }])
        )
        assert.include(String(error), message)
      }))
  }
})

layer(NodeServices.layer)("Dialogue files", (it) => {
  it.effect("writes a file that reads back equal", () =>
    Effect.gen(function*() {
      const file = `${yield* scratch}/world.json`
      yield* DialogueFile.write(file, [Support.dialogue])
      const { dialogues, dropped, sha256 } = yield* DialogueFile.read(file)
      assert.deepStrictEqual(dialogues, [Support.dialogue])
      assert.deepStrictEqual(dropped, [])
      assert.match(sha256, /^[0-9a-f]{64}$/)
    }))

  it.effect("counts what it omits", () =>
    Effect.gen(function*() {
      const { dropped, sha256 } = yield* DialogueFile.read(yield* fileWith(JSON.stringify(Support.file)))
      assert.deepStrictEqual(dropped, [
        { at: "conv-1/2", reference: "D", reason: "malformed" },
        { at: "conv-1/2", reference: "D:11:26", reason: "malformed" },
        { at: "conv-1/2", reference: "D9:9", reason: "unknown turn" },
        { at: "conv-1 session_1_observation", reference: "D7:7", reason: "unknown turn" }
      ])
      const again = yield* DialogueFile.read(yield* fileWith(JSON.stringify(Support.file)))
      assert.strictEqual(again.sha256, sha256)
    }))

  it.effect("names a missing file", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(DialogueFile.read("/nowhere/locomo.json"))
      assert.strictEqual(error._tag, "FileUnusable")
      assert.strictEqual(error.message, "/nowhere/locomo.json: no such file")
    }))

  it.effect("names the place of broken JSON", () =>
    Effect.gen(function*() {
      const text = JSON.stringify(Support.file, undefined, 1)
      const file = yield* fileWith(text.replace("\"speaker_b\": \"Bob\",", "\"speaker_b\": Bob,"))
      const error = yield* Effect.flip(DialogueFile.read(file))
      assert.strictEqual(error.message, `${file}:6:17: broken JSON: value expected, found "Bob,\\n   \\"ses"`)
      const cut = yield* fileWith(text.slice(0, 200))
      assert.include((yield* Effect.flip(DialogueFile.read(cut))).message, "the file ends")
    }))

  it.effect("names the place of a wrong shape", () =>
    Effect.gen(function*() {
      const text = JSON.stringify(Support.file)
      const wrong = Effect.fnUntraced(function*(from: string, to: string) {
        const file = yield* fileWith(text.replace(from, to))
        const error = yield* Effect.flip(DialogueFile.read(file))
        assert.strictEqual(error._tag, "WrongShape")
        return error.message.slice(file.length)
      })
      assert.strictEqual(
        yield* wrong("\"Hi Bob! I moved to Oslo last month.\"", "5"),
        ": at [0].conversation.session_1[0].text: Expected string"
      )
      assert.include(yield* wrong("\"category\":2", "\"category\":\"two\""), ": at [0].qa[1].category: Expected")
      assert.include(yield* wrong("\"D1:2\",\"text\"", "\"D1:1\",\"text\""), "two turns have the id D1:1")
      assert.include(yield* wrong("\"speaker_b\":\"Bob\",", ""), ": at [0].conversation.speaker_b: Missing key")
      assert.include(
        (yield* Effect.flip(DialogueFile.read(yield* fileWith("{}")))).message,
        "at the top: Expected array"
      )
    }))

  it.effect("says where a file cannot be written, and writes nothing that it could not read", () =>
    Effect.gen(function*() {
      const nowhere = yield* Effect.flip(DialogueFile.write("/nowhere/world.json", []))
      assert.strictEqual(nowhere.message, "/nowhere/world.json: no such file")
      const file = `${yield* scratch}/world.json`
      const error = yield* Effect.flip(DialogueFile.write(file, [{ ...Support.dialogue, sessions: [] }]))
      assert.strictEqual(error.message, `${file}: at [0].questions[0].evidence[0]: t1 is no turn of this dialogue`)
      assert.isFalse(yield* (yield* FileSystem.FileSystem).exists(file))
    }))
})

describeWith(shared("data/locomo/locomo10.json"), "LoCoMo's own file", (file) => {
  layer(NodeServices.layer)((it) => {
    it.effect("reads back equal after it was written", () =>
      Effect.gen(function*() {
        const { dialogues } = yield* DialogueFile.read(file)
        const copy = `${yield* scratch}/copy.json`
        yield* DialogueFile.write(copy, dialogues)
        const again = yield* DialogueFile.read(copy)
        assert.deepStrictEqual(again.dialogues, dialogues)
        assert.deepStrictEqual(again.dropped, [])
      }))
  })
})
