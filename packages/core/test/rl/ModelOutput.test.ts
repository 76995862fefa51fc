// What a model thought aloud is not what it decided, whoever reads its text; and JSON is read wherever it stands in
// what was decided.
import { assert, describe, it } from "@effect/vitest"
import { FactExtractor, MemoryBank, MemoryManager, Reranker } from "@memory-r1/core"
import { AnswerFormat, Judge, ManagerFormat, MemoryOperation, ModelOutput, Sampler } from "@memory-r1/core/rl"
import { Arbitrary, Effect, Layer, Schema, Stream } from "effect"
import { LanguageModel, type Response } from "effect/ai"
import * as RecordedModel from "../support/recordedModel.ts"

// What a model writes who thinks `thought`, then decides `said`.
const blocks: Readonly<Record<string, (thought: string, said: string) => string>> = {
  think: (thought, said) => `<think>${thought}</think>${said}`,
  thinking: (thought, said) => `<thinking>\n${thought}\n</thinking>\n\n${said}`,
  reasoning: (thought, said) => `<reasoning>${thought}</reasoning>\n${said}`,
  "a channel, as gpt-oss": (thought, said) =>
    `<|channel|>analysis<|message|>${thought}<|end|><|start|>assistant<|channel|>final<|message|>${said}<|return|>`,
  "channels, with a call between": (thought, said) =>
    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary<|message|>" +
    `${thought}<|end|><|start|>assistant<|channel|>final<|message|>${said}`,
  "channels whose tokens were not written out": (thought, said) => `analysis${thought}assistantfinal${said}`,
  "a channel that the prompt began": (thought, said) =>
    `${thought}<|end|><|start|>assistant<|channel|>final<|message|>${said}`,
  "a channel, as Gemma": (thought, said) => `<|channel>thought\n${thought}<channel|>${said}`,
  "a block that the prompt began": (thought, said) => `${thought}\n</think>\n\n${said}`,
  thought: (thought, said) => `<thought>${thought}</thought>${said}`,
  Magistral: (thought, said) => `[THINK]${thought}[/THINK]${said}`,
  Kimi: (thought, said) => `◁think▷${thought}◁/think▷${said}`,
  Seed: (thought, said) => `<seed:think>${thought}</seed:think>${said}`,
  LongCat: (thought, said) => `<longcat_think>${thought}</longcat_think>${said}`,
  Cohere: (thought, said) => `<|START_THINKING|>${thought}<|END_THINKING|>${said}`,
  OpenThinker: (thought, said) => `<|begin_of_thought|>${thought}<|end_of_thought|>\n${said}`,
  Granite: (thought, said) => `Here is my thought process:\n\n${thought}\n\nHere is my response:\n\n${said}`,
  scratchpad: (thought, said) => `<scratchpad>${thought}</scratchpad>${said}`,
  "in capitals, with white space": (thought, said) => `< THINK >${thought}</ Think >${said}`,
  "with attributes": (thought, said) => `<thinking effort="high" budget='9'>${thought}</thinking>${said}`,
  nested: (thought, said) => `<think>${thought}<think>${thought}</think>${thought}</think>${said}`,
  "nested, of two kinds": (thought, said) => `<thinking>hm<reflection>no</reflection>${thought}</thinking>${said}`,
  several: (thought, said) =>
    `<think>hm</think>${thought}<think>so</think>${thought}\n<reflection>no</reflection>${said}`,
  "an end too many": (thought, said) => `<think>hm</think>${thought}</think>${said}`,
  "behind prose": (thought, said) => `Sure! ${thought}\n<think>${thought}</think>\n${said}`,
  empty: (_, said) => `<think>\n\n</think>\n\n${said}`,
  closed: (_, said) => `<think/>${said}`
}

