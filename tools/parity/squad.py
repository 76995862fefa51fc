"""Exact match and F1 of answers as SQuAD's evaluation script (v1.1, Rajpurkar et al.

2016) computes them.     python tools/parity/squad.py

Writes packages/core/test/fixtures/squad.json. Needs the standard library only.
"""

import json
import re
import string
from collections import Counter
from itertools import product
from pathlib import Path


# The four functions of the script.
def normalize_answer(s):
    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    def lower(text):
        return text.lower()

    return white_space_fix(remove_articles(remove_punc(lower(s))))


def f1_score(prediction, ground_truth):
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    common = Counter(prediction_tokens) & Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


def exact_match_score(prediction, ground_truth):
    return normalize_answer(prediction) == normalize_answer(ground_truth)


answers = [
    "",
    " ",
    "the",
    "A",
    "an an",
    "The Scout!",
    "scout",
    "a dog.",
    "the Dog",
    "dog dog dog",
    "theatre another",
    "€20",
    "$20",
    "20",
    "20%",
    "2,000",
    "2000",
    "3.5",
    "35",
    "-5",
    "5",
    "−5",
    "C++",
    "C#",
    "c",
    "1-2",
    "12",
    "1–2",
    "🐶",
    "🐱",
    "👍🏽",
    "👍",
    "año",
    "an\u0303o",
    "ño",
    "n\u0303o",
    "ano",
    "Zoë",
    "Zoe\u0308",
    "thé",
    "a\u0301 b",
    "मेरा बेटा है",
    "मेरी बेटी है",
    "½",
    "1",
    "x²",
    "x2",
    "U.S. army",
    "US Army",
    "U.S. – an ‘A’ in  Maths!",
    "it's",
    "its",
    "it’s",
    "“Oslo”",
    "Oslo",
    "7 May, 2023",
    "7 May 2023",
    "a.m.",
    "p.m.",
    "m",
    "3:30",
    "330",
    "snake_case",
    "a_b",
    "_a_",
    "東京。",
    "東京",
    "Ａ",
    "a\u00a0dog",
    "a\u3000dog",
    "a\u200bdog",
    "a\u2028dog",
    "tab\tand\nline",
    "x\x1cy",
    "x y",
    "x\x85y",
    "\ufeffx",
    "x",
    "İstanbul",
    "istanbul",
    "ΟΔΟΣ",
    "οδος",
    "STRASSE",
    "Straße",
    "the a an",
    "Vitamin A",
    "vitamin",
    "Ⅷ a",
    "٣ a ٣",
    "aⅧ the",
    "a' the'",
    "~a`|^",
    "[the] {a} <an>",
]

if __name__ == "__main__":
    pairs = [
        {"prediction": p, "gold": g, "exactMatch": int(exact_match_score(p, g)), "f1": f1_score(p, g)}
        for p, g in product(answers, answers)
        if p == g or exact_match_score(p, g) or f1_score(p, g) > 0
    ]
    found = {"normalized": [[a, normalize_answer(a)] for a in answers], "pairs": pairs}
    path = Path(__file__).parents[2] / "packages/core/test/fixtures/squad.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, ensure_ascii=True, indent=0) + "\n")
    print(f"{path}: {len(answers)} answers, {len(pairs)} pairs")
