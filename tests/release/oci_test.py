#!/usr/bin/env python3
"""docker/release/oci.py: a layout that says what is in it, for both machines, the same bytes whatever the files' times and modes.

    oci_test.py SOURCE
"""
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

SOURCE = os.path.realpath(sys.argv.pop(1))
EPOCH = 1700000000


def make(directory, mode, when):
    """oci.py's file of two programs that say which machine they are for."""
    os.makedirs(directory)
    paths = {}
    for name, text in (("amd64", b"program of amd64"), ("arm64", b"program of arm64"), ("LICENSE", b"licence")):
        paths[name] = os.path.join(directory, name)
        with open(paths[name], "wb") as file:
            file.write(text)
        os.chmod(paths[name], mode)
        os.utime(paths[name], (when, when))
    output = os.path.join(directory, "out.tar")
    subprocess.run([sys.executable, f"{SOURCE}/docker/release/oci.py", "--version", "1.2.3", "--commit", "abc", "--epoch", str(EPOCH),
                    "--licences", paths["LICENSE"], "--output", output, "--program", f"arm64={paths['arm64']}",
                    "--program", f"amd64={paths['amd64']}"], check=True)
    with open(output, "rb") as file:
        return file.read()


class Layout(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.bytes = make(os.path.join(cls.work.name, "one"), 0o755, 1)
        with tarfile.open(fileobj=io.BytesIO(cls.bytes)) as archive:
            cls.members = archive.getmembers()
            cls.files = {member.name: archive.extractfile(member).read() for member in cls.members if member.isfile()}

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def blob(self, descriptor):
        data = self.files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
        self.assertEqual(len(data), descriptor["size"])
        return data

    def images(self):
        top = json.loads(self.files["index.json"])["manifests"]
        self.assertEqual(len(top), 1)
        return top[0], json.loads(self.blob(top[0]))["manifests"]

    def test_every_blob_has_the_name_of_its_content(self):
        blobs = [name for name in self.files if name.startswith("blobs/")]
        self.assertEqual(len(blobs), 7)
        for name in blobs:
            self.assertEqual(hashlib.sha256(self.files[name]).hexdigest(), os.path.basename(name))

    def test_both_machines_under_one_name(self):
        top, images = self.images()
        self.assertEqual(top["annotations"]["org.opencontainers.image.ref.name"], "gpuinit:1.2.3")
        self.assertEqual([image["platform"]["architecture"] for image in images], ["amd64", "arm64"])

    def test_each_image_is_the_program_of_its_machine_and_the_licences(self):
        for image in self.images()[1]:
            machine = image["platform"]["architecture"]
            manifest = json.loads(self.blob(image))
            config = json.loads(self.blob(manifest["config"]))
            self.assertEqual(config["architecture"], machine)
            self.assertEqual(config["config"]["Entrypoint"], ["/usr/bin/gpuinit"])
            self.assertEqual(config["config"]["Labels"]["org.opencontainers.image.version"], "1.2.3")
            self.assertEqual(config["config"]["Labels"]["org.opencontainers.image.revision"], "abc")
            layer = gzip.decompress(self.blob(manifest["layers"][0]))
            self.assertEqual(config["rootfs"]["diff_ids"], ["sha256:" + hashlib.sha256(layer).hexdigest()])
            with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
                self.assertEqual([member.name for member in archive if member.isfile()],
                                 ["usr/bin/gpuinit", "usr/share/doc/gpuinit/LICENSE"])
                self.assertEqual(archive.extractfile("usr/bin/gpuinit").read(), f"program of {machine}".encode())
                self.assertEqual(archive.getmember("usr/bin/gpuinit").mode, 0o755)
                for member in archive:
                    self.assertEqual((member.uid, member.gid, member.mtime), (0, 0, EPOCH), member.name)

    def test_times_and_modes_of_the_files_do_not_matter(self):
        self.assertEqual(self.bytes, make(os.path.join(self.work.name, "two"), 0o600, 2000000000))


if __name__ == "__main__":
    unittest.main()
