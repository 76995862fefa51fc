/**
 * Timing, alone and in turn with a peer.
 */
import { Flags, HugePages } from "@memory-r1/cli/extension"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ChildProcess from "effect/process/ChildProcess"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

// Of an even number of values the mean of the two in the middle.
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
}

export const timed = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const started = performance.now()
  const value = yield* effect
  return { value, seconds: (performance.now() - started) / 1000 }
})

export const peakRssBytes = (): number => process.resourceUsage().maxRSS * 1024

export const randomTokens = Effect.fnUntraced(function*(count: number, vocabulary: number) {
  return yield* Effect.forEach(
    Array.from({ length: count }),
    () => Random.nextIntBetween(3, vocabulary, { halfOpen: true })
  )
})

/**
 * The peer's program failed.
 */
export class PeerError extends Schema.TaggedError<PeerError>()("PeerError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const PeerResult = Schema.fromJsonString(Schema.Struct({
  engine: Schema.String,
  stepSeconds: Schema.Array(Schema.Finite),
  tokensPerSecond: Schema.Finite,
  peakRssBytes: Schema.optionalKey(Schema.Finite)
}))

/**
 * A program that does the same work: a script of `tools/parity`, and its arguments. `key`: where its results stand.
 */
export interface Peer {
  readonly key: "peer" | "llama"
  readonly command: string
  readonly script: string
  readonly args: ReadonlyArray<string>
}

/**
 * The peer that runs in a Python, if one is given.
 */
export const pythonPeer = (
  python: Option.Option<string>,
  script: string,
  args: ReadonlyArray<string>
): ReadonlyArray<Peer> => Option.toArray(python).map((command) => ({ key: "peer", command, script, args }))

export const peer = (packages: string, script: string) =>
  Flag.String("peer").pipe(
    Flag.withDescription(`a Python with ${packages}: also runs tools/parity/${script}, in turn, and prints the ratio`),
    Flag.optional
  )
export const steps = Flags.count("steps").pipe(Flag.withDescription("timed steps in each round"), Flag.withDefault(5))
export const rounds = (otherwise: number) =>
  Flags.count("rounds").pipe(
    Flag.withDescription("how often this engine and its peer take turns"),
    Flag.withDefault(otherwise)
  )

const runPeer = Effect.fnUntraced(function*({ args, command, script }: Peer) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const file = `tools/parity/${script}`
  const text = yield* spawner.string(
    ChildProcess.make(command, [file, ...args], { stderr: "ignore", env: HugePages.without(process.env) })
  ).pipe(
    Effect.mapError((cause) => new PeerError({ reason: `${command} ${file} failed: ${String(cause)}` }))
  )
  return yield* Schema.decodeUnknownEffect(PeerResult)(text.trim().split("\n").at(-1)).pipe(
    Effect.mapError(() =>
      new PeerError({ reason: `${command} ${file} printed no result: are its packages installed?` })
    )
  )
})

const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`

const summaryOf = (found: ReadonlyArray<{ readonly own: number; readonly result: typeof PeerResult.Type }>) => {
  const peers = found.map(({ result }) => result)
  const ratios = found.map(({ own, result }) => median(result.stepSeconds) / own)
  const peak = peers[0]!.peakRssBytes
  return {
    peer: {
      engine: peers[0]!.engine,
      medianStepSeconds: median(peers.flatMap((other) => other.stepSeconds)),
      tokensPerSecond: median(peers.map((other) => other.tokensPerSecond)),
      ...(peak === undefined ? {} : { peakRssBytes: Math.max(...peers.map((other) => other.peakRssBytes!)) })
    },
    ratios,
    medianRatio: median(ratios)
  }
}

const linesOf = ({ medianRatio, peer, ratios }: ReturnType<typeof summaryOf>): ReadonlyArray<string> => [
  `${Math.round(peer.tokensPerSecond).toLocaleString("en")} token/s (${
    milliseconds(peer.medianStepSeconds)
  }): ${peer.engine}`,
  `ratio ${medianRatio.toFixed(2)} (rounds: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`
]

/**
 * Rounds of this engine, each of which gives the seconds of its steps, and in turn with them the peers'. Ratios are of
 * the medians of the same round.
 */
export const compared = Effect.fnUntraced(function*<E, R>(
  options: { readonly rounds: number; readonly tokensPerStep: number; readonly peers: ReadonlyArray<Peer> },
  round: Effect.Effect<ReadonlyArray<number>, E, R>
) {
  const stepSeconds: Array<number> = []
  const found = new Map<Peer, Array<{ readonly own: number; readonly result: typeof PeerResult.Type }>>()
  for (let i = 0; i < options.rounds; i++) {
    const own = yield* round
    stepSeconds.push(...own)
    for (const peer of options.peers) {
      const result = yield* runPeer(peer)
      found.set(peer, [...found.get(peer) ?? [], { own: median(own), result }])
    }
  }
  const tokensPerSecond = options.tokensPerStep / median(stepSeconds)
  const summaries = [...found].map(([{ key }, results]) => ({ key, summary: summaryOf(results) }))
  const of = (key: Peer["key"]) => summaries.find((one) => one.key === key)?.summary
  const llama = of("llama")
  const result = {
    stepSeconds,
    medianStepSeconds: median(stepSeconds),
    tokensPerSecond,
    peakRssBytes: peakRssBytes(),
    ...of("peer"),
    ...(llama === undefined ? {} : { llama })
  }
  const lines = [
    `${Math.round(tokensPerSecond).toLocaleString("en")} token/s (median of ${stepSeconds.length} steps, ${
      milliseconds(result.medianStepSeconds)
    })`,
    ...summaries.flatMap(({ summary }) => linesOf(summary))
  ]
  return { result, lines }
})