// What a model writes who was cut off while it thought.
const unclosed: ReadonlyArray<(thought: string) => string> = [
  (thought) => `<think>${thought}`,
  (thought) => `<reasoning>\n${thought}\n`,
  (thought) => `${thought}\n<think>${thought}`,
  (thought) => `<think>so</think>${thought}<think>wait${thought}`,
  (thought) => `<think>hm<reflection>no</reflection>${thought}`,
  (thought) => `<|channel|>analysis<|message|>${thought}`,
  (thought) => `<|channel>thought\n${thought}`,
  (thought) => `[THINK]${thought}`,
  (thought) => `◁think▷${thought}`,
  (thought) => `Here is my thought process:\n${thought}`
]

const bank = MemoryBank.applyAll(
  MemoryBank.empty,
  ["Ann lives in Oslo", "Ann has a dog"].map((text) => MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } }))
)
const snapshot: MemoryOperation.Snapshot = { revision: 2, memories: MemoryBank.memories(bank) }
const fact = { text: "I live in Oslo", speaker: "Ann", sources: ["D1:1"] }
const noop = MemoryBank.Edit.Noop()
const none = `{"memory":[{"id":"0","event":"NONE"}]}`
const removed = `One option: {"memory":[{"id":"0","event":"DELETE"}]}. But nothing has changed.`

describe("ModelOutput.decided", () => {
  for (const [name, write] of Object.entries(blocks)) {
    it(`is what follows the reasoning: ${name}`, () => {
      assert.strictEqual(ModelOutput.decided(write("one thought", "the end"))?.text.trim(), "the end")
      const raw = write("a\nb", "c {\"d\": \"e\"}\n")
      const { at, text } = ModelOutput.decided(raw)!
      assert.strictEqual(raw.slice(at, at + text.length), text)
    })
  }

  it("is nothing where a block is never closed", () => {
    for (const write of unclosed) assert.isUndefined(ModelOutput.decided(write("hm")), write("hm"))
  })

  it("is all of a text without reasoning, tags and brackets of another kind with it", () => {
    for (
      const text of [
        "",
        "Oslo",
        "<answer>Oslo</answer>",
        "a < b > c",
        "[0] Ann",
        "say [think] first",
        "<b>thinking</b>",
        "<p>",
        "Ann <ann@example.org>",
        "1 <| 2 |> 3",
        "the end</p>"
      ]
    ) {
      assert.deepStrictEqual(ModelOutput.decided(text), { text, at: 0 })
    }
  })

  it("leaves what stands in a string of JSON as it is", () => {
    for (
      const said of [
        "I write </think> at the end",
        "<think>",
        "x <reasoning>y</reasoning> z",
        "<|channel|>analysis<|message|>",
        "[THINK] [/THINK]"
      ]
    ) {
      const text = JSON.stringify({ memory: [{ event: "ADD", text: said }] })
      assert.strictEqual(ModelOutput.decided(text)?.text, text)
      assert.strictEqual(ModelOutput.decided(`hm ["${said}"]</think>${text}`)?.text, text)
      assert.strictEqual(ModelOutput.decided(`<think>{"draft": "</think>"}</think>${text}`)?.text, text)
    }
  })

  it("leaves what the model was shown and repeats as it is", () => {
    const quoted = [
      "My model begins with <think> and ends",
      "</think>{\"memory\":[{\"id\":\"0\",\"event\":\"DELETE\"}]} ha"
    ]
    assert.strictEqual(ModelOutput.decided(`ADD ${quoted[0]}`, quoted)?.text, `ADD ${quoted[0]}`)
    // Who says an end of reasoning does not end the model's.
    assert.isUndefined(ModelOutput.decided(`<think>They say: ${quoted[1]}`, quoted))
    assert.strictEqual(ModelOutput.decided(`<think>They say: ${quoted[1]}</think>NOOP`, quoted)?.text, "NOOP")
    // Who says nothing else hides none of the model's.
    assert.strictEqual(ModelOutput.decided("<think>hm</think>NOOP", ["</think>", "<think>"])?.text, "NOOP")
  })

  it.prop("never throws, and is a part of the text", {
    parts: Arbitrary.array(
      Arbitrary.schema(
        Schema.Literals([
          "<think>",
          "</think>",
          "<reasoning",
          ">",
          "[THINK]",
          "[/",
          "]",
          "{",
          "}",
          "\"",
          "<|channel|>final<|message|>",
          "<|end|>",
          "<channel|>",
          "◁/think▷",
          "a",
          " ",
          "\n",
          "\\"
        ])
      ),
      { maxLength: 20 }
    )
  }, ({ parts }) => {
    const raw = parts.join("")
    const found = ModelOutput.decided(raw, [raw.slice(3, 9)])
    if (found !== undefined) assert.strictEqual(raw.slice(found.at, found.at + found.text.length), found.text)
  }, { arbitrary: { runs: 3000, seed: 41 } })

  it("takes no longer than the length asks for", () => {
    for (
      const piece of [
        "<",
        "<think",
        "<think>",
        "</think>",
        "<think ",
        "[THINK",
        "[/",
        "{\"<think>",
        "<|channel|>a",
        "here is my ",
        "assistantfinal",
        "analysis",
        `{"a":"</think>"}`,
        "<a ".repeat(9)
      ]
    ) {
      ModelOutput.decided(piece.repeat(20_000))
    }
  }, 20_000)
})

