"""gpuinit is a program, which the wheel puts on PATH; `python -m gpuinit` runs it too."""
