#!/usr/bin/env python3
"""Measures the Lambda programs: size of their zips, and time to the first answer.

    cargo build --profile lambda -p lightsout-api -p lightsout-authorizer -p lightsout-launcher -p lightsout-reaper
    python3 tests/benchmarks/lambda.py                     # what that has built
    python3 tests/benchmarks/lambda.py --folder DIR --runs 50 --only authorizer

Each program runs here as Lambda runs it: a new process for each measurement, which asks
a runtime API for an event and posts its answer. That API, and the queue, the table and
EC2 of an idle pipeline, are this script's own, on one port without encryption; the launcher
is also measured where charts wait, and it takes the lease and starts a master. Time is
counted from the start of the process to the arrival of the answer.
"""

import argparse
import base64
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

ROOT = Path(__file__).resolve().parent.parent.parent
ZIPPED_LIMIT = 6_000_000

API_EVENT = {
    "httpMethod": "GET",
    "path": "/runs",
    "queryStringParameters": None,
    "requestContext": {
        "requestId": "r-1",
        "identity": {},
        "authorizer": {"principalId": "s", "tenant": "t", "role": "auditor", "issuedAt": "1"},
    },
}
# The public key of RFC 7515, A.3, and a token of the right form that it did not sign.
KEYS = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "kid": "1",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ]
}


def token():
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    header = {"alg": "ES256", "kid": "1"}
    claims = {"iss": "i", "aud": "a", "sub": "s", "iat": 1, "exp": 2_000_000_000}
    signature = bytes(range(1, 65))
    return ".".join([part(json.dumps(p).encode()) for p in (header, claims)] + [part(signature)])


AUTHORIZER_EVENT = {
    "type": "TOKEN",
    "authorizationToken": f"Bearer {token()}",
    "methodArn": "arn:aws:execute-api:us-east-1:111122223333:a/v1/GET/runs",
}
# What each program is invoked with, what it has to answer, and how many charts wait meanwhile.
PROGRAMS = {
    "api": [(API_EVENT, '"statusCode":200', 0)],
    "authorizer": [(AUTHORIZER_EVENT, '"Unauthorized"', 0)],
    "launcher": [({}, '"decision":"stay_idle"', 0), ({}, '"decision":"launch"', 3)],
    "reaper": [({}, '"ended":0', 0)],
}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "API_NAME": "lamp",
    "AUDIT_TABLE": "audit",
    "CALLERS_TABLE": "callers",
    "CALLER_BURST": "10",
    "CALLER_RATE": "5",
    "CONTROL_TABLE": "control",
    "DEADLINE_SECONDS": "3600",
    "EXPORTS_BUCKET": "exports",
    "FLEET": "lamp",
    "GRACE_SECONDS": "600",
    "INBOX_BUCKET": "inbox",
    "LAUNCHER": "launcher",
    "LEASE_SECONDS": "60",
    "MASTER_SPOT": "false",
    "MASTER_TEMPLATE": "lt-1",
    "MASTER_TYPES": "t4g.small",
    "PIPELINE": "lamp",
    "RESULTS_BUCKET": "large",
    "RESULTS_TABLE": "results",
    "SEALED_TRAIL_BUCKET": "sealed",
    "SUBNETS": "subnet-1,subnet-2",
    "SWEEP_SECONDS": "300",
    "TOKEN_AUDIENCE": "a",
    "TOKEN_ISSUER": "i",
    "TOKEN_KEYS": json.dumps(KEYS),
}
EC2 = {
    "DescribeInstances": "<reservationSet/>",
    "RunInstances": "<instancesSet><item><instanceId>i-0a</instanceId></item></instancesSet>",
}
AWS = {
    "DynamoDB_20120810.GetItem": {},
    "DynamoDB_20120810.Query": {"Items": [], "Count": 0},
    "DynamoDB_20120810.PutItem": {},
    "DynamoDB_20120810.TransactGetItems": {"Responses": [{}, {}]},
    "DynamoDB_20120810.TransactWriteItems": {},
    "DynamoDB_20120810.UpdateItem": {},
}


