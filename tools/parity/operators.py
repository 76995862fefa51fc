"""Writes packages/backend-onnx/test/fixtures/operators.json: what PyTorch computes for operators, and its gradients.

Usage: python tools/parity/operators.py (with torch 2.13 and transformers 5.18). Everything is computed in float64. The
gradient is that of sum(output * upstream).
"""

import json, math, pathlib

import torch
from torch.nn import functional as F
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding, apply_rotary_pos_emb

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
cases = {}


def rounded(x):
    return (x * 1000).round() / 1000


def normal(*shape):
    return rounded(torch.randn(shape))


def numbers(x):
    data = x.detach().double().reshape(-1).tolist()
    return {"shape": list(x.shape), "data": [int(v) if v == int(v) else float(f"{v:.9g}") for v in data]}


def case(name, function, **inputs):
    """Inputs of whole numbers have no gradient; neither have those whose name begins with an underscore."""
    given = {
        key: x.clone().requires_grad_(x.is_floating_point() and not key.startswith("_")) for key, x in inputs.items()
    }
    output = function(**given)
    upstream = normal(*output.shape)
    (output * upstream).sum().backward()
    cases[name] = {
        "inputs": {key.lstrip("_"): numbers(x) for key, x in given.items()},
        "upstream": numbers(upstream),
        "output": numbers(output),
        "gradients": {key: numbers(x.grad) for key, x in given.items() if x.requires_grad},
    }


binary = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "min": torch.minimum, "max": torch.maximum}
for name, function in binary.items():
    case(name, lambda x, y, function=function: function(x, y), x=normal(2, 3), y=normal(3))
case("div", lambda x, y: x / y, x=normal(2, 3), y=rounded(normal(2, 1).abs() + 0.5))
for name in ["exp", "sigmoid", "tanh", "neg"]:
    case(name, lambda x, name=name: getattr(torch, name)(x), x=normal(2, 3))
for name in ["log", "sqrt"]:
    case(name, lambda x, name=name: getattr(torch, name)(x), x=rounded(normal(2, 3).abs() + 0.3))
case("silu", lambda x: F.silu(x), x=rounded(4 * normal(2, 4)))
case("softmax", lambda x: x.softmax(-1), x=rounded(3 * normal(2, 2, 3)))
case("logSoftmax", lambda x: x.log_softmax(-1), x=rounded(3 * normal(2, 4)))
case("matMul", lambda a, b: a @ b, a=normal(2, 2, 3), b=normal(3, 2))
case("matMulTransposed", lambda a, b: 0.5 * a.mT @ b.mT, a=normal(2, 3, 2), b=normal(2, 4, 3))
case("reduceMean", lambda x: x.mean((0, 2), keepdim=True), x=normal(2, 3, 2))
case("embedding", lambda x, at: F.embedding(at, x), x=normal(5, 2), at=torch.tensor([[4, 0, 4], [1, 1, 1]]))
case(
    "targetLogprob",
    lambda logits, targets: logits.log_softmax(-1).gather(-1, targets),
    logits=rounded(3 * normal(3, 5)),
    targets=torch.tensor([[4], [0], [2]]),
)


def rms_norm(x, scale):
    # The module's own formula, which it computes in float32.
    normed = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)
    assert torch.allclose(LlamaRMSNorm(x.shape[-1], eps=1e-5)(x).double(), normed, atol=1e-5)
    return scale * normed


case("rmsNorm", rms_norm, x=normal(3, 4), scale=normal(4))

heads, size = 2, 4
config = LlamaConfig(
    hidden_size=heads * size,
    num_attention_heads=heads,
    max_position_embeddings=16,
    rope_parameters={"rope_type": "default", "rope_theta": 100.0},
)
rope = LlamaRotaryEmbedding(config)
inverse = rope.inv_freq.double()
assert torch.allclose(inverse, 100.0 ** (-torch.arange(0, size, 2).double() / size))


def rotary(x, positions):
    """X is [rows, tokens, heads * size]."""
    angles = positions[..., None] * inverse
    table = torch.cat([angles, angles], -1)
    byHead = x.unflatten(-1, (heads, size)).transpose(1, 2)
    return apply_rotary_pos_emb(byHead, byHead, table.cos(), table.sin())[0].transpose(1, 2).flatten(-2)


case("rotary", rotary, x=normal(2, 3, heads * size), positions=torch.tensor([[0, 1, 2], [7, 3, 15]]))

# Grouped-query attention: two heads of keys and values, each for two heads of queries; causal.
case(
    "attention",
    lambda query, keys, values: F.scaled_dot_product_attention(query, keys, values, is_causal=True, enable_gqa=True),
    query=normal(2, 4, 3, size),
    keys=normal(2, 2, 3, size),
    values=normal(2, 2, 3, size),
)


def packed(query, keys, values, own_keys, own_values):
    """Completions `[1, heads, completions, tokens, size]` see the prompt and, causally, themselves."""
    rows = []
    for g in range(query.shape[2]):
        k = torch.cat([keys, own_keys[:, :, g]], 2)
        v = torch.cat([values, own_values[:, :, g]], 2)
        tokens = query.shape[3]
        seen = torch.cat([torch.ones(tokens, keys.shape[2]), torch.ones(tokens, tokens).tril()], 1).bool()
        rows.append(F.scaled_dot_product_attention(query[:, :, g], k, v, attn_mask=seen))
    return torch.stack(rows, 2)


case(
    "packedAttention",
    packed,
    query=normal(1, 2, 3, 2, size),
    keys=normal(1, 2, 4, size),
    values=normal(1, 2, 4, size),
    own_keys=normal(1, 2, 3, 2, size),
    own_values=normal(1, 2, 3, 2, size),
)

root = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures"
root.mkdir(parents=True, exist_ok=True)
lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in cases.items())
(root / "operators.json").write_text("{\n" + lines + "\n}\n")
assert all(math.isfinite(v) for c in cases.values() for v in c["output"]["data"])