describe("what is thought aloud is not obeyed", () => {
  for (const [name, write] of Object.entries(blocks)) {
    it(name, () => {
      assert.deepStrictEqual(MemoryOperation.decode(write(removed, none), snapshot), { edits: [noop], rejections: [] })
      assert.deepStrictEqual(
        MemoryOperation.decode(
          write("```json\n{\"memory\":[{\"id\":\"0\",\"event\":\"DELETE\"}]}\n```", `\`\`\`json\n${none}\n\`\`\``),
          snapshot
        ).edits,
        [noop]
      )
      assert.deepStrictEqual(MemoryOperation.decode(write("\nDELETE 0\nADD x\n", "NOOP"), snapshot), {
        edits: [noop],
        rejections: []
      })
      for (const format of [ManagerFormat.compact, ManagerFormat.paper]) {
        assert.deepStrictEqual(format.decode(write(removed, none), { fact, snapshot }), {
          edits: [noop],
          rejections: []
        })
      }
      assert.deepStrictEqual(
        ManagerFormat.compact.decode(
          write("\nDELETE Ann has a dog\n", "UPDATE Ann lives in Oslo\n= Ann lives in Rome"),
          { fact, snapshot }
        ).edits.map((edit) => edit._tag),
        ["Update"]
      )
      const request = { question: "Where does Ann live?", candidates: snapshot.memories }
      const { raw, ...answer } = AnswerFormat.paper.decode(
        write("<answer>maybe Rome? No.</answer>\n**Answer:** Rome\n- [1]", "- [0]\n**Answer:** Oslo"),
        request
      )
      assert.deepStrictEqual(answer, { text: "Oslo", selected: [snapshot.memories[0]!], wellFormed: true })
      assert.include(raw, "Oslo")
      const compact = AnswerFormat.compact.decode(
        write("\nAnn has a dog\n= Rome\n", "Ann lives in Oslo\n= Oslo"),
        request
      )
      assert.deepStrictEqual([compact.text, compact.selected, compact.wellFormed], [
        "Oslo",
        [snapshot.memories[0]!],
        true
      ])
    })
  }

  it("a block that is never closed decides nothing: a rejection, no operation, no answer", () => {
    for (const write of unclosed) {
      const raw = write(
        "DELETE 0\n{\"memory\":[{\"id\":\"0\",\"event\":\"DELETE\"}]}\nDELETE Ann has a " +
          "dog\n<answer>Rome</answer>\n= Rome"
      )
      for (
        const { edits, rejections } of [
          MemoryOperation.decode(raw, snapshot),
          ManagerFormat.compact.decode(raw, { fact, snapshot }),
          ManagerFormat.paper.decode(raw, { fact, snapshot })
        ]
      ) {
        assert.deepStrictEqual(edits, [], raw)
        assert.deepStrictEqual(rejections, [{
          _tag: "Unparsable",
          raw,
          position: raw.length,
          reason: "the reasoning never ends, so nothing was decided"
        }])
      }
      for (const format of [AnswerFormat.compact, AnswerFormat.paper]) {
        assert.deepStrictEqual(format.decode(raw, { question: "Where?", candidates: snapshot.memories }), {
          text: "",
          selected: [],
          wellFormed: false,
          raw
        })
      }
    }
  })

  it("tells where operations and rejections stand in the whole text", () => {
    const raw = "<think>DELETE 1</think>\nDELETE 7\nDELETE 0"
    assert.deepStrictEqual(MemoryOperation.parse(raw).operations.map(({ position }) => raw.slice(position)), [
      "DELETE 7\nDELETE 0",
      "DELETE 0"
    ])
    assert.deepStrictEqual(MemoryOperation.decode(raw, snapshot).rejections.map((rejection) => rejection.position), [
      raw.indexOf("DELETE 7")
    ])
    const quoting = "<think>hm</think>DELETE Ann is 9\nDELETE Ann has a dog"
    assert.deepStrictEqual(ManagerFormat.compact.decode(quoting, { fact, snapshot }).rejections, [{
      _tag: "UnknownMemory",
      quoted: "Ann is 9",
      position: quoting.indexOf("DELETE")
    }])
  })

  it("what a user said with such tags in it is stored as it was said", () => {
    const said = "I begin with <think>, end with </think>"
    for (
      const raw of [
        `ADD ${said}`,
        JSON.stringify({ memory: [{ event: "ADD", text: said }] }),
        `<think>DELETE 0</think>ADD ${said}`
      ]
    ) {
      const { edits } = ManagerFormat.compact.decode(raw, { fact: { ...fact, text: said }, snapshot })
      assert.deepStrictEqual(edits.map((edit) => edit._tag === "Add" && edit.memory.text), [said])
    }
    const tagged = MemoryBank.memories(
      MemoryBank.apply(MemoryBank.empty, MemoryBank.Edit.Add({ memory: { text: said, speaker: "I" } }))
    )
    const shown = { revision: 1, memories: tagged }
    assert.deepStrictEqual(ManagerFormat.compact.decode(`DELETE ${said}`, { fact, snapshot: shown }).edits, [
      MemoryBank.Edit.Delete({ id: tagged[0]!.id })
    ])
    assert.deepStrictEqual(
      AnswerFormat.compact.decode(`${said}\n= first`, { question: "How?", candidates: tagged }).selected,
      tagged
    )
  })
})

