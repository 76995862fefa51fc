"""The peer of `memory-r1 bench grpo-step`: GRPO steps of TRL (with peft where there is LoRA) on the same checkpoint.

Prints one JSON document. Used by `memory-r1 bench grpo-step --peer PYTHON`; never part of the product. Prompts are N
different ones of P tokens, a group of G completions each; every completion has C tokens, since the end token is
forbidden until then. The reward is of the program's own choosing and costs nothing. Each step is what it is in a run:
sample, reward, log-probabilities as TRL's defaults ask for them, gradient, clipping, AdamW.
"""

import argparse, json, os, random, resource, statistics, tempfile, time, warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from transformers.utils import logging
from trl import GRPOConfig, GRPOTrainer

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--prompt", type=int, default=512)
parser.add_argument("--group", type=int, default=8)
parser.add_argument("--completion", type=int, default=48)
parser.add_argument("--prompts", type=int, default=2)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--lora-rank", type=int)
parser.add_argument(
    "--micro-batch", type=int, help="completions of one forward and backward pass; all when it is left out"
)
args = parser.parse_args()

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(args.threads)
# Not the class that the kind of model has: its words are its own.
tokenizer = PreTrainedTokenizerFast.from_pretrained(args.model)
model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
rows = args.prompts * args.group
micro = args.micro_batch or rows
draw = random.Random(0)
# One word is one token in the checkpoints of bench_checkpoints.py.
prompts = [
    " ".join(f"w{draw.randrange(3, model.config.vocab_size)}" for _ in range(args.prompt)) for _ in range(args.prompts)
]
assert all(len(tokenizer(prompt)["input_ids"]) == args.prompt for prompt in prompts)


# The sampling of a step comes before on_step_begin when its micro-batches are accumulated,
# so steps are timed from end to end.
class Ends(TrainerCallback):
    def __init__(self):
        self.ends = []

    def on_train_begin(self, *_, **__):
        self.ends.append(time.perf_counter())

    def on_step_end(self, *_, **__):
        self.ends.append(time.perf_counter())


lora = None
if args.lora_rank is not None:
    from peft import LoraConfig

    lora = LoraConfig(
        r=args.lora_rank, lora_alpha=2 * args.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
clock = Ends()
with tempfile.TemporaryDirectory() as out:
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=lambda completion_ids, **_: [float(len(set(ids))) for ids in completion_ids],
        train_dataset=Dataset.from_dict({"prompt": prompts * (args.steps + 2)}),
        peft_config=lora,
        callbacks=[clock],
        args=GRPOConfig(
            output_dir=out,
            use_cpu=True,
            bf16=False,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            max_steps=args.steps + 1,
            learning_rate=1e-4,
            max_grad_norm=1.0,
            beta=0.0,
            temperature=1.0,
            seed=1,
            num_generations=args.group,
            generation_batch_size=rows,
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=rows // micro,
            max_completion_length=args.completion,
            generation_kwargs={"min_new_tokens": args.completion},
            gradient_checkpointing=False,
            shuffle_dataset=False,
        ),
    )
    trainer.train()
# The first step warms up.
seconds = [after - before for before, after in zip(clock.ends, clock.ends[1:])][1:]
median = statistics.median(seconds)
import trl

print(
    json.dumps(
        {
            "engine": f"TRL {trl.__version__}, PyTorch {torch.__version__}",
            "stepSeconds": seconds,
            "medianStepSeconds": median,
            "tokensPerSecond": (args.prompts * args.prompt + rows * args.completion) / median,
            "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
