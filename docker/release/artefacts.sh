# What docker/release.sh makes of a build, to be sourced: $work has source/, hatchling/, home/ and dist/, where the
# artefacts go; $version and $epoch are theirs; `die` ends the caller. tests/release/artefacts_test.sh makes them of the
# build that is tested.
# shellcheck shell=bash disable=SC2154

# Nothing of the caller's has a say: locale, time zone, umask, flags, ccache, another cmake on PATH.
umask 022 # cpack takes the modes of a .deb's three parts from it
export LC_ALL=C.UTF-8 # the order of names that the shell expands
in_clean_environment() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$work/home" LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH="$epoch" "$@"
}

# One archive in the order of names, of one owner and one time.
pack() { # FILE DIRECTORY NAME
  tar -C "$2" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -c "$3" | gzip -9n >"$1"
}

archive() { # MACHINE BUILD
  local name=gpuinit-$version-linux-$1
  in_clean_environment DESTDIR="$work/stage-$1" cmake --install "$2" --prefix "/$name" >/dev/null
  mkdir -p "$work/stage-$1/$name/share/doc/gpuinit"
  (cd "$work/source" && cp LICENSE THIRD-PARTY-NOTICES.md docs/licenses/LGPL-2.1.txt "$work/stage-$1/$name/share/doc/gpuinit")
  [ ! -e "$work/source/CHANGELOG.md" ] || cp "$work/source/CHANGELOG.md" "$work/stage-$1/$name/share/doc/gpuinit"
  pack "$work/dist/$name.tar.gz" "$work/stage-$1" "$name"
}

packages() { # MACHINE BUILD
  local generator
  for generator in DEB RPM; do
    (cd "$2" && in_clean_environment cpack -G "$generator" -B "$work/packages-$1") >"$work/cpack.log" 2>&1 ||
      { cat "$work/cpack.log"; die "cpack -G $generator failed"; }
  done
  cp "$work/packages-$1"/*.deb "$work/packages-$1"/*.rpm "$work/dist"
}

wheel() { # MACHINE BUILD
  local tree=$work/wheel-$1 tag=x86_64
  [ "$1" = amd64 ] || tag=aarch64
  cp -r "$work/source/docker/wheel" "$tree"
  (cd "$work/source" && cp LICENSE THIRD-PARTY-NOTICES.md docs/licenses/LGPL-2.1.txt "$tree")
  install -D -m 755 "$2/gpuinit" "$tree/bin/gpuinit"
  (
    cd "$tree"
    in_clean_environment PYTHONPATH="$work/hatchling" GPUINIT_VERSION="$version" GPUINIT_WHEEL_MACHINE="$tag" \
      /usr/bin/python3 -m hatchling build -t wheel -d "$work/dist"
  ) >"$work/wheel.log" 2>&1 || { cat "$work/wheel.log"; die "the wheel for $1 could not be made"; }
}

# The Python package that makes the wheel, and what it needs.
backend() { # DIRECTORY
  PIP_ROOT_USER_ACTION=ignore /usr/bin/python3 -m pip -q install --disable-pip-version-check --no-cache-dir --no-deps \
    --only-binary=:all: --require-hashes -r "$work/source/docker/release/requirements.txt" --target "$1" </dev/null
}

image() { # COMMIT --program MACHINE=FILE...
  in_clean_environment "$work/source/docker/release/oci.py" --version "$version" --commit "$1" --epoch "$epoch" \
    --licences "$work/source/LICENSE" "$work/source/THIRD-PARTY-NOTICES.md" "$work/source/docs/licenses/LGPL-2.1.txt" \
    --output "$work/dist/gpuinit-$version-oci.tar" "${@:2}"
}

checksums() {
  (cd "$work/dist" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
}