const facts = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  Effect.map(
    FactExtractor.FactExtractor.use((extractor) => extractor.extract({ id: "1", speaker: "Ann", text: "hello" })),
    (facts) => facts.map(({ text }) => text)
  )
    .pipe(Effect.provide(Layer.provide(FactExtractor.layerPrompted({ retries: 0 }), model)))
const verdict = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  Effect.map(
    Judge.Judge.use(({ verdicts }) => verdicts([{ question: "Where?", prediction: "Oslo", gold: "Oslo" }])),
    ([verdict]) => verdict
  ).pipe(Effect.provide(Layer.provide(Judge.layerPrompted(), model)))
const order = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  Effect.flatMap(LanguageModel.LanguageModel, (model) => Reranker.prompted(model)("dogs", snapshot.memories)).pipe(
    Effect.provide(model)
  )
const saying = (text: string) => RecordedModel.layer(() => text)

describe("objects of a provider", () => {
  for (const [name, write] of Object.entries(blocks)) {
    it.effect(`are read behind reasoning: ${name}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* facts(saying(write("{\"facts\": [\"Rome\"]}?", "{\"facts\": [\"Oslo\"]}"))), [
          "Oslo"
        ])
        assert.strictEqual(yield* verdict(saying(write("{\"label\": \"WRONG\"}?", "{\"label\": \"CORRECT\"}"))), 1)
        const [dull, best] = yield* order(saying(write("{\"numbers\": [0]}?", "{\"numbers\": [1]}")))
        assert.isAbove(best!, dull!)
      }))
  }

  it.effect("are none where the reasoning is never closed, or nothing fits", () =>
    Effect.gen(function*() {
      for (
        const text of [
          ...unclosed.map((write) => write("{\"facts\": [\"Rome\"]}")),
          "no JSON",
          "{\"fact\": [\"x\"]}",
          "{\"facts\": [\"Ann has",
          "{\"facts\": \"x\"} {the turn}",
          ""
        ]
      ) {
        assert.strictEqual((yield* Effect.flip(facts(saying(text)))).reason._tag, "StructuredOutputError", text)
      }
    }))

  // Right values of the same object, however it is wrapped.
  const wrapped = [
    "Based on {the turn}: {\"facts\":[\"x\"]}",
    "```json\n{\"facts\":[\"x\"]}\n```",
    "```\n{\"facts\":[\"x\"]}\n```\nThat is all.",
    "~~~JSON\n{\"facts\":[\"x\"]}\n~~~",
    "````json5\n{\"facts\":[\"x\"]}\n````",
    "Sure! ```json {\"facts\":[\"x\"]}``` I hope that [this] helps {you}.",
    "Here they are: {\"facts\":[\"x\"]}. Nothing [else].",
    "In [0] and [1], and in {\"turn\": 1}: {\"facts\":[\"x\"]}",
    "The form is {\"facts\": \"a list\"}.\n{\"facts\":[\"x\"]}",
    "{\"facts\": [\"not this, it is prose\"\nso: {\"facts\":[\"x\"]}",
    "{facts}, so {\"facts\":[\"x\"]}",
    "{ {\"facts\":[\"x\"]} }",
    "{\"facts\":[\"x\",],}",
    "{'facts': ['x']}",
    "{“facts”: [“x”]}",
    "{\n  // What Ann said.\n  \"facts\": [\"x\" /* only this */]\n}",
    "{\"facts\":[\"x\"], \"sure\": True, \"note\": None}",
    "{\"result\": {\"facts\":[\"x\"]}}",
    "[{\"facts\":[\"x\"]}]",
    "{\"facts\":[\"x\"]}\n{\"facts\":[\"y\"]}",
    "For example {\"facts\":[\"y\"]}.\n```json\n{\"facts\":[\"x\"]}\n```",
    "\ufeff{\"facts\":[\"x\"]}",
    "<json>{\"facts\":[\"x\"]}</json>"
  ]
  it.effect("are read fenced, in prose, behind braces of prose, and as models write them", () =>
    Effect.gen(function*() {
      for (const text of wrapped) assert.deepStrictEqual(yield* facts(saying(text)), ["x"], text)
    }))

  it.effect("keep line breaks, quotes and tags of their texts", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* facts(saying("So: {\"facts\":[\"one\ntwo\"]}")), ["one two"])
      assert.deepStrictEqual(yield* facts(saying("So: {\"facts\":[\"Ann\\'s dog says \\\"hi\\\"\"]}")), [
        "Ann's dog says \"hi\""
      ])
      assert.deepStrictEqual(yield* facts(saying("So: {'facts': ['Ann's dog', 'she said \"hi\"']}")), [
        "Ann's dog",
        "she said \"hi\""
      ])
      assert.deepStrictEqual(yield* facts(saying("So: {\"facts\":[\"Ann writes <think>a</think>\"]}")), [
        "Ann writes <think>a</think>"
      ])
      assert.deepStrictEqual(yield* facts(saying("{\"facts\":[\"see // and /* x */, ```y```\"]} ")), [
        "see // and /* x */, ```y```"
      ])
    }))

  it.effect("count for nothing where the provider gives reasoning apart", () =>
    Effect.gen(function*() {
      const parts = (...content: Array<Response.PartEncoded>) =>
        Layer.effect(
          LanguageModel.LanguageModel,
          LanguageModel.make({ generateText: () => Effect.succeed(content), streamText: () => Stream.empty })
        )
      const reasoning = (text: string) => ({ type: "reasoning" as const, text })
      const text = (text: string) => ({ type: "text" as const, text })
      assert.deepStrictEqual(
        yield* facts(parts(reasoning("{\"facts\":[\"Rome\"]}"), text("So: {\"facts\":[\"Oslo\"]}"))),
        ["Oslo"]
      )
      const decide = (...content: Array<Response.PartEncoded>) =>
        Effect.map(MemoryManager.MemoryManager.use((manager) => manager.decide([{ fact, snapshot }])), ([decision]) =>
          decision!)
          .pipe(Effect.provide(Layer.provide(MemoryManager.layerPrompted(), parts(...content))))
      assert.deepStrictEqual((yield* decide(reasoning(removed), text(none))).edits, [noop])
      const cutOff = yield* decide(reasoning(removed))
      assert.deepStrictEqual([
        cutOff.edits,
        cutOff.rejections.map(({ _tag }) =>
          _tag
        )
      ], [[], ["Unparsable"]])
    }))
})

