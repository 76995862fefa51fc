// From templates to what people say.
import * as Phrases from "./phrases.ts"
import type { Prng } from "./prng.ts"
import { withArticle } from "./subjects.ts"
import type * as Values from "./values.ts"

/** A template with a choice made of each `(a|b)`. */
export const expand = (random: Prng, template: string): string => {
  const expanded = template.replace(/\(([^()]*)\)/g, (_, choices: string) => random.pick(choices.split("|")))
  return expanded.includes("(") ? expand(random, expanded) : expanded
}

/** A template with its names in braces replaced. */
export const fill = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(
    /\{([^}]+)\}/g,
    (whole, name: string) => name.startsWith("a ") ? withArticle(values[name.slice(2)] ?? whole) : values[name] ?? whole
  )

const capitalized = (text: string): string => text[0]!.toUpperCase() + text.slice(1)

/** What somebody says: a filled template, often with something around it. */
export const sentence = (
  random: Prng,
  template: string,
  values: Readonly<Record<string, string>>,
  split: Values.Split
): string => {
  const opener = fill(random.pick(Phrases.openers[split]), values)
  const body = expand(random, template)
  const filled = fill(body, values)
  // After "Guess what," a sentence goes on in small letters, except for "I" and for names.
  const joint = /([,:]|and|but) $/.test(opener) && !/^(I\b|\{)/.test(body)
    ? filled[0]!.toLowerCase() + filled.slice(1)
    : filled
  const closer = fill(random.pick(Phrases.closers[split]), values)
  const whole = /[.!?] $/.test(opener) ? opener + capitalized(joint) : opener + joint
  return capitalized(whole) + closer
}
