#!/usr/bin/env python3
"""Writes gpuinit as an OCI image for every machine it was built for, in one `oci:` layout, as a tar file.

    oci.py --version V --commit C --epoch SECONDS --licences FILE... --output FILE --program MACHINE=PROGRAM...

MACHINE is amd64 or arm64. The image is what docker/Dockerfile makes: `FROM scratch`, /usr/bin/gpuinit and the licences.
The same bytes from the same program: names sorted, owner 0, one time, and no engine with a taste of its own.
"""
import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import tarfile

OCI = "application/vnd.oci.image."


def tar(entries, epoch):
    """`entries`: {path: (bytes, mode)}; their directories come with them, each before what is in it."""
    directories = set()
    for path in entries:
        while path := os.path.dirname(path):
            directories.add(path)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(directories | set(entries)):
            info = tarfile.TarInfo(path)
            info.mtime = epoch
            if path in entries:
                data, info.mode = entries[path]
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
    return out.getvalue()


class Layout:
    """The blobs of an image layout, and what describes each."""

    def __init__(self):
        self.files = {}

    def blob(self, data, media_type, **more):
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = (data, 0o644)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def json(self, value, media_type, **more):
        return self.blob(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), media_type, **more)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def image(layout, machine, program, licences, labels, epoch):
    """One machine's image; its descriptor."""
    entries = {"usr/bin/gpuinit": (read(program), 0o755)}
    entries |= {f"usr/share/doc/gpuinit/{os.path.basename(path)}": (read(path), 0o644) for path in licences}
    layer = tar(entries, epoch)
    created = labels["org.opencontainers.image.created"]
    config = layout.json({
        "created": created, "architecture": machine, "os": "linux", **({"variant": "v8"} if machine == "arm64" else {}),
        "config": {"Entrypoint": ["/usr/bin/gpuinit"], "Labels": labels,
                   "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": created, "created_by": "docker/release/oci.py"}],
    }, OCI + "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config,
                "layers": [layout.blob(gzip.compress(layer, 9, mtime=0), OCI + "layer.v1.tar+gzip")],
                "annotations": labels}
    platform = {"architecture": machine, "os": "linux", **({"variant": "v8"} if machine == "arm64" else {})}
    return layout.json(manifest, OCI + "manifest.v1+json", platform=platform)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("version", "commit", "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--epoch", required=True, type=int)
    parser.add_argument("--licences", required=True, nargs="+")
    parser.add_argument("--program", required=True, action="append", metavar="MACHINE=PROGRAM")
    arguments = parser.parse_args()

    created = datetime.datetime.fromtimestamp(arguments.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    label = "org.opencontainers.image."
    labels = {label + "title": "gpuinit", label + "version": arguments.version, label + "revision": arguments.commit,
              label + "created": created, label + "licenses": "Apache-2.0 AND LGPL-2.1-or-later AND LGPL-2.1-only AND MIT",
              label + "description": "The entrypoint of a GPU container: finds out whether this image can work on this node"}
    layout = Layout()
    images = [image(layout, *program.split("=", 1), arguments.licences, labels, arguments.epoch)
              for program in sorted(arguments.program)]
    index_type = OCI + "index.v1+json"
    both = layout.json({"schemaVersion": 2, "mediaType": index_type, "manifests": images, "annotations": labels}, index_type,
                       annotations={label + "ref.name": f"gpuinit:{arguments.version}"})
    layout.files["index.json"] = (json.dumps({"schemaVersion": 2, "mediaType": index_type, "manifests": [both]}).encode(), 0o644)
    layout.files["oci-layout"] = (b'{"imageLayoutVersion":"1.0.0"}', 0o644)
    with open(arguments.output, "wb") as file:
        file.write(tar(layout.files, arguments.epoch))


if __name__ == "__main__":
    main()
