#!/bin/sh
# make_stub.sh NM CC SONAME OUTPUT OBJECT…: a shared library of that name which defines every Py… symbol that the objects use.
set -eu
nm=$1 cc=$2 soname=$3 output=$4
shift 4
"$nm" -u "$@" | sed -n 's/^.* \(_\{0,1\}Py[A-Za-z0-9_]*\)$/void \1(void) {}/p' | sort -u >"$output.c"
"$cc" -w -fno-builtin -shared -fPIC -nostdlib -Wl,-soname,"$soname" -o "$output" "$output.c"