describe("a sampler whose chat template begins a block of reasoning", () => {
  const decide = (completion: string, template: string, format = ManagerFormat.paper) =>
    Effect.gen(function*() {
      const { service } = yield* RecordedModel.sampler(() => completion, { chatTemplate: true })
      const { encode } = service.tokenizer
      const tokenizer = { ...service.tokenizer, applyChatTemplate: () => encode(`<assistant>${template}`) }
      const [decision] = yield* MemoryManager.fromSampler({ ...service, tokenizer }, { format, maxTokens: 500 }).decide(
        [{ fact: { ...fact, text: "I end with <think>" }, snapshot }]
      )
      return decision!
    })

  it.effect("has decided nothing before it ends it", () =>
    Effect.gen(function*() {
      const cutOff = yield* decide(removed, "<think>\n")
      assert.deepStrictEqual([cutOff.edits, cutOff.rejections.length, cutOff.raw], [[], 1, `<think>\n${removed}`])
      assert.deepStrictEqual((yield* decide(`${removed}</think>${none}`, "<think>\n")).edits, [noop])
      assert.deepStrictEqual((yield* decide(none, "<think>\n\n</think>\n\n")).edits, [noop])
      // A prompt without a template ends with what a user said.
      assert.deepStrictEqual((yield* decide("NOOP", "<think>", ManagerFormat.compact)).edits, [noop])
    }))

  it("has its beginning told by the end of the prompt alone", () => {
    for (const prompt of ["<think>", "<think>\n", "[THINK]", "◁think▷ ", "<|START_THINKING|>"]) {
      assert.notStrictEqual(ModelOutput.begun(prompt), "")
    }
    for (const prompt of ["", "x", "<think>x", "<think></think>", "</think>", "<answer>"]) {
      assert.strictEqual(ModelOutput.begun(prompt), "")
    }
    const { decode } = { decode: (tokens: ReadonlyArray<number>) => String.fromCodePoint(...tokens) }
    const completion = { tokens: [111, 107, 0], logprobs: new Float32Array(3), finishReason: "stop" as const }
    assert.strictEqual(Sampler.textOf({ decode }, completion), "ok")
    assert.strictEqual(
      Sampler.textOf({ decode }, completion, Array.from("a<think>\n", (c) => c.codePointAt(0)!)),
      "<think>\nok"
    )
  })
})
