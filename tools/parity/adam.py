"""Writes packages/backend-onnx/test/fixtures/adam.json: five steps of PyTorch's AdamW, with clipped gradients.

Usage: python tools/parity/adam.py (with torch 2.13). Everything is computed in float64; inputs are exact in float32.
"""

import json, pathlib

import torch

torch.manual_seed(3)
cases = []
for options in [
    {"learningRate": 0.01},
    {"learningRate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    {"learningRate": 0.01, "weightDecay": 0.1},
    {"learningRate": 0.02, "weightDecay": 0.5, "maxGradNorm": 1.5},
]:
    weights = torch.randn(6).double()
    parameter = torch.nn.Parameter(weights.clone())
    optimizer = torch.optim.AdamW(
        [parameter],
        lr=options["learningRate"],
        betas=(options.get("beta1", 0.9), options.get("beta2", 0.999)),
        eps=options.get("epsilon", 1e-8),
        weight_decay=options.get("weightDecay", 0),
    )
    steps = []
    for step in range(5):
        # One gradient that stays zero, one that is tiny; the last steps are longer than maxGradNorm.
        gradient = (torch.randn(6) * torch.tensor([1, 1, 0, 1e-6, 3, 0.1]) * 0.5 * (step + 1)).float()
        parameter.grad = gradient.double()
        norm = float(parameter.grad.norm())
        limit = options.get("maxGradNorm")
        # clip_grad_norm_ divides by the norm plus 1e-6; this is what it means to do.
        if limit is not None and norm > limit:
            reference = parameter.grad.clone()
            torch.nn.utils.clip_grad_norm_([parameter], limit)
            assert torch.allclose(parameter.grad, reference * limit / norm, rtol=1e-6)
            parameter.grad = reference * limit / norm
        optimizer.step()
        steps.append(
            {"gradient": gradient.tolist(), "norm": norm, "weights": [float(f"{w:.9g}") for w in parameter.tolist()]}
        )
    cases.append({"options": options, "weights": weights.tolist(), "steps": steps})

path = pathlib.Path(__file__).parents[2] / "packages/backend-onnx/test/fixtures/adam.json"
path.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
