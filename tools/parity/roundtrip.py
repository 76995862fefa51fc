"""Loads the checkpoints that tools/parity/train_tiny.ts trained and saved, and writes what transformers computes with
them.

Usage: python tools/parity/roundtrip.py (with torch 2.13 and transformers 5.18), after node tools/parity/train_tiny.ts.
Writes transformers.json into each directory of packages/backend-onnx/test/fixtures/trained: the log-probabilities of
the sequences in the golden.json of the checkpoint that training began with, and the token ids of a text.
"""

import json, pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

logging.disable_progress_bar()
torch.set_num_threads(1)
fixtures = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures"
for directory in sorted((fixtures / "trained").iterdir()):
    # No dtype is given: the one that config.json names has to be right.
    model, report = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    golden = json.loads((fixtures / directory.name / "golden.json").read_text())
    found = []
    for sequence in golden["sequences"]:
        row = torch.tensor([sequence["tokens"]])
        with torch.no_grad():
            logprobs = model(row).logits[0, :-1].float().log_softmax(-1).gather(-1, row[0, 1:, None])[:, 0]
        found.append([float(f"{value:.8g}") for value in logprobs.tolist()])
    text = "the dog ran home, and Ann too"
    written = {"dtype": str(model.dtype), "logprobs": found, "text": text, "ids": tokenizer.encode(text)}
    (directory / "transformers.json").write_text(json.dumps(written) + "\n")
    print(directory.name, model.dtype, sum(map(sum, found)))
