"""Tags the wheel for the machine that bin/gpuinit was built for: GPUINIT_WHEEL_MACHINE, x86_64 or aarch64.

docker/release.sh lays bin/gpuinit and the licences beside this file, and sets GPUINIT_VERSION. The program is static, so
any C library does; manylinux_2_17 is the oldest name that pip and uv know for "Linux of this machine".
"""
import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tag(BuildHookInterface):
    def initialize(self, version, build_data):
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_2_17_{os.environ['GPUINIT_WHEEL_MACHINE']}"
