// What speakers of the Memory World say, from the tables in `data/`. `(a|b|)` is a choice; `{v}` the value that is
// told, `{o}` the value before it, `{k}` a kind of animal, `{a v}` the value with its article, `{m}` a month,
// `{other}` the listener, `{p}` the person that a question is about. Training and held-out phrasings share no
// template. A template that is too long for a line is a list of its parts. `silence` is how often nothing is said.
import * as Record from "effect/Record"
import cityData from "./data/city.json" with { type: "json" }
import foodData from "./data/food.json" with { type: "json" }
import friendData from "./data/friend.json" with { type: "json" }
import hobbiesData from "./data/hobbies.json" with { type: "json" }
import jobData from "./data/job.json" with { type: "json" }
import languagesData from "./data/languages.json" with { type: "json" }
import partnerData from "./data/partner.json" with { type: "json" }
import petsData from "./data/pets.json" with { type: "json" }
import siblingsData from "./data/siblings.json" with { type: "json" }
import talkData from "./data/talk.json" with { type: "json" }
import tripsData from "./data/trips.json" with { type: "json" }

/** Templates that training sees, and those that only measurements use. */
export interface Phrasings {
  readonly train: ReadonlyArray<string>
  readonly heldOut: ReadonlyArray<string>
}

type Templates = ReadonlyArray<string | ReadonlyArray<string>>

interface Table {
  readonly silence?: Readonly<Record<keyof Phrasings, number>> | undefined
  readonly train: Templates
  readonly heldOut: Templates
}

const templates = (texts: Templates, silence = 0): ReadonlyArray<string> => [
  ...new Array<string>(silence).fill(""),
  ...texts.map((text) => typeof text === "string" ? text : text.join(""))
]

const phrasings = ({ heldOut, silence, train }: Table): Phrasings => ({
  train: templates(train, silence?.train),
  heldOut: templates(heldOut, silence?.heldOut)
})

/** What can be said about one subject. `again` repeats what is known, in other words. */
export interface SubjectPhrases {
  readonly question: Phrasings
  readonly new: Phrasings
  readonly add?: Phrasings | undefined
  readonly replace?: Phrasings | undefined
  readonly remove?: Phrasings | undefined
  readonly again: Phrasings
}

export const city: SubjectPhrases = Record.map(cityData, phrasings)
export const food: SubjectPhrases = Record.map(foodData, phrasings)
export const friend: SubjectPhrases = Record.map(friendData, phrasings)
export const hobbies: SubjectPhrases = Record.map(hobbiesData, phrasings)
export const job: SubjectPhrases = Record.map(jobData, phrasings)
export const languages: SubjectPhrases = Record.map(languagesData, phrasings)
export const partner: SubjectPhrases = Record.map(partnerData, phrasings)
export const pets: SubjectPhrases = Record.map(petsData, phrasings)
export const siblings: SubjectPhrases = Record.map(siblingsData, phrasings)
export const trips: SubjectPhrases = Record.map(tripsData, phrasings)

/** What stands around what people tell, and what they say when they tell nothing. */
export const openers = phrasings(talkData.openers)
export const closers = phrasings(talkData.closers)
export const smallTalk = phrasings(talkData.smallTalk)
