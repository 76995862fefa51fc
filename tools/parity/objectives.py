"""Losses and gradients of TRL's GRPOTrainer, of its own `_compute_loss`, for
packages/core/test/fixtures/objectives.json.

python tools/parity/objectives.py packages/core/test/fixtures/objectives.json

The trainer is not built: `_compute_loss` runs on an object that has what it reads, with log-probabilities that are
leaves in place of a model's. TRL 1.13.
"""

import json
import sys
import types
from collections import defaultdict

import torch
import trl
from trl.trainer.grpo_trainer import GRPOTrainer

torch.manual_seed(7)
ROWS, TOKENS = 6, 9
LENGTHS = [9, 4, 7, 1, 6, 9]
MAX_LENGTH = 12

mask = torch.tensor([[1.0 if t < length else 0.0 for t in range(TOKENS)] for length in LENGTHS], dtype=torch.float64)
logp = -3 * torch.rand(ROWS, TOKENS, dtype=torch.float64)
old = logp + 0.5 * torch.randn(ROWS, TOKENS, dtype=torch.float64)
sampler = old + 0.6 * torch.randn(ROWS, TOKENS, dtype=torch.float64)
ref = logp + 0.7 * torch.randn(ROWS, TOKENS, dtype=torch.float64)
entropy = 4 * torch.rand(ROWS, TOKENS, dtype=torch.float64)
advantages = torch.tensor([1.2, -0.7, 0.4, -1.5, 0.9, -0.3], dtype=torch.float64)


def correction(level, mode, cap):
    """As `_generate_and_score_completions` of TRL computes `importance_sampling_ratio`."""
    difference = (old - sampler) * mask
    ratio = torch.exp(difference if level == "token" else difference.sum(-1, keepdim=True))
    return torch.clamp(ratio, max=cap) if mode == "truncate" else ratio.masked_fill(ratio > cap, 0.0)


def loss_of(case):
    case = {
        "loss_type": "grpo",
        "level": "token",
        "epsilon": 0.2,
        "epsilon_high": 0.2,
        "beta": 0.0,
        "delta": None,
        "correction": None,
        "entropy": 0.0,
        **case,
    }
    leaf = logp.clone().requires_grad_(True)
    entropies = entropy.clone().requires_grad_(True)
    trainer = types.SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_, **__: (leaf, entropies, None),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level=case["level"],
        loss_type=case["loss_type"],
        beta=case["beta"],
        epsilon_low=case["epsilon"],
        epsilon_high=case["epsilon_high"],
        use_vllm=case["correction"] is not None,
        vllm_importance_sampling_correction=case["correction"] is not None,
        max_completion_length=MAX_LENGTH,
        current_gradient_accumulation_steps=1,
        args=types.SimpleNamespace(
            delta=case["delta"], use_bias_correction_kl=False, steps_per_generation=1, report_to=[]
        ),
        accelerator=types.SimpleNamespace(
            num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x, sync_gradients=False
        ),
        model=types.SimpleNamespace(training=True),
        _metrics={"train": defaultdict(list), "eval": defaultdict(list)},
        _entropy_bonus_enabled=case["entropy"] != 0.0,
        entropy_coef=case["entropy"],
        _entropy_coef=case["entropy"],
        use_adaptive_entropy=False,
        state=types.SimpleNamespace(global_step=0),
    )
    inputs = {
        "prompt_ids": torch.zeros(ROWS, 1, dtype=torch.long),
        "prompt_mask": torch.ones(ROWS, 1, dtype=torch.long),
        "completion_ids": torch.zeros(ROWS, TOKENS, dtype=torch.long),
        "completion_mask": mask,
        "advantages": advantages,
        "old_per_token_logps": old,
        "ref_per_token_logps": ref,
        "num_items_in_batch": mask.sum(),
    }
    if case["correction"] is not None:
        inputs["importance_sampling_ratio"] = correction(**case["correction"])
        inputs["sampling_per_token_logps"] = sampler
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    gradient = leaf.grad
    return {
        **case,
        "loss": loss.item(),
        "gradient": [gradient[r, :length].tolist() for r, length in enumerate(LENGTHS)],
        "entropyGradient": (
            None
            if entropies.grad is None
            else [entropies.grad[r, :length].tolist() for r, length in enumerate(LENGTHS)]
        ),
    }


CASES = [
    {},
    {"epsilon_high": 0.28, "beta": 0.04},
    {"loss_type": "dr_grpo"},
    {"loss_type": "dapo", "epsilon_high": 0.28},
    {"loss_type": "bnpo", "beta": 0.1},
    {"loss_type": "grpo", "level": "sequence", "epsilon": 0.1, "epsilon_high": 0.15},
    {"loss_type": "cispo", "epsilon_high": 1.2},
    {"loss_type": "cispo", "epsilon_high": 5.0, "beta": 0.04},
    {"correction": {"level": "token", "mode": "truncate", "cap": 1.5}},
    {"correction": {"level": "token", "mode": "mask", "cap": 1.5}, "beta": 0.04},
    {"correction": {"level": "sequence", "mode": "truncate", "cap": 2.0}},
    {"correction": {"level": "sequence", "mode": "mask", "cap": 2.0}, "loss_type": "dapo"},
    {"loss_type": "dapo", "entropy": 0.01},
]


def rows(x):
    return [x[r, :length].tolist() for r, length in enumerate(LENGTHS)]


def main():
    fixture = {
        "trl": trl.__version__,
        "maxLength": MAX_LENGTH,
        "batch": {
            "logp": rows(logp),
            "oldLogp": rows(old),
            "samplerLogp": rows(sampler),
            "refLogp": rows(ref),
            "entropy": rows(entropy),
            "advantage": advantages.tolist(),
        },
        "cases": [loss_of(case) for case in CASES],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(fixture, file)
        file.write("\n")


main()
