"""Kubernetes manifests against the schemas that the API server publishes, strict: a key that it does not know is an error."""
import json
import os
import sys

import jsonschema
import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "inputs"))
import fetch  # noqa: E402

# The oldest that has podFailurePolicy without a feature gate, and a new one.
RELEASES = ("v1.26", "v1.37")
KINDS = {("v1", "Pod"): "io.k8s.api.core.v1.Pod", ("batch/v1", "Job"): "io.k8s.api.batch.v1.Job"}
# What the schemas leave as any text, and the API server does not.
WORDS = {
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "action": ("FailJob", "FailIndex", "Ignore", "Count"),
    "operator": ("In", "NotIn"),
    "medium": ("", "Memory", "HugePages"),
}


class OneOfEach(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error, as for kubectl."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def schema(release, kind):
    with open(os.path.join(fetch.CACHE, "kubernetes", release + ".json")) as file:
        whole = json.load(file)
    return {"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": "#/$defs/" + kind}


def known_fault(release, error):
    """Until 1.29 the text called onPodConditions required, which the API server never did (kubernetes/api#48)."""
    return release == "v1.26" and error.message == "'onPodConditions' is a required property"


def words(value, place):
    """The errors of words that the API server takes from a list."""
    found = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in WORDS and isinstance(inner, str) and inner not in WORDS[key]:
                found.append(f"{place}.{key}: {inner} is none of {', '.join(WORDS[key])}")
            found += words(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += words(inner, f"{place}[{index}]")
    return found


def containers(manifest):
    spec = manifest["spec"].get("template", manifest)["spec"]
    return [(name, container) for name in ("initContainers", "containers") for container in spec.get(name, [])], spec


def mounts(manifest):
    """The errors of volumes: what is mounted is there, and what is there is mounted."""
    all_containers, spec = containers(manifest)
    have = {volume["name"] for volume in spec.get("volumes", [])}
    used = {mount["name"] for _, container in all_containers for mount in container.get("volumeMounts", [])}
    return [f"volume {name} is mounted or defined, and not both" for name in have ^ used]


def errors(text):
    """What is wrong with the manifests in `text`, in words; nothing if they are right."""
    found = []
    try:
        manifests = list(yaml.load_all(text, Loader=OneOfEach))
    except yaml.YAMLError as error:
        return [str(error)]
    for manifest in manifests:
        kind = (manifest.get("apiVersion"), manifest.get("kind")) if isinstance(manifest, dict) else None
        if kind not in KINDS:
            found.append(f"{kind} is not a kind that this test knows: {sorted(KINDS)}")
            continue
        for release in RELEASES:
            validator = jsonschema.Draft202012Validator(schema(release, KINDS[kind]))
            found += [f"{release}: {error.json_path}: {error.message[:300]}"
                      for error in validator.iter_errors(manifest) if not known_fault(release, error)]
        found += words(manifest, "$") or mounts(manifest)
    return found


def main():
    status = 0
    for path in sys.argv[1:]:
        with open(path) as file:
            for error in errors(file.read()):
                print(f"{path}: {error}")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
