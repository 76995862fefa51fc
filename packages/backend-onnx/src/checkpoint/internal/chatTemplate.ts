// Chat templates, through @huggingface/jinja: from messages to tokens.
import { Template } from "@huggingface/jinja"
import { messageOf } from "@memory-r1/core"
import { Sampler } from "@memory-r1/core/rl"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { TextTokenizer } from "../controlTokens.ts"

/** The template of tokenizer_config.json. Some models have several; the one for conversations is called "default". */
export const Templates = Schema.Union([
  Schema.String,
  Schema.Array(Schema.Struct({ name: Schema.String, template: Schema.String }))
])

/** The folder of templates beside the one for conversations. */
export const additionalTemplates = "additional_chat_templates"

/** The file that is at fault, and in one line why. */
export interface Problem {
  readonly file: string
  readonly reason: string
}

interface Source {
  readonly file: string
  readonly text: string
}

const withoutDefault = (file: string, names: ReadonlyArray<string>): Result.Result<never, Problem> =>
  Result.fail({
    file,
    reason: `has chat templates (${
      names.join(", ")
    }), but none that is called "default": name the one for conversations so`
  })

/**
 * The template for conversations, where there is one. `jinja` is the text of chat_template.jinja, which wins;
 * `additional` has the names of others.
 */
export const find = (
  jinja: string | undefined,
  templates: typeof Templates.Type | null | undefined,
  additional: ReadonlyArray<string>
): Result.Result<Source | undefined, Problem> => {
  if (jinja !== undefined) return Result.succeed({ file: "chat_template.jinja", text: jinja })
  const file = "tokenizer_config.json"
  const text = typeof templates === "string" ? templates : templates?.find(({ name }) => name === "default")?.template
  if (text !== undefined) return Result.succeed({ file, text })
  if (templates != null && typeof templates !== "string") return withoutDefault(file, templates.map(({ name }) => name))
  return additional.length > 0 ? withoutDefault(additionalTemplates, additional) : Result.succeed(undefined)
}

type Messages = ReadonlyArray<Sampler.Message>
type Variables = Sampler.TemplateOptions

/** A template as it was read. */
export interface ChatTemplate extends Source {
  readonly render: (messages: Messages, variables: Variables) => string
}

interface Node {
  readonly type?: unknown
  readonly value?: unknown
  readonly callee?: Node | undefined
  readonly property?: Node | undefined
}

// Functions and methods that a template calls and that are not there; the library's own message does not say which.
const missing = (parsed: object): ReadonlyArray<string> => {
  const found = new Set<string>()
  const isDefined = (expression: string): boolean =>
    new Template(`{{ (${expression}) is defined }}`).render() === "true"
  const defined = new Set(["namespace", "caller", "super"])
  const visit = (node: Node & { readonly name?: Node | undefined; readonly assignee?: Node | undefined }): void => {
    if (node.type === "Macro" && typeof node.name?.value === "string") defined.add(node.name.value)
    if (node.type === "Set" && typeof node.assignee?.value === "string") defined.add(node.assignee.value)
    for (const child of Object.values(node)) if (typeof child === "object" && child !== null) visit(child as Node)
    if (node.type !== "CallExpression") return
    const { callee } = node
    const isFunction = callee?.type === "Identifier"
    const named = isFunction ? callee : callee?.type === "MemberExpression" ? callee.property : undefined
    if (named?.type !== "Identifier") return
    const name = String(named.value)
    if (isFunction && !isDefined(name)) found.add(name)
    if (!isFunction && !["''", "[]", "{}", "1"].some((of) => isDefined(`${of}.${name}`))) found.add(`.${name}`)
  }
  visit(parsed as Node)
  return [...found].filter((name) => !defined.has(name)).map((name) => `${name}()`)
}

/** Reads a template, or says what of it cannot be read. */
export const read = ({ file, text }: Source): Result.Result<ChatTemplate, Problem> =>
  Result.map(
    Result.try({
      try: () => new Template(text),
      catch: (cause) => ({ file, reason: `has a chat template that cannot be read: ${messageOf(cause)}` })
    }),
    (template) => ({
      file,
      text,
      render: (messages, variables) => {
        try {
          return template.render({ ...variables, messages, add_generation_prompt: true })
        } catch (cause) {
          const unknown = missing(template.parsed)
          if (!messageOf(cause).startsWith("Cannot call") || unknown.length === 0) throw cause
          throw new Error(`${unknown.join(", ")} is not there to be called`, { cause })
        }
      }
    })
  )

// The system texts from some message on, put before what the user says next.
const folded = (messages: Messages, from: number): Messages => {
  const result: Array<Sampler.Message> = []
  let held: ReadonlyArray<string> = []
  messages.forEach((message, i) => {
    if (message.role === "system" && i >= from) held = [...held, message.content]
    else if (message.role === "user") {
      result.push({ role: "user", content: [...held, message.content].join("\n\n") })
      held = []
    } else result.push(message)
  })
  return held.length === 0 ? result : [...result, { role: "user", content: held.join("\n\n") }]
}

// System texts as a template takes them: as they are, or before what a user says. Templates that know no system refuse
// or drop them.
const arranged = ({ render }: ChatTemplate, messages: Messages, variables: Variables): Messages | undefined => {
  const word = (i: number): string => `message${i}word`
  const probe = messages.map(({ role }, i): Sampler.Message => ({ role, content: word(i) }))
  const systems = messages.flatMap(({ role }, i) => role === "system" ? [word(i)] : [])
  if (systems.length === 0) return messages
  let refused: Messages | undefined
  for (const from of [messages.length, 1, 0]) {
    try {
      const rendered = render(folded(probe, from), variables)
      if (systems.every((word) => rendered.includes(word))) return folded(messages, from)
    } catch {
      refused = folded(messages, from)
    }
  }
  return refused
}

// What a model itself wrote before its answer: templates look for it, and leave it out.
const reasoningTag = /([<[]\/?(?:think|thinking|thought|reasoning)[>\]])/i

/** The tokens of conversations. What is thrown is a `SamplerError` that names the file. */
export const applying =
  (template: ChatTemplate, tokenizer: TextTokenizer, specialTokens: Variables) =>
  (messages: Messages, options: Variables = {}): ReadonlyArray<number> => {
    const { file, render, text } = template
    const refuse = (reason: string, cause?: unknown) =>
      new Sampler.SamplerError({
        reason: `${file} has a chat template that ${reason}`,
        cause
      })
    const named = new Set(text.match(/\w+/g))
    const unknown = Object.keys(options).find((name) => !named.has(name))
    if (unknown !== undefined) throw refuse(`does not know ${unknown}`)
    const variables = { ...specialTokens, ...options }
    const given = arranged(template, messages, variables)
    if (given === undefined) throw refuse("leaves out what the system says")
    const { encode, hide } = tokenizer.guard([
      text,
      JSON.stringify(variables),
      ...messages.map(({ content }) => content)
    ])
    const hidden = ({ content, role }: Sampler.Message): Sampler.Message => {
      const parts = role === "assistant" ? content.split(reasoningTag) : [content]
      return { role, content: parts.map((part, i) => i % 2 === 0 ? hide(part) : part).join("") }
    }
    try {
      return encode(render(given.map(hidden), variables))
    } catch (cause) {
      throw refuse(
        `refuses the messages (${messages.map(({ role }) => role).join(", ")}): ${messageOf(cause)}`,
        cause
      )
    }
  }
