#!/usr/bin/env python3
"""Takes the command line of tini, dumb-init or catatonit (whichever it is called as)
and becomes gpuinit --supervise with the same meaning, so that the test suites that
those projects publish can be run against gpuinit. docs/drop-in.md is the same in words.

$GPUINIT_BINARY names gpuinit.
"""

import os
import signal
import sys


def set_value(settings, key, value):
    settings += ["--set", f"launch.{key}={value}"]


def tini(arguments, settings):
    zero = []
    if "TINI_KILL_PROCESS_GROUP" in os.environ:
        set_value(settings, "signal-target", "group")
    while arguments and arguments[0].startswith("-"):
        word = arguments.pop(0)
        if word == "--":
            break
        for position, flag in enumerate(word[1:], 1):
            if flag in "ep":
                value = word[position + 1:] or arguments.pop(0)
                if flag == "e" and value != "0":
                    zero.append(value)
                if flag == "p":
                    set_value(settings, "parent-death-signal", value)
                break
            if flag == "g":
                set_value(settings, "signal-target", "group")
    if zero:
        set_value(settings, "exit-zero", f"[{', '.join(zero)}]")
    return arguments


def dumb_init(arguments, settings):
    group = os.environ.get("DUMB_INIT_SETSID") != "0"
    while arguments and arguments[0].startswith("-"):
        word = arguments.pop(0)
        if word == "--":
            break
        if word in ("-c", "--single-child"):
            group = False
        elif word in ("-r", "--rewrite"):
            received, sent = map(int, arguments.pop(0).split(":"))
            name = signal.Signals(received).name
            set_value(settings, f"signals.{name}", signal.Signals(sent).name if sent else "ignore")
        elif word not in ("-v", "--verbose"):
            sys.exit(1)
    if group:
        set_value(settings, "signal-target", "group")
    return arguments


def catatonit(arguments, settings):
    while arguments and arguments[0].startswith("-"):
        word = arguments.pop(0)
        if word == "--":
            break
        if word == "-g":
            set_value(settings, "signal-target", "group")
    return arguments


def main():
    name = os.path.basename(sys.argv[0])
    settings = []
    adapt = {"tini": tini, "dumb-init": dumb_init, "catatonit": catatonit}[name]
    command = adapt(sys.argv[1:], settings)
    os.environ["GPUINIT"] = "off"
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python's own doing
    gpuinit = os.environ["GPUINIT_BINARY"]
    os.execv(gpuinit, [gpuinit, "--supervise", *settings, "--", *command])


main()
