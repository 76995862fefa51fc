// What speakers of the Memory World say. `(a|b|)` is a choice; `{v}` the value that is told, `{o}` the value before it,
// `{k}` a kind of animal, `{a v}` the value with its article, `{m}` a month, `{other}` the listener, `{p}` the person
// that a question is about. Training and held-out phrasings share no template.
export * from "./phrases/city.ts"
export * from "./phrases/food.ts"
export * from "./phrases/friend.ts"
export * from "./phrases/hobbies.ts"
export * from "./phrases/job.ts"
export * from "./phrases/languages.ts"
export * from "./phrases/partner.ts"
export * from "./phrases/pets.ts"
export type * from "./phrases/phrasings.ts"
export * from "./phrases/siblings.ts"
export * from "./phrases/talk.ts"
export * from "./phrases/trips.ts"
