"""Writes what happens in a run as JSON lines, for the supervisor to follow.

Each line says when, in which play and task, on which host and with what
outcome. Arguments and results are never written: they could hold anything.
"""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: run_events
type: notification
short_description: JSON lines with names and outcomes alone
description:
  - Appends one line an event to the file named by the variable C(LIGHTSOUT_EVENTS).
requirements:
  - enabled in the configuration
"""


class CallbackModule(CallbackBase):
    """Appends one line an event; without the variable it does nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "run_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._play = ""
        path = os.environ.get("LIGHTSOUT_EVENTS")
        self._events = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def _write(self, outcome, task="", host=""):
        if self._events is None:
            return
        event = {"time": int(time.time()), "play": self._play, "task": task, "host": host, "outcome": outcome}
        self._events.write(json.dumps(event) + "\n")

    def _of_result(self, outcome, result):
        self._write(outcome, result.task.get_name(), result.host.get_name())

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name()
        self._write("play")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._write("task", task.get_name())

    def v2_runner_on_ok(self, result):
        self._of_result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._of_result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result):
        self._of_result("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._of_result("skipped", result)

    def v2_runner_retry(self, result):
        self._of_result("retry", result)

    def v2_playbook_on_stats(self, stats):
        self._write("end")
