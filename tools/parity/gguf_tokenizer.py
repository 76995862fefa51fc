"""Records what transformers and sentencepiece make of the tokenizers of GGUF files, for the reader of such files.

Usage: python tools/parity/gguf_tokenizer.py MODELS (with transformers 5.24, tokenizers 0.23, sentencepiece 0.2 and
gguf 0.19; no torch). MODELS is the folder with the two files below. Writes
packages/backend-onnx/test/fixtures/gguf/tokenizers.json: the token ids of texts and conversations, small vocabularies,
trained here, as the metadata of files, and how llama.cpp's converter names and orders weights.

The conversion is transformers' own, what AutoTokenizer.from_pretrained(folder, gguf_file=name) calls. Only the bytes
are read by the gguf package, since transformers does it with torch.
"""

import io, json, pathlib, re, sys

import numpy, sentencepiece
from gguf import GGUFReader, MODEL_ARCH, get_tensor_name_map
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_TOKENIZER_MAPPING, convert_gguf_tokenizer

FILES = ["smollm2-135m-instruct.q4_1.gguf", "qwen2.5-coder-0.5b-instruct.q4_k_m.gguf"]
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

PROSE = [
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "I'm sure they've said it'll rain, don't you think we'd better go? She's IT'S NOT.",
    "Ann moved to Berlin in 2019, paid $1,234.56 and called +49 30 1234567890.",
    "3.14159 1000000 007 12:45 2024-05-06 1/2 x86_64",
    " leading space",
    "   three spaces   between   words   ",
    "tabs\tand\nnew lines\n\nand\r\nwindows\n   indented\n",
    "def f(x: int) -> str:\n    return f\"{x!r}\"  # comment\n\n\nif __name__ == '__main__':\n    print(f(3))\n",
    "const f = async ({ a, b }) => { await g(a ?? b); return `${a}-${b}` }",
    "camelCaseWords and SCREAMING_SNAKE_CASE, HTMLParser, iPhone14Pro",
    "Grüße aus Köln, ça va? naïve café Ελληνικά кириллица",
    "你好，世界。今天天气怎么样？",
    "東京タワーへ行きました。カタカナとひらがな",
    "한국어 문장입니다. 체크리스트",
    "שלום עולם مرحبا بالعالم मेरा बेटा ไทย",
    "😀 👩‍👩‍👧‍👦 🇳🇴 👍🏽 ❤️",
    "e\u0301 \u00e9 \u00bd \u00b2 \u0663 \u2167 \u2028 \u00a0 \u200b \u3000",
    "https://example.com/a/b?c=d&e=%20f#g user@example.org C:\\Temp\\x.txt",
    "<div class=\"a\">&amp;</div> {\"a\": [1, 2.5e-3, null]} ^_^ ~|` @#$%^&*()",
    "...!!! --- === *** ??? ;;",
    "a",
    " ",
    "\n",
]
CONTROLLED = [
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "a <|endoftext|> b<|im_end|>",
    "<tool_call>\n{}",
]
CHATS = [
    [{"role": "user", "content": "What is 12 + 30?"}],
    [
        {"role": "system", "content": "You answer in one word."},
        {"role": "user", "content": "Où est Zoë?"},
        {"role": "assistant", "content": "Paris."},
        {"role": "user", "content": "  And 你好 😀?\n"},
    ],
]


def split(expression):
    return pre_tokenizers.Split(Regex(expression), behavior="isolated")


def byte_characters(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


# Ways to cut text that transformers takes for GPT-2's, as they are in the tokenizer.json of the models themselves:
# SmolLM2, DeepSeek-Coder and DeepSeek-V3.
OWN = {
    "smollm": [pre_tokenizers.Digits(individual_digits=True), byte_characters(True)],
    "deepseek-coder": [
        split(r"[\r\n]"),
        split(r"\s?\p{L}+"),
        split(r"\s?\p{P}+"),
        split("[一-龥ࠀ-一가-퟿]+"),
        pre_tokenizers.Digits(individual_digits=True),
        byte_characters(False),
    ],
    "deepseek-v3": [
        split(r"\p{N}{1,3}"),
        split("[一-龥぀-ゟ゠-ヿ]+"),
        split(
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
            r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
        ),
        byte_characters(False),
    ],
}


def converted(metadata, **more):
    """The tokenizer of a file's key/value pairs, as transformers converts it."""
    names = GGUF_TOKENIZER_MAPPING["tokenizer"].items()
    described = {name: metadata[f"tokenizer.{key}"] for key, name in names if f"tokenizer.{key}" in metadata}
    backend, _ = convert_gguf_tokenizer(metadata["general.architecture"], described)
    own = OWN.get(described.get("pre_tokenizer_type"))
    if own is not None:
        backend.pre_tokenizer = pre_tokenizers.Sequence(own)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **more)


def rows(texts, ids, decoded):
    """Token ids by text, and what is decoded of them where it is not the text."""
    return [
        {"ids": row} | ({} if back == text else {"decoded": back}) for text, row, back in zip(texts, ids, decoded)
    ]


