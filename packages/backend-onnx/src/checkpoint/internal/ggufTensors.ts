// Where in a GGUF file the parameters of a model are, and what has to be undone of how they are written there.
import * as Result from "effect/Result"
import * as Architecture from "../../model/architecture.ts"
import { ropeTensors } from "./ggufConfig.ts"
import type { Tensor } from "./ggufMetadata.ts"

/** Where a parameter comes from. */
export interface Source {
  /** The tensor of the file; it has the parameter's shape. */
  readonly tensor: string
  /** The row of the tensor that a row of the parameter is, where they are in another order. */
  readonly rowOf: ((row: number) => number) | undefined
  /** What is to be subtracted from every number. */
  readonly offset: number
}

export interface Sources {
  /** By the parameters' Hugging Face names, in the order of the model. */
  readonly parameters: ReadonlyMap<string, Source>
  /** Tensors of the file that are no parameters. */
  readonly unused: ReadonlyArray<string>
}

const outside: ReadonlyMap<string, string> = new Map([
  ["model.embed_tokens", "token_embd"],
  ["model.norm", "output_norm"],
  ["lm_head", "output"]
])

const inside: ReadonlyMap<string, string> = new Map([
  ["input_layernorm", "attn_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.qkv_proj", "attn_qkv"],
  ["self_attn.o_proj", "attn_output"],
  ["self_attn.q_norm", "attn_q_norm"],
  ["self_attn.k_norm", "attn_k_norm"],
  ["post_attention_layernorm", "ffn_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.gate_up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"]
])

// With norms after attention and MLP, the one after attention is not the one before the MLP.
const insideSandwich: ReadonlyMap<string, string> = new Map([
  ...inside,
  ["post_attention_layernorm", "post_attention_norm"],
  ["pre_feedforward_layernorm", "ffn_norm"],
  ["post_feedforward_layernorm", "post_ffw_norm"]
])

const tensorOf = (parameter: string, sandwich: boolean): string => {
  const [, layer, module, suffix] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(parameter)!
  const name = layer === undefined ? outside.get(module!)! : (sandwich ? insideSandwich : inside).get(module!)!
  return `${layer === undefined ? "" : `blk.${layer}.`}${name}.${suffix}`
}

// Files of architecture llama have the two numbers beside each other that the rope turns together; here the second one
// is half a head later.
const pairwise = (headSize: number) => (row: number): number => {
  const within = row % headSize
  const half = headSize / 2
  return row - within + (within < half ? 2 * within : 2 * (within - half) + 1)
}

const isTurned = (parameter: string): boolean => /\.self_attn\.[qk]_proj\.(weight|bias)$/.test(parameter)

// Tensors beside the parameters that are no weights.
const isBeside = (name: string): boolean =>
  ropeTensors.some((tensor) => tensor === name) || name.endsWith(".attn_rot_embd.weight")

/**
 * Where the parameters of a decoder are in the file of an architecture, or in one line which of them is missing. A file
 * with weights that the decoder does not have is of another model, and refused.
 */
export const tensors = (
  architecture: string,
  decoder: Architecture.Decoder,
  stored: ReadonlyArray<Tensor>
): Result.Result<Sources, string> => {
  const shapes = new Map(stored.map(({ name, shape }) => [name, shape]))
  const parameters = new Map<string, Source>()
  const used = new Set<string>()
  const rowOf = architecture === "llama" ? pairwise(decoder.headSize) : undefined
  for (const { name, shape } of Architecture.parameterShapes(decoder)) {
    const tensor = tensorOf(name, decoder.sandwich)
    const has = shapes.get(tensor)
    if (has === undefined) return Result.fail(`has no tensor ${tensor}, which is ${name}`)
    if (has.join() !== shape.join()) {
      return Result.fail(
        `has a tensor ${tensor} of shape [${has.join(", ")}], its metadata asks for [${shape.join(", ")}]`
      )
    }
    used.add(tensor)
    parameters.set(name, {
      tensor,
      rowOf: isTurned(name) ? rowOf : undefined,
      offset: Architecture.isNorm(name) ? decoder.norm.offset : 0
    })
  }
  const unused = [...shapes.keys()].filter((name) => !used.has(name))
  const foreign = unused.find((name) => !isBeside(name))
  return foreign === undefined
    ? Result.succeed({ parameters, unused })
    : Result.fail(`has a tensor ${foreign}, which no ${architecture} model here has`)
}
