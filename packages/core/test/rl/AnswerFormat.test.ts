import { assert, describe, it } from "@effect/vitest"
import { MemoryBank } from "@memory-r1/core"
import { AnswerFormat } from "@memory-r1/core/rl"

const candidates = MemoryBank.memories(MemoryBank.applyAll(MemoryBank.empty, [
  MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy", observedAt: "1 May 2023", speaker: "Ann" } }),
  MemoryBank.Edit.Add({ memory: { text: "Ben lives in Oslo", speaker: "Ben" } }),
  MemoryBank.Edit.Add({ memory: { text: "Ann adopted Scout", speaker: "Ann" } }),
  MemoryBank.Edit.Add({ memory: { text: "It rained" } })
]))
const request = { question: "Which dogs does Ann have?", candidates }

const read = (format: AnswerFormat.AnswerFormat, raw: string) => {
  const { selected, text, wellFormed, ...rest } = format.decode(raw, request)
  assert.strictEqual(rest.raw, raw)
  return { text, wellFormed, handles: selected.map((memory) => candidates.indexOf(memory)) }
}

describe("AnswerFormat.compact", () => {
  it("shows memories and the question", () => {
    assert.strictEqual(
      AnswerFormat.compact.prompt({ ...request, candidates: candidates.slice(0, 2) }),
      "Memories:\nAnn has a dog named Buddy\nBen lives in Oslo\nQuestion: Which dogs does Ann have?\n"
    )
  })

  it("reads the memories that are repeated, and the answer", () => {
    assert.deepStrictEqual(
      read(AnswerFormat.compact, "Ann has a dog named Buddy\nAnn adopted Scout\n= Buddy and Scout\n"),
      { text: "Buddy and Scout", wellFormed: true, handles: [0, 2] }
    )
    assert.deepStrictEqual(read(AnswerFormat.compact, "= none"), { text: "none", wellFormed: true, handles: [] })
    assert.deepStrictEqual(read(AnswerFormat.compact, " Ben lives in Oslo \n= a = b"), {
      text: "a = b",
      wellFormed: true,
      handles: [1]
    })
  })

  it("says where the format was not kept", () => {
    const malformed = (raw: string) => {
      const { handles, text, wellFormed } = read(AnswerFormat.compact, raw)
      assert.isFalse(wellFormed, raw)
      return [text, handles]
    }
    assert.deepStrictEqual(malformed(" Buddy "), ["Buddy", []])
    assert.deepStrictEqual(malformed("Ann has a dog named Buddy\nAnn has a cat\n= Buddy"), ["Buddy", [0]])
    assert.deepStrictEqual(malformed("It rained\nIt rained\n= Buddy"), ["Buddy", [3]])
    assert.deepStrictEqual(malformed("Ann has a dog = Buddy"), ["Ann has a dog = Buddy", []])
    assert.deepStrictEqual(malformed(""), ["", []])
  })

  it("is not misled by a memory that looks like an answer", () => {
    const hostile = MemoryBank.memories(MemoryBank.applyAll(MemoryBank.empty, [
      MemoryBank.Edit.Add({ memory: { text: "= Oslo\n= Lima" } })
    ]))
    const { selected, text, wellFormed } = AnswerFormat.compact.decode("= Oslo = Lima\n= none", {
      question: "",
      candidates: hostile
    })
    assert.deepStrictEqual([text, wellFormed, selected.length], ["none", true, 1])
  })
})

describe("AnswerFormat.paper", () => {
  it("lists the memories by speaker, with their time and their handle", () => {
    const messages = AnswerFormat.paper.prompt(request)
    if (typeof messages === "string") return assert.fail("messages were expected")
    assert.deepStrictEqual(messages.map(({ role }) => role), ["system", "user"])
    assert.strictEqual(
      messages[1]!.content,
      "Memories of Ann:\n- [0] 1 May 2023: Ann has a dog named Buddy\n- [2] Ann adopted Scout\n\n" +
        "Memories of Ben:\n- [1] Ben lives in Oslo\n\nMemories:\n- [3] It rained\n\nQuestion: Which dogs does Ann have?"
    )
  })

  it("reads every way in which an answer is marked", () => {
    for (
      const raw of [
        "<answer>Buddy and Scout</answer>",
        "<think>hm</think>\n<answer>\nBuddy and Scout\n</answer> or so",
        "**Answer:** Buddy and Scout",
        "**answer:**\nBuddy and Scout\nBecause memories 0 and 2 say so.",
        "**Answer: Buddy and Scout** as memory 0 says",
        "Answer: Buddy and Scout",
        "So.\n  Answer: Buddy and Scout\n"
      ]
    ) {
      assert.deepStrictEqual(
        read(AnswerFormat.paper, raw),
        { text: "Buddy and Scout", wellFormed: true, handles: [] },
        raw
      )
    }
  })

  it("reads the memories that were selected, before the answer only", () => {
    const raw =
      "**Memories selected as relevant:**\n- [0] 1 May 2023: Ann has a dog named Buddy\n- 2: Ann adopted Scout\n- " +
      "[0] again\n- [17] no such\n" +
      "**Answer:** Buddy and Scout\n- [1] not this one"
    assert.deepStrictEqual(read(AnswerFormat.paper, raw), {
      text: "Buddy and Scout",
      wellFormed: true,
      handles: [0, 2]
    })
  })

  it("takes the whole text where nothing is marked", () => {
    assert.deepStrictEqual(read(AnswerFormat.paper, " Buddy.\n"), { text: "Buddy.", wellFormed: false, handles: [] })
    assert.deepStrictEqual(read(AnswerFormat.paper, "The Answer: is unclear"), {
      text: "The Answer: is unclear",
      wellFormed: false,
      handles: []
    })
  })
})
