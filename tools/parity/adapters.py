"""Writes packages/backend-onnx/test/fixtures/adapters: LoRA adapters that peft made, and what it computes with them;
and checks ours.

Usage: python tools/parity/adapters.py (with torch 2.13, transformers 5.18 and peft 0.21). For each checkpoint of the
fixtures that is named below: a PEFT directory with random matrices, golden.json with the log-probabilities of the
sequences in the checkpoint's own golden.json, and gradients.safetensors with the gradient of sum(weight * log-
probability) for every matrix. Then reads the adapters that tools/parity/train_tiny.ts trained and writes the log-
probabilities that peft gets with them into transformers.json.
"""

import json, pathlib, shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()
torch.set_num_threads(1)
fixtures = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures"
made = fixtures / "adapters"


def logprobs(model, tokens):
    row = torch.tensor([tokens])
    return model(input_ids=row).logits[0, :-1].log_softmax(-1).gather(-1, row[0, 1:, None])[:, 0]


def base(name):
    return AutoModelForCausalLM.from_pretrained(fixtures / name, dtype=torch.float32)


def write(name, folder, **settings):
    directory = made / folder
    shutil.rmtree(directory, ignore_errors=True)
    model = get_peft_model(base(name), LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    golden = json.loads((fixtures / name / "golden.json").read_text())
    total, found = torch.zeros(()), []
    for sequence in golden["sequences"]:
        one = logprobs(model, sequence["tokens"])
        total = total + (torch.tensor(sequence["weights"]) * one).sum()
        found.append([float(f"{value:.8g}") for value in one.tolist()])
    total.backward()
    gradients = {n.replace(".default", ""): p.grad.contiguous() for n, p in model.named_parameters() if p.requires_grad}
    save_file(gradients, directory / "gradients.safetensors")
    (directory / "README.md").unlink()
    config = json.loads((directory / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = name
    config["target_modules"] = sorted(config["target_modules"])
    (directory / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    (directory / "golden.json").write_text(json.dumps({"base": name, "logprobs": found}) + "\n")
    for file in directory.iterdir():
        file.chmod(0o644)
    print(folder, sum(map(sum, found)))


write("qwen2", "qwen2", r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj"])
write("llama-bias", "llama-bias", r=4, lora_alpha=4, use_rslora=True, target_modules="all-linear")
write("phi3", "phi3", r=2, lora_alpha=4, target_modules=["qkv_proj", "gate_up_proj", "o_proj"])

for directory in sorted((fixtures / "trained-adapters").glob("*")):
    model = PeftModel.from_pretrained(base(directory.name), directory).eval()
    golden = json.loads((fixtures / directory.name / "golden.json").read_text())
    with torch.no_grad():
        found = [
            [float(f"{value:.8g}") for value in logprobs(model, s["tokens"]).tolist()] for s in golden["sequences"]
        ]
    (directory / "transformers.json").write_text(json.dumps({"logprobs": found}) + "\n")
    print("trained", directory.name, sum(map(sum, found)))
