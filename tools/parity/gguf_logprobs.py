"""Log-probabilities that transformers gives for real checkpoints, read from their GGUF files.

    python tools/parity/gguf_logprobs.py FOLDER_WITH_GGUF_FILES > packages/backend-onnx/test/fixtures/gguf/logprobs.json
"""

import json, os, sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

text = (
    "Ann: I moved from Oslo to Bergen in May 2023, and my sister's dog came with me.\n"
    "Bob: That's 462 km! def f(x): return x ** 2  # naïve, 東京"
)
files = ["smollm2-135m-instruct.q4_1.gguf", "qwen2.5-coder-0.5b-instruct.q4_k_m.gguf"]
found = {}
for file in files:
    folder = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    ids = tokenizer(text)["input_ids"]
    with torch.no_grad():
        logp = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True
    )
    chat = list(chat["input_ids"] if hasattr(chat, "keys") else chat)
    with torch.no_grad():
        greedy = model.generate(torch.tensor([chat]), do_sample=False, max_new_tokens=12)[0, len(chat) :].tolist()
    found[file] = {
        "text": text,
        "ids": ids,
        "logprobs": [round(logp[i, ids[i + 1]].item(), 6) for i in range(len(ids) - 1)],
        "chat": chat,
        "greedy": greedy,
    }
print(json.dumps(found, ensure_ascii=False))