class World(BaseHTTPRequestHandler):
    """Lambda's runtime API, and AWS with nothing in it."""

    protocol_version = "HTTP/1.1"
    # An answer is one packet: two would wait for each other.
    wbufsize, disable_nagle_algorithm = -1, True
    event, waiting, answer, answered = {}, 0, None, threading.Event()

    def do_GET(self):
        if self.path.endswith("/invocation/next"):
            if World.answered.is_set():
                # Lambda freezes a process that waits for its next event.
                time.sleep(60)
            deadline = str(int((time.time() + 30) * 1000))
            headers = {
                "Lambda-Runtime-Aws-Request-Id": "r-1",
                "Lambda-Runtime-Deadline-Ms": deadline,
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:111122223333:function:measured",
            }
            self.say(json.dumps(World.event), headers)
        else:
            self.say("", {}, 404)

    def do_PUT(self):
        """Takes an object into a bucket."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.say("", {"ETag": '"0"'})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        target = self.headers.get("X-Amz-Target")
        if "/runtime/" in self.path:
            World.answer = (time.perf_counter(), body)
            World.answered.set()
            self.say("{}", {}, 202)
        elif target == "AmazonSQS.GetQueueAttributes":
            name = "ApproximateNumberOfMessages"
            depth = {name: str(World.waiting), f"{name}NotVisible": "0", f"{name}Delayed": "0"}
            self.say(json.dumps({"Attributes": depth}), {"Content-Type": "application/x-amz-json-1.0"})
        elif target in AWS:
            self.say(json.dumps(AWS[target]), {"Content-Type": "application/x-amz-json-1.0"})
        elif (action := dict(parse_qsl(body)).get("Action")) in EC2:
            namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
            text = f"<requestId>r</requestId>{EC2[action]}"
            text = f'<{action}Response xmlns="{namespace}">{text}</{action}Response>'
            self.say(text, {"Content-Type": "text/xml"})
        else:
            sys.stderr.write(f"nobody answers {target} {body[:200]}\n")
            self.say("{}", {}, 400)

    def say(self, text, headers, status=200):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Says nothing of connections that end with a program, which is killed each time."""


def zipped(program):
    """Returns the bytes of the zip that is deployed: the program alone, as `bootstrap`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bootstrap", program.read_bytes())
    return len(out.getvalue())


def first_answer(program, port, event, wanted, waiting):
    """Starts the program once; returns milliseconds to its answer, and of processor time."""
    World.event, World.waiting, World.answer = event, waiting, None
    World.answered.clear()
    here = f"127.0.0.1:{port}"
    variables = {
        **VARIABLES,
        "AWS_LAMBDA_RUNTIME_API": here,
        "AWS_ENDPOINT_URL": f"http://{here}",
        "WORK_QUEUE": f"http://{here}/111122223333/work",
    }
    begun = time.perf_counter()
    process = subprocess.Popen(
        [program], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    came = World.answered.wait(20)
    # Not by `process.kill`, which would reap a program that has ended, with its times.
    os.kill(process.pid, signal.SIGKILL)
    said = process.stderr.read().decode(errors="replace")
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = -9
    if not came:
        sys.exit(f"error: {program.name} gave no answer: {said}")
    at, body = World.answer
    if wanted not in body:
        sys.exit(f"error: {program.name} answered {body}: {said}")
    return (at - begun) * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def target_folder():
    """Returns where Cargo builds for the `lambda` profile."""
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"],
        cwd=ROOT, check=True, capture_output=True,
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "lambda"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--folder", type=Path, help="where the built programs are")
    arguments.add_argument("--runs", type=int, default=30)
    arguments.add_argument("--only", choices=PROGRAMS, action="append", help="of the programs, this one")
    arguments = arguments.parse_args()
    folder = arguments.folder or target_folder()
    server = Server(("127.0.0.1", 0), World)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    too_large = False
    print("| program | bytes | zipped | first answer, median ms | fastest | slowest | processor ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, invocations in PROGRAMS.items():
        if name not in (arguments.only or PROGRAMS):
            continue
        program = folder / name
        if not program.is_file():
            sys.exit(f"error: there is no `{program}`; the first lines of this script say how to build it")
        size = zipped(program)
        too_large |= size >= ZIPPED_LIMIT
        for event, wanted, waiting in invocations:
            taken = [
                first_answer(program, server.server_port, event, wanted, waiting)
                for _ in range(arguments.runs + 1)
            ][1:]
            times, used = zip(*taken)
            label = f"{name}, {waiting} charts wait" if waiting else name
            print(
                f"| {label} | {program.stat().st_size:,} | {size:,} | {statistics.median(times):.1f}"
                f" | {min(times):.1f} | {max(times):.1f} | {statistics.median(used):.1f} |"
            )
    if too_large:
        sys.exit(f"error: a zip of {ZIPPED_LIMIT:,} bytes or more")


if __name__ == "__main__":
    main()
