#!/usr/bin/env python3
"""Measures Lightsout beside its peers, in turns, and prints a table of medians.

    python3 tests/benchmarks/run.py                # everything
    python3 tests/benchmarks/run.py pipeline many  # some of it
    python3 tests/benchmarks/run.py --runs 9

Needs Node and npm for the AWS CDK, and installs that, pinned, into
`.lightsout/benchmarks/`. Runs of both sides alternate, so that a noisy machine
is noisy for both; CPU seconds are user and system together, with children, and
memory is the largest resident set of any one process.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OWN = ROOT / ".lightsout" / "benchmarks"
SERVICES = "cloudwatch dynamodb ec2 ecs events iam kms lambda logs s3 sns sqs".split()
STRATOSPHERE = "0.1.0"


class Run:
    """What one run of a command took."""

    def __init__(self, wall, cpu, megabytes):
        self.wall, self.cpu, self.megabytes = wall, cpu, megabytes


def measure(command, cwd=ROOT, env=None):
    """Runs a command to its end; stops everything if it fails."""
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=said,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        if process.returncode != 0:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            sys.exit(f"error: `{' '.join(map(str, command))}` ended with {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turns(sides, runs):
    """Measures each side `runs` times, one after the other, after one run to warm up."""
    taken = {name: [] for name in sides}
    for turn in range(runs + 1):
        for name, once in sides.items():
            run = once()
            if turn > 0:
                taken[name].append(run)
        note(f"turn {turn} of {runs}")
    return taken


def table(title, taken):
    """Prints medians, and how many times the first side's each of them is."""
    print(f"\n### {title}\n")
    print("| | wall s | CPU s | peak MB | wall, as times the first | CPU, as times the first |")
    print("| --- | --- | --- | --- | --- | --- |")

    def middle(runs, what):
        return statistics.median(getattr(run, what) for run in runs)

    first = next(iter(taken.values()))
    for name, runs in taken.items():
        wall, cpu, megabytes = (middle(runs, what) for what in ("wall", "cpu", "megabytes"))
        print(
            f"| {name} | {wall:.3f} | {cpu:.3f} | {megabytes:.0f} "
            f"| {wall / middle(first, 'wall'):.2f} | {cpu / middle(first, 'cpu'):.2f} |",
            flush=True,
        )


def note(text):
    print(text, file=sys.stderr, flush=True)


def cargo(*arguments, env=None, cwd=ROOT):
    subprocess.run(["cargo", *arguments], check=True, cwd=cwd, env={**os.environ, **(env or {})})


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def cdk():
    """Installs the AWS CDK and returns the folder that its apps run in."""
    folder = OWN / "cdk"
    folder.mkdir(parents=True, exist_ok=True)
    for source in (HERE / "peers" / "cdk").iterdir():
        shutil.copy(source, folder)
    if not (folder / "node_modules").is_dir():
        note("installing the AWS CDK into .lightsout/benchmarks")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], check=True, cwd=folder)
    return folder


def pipeline(runs):
    """This pipeline in all its environments, validated, beside an empty Node."""
    cargo("build", "--quiet", "--locked", "--release", "--package", "lightsout-stacks")
    with tempfile.TemporaryDirectory() as out:
        ours = [target() / "release" / "lightsout", "synth", "--out", out]
        sides = {
            "`lightsout synth`, every environment": lambda: measure(ours),
            "`node -e 0`": lambda: measure(["node", "-e", "0"]),
        }
        table("The whole pipeline, with validation", in_turns(sides, runs))


def many(runs):
    """100 stacks of 100 raw resources, and ten times as much."""
    cargo("build", "--quiet", "--locked", "--release", "--package", "lightsout-benchmarks")
    ours = target() / "release" / "many-stacks"
    peer = cdk()
    with tempfile.TemporaryDirectory() as folder:

        def rust(stacks):
            # Each run writes all templates anew.
            out = Path(folder) / "ours"
            shutil.rmtree(out, ignore_errors=True)
            return measure([ours, "--stacks", stacks, "--out", out])

        def node(validation):
            out = Path(folder) / "cdk"
            shutil.rmtree(out, ignore_errors=True)
            return measure(
                ["node", "many-stacks.js", 100, 100, out],
                cwd=peer,
                env={"CDK_VALIDATION": validation},
            )

        sides = {
            "Lightsout, with validation": lambda: rust(100),
            "AWS CDK 2.276.0, without validation": lambda: node("false"),
            "AWS CDK 2.276.0, with validation": lambda: node("true"),
        }
        table("100 stacks of 100 resources", in_turns(sides, runs))
        sides = {
            "10,000 resources in 100 stacks": lambda: rust(100),
            "100,000 resources in 1,000 stacks": lambda: rust(1000),
        }
        table("Ten times as many resources", in_turns(sides, runs))


def dependent(runs):
    """A cold `cargo check` of a project that takes twelve services."""
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            "lightsout-cfn and lightsout-core": project(
                Path(folder) / "ours",
                f'lightsout-cfn = {{ path = "{ROOT}/constructs/cfn", features = {SERVICES} }}\n'
                f'lightsout-core = {{ path = "{ROOT}/constructs/core" }}',
            ),
            "lightsout, L2 and L3 too": project(
                Path(folder) / "facade", f'lightsout = {{ path = "{ROOT}/constructs" }}'
            ),
            f"stratosphere {STRATOSPHERE}": project(
                Path(folder) / "stratosphere",
                f'stratosphere = {{ version = "={STRATOSPHERE}", '
                f'features = {["aws_" + service for service in SERVICES]} }}',
            ),
        }
        table("A dependent project with twelve services, cold `cargo check`", in_turns(sides, runs))


def project(folder, dependencies):
    """Makes a project and returns how to check it from nothing."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.rs").write_text("fn main() {}\n")
    (folder / "Cargo.toml").write_text(
        '[package]\nname = "dependent"\nversion = "0.0.0"\nedition = "2024"\n\n'
        f"[dependencies]\n{dependencies}\n\n[workspace]\n".replace("'", '"')
    )
    target = folder / "target"
    environment = {"CARGO_TARGET_DIR": str(target), "CARGO_INCREMENTAL": "0"}
    cargo("fetch", "--quiet", cwd=folder)

    def once():
        shutil.rmtree(target, ignore_errors=True)
        return measure(["cargo", "check", "--quiet"], cwd=folder, env=environment)

    return once


def edit(runs):
    """From an edited stack to its template, in the profile that one works in."""
    stack = ROOT / "stacks" / "src" / "storage.rs"
    with tempfile.TemporaryDirectory() as out:

        def once():
            stack.touch()
            return measure(
                ["cargo", "run", "--quiet", "--package", "lightsout-stacks", "--", "synth"]
                + ["--out", out],
                env={"CARGO_INCREMENTAL": "1"},
            )

        taken = in_turns({"edit a stack, `cargo synth`": once}, runs)
        table("Edit a stack, get the template", taken)


MEASURES = {"pipeline": pipeline, "many": many, "dependent": dependent, "edit": edit}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measures", nargs="*", help=f"any of {', '.join(MEASURES)}")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (5)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.measures if name not in MEASURES]
    if unknown:
        parser.error(f"there is no measure `{unknown[0]}`; there are {', '.join(MEASURES)}")
    for name in arguments.measures or MEASURES:
        MEASURES[name](arguments.runs)


if __name__ == "__main__":
    main()
