// Whose facts the reader answers with: those of the person who is asked about, and nobody else's.
import { assert, describe, it } from "@effect/vitest"
import { Memory } from "@memory-r1/core"
import * as ExtractiveReader from "../../src/language/extractiveReader.ts"

type Said = readonly [speaker: string | undefined, text: string]

const ask = (question: string, said: ReadonlyArray<Said>): string =>
  ExtractiveReader.read({
    question,
    candidates: said.map(([speaker, text], n): Memory.Memory => ({
      id: Memory.MemoryId.make(`m${n}`),
      text,
      speaker,
      observedAt: "8 May 2023",
      sources: [`D${n}:1`],
      revision: 0
    }))
  }).text

const table = (
  name: string,
  said: ReadonlyArray<Said>,
  rows: ReadonlyArray<readonly [question: string, answer: string]>
): void => {
  describe(name, () => {
    for (const [question, answer] of rows) {
      it(`${question} ${answer}`, () => assert.strictEqual(ask(question, said), answer))
    }
  })
}

describe("people", () => {
  table("a dog of Ann's, bread of Bob's", [["Ann", "I have a dog named Buddy."], ["Bob", "I bake bread."]], [
    ["What is the name of Bob's dog?", "none"],
    ["What is the name of Ann's dog?", "Buddy"],
    ["What is the name of Carl's dog?", "none"],
    ["What is the name of the dog of Bob?", "none"],
    ["Which dog does Bob have?", "none"],
    ["Does Bob have a dog?", "none"],
    ["Does Ann have a dog?", "Yes"],
    ["What does Bob bake?", "bread"],
    ["What does Ann bake?", "none"],
    ["What does Carl bake?", "none"],
    ["What is bob's dog called?", "none"],
    ["what is the name of bob's dog?", "none"],
    ["what is the name of ann's dog?", "Buddy"],
    ["what does carl's dog eat?", "none"],
    ["WHAT IS THE NAME OF BOB'S DOG?", "none"],
    ["What is the name of Bob’s dog?", "none"],
    ["What is Bob Miller's dog named?", "none"],
    ["What is the name of Bobby's dog?", "none"],
    ["What is the name of my dog?", "none"],
    ["Who has a dog?", "Buddy"]
  ])

  table("in third person, whoever says it", [
    ["Ann", "Bob's dog is called Rex."],
    ["Ann", "I have a cat named Tom."],
    [undefined, "Carl has a parrot named Polly."]
  ], [
    ["What is Bob's dog called?", "Rex"],
    ["What is Ann's dog called?", "none"],
    ["What is Ann's cat named?", "Tom"],
    ["What is Bob's cat named?", "none"],
    ["What is Carl's parrot named?", "Polly"],
    ["What is Ann's parrot named?", "none"]
  ])

  table("somebody whom the speaker knows", [
    ["Ann", "My sister has a dog named Rex."],
    ["Ann", "Bob is my neighbor. He has a horse named Star."],
    ["Ann", "I heard that Dora lives in Rome."],
    ["Ann", "Eve owns a boat named Lark, and I own a bike named Dash."],
    ["Ann", "I have a snake. His name is Kaa."],
    ["Ann", "My friend's parrot is called Polly."]
  ], [
    ["What is the name of Ann's dog?", "none"],
    ["What is the name of Ann's sister's dog?", "Rex"],
    ["What is the name of Ann's horse?", "none"],
    ["What is the name of Bob's horse?", "Star"],
    ["Where does Dora live?", "Rome"],
    ["Where does Ann live?", "none"],
    ["What is the name of Ann's boat?", "none"],
    ["What is the name of Ann's bike?", "Dash"],
    ["What is the name of Ann's snake?", "Kaa"],
    ["What is Ann's parrot called?", "none"]
  ])

  table("between two people who talk to each other", [
    ["Ann", "Bob, I moved to Oslo."],
    ["Bob", "Your dog Rex is cute, Ann!"],
    ["Bob", "Hi Ann! I adopted a cat named Tom."],
    ["Ann", "I told Bob about my horse Star."]
  ], [
    ["Where did Ann move to?", "Oslo"],
    ["Where did Bob move to?", "none"],
    ["What is the name of Ann's dog?", "Rex"],
    ["What is the name of Bob's dog?", "none"],
    ["What is the name of Bob's cat?", "Tom"],
    ["What is the name of Ann's cat?", "none"],
    ["What is the name of Bob's horse?", "none"],
    ["What is the name of Ann's horse?", "Star"]
  ])

  table("names that begin alike", [["Ann", "My dog is called Buddy."], ["Anna", "My dog is called Rex."], [
    "Annie",
    "I bake bread."
  ], ["Mary Ann", "My dog is called Max."]], [
    ["What is Ann's dog called?", "Buddy"],
    ["What is Anna's dog called?", "Rex"],
    ["What is Annie's dog called?", "none"],
    ["What is Mary Ann's dog called?", "Max"],
    ["What is the dog of Mary Ann called?", "Max"],
    ["what is anna's dog called?", "Rex"],
    ["What is An's dog called?", "none"]
  ])

  table("names of two words", [["Ann Lee", "I live in Oslo."], ["Ann Berg", "I live in Bergen."], [
    "Tom Ford",
    "I live in Rome."
  ]], [
    ["Where does Ann Lee live?", "Oslo"],
    ["Where does Ann Berg live?", "Bergen"],
    ["Where does Ann live?", "none"],
    ["Where does Ann Ford live?", "none"],
    ["Where does Tom live?", "Rome"],
    ["Where does Tom Berg live?", "none"]
  ])

  table("names that are words", [["May", "I live in Oslo."], ["Will", "I live in Rome."], ["Hope", "I live in Lima."], [
    "Ann",
    "I moved to Bergen in May."
  ]], [
    ["Where does May live?", "Oslo"],
    ["Where does Will live?", "Rome"],
    ["Where does Hope live?", "Lima"],
    ["where does will live?", "Rome"],
    ["where does may live?", "Oslo"],
    ["Where did Ann move to in May?", "Bergen"],
    ["Will Ann live in Rome?", "none"],
    ["Where does Ann live?", "none"]
  ])

  table("names of other scripts", [["Мария", "I live in Oslo."], ["李四", "I live in Rome."], [
    "मीरा",
    "I live in Lima."
  ], ["Zoë", "I live in Bergen."]], [
    ["Where does Мария live?", "Oslo"],
    ["Where does 李四 live?", "Rome"],
    ["Where does मीरा live?", "Lima"],
    ["Where does Zoe\u0308 live?", "Bergen"],
    ["Where does Zoe live?", "none"],
    ["Where does Пётр live?", "none"],
    ["What is 王五's home?", "none"]
  ])

  table("whoever speaks alone is \"I\"", [["Ann", "My dog is called Buddy."], ["Ann", "Bob's dog is called Rex."]], [
    ["What is my dog called?", "Buddy"],
    ["What is my dog's name?", "Buddy"],
    ["What is the dog of Ann called?", "Buddy"],
    ["What is Bob's dog called?", "Rex"]
  ])

  table("among several, \"I\" is the user", [["user", "My dog is called Buddy."], [
    "assistant",
    "My dog is called Pixel."
  ]], [
    ["What is my dog called?", "Buddy"],
    ["What is Ann's dog called?", "none"]
  ])

  table("said by the user alone, also in one breath", [
    ["user", "Ann has a dog named Buddy and Bob bakes bread."],
    ["user", "Bob loves Ann's cat Tom."],
    ["user", "I told Bob about my snake Kaa."],
    ["user", "I have a horse named Star that Bob loves."],
    ["user", "My brother Jim works at Acme."],
    ["user", "I met Eva. I walked her parrot Polly."]
  ], [
    ["What is the name of Bob's dog?", "none"],
    ["Does Bob have a dog?", "none"],
    ["What is the name of Ann's dog?", "Buddy"],
    ["What does Bob bake?", "bread"],
    ["What does Ann bake?", "none"],
    ["What do I bake?", "none"],
    ["What is the name of Bob's cat?", "none"],
    ["What is the name of Ann's cat?", "Tom"],
    ["What is the name of Bob's snake?", "none"],
    ["What is the name of Bob's horse?", "none"],
    ["Where does Jim work?", "Acme"],
    ["Where do I work?", "none"],
    ["What is the name of my parrot?", "none"]
  ])

  table("names with other endings", [
    ["James", "I have a dog named Buddy."],
    ["O'Brien", "I live in Cork."],
    ["Jean-Luc", "I live in Paris."],
    ["de la Cruz", "I live in Lima."]
  ], [
    ["What is the name of James' dog?", "Buddy"],
    ["What is the name of James's dog?", "Buddy"],
    ["whats james dog called?", "Buddy"],
    ["Where does O'Brien live?", "Cork"],
    ["Where does Jean-Luc live?", "Paris"],
    ["Where does Jean live?", "none"],
    ["Where does de la Cruz live?", "Lima"]
  ])

  table("questions of other languages", [["Ann", "Ich habe einen Hund namens Buddy."], ["Bob", "Ich backe Brot."]], [
    ["Wie heißt Bobs Hund?", "none"],
    ["Wie heißt Anns Hund?", "namens Buddy"],
    ["Wie heißt der Hund von Carl?", "none"],
    ["Hat Bob einen Hund?", "none"],
    ["Hat Carl einen Hund?", "none"]
  ])

  table("a name that is told, or that others use", [
    ["user", "My name is Ann. I have a dog named Buddy."],
    ["Melanie", "I have a cat named Tom."],
    ["Bob", "Thanks, Mel!"]
  ], [
    ["What is Ann's dog called?", "Buddy"],
    ["What is Mel's cat called?", "Tom"],
    ["What is Melly's cat called?", "none"],
    ["What is Ann's cat called?", "none"]
  ])

  table(
    "another thing of the same person",
    [["Ann", "I have a dog named Buddy."], ["Bob", "I have a cat named Tom."]],
    [
      ["What is the name of Bob's dog?", "none"],
      ["What is the name of Ann's cat?", "none"],
      ["What is the name of Bob's cat?", "Tom"]
    ]
  )
})
