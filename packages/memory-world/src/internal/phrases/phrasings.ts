/** Templates that training sees, and those that only measurements use. */
export interface Phrasings {
  readonly train: ReadonlyArray<string>
  readonly heldOut: ReadonlyArray<string>
}

/** What can be said about one subject. `again` repeats what is known, in other words. */
export interface SubjectPhrases {
  readonly question: Phrasings
  readonly new: Phrasings
  readonly add?: Phrasings | undefined
  readonly replace?: Phrasings | undefined
  readonly remove?: Phrasings | undefined
  readonly again: Phrasings
}
