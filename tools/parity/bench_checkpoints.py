"""Writes the checkpoints that docs/engine.md measures: random weights in the shapes s, m and l, and in Qwen2.5-0.5B's
own.

Usage: python tools/parity/bench_checkpoints.py FOLDER [s m l qwen] (with torch 2.13 and transformers 5.18). The
tokenizer has one word for each token, "w17" for token 17, so that every engine reads a prompt of so many words as so
many tokens.
"""

import pathlib, sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

common = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": True}
rope = {"rope_type": "default", "rope_theta": 10000.0}


def llama(hidden, layers, heads, mlp, vocabulary):
    return LlamaForCausalLM, LlamaConfig(
        **common,
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        intermediate_size=mlp,
        max_position_embeddings=8192,
        rope_parameters=rope,
    )


shapes = {
    "s": lambda: llama(128, 3, 4, 352, 2048),
    "m": lambda: llama(256, 4, 4, 704, 4096),
    "l": lambda: llama(384, 6, 6, 1024, 8192),
    "qwen": lambda: (
        Qwen2ForCausalLM,
        Qwen2Config(
            **common,
            vocab_size=151936,
            hidden_size=896,
            num_hidden_layers=24,
            num_attention_heads=14,
            num_key_value_heads=2,
            intermediate_size=4864,
            max_position_embeddings=32768,
            rms_norm_eps=1e-6,
            rope_parameters={**rope, "rope_theta": 1e6},
        ),
    ),
}
folder, *wanted = sys.argv[1:]
for name in wanted or shapes:
    architecture, config = shapes[name]()
    torch.manual_seed(0)
    directory = pathlib.Path(folder) / name
    architecture(config).save_pretrained(directory)
    words = {"<pad>": 0, "<s>": 1, "</s>": 2, **{f"w{i}": i for i in range(3, config.vocab_size)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<pad>",
    ).save_pretrained(directory)
    print(directory)
