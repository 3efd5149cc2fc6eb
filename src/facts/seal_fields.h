// What each struct of seal.h is called (see fact_fields.h).
#pragma once

#include "facts/fact_fields.h"
#include "gpuinit/seal.h"

namespace gpuinit::facts {

void describe(auto& archive, Is<Witness> auto& it) {
  archive.field("kind", it.kind);
  archive.field("name", it.name);
  archive.field("size", it.size);
  archive.field("modified", it.modified);
  archive.field("mode", it.mode);
  archive.field("target", it.target);
}

void describe(auto& archive, Is<WitnessDirectory> auto& it) {
  archive.field("path", it.path);
  archive.field("listed", it.listed);
  archive.field("modified", it.modified);
  archive.field("names", it.names);
}

void describe(auto& archive, Is<SealedPython> auto& it) {
  archive.field("facts", it.facts);
  archive.field("first_entry", it.first_entry);
  archive.field("isolated", it.isolated);
  archive.field("ignore_environment", it.ignore_environment);
  archive.field("no_user_site", it.no_user_site);
  archive.field("no_site", it.no_site);
  archive.field("variables", it.variables);
  archive.field("working_directory", it.working_directory);
  archive.field("libpython", it.libpython);
}

void describe(auto& archive, Is<Seal> auto& it) {
  archive.field("sealed_at", it.sealed_at);
  archive.field("include", it.include);
  archive.field("exclude", it.exclude);
  archive.field("pythons", it.pythons);
  archive.field("witnesses", it.witnesses);
  archive.field("readable_by_all", it.readable_by_all);
  archive.field("uid", it.uid);
  archive.field("library_cache", it.library_cache);
  archive.field("mounts", it.mounts);
}

}  // namespace gpuinit::facts
