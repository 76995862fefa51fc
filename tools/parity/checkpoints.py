"""Writes packages/backend-onnx/test/fixtures: a tiny decoder of every family, and what transformers computes with it.

Usage: python tools/parity/checkpoints.py [NAME...] (with torch 2.13 and transformers 5.18). Beside a checkpoint's own
files stand

- golden.json: `sequences` of tokens, all with the same `prefix`, their log-probabilities (from the second token on) and
  a weight for each of those; `greedy` continuations of 64 tokens; what the tokenizer makes of some `texts`,
- gradients.safetensors: the gradient of sum(weight * log-probability) for every parameter.
"""

import json, pathlib, shutil, sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM
from transformers import MistralConfig, MistralForCausalLM, Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()
torch.set_num_threads(1)
fixtures = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures"
corpus = """once upon a time there was a little girl who had a red ball. the dog ran home and sat on the big ball.
a cat sat on the mat. a little girl went to the park with a red ball and a dog. Ann likes tea, and Bob likes coffee!
"Where is the cat?" said Ann. Bob said: "It's in the park, at 10:45." They had 3 dogs, 26 cats and 789 birds.
quick foxes jump over lazy dogs; vexing, but true. the cat and the dog went home. a café - no, a tea house!
"""
texts = ["the dog ran home", 'Ann said: "It\'s 10:45!"', "  two  spaces\nand a line", "a café", "", "zebra Q % 漢"]
chat_template = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def make_tokenizer(chat):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=128, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([corpus], trainer)
    assert tokenizer.get_vocab_size() == 128
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
        chat_template=chat_template if chat else None,
    )


def randomise(model, deviation, seed):
    # Gemma's norms scale by 1 + weight; its scaled and tied embeddings would have it repeat what it reads.
    is_gemma = isinstance(model, Gemma3ForCausalLM)
    offset = 1 if is_gemma else 0
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if name.endswith("norm.weight"):
                parameter.copy_((5 if is_gemma and name == "model.norm.weight" else 1) - offset + 0.2 * noise)
            elif is_gemma and "embed" in name:
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_((0.3 if name.endswith("bias") else deviation) * noise)


@torch.no_grad()
def greedy(model, prompt, count):
    tokens = list(prompt)
    margin = float("inf")
    for _ in range(count):
        best = model(torch.tensor([tokens])).logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
    return tokens[len(prompt) :], margin


def sequence_logprobs(model, tokens):
    row = torch.tensor([tokens])
    return model(row).logits[0, :-1].log_softmax(-1).gather(-1, row[0, 1:, None])[:, 0]


def plain(tokenizer, text):
    return tokenizer.decode(tokenizer.encode(text, add_special_tokens=False), skip_special_tokens=True)


def digits(values):
    return [float(f"{v:.8g}") for v in values]


