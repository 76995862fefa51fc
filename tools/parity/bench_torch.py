"""The peer of `memory-r1 bench train-step` and `bench decode`: the same work in PyTorch and transformers, on the same
checkpoint.

Prints one JSON document. Used by `memory-r1 bench ... --peer "PYTHON tools/parity/bench_torch.py"`; never part of the
product.
"""

import argparse, json, statistics, time

import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("task", choices=["train-step", "decode"])
parser.add_argument("--model", required=True)
parser.add_argument("--rows", type=int, default=16)
parser.add_argument("--tokens", type=int, default=128)
parser.add_argument("--prompt", type=int, default=128)
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

torch.set_num_threads(args.threads)
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
vocabulary = model.config.vocab_size


def train_step():
    # Prompt and completion go through the model, the completion's tokens are learned.
    # `logits_to_keep` spares the prompt's logits.
    tokens = torch.randint(3, vocabulary, (args.rows, args.prompt + args.tokens))
    started = time.perf_counter()
    logits = model(input_ids=tokens[:, :-1], logits_to_keep=args.tokens).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, vocabulary), tokens[:, args.prompt :].reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - started


def decode():
    tokens = torch.randint(3, vocabulary, (args.rows, args.prompt))
    started = time.perf_counter()
    with torch.no_grad():
        model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            min_new_tokens=args.tokens,
            max_new_tokens=args.tokens,
            pad_token_id=0,
        )
    return time.perf_counter() - started


if args.task == "train-step":
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    run = train_step
else:
    model.eval()
    run = decode

run()
seconds = [run() for _ in range(args.steps)]
median = statistics.median(seconds)
print(
    json.dumps(
        {
            "engine": f"PyTorch {torch.__version__} + transformers",
            "stepSeconds": seconds,
            "medianStepSeconds": median,
            "tokensPerSecond": args.rows * args.tokens / median,
        }
    )
)
