/**
 * `memory-r1 mcp --db FILE [--http PORT] [--model MODEL [--template-option NAME=VALUE]]`
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { OnnxLanguageModel } from "@memory-r1/backend-onnx"
import { AnswerAgent, FactExtractor, MemoryManager, messageOf } from "@memory-r1/core"
import { Server } from "@memory-r1/mcp"
import { LanguageModel } from "effect/ai"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { HttpRouter, HttpServer } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import * as Engine from "../Engine.ts"
import * as Store from "../memory/Store.ts"
import { count } from "../shared.ts"

/**
 * Who decides and answers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const agentFlags = {
  model: Engine.model.pipe(
    Flag.withDescription(
      "a model that decides and answers, a directory or an id of the hub; by rules if omitted"
    ),
    Flag.optional
  ),
  maxTokens: count("max-tokens").pipe(
    Flag.withDescription("how long each text of the model may be"),
    Flag.withDefault(512)
  ),
  templateOptions: Engine.templateOptions,
  ...Engine.loading
}

/**
 * By rules, as in `createMemory`; or by what a model says, one request after the other, since they share the machine.
 *
 * @category constructors
 * @since 0.1.0
 */
export const agents = (model: Option.Option<string>, config: OnnxLanguageModel.Options, flags: Engine.Loading) => {
  if (Option.isNone(model)) {
    return Layer.mergeAll(MemoryManager.layerRuleBased(), AnswerAgent.layerExtractive, FactExtractor.layerVerbatim)
  }
  const calls = { concurrency: 1, timeout: "10 minutes", retries: 0 } as const
  return Layer.mergeAll(
    MemoryManager.layerPrompted({ ...calls, name: model.value }),
    AnswerAgent.layerPrompted(calls),
    FactExtractor.layerPrompted(calls)
  ).pipe(
    Layer.provide(
      Layer.effect(LanguageModel.LanguageModel, Engine.languageModel(model.value, flags, { temperature: 0, ...config }))
    )
  )
}

const host = "127.0.0.1"

/**
 * A port that cannot be listened on.
 *
 * @category errors
 * @since 0.1.0
 */
export class PortError
  extends Schema.TaggedError<PortError>()("PortError", { port: Schema.Int, cause: Schema.Defect() })
{
  override get message(): string {
    return `port ${this.port} of ${host} cannot be listened on: ${messageOf(this.cause)}`
  }
}

const overHttp = (options: Server.Options) => (port: number) => {
  const said = Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) =>
      Effect.sync(() => void process.stderr.write(`MCP at ${address}/mcp\n`))
    )
  )
  const server = NodeHttpServer.layer(createServer, { host, port, gracefulShutdownTimeout: "2 seconds" }).pipe(
    Layer.catchTag("ServeError", ({ cause }) => Layer.effectContext(Effect.fail(new PortError({ port, cause }))))
  )
  return Layer.launch(said.pipe(
    Layer.provide(HttpRouter.serve(Server.layerHttp(options), { disableLogger: true, disableListenLog: true })),
    Layer.provide(server)
  ))
}

/**
 * The command.
 *
 * @category running
 * @since 0.1.0
 */
export const mcp = Command.make(
  "mcp",
  {
    ...Store.flags,
    http: Flag.Int("http").pipe(
      Flag.filter((port) => port >= 0 && port <= 65_535, () => "a port, or 0 for any that is free"),
      Flag.withDescription(
        "serve over HTTP on this port of 127.0.0.1 (0: any that is free) in place of stdin and stdout"
      ),
      Flag.optional
    ),
    deletions: Flag.Int("deletions").pipe(
      Flag.filter((number) => number >= 0, () => "a whole number from 0 on"),
      Flag.withDescription("how many memories one statement may delete; further deletions are withheld"),
      Flag.withDefault(2)
    ),
    ...agentFlags
  },
  Effect.fn(function*({ deletions, http, maxTokens, model, templateOptions, ...flags }) {
    const options = { scope: Store.scope(flags), deletions }
    const memory = Layer.merge(Store.layer(flags.db, "make"), agents(model, { maxTokens, templateOptions }, flags))
    const served = Option.match(http, { onNone: () => Server.serveStdio(options), onSome: overHttp(options) })
    yield* Effect.provide(served, memory)
  })
).pipe(Command.withDescription("Serve the memories of one scope to a model, over the Model Context Protocol"))
