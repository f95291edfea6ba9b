#!/usr/bin/env python3
"""Cases as JSON lines for `casepack import`, made of the words of the samples.

    cases.py --mb 200 | --cases N  [--results N] [--words N] [--prefix TEXT] [--seed N]

Phrases of one to four words are taken from product names and descriptions (samples/chorus) and from
questions in five languages (samples/miracl), so that the text repeats about as search results do.
"""
import argparse
import csv
import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sentences():
    with open(ROOT / "samples/chorus/ratings.csv", encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            yield row["name"]
            yield row["description"]
    for path in sorted(ROOT.glob("samples/miracl/topics-*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield line.partition("\t")[2]


def phrases(rng):
    out = []
    for sentence in sentences():
        words = sentence.split()
        while words:
            n = rng.randint(1, 4)
            out.append(" ".join(words[:n]))
            words = words[n:]
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--mb", type=float)
    p.add_argument("--cases", type=int)
    p.add_argument("--results", type=int, default=20)
    p.add_argument("--words", type=int, default=60, help="phrases in a snippet, on average")
    p.add_argument("--prefix", default="q", help="what the ids of cases begin with")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    rng = random.Random(a.seed)
    stock = phrases(rng)
    queries = sorted({s for s in sentences() if len(s) < 120})
    written = n = 0
    while (a.cases is None or n < a.cases) and (a.mb is None or written < a.mb * 1e6):
        n += 1
        results = []
        for r in range(a.results):
            site, number = rng.randrange(2000), rng.randrange(10**9)
            results.append({
                "id": f"d{number}", "title": " ".join(rng.choices(stock, k=rng.randint(2, 4))),
                "snippet": " ".join(rng.choices(stock, k=rng.randint(a.words // 2, a.words * 3 // 2))),
                "url": f"https://www.site{site}.example/{number:x}/{rng.randrange(10**6)}.html"})
        line = json.dumps({"id": f"{a.prefix}{n:06d}", "query": rng.choice(queries), "locale": "en-US", "results": results},
                          ensure_ascii=False) + "\n"
        written += len(line.encode())
        sys.stdout.write(line)


main()
