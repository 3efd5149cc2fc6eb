#!/usr/bin/env python3
"""Takes the command line of tini, dumb-init or catatonit (whichever it is called as)
and becomes gpuinit --supervise with the same meaning, so that the test suites that
those projects publish can be run against gpuinit. docs/drop-in.md is the same in words.

$GPUINIT_BINARY names gpuinit.
"""

import getopt
import os
import signal
import sys


def set_value(settings, key, value):
    settings += ["--set", f"launch.{key}={value}"]


def tini(arguments, settings):
    options, command = getopt.getopt(arguments, "+hlvwsge:p:")
    zero = [value for option, value in options if option == "-e" and value != "0"]
    for option, value in options:
        if option == "-p":
            set_value(settings, "parent-death-signal", value)
    if ("-g", "") in options or "TINI_KILL_PROCESS_GROUP" in os.environ:
        set_value(settings, "signal-target", "group")
    if zero:
        set_value(settings, "exit-zero", f"[{', '.join(zero)}]")
    return command


def dumb_init(arguments, settings):
    options, command = getopt.getopt(arguments, "+chvVr:", ["single-child", "help", "verbose", "version", "rewrite="])
    group = os.environ.get("DUMB_INIT_SETSID") != "0"
    for option, value in options:
        if option in ("-c", "--single-child"):
            group = False
        elif option in ("-r", "--rewrite"):
            received, sent = map(int, value.split(":"))
            name = signal.Signals(received).name
            set_value(settings, f"signals.{name}", signal.Signals(sent).name if sent else "ignore")
        elif option in ("-h", "--help", "-V", "--version"):
            sys.exit(0)
    if group:
        set_value(settings, "signal-target", "group")
    return command


def catatonit(arguments, settings):
    options, command = getopt.getopt(arguments, "+hLVPg")
    if ("-g", "") in options:
        set_value(settings, "signal-target", "group")
    return command


def main():
    name = os.path.basename(sys.argv[0])
    settings = []
    adapt = {"tini": tini, "dumb-init": dumb_init, "catatonit": catatonit}[name]
    try:
        command = adapt(sys.argv[1:], settings)
    except (getopt.GetoptError, ValueError) as error:
        sys.exit(f"{name}: {error}")
    os.environ["GPUINIT"] = "off"
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    gpuinit = os.environ["GPUINIT_BINARY"]
    os.execv(gpuinit, [gpuinit, "--supervise", *settings, "--", *command])


main()
