"""`python -m gpuinit`: becomes the program that the wheel brought. No Python stays, so it may be PID 1."""
import os
import signal
import sys
import sysconfig


def candidates():
    """Where installers put it: beside this package, then this environment's scripts, then the user's."""
    package = os.path.dirname(os.path.abspath(__file__))
    for up in ("..", "../../../.."):  # `pip install --target`; PREFIX/lib/python3.x/site-packages/gpuinit
        yield os.path.join(os.path.normpath(os.path.join(package, up)), "bin")
    yield sysconfig.get_path("scripts")
    yield sysconfig.get_path("scripts", f"{os.name}_user")


def main():
    tried = []
    for directory in candidates():
        program = os.path.join(directory, "gpuinit")
        if os.access(program, os.X_OK):
            # Python ignores these at its start, and what is ignored stays so for the command.
            for name in ("SIGPIPE", "SIGXFSZ"):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            os.execv(program, ["gpuinit", *sys.argv[1:]])
        tried.append(program)
    sys.exit("gpuinit: the wheel's program is not here: " + ", ".join(tried))


if __name__ == "__main__":
    main()
