// A small file in LoCoMo's schema, with the oddities of the real one.
import type { Dialogue } from "@memory-r1/core/rl"

export const file = [
  {
    sample_id: "conv-1",
    conversation: {
      speaker_a: "Ann",
      speaker_b: "Bob",
      session_1_date_time: "1:56 pm on 8 May, 2023",
      session_1: [
        { speaker: "Ann", dia_id: "D1:1", text: "Hi Bob! I moved to Oslo last month." },
        { speaker: "Bob", dia_id: "D1:2", text: "Great! I have 2 dogs, Buddy and Scout." },
        {
          speaker: "Ann",
          dia_id: "D1:3",
          text: "Look!",
          img_url: ["https://example.org/1.jpg"],
          blip_caption: "a photo of a red boat",
          query: "boat"
        }
      ],
      session_10_date_time: "10:01 am on 1 July, 2023",
      session_10: [
        { speaker: "Bob", dia_id: "D10:1", text: "I went to Bergen yesterday." },
        { speaker: "Ann", dia_id: "D10:2", text: "I started to paint." }
      ],
      session_2_date_time: "9:00 am on 2 June, 2023",
      session_2: [{ speaker: "Ann", dia_id: "D2:1", text: "My brother is called Tom." }],
      session_11_date_time: "9:00 am on 2 August, 2023"
    },
    qa: [
      { question: "How many dogs does Bob have?", answer: 2, evidence: ["D1:2"], category: 1 },
      { question: "When did Ann move to Oslo?", answer: "April 2023", evidence: ["D1:1; D2:1", "D1:01"], category: 2 },
      {
        question: "What is the name of Ann's brother?",
        answer: "Tom",
        evidence: ["D", "D2:1", "D:11:26", "D9:9"],
        category: 4
      },
      { question: "Where does Bob's sister live?", evidence: [], category: 5, adversarial_answer: "Oslo" }
    ],
    observation: {
      session_10_observation: { Bob: [["Bob went to Bergen.", "D10:1"]] },
      session_1_observation: {
        Bob: [["Bob has two dogs, Buddy and Scout.", "D1:2"]],
        Ann: [["Ann moved to Oslo.", ["D1:1"]], ["Ann likes red boats.", "D1:3, D1:1"], ["Ann is tall.", "D7:7"]]
      }
    },
    session_summary: { session_1_summary: "Ann moved." },
    event_summary: { events_session_1: { Ann: ["Ann moves."], Bob: [], date: "8 May, 2023" } }
  },
  {
    sample_id: "conv-2",
    conversation: {
      speaker_a: "Cid",
      speaker_b: "Dee",
      session_1: [{ speaker: "Cid", dia_id: "D1:1", text: "I live in Rome." }]
    },
    qa: [{ question: "Where does Cid live?", answer: "Rome", evidence: ["D1:1"], category: 4 }]
  }
]

export const dialogue: Dialogue.Dialogue = {
  id: "world-1",
  speakers: ["Ann", "Bob"],
  sessions: [
    {
      index: 1,
      turns: [{ id: "t1", speaker: "Ann", text: "I have a dog named Buddy." }, {
        id: "t2",
        speaker: "Bob",
        text: "Hi!"
      }]
    },
    {
      index: 3,
      observedAt: "2023-05-08",
      summary: "Ann again.",
      turns: [{ id: "t3", speaker: "Ann", text: "And Scout.", observedAt: "2023-05-08", caption: "two dogs" }]
    }
  ],
  questions: [
    {
      id: "world-1/0",
      question: "Which dogs?",
      answer: "Buddy and Scout",
      category: 1,
      evidence: ["t1", "t3"],
      kind: "list"
    },
    { id: "q-9", question: "Which cat?", answer: "", category: 5, evidence: [], kind: "none", adversarialAnswer: "Tom" }
  ],
  observations: [
    { text: "Ann has a dog named Buddy", speaker: "Ann", sources: ["t1"] },
    { text: "Ann has dogs named Buddy and Scout", speaker: "Ann", observedAt: "2023-05-08", sources: ["t3", "t1"] }
  ]
}