def write(name, architecture, config, dtype=torch.float32, chat=False, shards=None):
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    directory = fixtures / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    tokenizer = make_tokenizer(chat)
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False)
    prompts = [[1], encode("the dog"), encode("once upon a time there was a")]
    # Weights whose greedy choices are clear, so that rounding cannot change them.
    for seed in range(100):
        model = architecture(config)
        randomise(model, 0.3, seed)
        model.to(dtype).save_pretrained(directory, **({} if shards is None else {"max_shard_size": shards}))
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        continuations = [greedy(model, prompt, 64) for prompt in prompts]
        if min(margin for _, margin in continuations) > 5e-3 and all(len(set(t)) > 8 for t, _ in continuations):
            break
    else:
        raise SystemExit("no seed has clear greedy choices")
    tokenizer.save_pretrained(directory)

    generator = torch.Generator().manual_seed(1)
    prefix = [1, *encode("the cat")]
    sequences = [[*prefix, *torch.randint(3, 128, (length,), generator=generator).tolist()] for length in (12, 1, 30)]
    weights = []
    total = torch.zeros(())
    found = []
    for tokens in sequences:
        logprobs = sequence_logprobs(model, tokens)
        weight = (torch.randn(len(tokens) - 1, generator=generator) * 100).round() / 100
        # Nothing of the prefix counts, so that the sequences can be completions of one prompt.
        weight[: len(prefix) - 1] = 0
        total = total + (weight * logprobs).sum()
        weights.append([round(w, 2) for w in weight.tolist()])
        found.append(logprobs.tolist())
    total.backward()
    save_file({n: p.grad.contiguous() for n, p in model.named_parameters()}, directory / "gradients.safetensors")
    for file in directory.iterdir():
        file.chmod(0o644)
    turns = [("user", "the dog"), ("assistant", "ran"), ("user", "home")]
    messages = [{"role": role, "content": content} for role, content in turns]
    golden = {
        "seed": seed,
        "prefix": prefix,
        "sequences": [{"tokens": t, "logprobs": digits(l), "weights": w} for t, l, w in zip(sequences, found, weights)],
        "greedy": [{"prompt": p, "tokens": t} for p, (t, _) in zip(prompts, continuations)],
        "texts": [{"text": text, "ids": tokenizer.encode(text), "decoded": plain(tokenizer, text)} for text in texts],
        **(
            {
                "chat": {
                    "messages": messages,
                    "ids": tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False),
                }
            }
            if chat
            else {}
        ),
    }
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
    (directory / "golden.json").write_text("{\n" + lines + "\n}\n")
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(name, f"seed {seed}, {size} bytes, margin {min(m for _, m in continuations):.3g}")
    assert size < 300_000


common = {"vocab_size": 128, "max_position_embeddings": 256, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
write(
    "llama-tied",
    LlamaForCausalLM,
    LlamaConfig(
        **common,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    ),
)
# Heads that are wider than hidden_size / heads, one head of keys and values for all, biases on all four projections.
write(
    "llama-bias",
    LlamaForCausalLM,
    LlamaConfig(
        **common,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=12,
        attention_bias=True,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    ),
)
write(
    "qwen2",
    Qwen2ForCausalLM,
    Qwen2Config(
        **common,
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=3,
        num_attention_heads=3,
        num_key_value_heads=3,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    ),
    torch.bfloat16,
    chat=True,
)
# What follows has windows shorter than the sequences, and ropes stretched so that it shows.
small = {
    **common,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
write(
    "llama3",
    LlamaForCausalLM,
    LlamaConfig(
        **small,
        tie_word_embeddings=True,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 5000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    ),
    torch.float16,
    chat=True,
)
# Biases in the MLP; weights in several files.
write(
    "llama-yarn",
    LlamaForCausalLM,
    LlamaConfig(
        **small,
        tie_word_embeddings=False,
        mlp_bias=True,
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 1000.0,
            "factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    ),
    shards="20KB",
)
write(
    "mistral",
    MistralForCausalLM,
    MistralConfig(
        **small,
        head_dim=12,
        sliding_window=7,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0},
    ),
)
write(
    "qwen2-window",
    Qwen2ForCausalLM,
    Qwen2Config(
        **{**small, "num_hidden_layers": 3},
        use_sliding_window=True,
        sliding_window=9,
        max_window_layers=1,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    ),
)
write(
    "qwen3",
    Qwen3ForCausalLM,
    Qwen3Config(
        **small,
        head_dim=16,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    ),
    torch.bfloat16,
    chat=True,
)
write(
    "phi3",
    Phi3ForCausalLM,
    Phi3Config(
        **small,
        sliding_window=11,
        tie_word_embeddings=False,
        original_max_position_embeddings=128,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "partial_rotary_factor": 0.75,
            "original_max_position_embeddings": 128,
            "short_factor": [1.0, 1.25, 1.5],
            "long_factor": [1.0, 4.0, 8.0],
        },
    ),
)
write(
    "gemma3",
    Gemma3ForCausalLM,
    Gemma3TextConfig(
        **{**small, "num_hidden_layers": 3},
        head_dim=16,
        sliding_window=7,
        query_pre_attn_scalar=10,
        tie_word_embeddings=True,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={
            "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    ),
    torch.bfloat16,
    chat=True,
)
