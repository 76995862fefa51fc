"""Writes packages/backend-onnx/test/fixtures/bert: a tiny BERT in the layout of sentence-transformers, and what
transformers computes.

Usage: python tools/parity/encoder.py (with torch 2.13 and transformers 5.18). golden.json has texts, their token ids,
and their vectors by the mean of the tokens and by the first token. onnx/model.onnx is the same model, exported by
torch, with random weights of its own.
"""

import json, pathlib, shutil

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from transformers.utils import logging

logging.disable_progress_bar()
torch.set_num_threads(1)
fixtures = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures"
corpus = """once upon a time there was a little girl who had a red ball. the dog ran home and sat on the big ball.
a cat sat on the mat. a little girl went to the park with a red ball and a dog. Ann likes tea, and Bob likes coffee!
Where does Ann live? query: passage: They had 3 dogs, 26 cats and 789 birds at 10:45."""
texts = [
    "the cat",
    "Where does Ann live?",
    "the dog ran home and sat on the big ball, and Ann likes tea",
    "x",
    "",
    "a café, 10:45!",
]


def tokenizer():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(
        [corpus], trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False)
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(s, made.token_to_id(s)) for s in ["[CLS]", "[SEP]"]],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def model(words, seed):
    torch.manual_seed(seed)
    made = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            max_position_embeddings=64,
            type_vocab_size=2,
            hidden_act="gelu",
            layer_norm_eps=1e-12,
        ),
        add_pooling_layer=False,
    ).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            noise = torch.randn(parameter.shape)
            parameter.copy_(1 + 0.2 * noise if name.endswith("LayerNorm.weight") else 0.3 * noise)
    return made


@torch.no_grad()
def vectors(made, words):
    found = {"mean": [], "cls": []}
    for text in texts:
        ids = words.encode(text)
        states = made(input_ids=torch.tensor([ids])).last_hidden_state[0]
        found["mean"].append([float(f"{x:.8g}") for x in states.mean(0).tolist()])
        found["cls"].append([float(f"{x:.8g}") for x in states[0].tolist()])
    return found


class Exported(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.inner(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state


directory = fixtures / "bert"
shutil.rmtree(directory, ignore_errors=True)
(directory / "1_Pooling").mkdir(parents=True)
words = tokenizer()
made = model(words, 1)
made.save_pretrained(directory)
words.save_pretrained(directory)
sentence = "sentence_transformers.models"
(directory / "modules.json").write_text(
    json.dumps(
        [
            {"idx": 0, "name": "0", "path": "", "type": f"{sentence}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{sentence}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{sentence}.Normalize"},
        ]
    )
    + "\n"
)
(directory / "1_Pooling/config.json").write_text(
    json.dumps(
        {
            "word_embedding_dimension": 24,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
        }
    )
    + "\n"
)
(directory / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12, "do_lower_case": False}) + "\n")
other = model(words, 2)
(directory / "onnx").mkdir()
names = ["input_ids", "attention_mask", "token_type_ids"]
one = torch.ones((2, 5), dtype=torch.int64)
# transformers leaves out a mask that hides nothing, and the graph would too.
mask = one.clone()
mask[1, 3:] = 0
# It looks for functions of onnxscript, with a package that is not needed for anything else; there are none.
onnx_proto_utils._add_onnxscript_fn = lambda exported, *_: exported
torch.onnx.export(
    Exported(other).eval(),
    (one, mask, torch.zeros_like(one)),
    str(directory / "onnx/model.onnx"),
    input_names=names,
    output_names=["last_hidden_state"],
    dynamic_axes={name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]},
    dynamo=False,
    opset_version=17,
)
golden = {
    "texts": [{"text": text, "ids": words.encode(text)} for text in texts],
    "weights": vectors(made, words),
    "graph": vectors(other, words),
}
(directory / "golden.json").write_text(
    "{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}\n"
)
for file in directory.rglob("*"):
    if file.is_file():
        file.chmod(0o644)
print(sum(file.stat().st_size for file in directory.rglob("*")), "bytes")
