#!/usr/bin/env python3
"""Measures the engine beside negspaCy and medspaCy, in turns, on the same documents.

    python3 nlp/benches/peers/run.py             # about ten minutes
    python3 nlp/benches/peers/run.py --runs 5

Needs Python and PyPI: each peer is installed, pinned, into an environment of its own in
`.lightsout/benchmarks/`. The peers run blank English pipelines (no model has to be fetched):
a sentencizer, their matcher with the terms of the engine's dictionary, and their assertion.
Every side uses one core. The peers' loading is told apart; the engine's is part of its time,
which is that of a whole process that reads and writes JSON lines. The engine does more (it
links to codes and applies their rules) and reads the documents many times over, for it would
be done too soon otherwise.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
OWN = ROOT / ".lightsout" / "benchmarks"
PEERS = ["negspacy", "medspacy"]
MEDSPACY = "medspacy==1.3.1"
# How often the documents are repeated for the engine.
TIMES = 400


def environment(name):
    """Installs a peer and returns its Python."""
    folder = OWN / name
    python = folder / "bin" / "python"
    if not (folder / "installed").is_file():
        print(f"installing {name} into {folder}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--requirement", HERE / f"{name}.txt"], check=True)
        if name == "medspacy":
            # Its dependency on QuickUMLS needs a licensed terminology, and is not used here.
            subprocess.run([*pip, "--no-deps", MEDSPACY], check=True)
        (folder / "installed").touch()
    return python


class Peer:
    """A peer that waits to be told to go."""

    def __init__(self, name, terms, documents):
        command = [environment(name), HERE / "peer.py", name, terms, documents]
        one_core = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **one_core},
        )
        self.load, _, _ = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("error: a peer ended early; its words are above")
        seconds, found, denied = line.split()
        return float(seconds), int(found), int(denied)

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.answer()


def cargo(*arguments, **options):
    return subprocess.run(["cargo", *arguments], check=True, cwd=ROOT, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each side is measured")
    runs = parser.parse_args().runs

    OWN.mkdir(parents=True, exist_ok=True)
    package = ["--quiet", "--locked", "--release", "--package", "lightsout-nlp"]
    cargo("build", *package, "--example", "jsonl")
    terms = OWN / "terms.tsv"
    with terms.open("wb") as out:
        cargo("run", *package, "--example", "terms", stdout=out)
    charts = sorted((ROOT / "samples" / "charts").glob("*.txt"))
    texts = [chart.read_text(encoding="utf-8") for chart in charts]
    lines = [
        json.dumps({"doc_id": chart.name, "text": text}) + "\n"
        for chart, text in zip(charts, texts)
    ]
    documents, many = OWN / "documents.jsonl", OWN / "many.jsonl"
    documents.write_text("".join(lines) * 4, encoding="utf-8")
    many.write_text("".join(lines) * 4 * TIMES, encoding="utf-8")
    number = 4 * len(texts)
    megabytes = 4 * sum(len(text.encode()) for text in texts) / 1e6

    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    engine = target / "release" / "examples" / "jsonl"
    peers = {name: Peer(name, terms, documents) for name in PEERS}

    def ours():
        with many.open("rb") as documents:
            start = time.perf_counter()
            subprocess.run([engine], stdin=documents, stdout=subprocess.DEVNULL, check=True)
            return (time.perf_counter() - start) / TIMES

    taken = {name: [] for name in ["lightsout", *PEERS]}
    for turn in range(runs + 1):
        times = {"lightsout": ours(), **{name: peer.go()[0] for name, peer in peers.items()}}
        for name, seconds in times.items():
            if turn > 0:
                taken[name].append(seconds)
        print(f"turn {turn} of {runs}", file=sys.stderr, flush=True)

    medians = {name: statistics.median(times) for name, times in taken.items()}
    print("| one core | documents/s | MB/s | lightsout, as times this | loading, s |")
    print("| --- | --- | --- | --- | --- |")
    for name, seconds in medians.items():
        load = f"{peers[name].load:.1f}" if name in peers else "in its time"
        ratio = seconds / medians["lightsout"]
        print(
            f"| {name} | {number / seconds:,.0f} | {megabytes / seconds:.3g} "
            f"| {ratio:,.0f} | {load} |"
        )


main()