def recorded(tokenizer, texts):
    ids = [tokenizer.encode(text) for text in texts]
    decoded = [tokenizer.decode(row, skip_special_tokens=True, clean_up_tokenization_spaces=False) for row in ids]
    return rows(texts, ids, decoded)


def real(folder, name):
    metadata = {key: field.contents() for key, field in GGUFReader(folder / name).fields.items()}
    tokens = metadata["tokenizer.ggml.tokens"]
    roles = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    special = {
        role: tokens[metadata[f"tokenizer.ggml.{key}_token_id"]]
        for role, key in roles.items()
        if f"tokenizer.ggml.{key}_token_id" in metadata
    }
    tokenizer = converted(metadata, **special, chat_template=metadata["tokenizer.chat_template"])
    chats = [
        {"messages": messages, "ids": tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]}
        for messages in CHATS
    ]
    return {"texts": recorded(tokenizer, PROSE + CONTROLLED), "chats": chats}


def byte_level():
    """A small byte-level vocabulary, with control tokens before it and a word of a user behind it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(PROSE, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get) + ["<tool_call>"]
    metadata = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [CONTROL] * 3 + [NORMAL] * (len(tokens) - 4) + [USER_DEFINED],
        "tokenizer.ggml.merges": [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.add_bos_token": False,
    }
    texts = recorded(converted(metadata), PROSE + CONTROLLED)
    # The same vocabulary behind other ways to cut text: what comes out as with the first one is left out.
    names = ["qwen2", "llama-bpe", "dbrx", "tekken", "gpt-4o", *OWN]
    pre = {
        name: {
            i: other["ids"]
            for i, other in enumerate(recorded(converted(metadata | {"tokenizer.ggml.pre": name}), PROSE))
            if other["ids"] != texts[i]["ids"]
        }
        for name in names
    }
    return {"metadata": metadata, "texts": texts, "pre": pre}


def sentence_piece():
    """A small vocabulary of SentencePiece, with the kinds of pieces that Llama 2 has."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(PROSE[:12] * 3),
        model_writer=written,
        model_type="bpe",
        vocab_size=460,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        user_defined_symbols=["<tool_call>"],
        character_coverage=0.98,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    pieces = range(processor.get_piece_size())

    def kind(i):
        if processor.is_unknown(i):
            return UNKNOWN
        if processor.is_control(i):
            return CONTROL
        if processor.is_byte(i):
            return BYTE
        return USER_DEFINED if processor.id_to_piece(i) == "<tool_call>" else NORMAL

    metadata = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [processor.id_to_piece(i) for i in pieces],
        "tokenizer.ggml.scores": [processor.get_score(i) for i in pieces],
        "tokenizer.ggml.token_type": [kind(i) for i in pieces],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    ids = [[1] + processor.encode(text) for text in PROSE]
    texts = rows(PROSE, ids, [processor.decode(row) for row in ids])
    others = {}
    for name in ["phi3", "gemma3"]:
        tokenizer = converted(metadata | {"general.architecture": name})
        others[name] = [row["ids"] for row in recorded(tokenizer, PROSE + CONTROLLED[2:])]
    return {"metadata": metadata, "texts": texts, "others": others}


def tensors():
    """How llama.cpp's converter names parameters, and the order in which it writes a query matrix of 2 heads of 8."""
    inside = "input_layernorm self_attn.{q,k,v,qkv,o}_proj self_attn.{q,k}_norm post_attention_layernorm"
    inside += " pre_feedforward_layernorm mlp.{gate,up,gate_up,down}_proj post_feedforward_layernorm"
    parameters = ["model.embed_tokens", "model.norm", "lm_head"]
    for name in inside.split():
        before, among, after = re.fullmatch(r"([^{]*)(?:\{(.*)\})?(.*)", name).groups()
        parameters += [f"model.layers.1.{before}{one}{after}" for one in (among or "").split(",")]
    architectures = {"llama": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3", "phi3": "PHI3", "gemma3": "GEMMA3"}
    names = {
        name: {parameter: table.get_name(parameter) for parameter in parameters if table.get_name(parameter)}
        for name, of in architectures.items()
        for table in [get_tensor_name_map(MODEL_ARCH[of], 2)]
    }
    permuted = numpy.arange(16).reshape(2, 2, 8 // 2).swapaxes(1, 2).reshape(16)
    return {"names": names, "permuted": permuted.tolist()}


folder = pathlib.Path(sys.argv[1])
found = {
    "prose": PROSE,
    "controlled": CONTROLLED,
    "files": {name: real(folder, name) for name in FILES},
    "byteLevel": byte_level(),
    "sentencePiece": sentence_piece(),
    "tensors": tensors(),
}
target = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures/gguf/tokenizers.json"
target.parent.mkdir(exist_ok=True)
target.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
print(target.stat().st_size)
