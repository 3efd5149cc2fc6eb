// What each struct of image_facts.h and python_answer.h is called in JSON (see fact_fields.h).
#pragma once

#include "facts/fact_forms.h"

namespace gpuinit::facts {

void describe(auto& archive, Is<StartStep> auto& it) {
  archive.field("what", it.what);
  archive.field("why", it.why);
  archive.field("file", it.file);
}

void describe(auto& archive, Is<Program> auto& it) {
  archive.field("path", it.path);
  archive.field("runs", it.runs);
  archive.field("imports", it.imports);
  archive.field("needs_no_gpu", it.needs_no_gpu);
  archive.field("script_imports", it.script_imports);
}

void describe(auto& archive, Is<Interpreter> auto& it) {
  archive.field("path", it.path);
  archive.field("real_path", it.real_path);
  archive.field("chosen_because", it.chosen_because);
  archive.field("from_command", it.from_command);
  archive.field("version", it.version);
  archive.field("soabi", it.soabi);
  archive.field("soabi_source", it.soabi_source);
  archive.field("machine", it.machine);
  archive.field("libc", it.libc);
  archive.field("libpython", it.libpython);
  archive.field("environment", it.environment);
  archive.field("prefix", it.prefix);
  archive.field("base_prefix", it.base_prefix);
  archive.field("sys_path", it.sys_path);
  archive.field("sys_path_notes", it.sys_path_notes);
}

void describe(auto& archive, Is<FatbinGroup> auto& it) {
  archive.field("targets", it.targets);
  archive.field("ptx_isa", it.ptx_isa);
  archive.field("containers", it.containers);
}

void describe(auto& archive, Is<DeviceCode> auto& it) {
  archive.field("files", it.files);
  archive.field("entries", it.entries);
  archive.field("groups", it.groups);
}

void describe(auto& archive, Is<Torch> auto& it) {
  archive.field("path", it.path);
  archive.field("sys_path_entry", it.sys_path_entry);
  archive.field("shadowed", it.shadowed);
  archive.field("layout", it.layout);
  archive.field("version", it.version);
  archive.field("metadata_version", it.metadata_version);
  archive.field("cuda", it.cuda);
  archive.field("hip", it.hip);
  archive.field("soabi", it.soabi);
  archive.field("soabis", it.soabis);
  archive.field("machine", it.machine);
  archive.field("exports_init", it.exports_init);
  archive.field("missing_python_symbols", it.missing_python_symbols);
  archive.field("wheel_tags", it.wheel_tags);
  archive.field("cxx11_abi", it.cxx11_abi);
  archive.field("numpy_abi", it.numpy_abi);
  archive.field("missing_files", it.missing_files);
  archive.field("arch_list", it.arch_list);
  archive.field("device_code", it.device_code);
}

void describe(auto& archive, Is<CudaRuntime> auto& it) {
  archive.field("soname", it.soname);
  archive.field("path", it.path);
  archive.field("found_by", it.found_by);
  archive.field("version", it.version);
  archive.field("version_source", it.version_source);
}

void describe(auto& archive, Is<CompatLibrary> auto& it) {
  archive.field("directory", it.directory);
  archive.field("real_path", it.real_path);
  archive.field("version", it.version, kDriverForm);
  archive.field("note", it.note);
}

void describe(auto& archive, Is<LoadedLibrary> auto& it) {
  archive.field("name", it.name);
  archive.field("path", it.path);
  archive.field("needed_by", it.needed_by);
  archive.field("found_by", it.found_by);
  archive.field("hides", it.hides);
  archive.field("version", it.version);
}

void describe(auto& archive, Is<MissingLibrary> auto& it) {
  archive.field("name", it.name);
  archive.field("needed_by", it.needed_by);
  archive.field("reason", it.reason);
  archive.field("elsewhere", it.elsewhere);
}

void describe(auto& archive, Is<MissingVersion> auto& it) {
  archive.field("version", it.version);
  archive.field("file", it.file);
  archive.field("provider", it.provider);
  archive.field("found_by", it.found_by);
  archive.field("needed_by", it.needed_by);
  archive.field("highest", it.highest);
}

void describe(auto& archive, Is<UndefinedSymbol> auto& it) {
  archive.field("name", it.name);
  archive.field("version", it.version);
  archive.field("needed_by", it.needed_by);
}

void describe(auto& archive, Is<LoadProblems> auto& it) {
  archive.field("missing", it.missing);
  archive.field("missing_versions", it.missing_versions);
  archive.field("undefined_symbols", it.undefined_symbols);
  archive.field("driver_functions", it.driver_functions);
}

void describe(auto& archive, Is<LoaderFacts> auto& it) {
  archive.field("libraries", it.libraries);
  archive.field("problems", it.problems);
  archive.field("missing_later", it.missing_later);
  archive.field("notes", it.notes);
}

void describe(auto& archive, Is<Framework> auto& it) {
  archive.field("name", it.name);
  archive.field("path", it.path);
  archive.field("version", it.version);
  archive.field("cuda", it.cuda);
  archive.field("device_code", it.device_code);
  archive.field("problems", it.problems);
  archive.field("libraries", it.libraries);
  archive.field("runs", it.runs);
  archive.field("for_gpu", it.for_gpu);
  archive.field("falls_back", it.falls_back);
}

void describe(auto& archive, Is<Extension> auto& it) {
  archive.field("path", it.path);
  archive.field("package", it.package);
  archive.field("distribution", it.distribution);
  archive.field("asked_for", it.asked_for);
  archive.field("soabi", it.soabi);
  archive.field("machine", it.machine);
  archive.field("init_function", it.init_function);
  archive.field("needs", it.needs);
  archive.field("cxx11_abi", it.cxx11_abi);
  archive.field("numpy_abi", it.numpy_abi);
  archive.field("problems", it.problems);
  archive.field("device_code", it.device_code);
  archive.field("beside_independent", it.beside_independent);
}

void describe(auto& archive, Is<Package> auto& it) {
  archive.field("name", it.name);
  archive.field("version", it.version);
  archive.field("path", it.path);
  archive.field("requires_dist", it.requires_dist);
  archive.field("contested", it.contested);
  archive.field("overwritten", it.overwritten);
}

void describe(auto& archive, Is<PythonImport> auto& it) {
  archive.required("name", it.name);
  archive.field("error", it.error);
  archive.field("message", it.message);
  archive.field("traceback", it.traceback);
  archive.field("version", it.version);
  archive.field("file", it.file);
  archive.field("milliseconds", it.milliseconds);
}

void describe(auto& archive, Is<PythonTorch> auto& it) {
  archive.field("version", it.version);
  archive.field("file", it.file);
  archive.field("cuda", it.cuda);
  archive.field("hip", it.hip);
  archive.field("arch_list", it.arch_list);
  archive.field("cudnn", it.cudnn);
  archive.field("config", it.config);
}

void describe(auto& archive, Is<PythonAnswer> auto& it) {
  archive.field("run", it.run);
  archive.field("mode", it.mode);
  archive.field("way", it.way);
  archive.field("because", it.because);
  archive.field("version", it.version);
  archive.field("soabi", it.soabi);
  archive.field("executable", it.executable);
  archive.field("prefix", it.prefix);
  archive.field("base_prefix", it.base_prefix);
  archive.field("exec_prefix", it.exec_prefix);
  archive.field("sys_path", it.sys_path);
  archive.field("flags", it.flags);
  archive.field("torch_origin", it.torch_origin);
  archive.field("torch", it.torch);
  archive.field("imports", it.imports);
}

void describe(auto& archive, Is<SealState> auto& it) {
  archive.required("path", it.path);
  archive.field("changes", it.changes);
  archive.field("unused_because", it.unused_because);
}

void describe(auto& archive, Is<Unread> auto& it) {
  archive.required("path", it.path);
  archive.field("why", it.why);
  archive.field("own_limit", it.own_limit);
}

void describe(auto& archive, Is<ImageFacts> auto& it) {
  archive.field("root", it.root);
  archive.field("unread", it.unread);
  archive.field("refused", it.refused);
  archive.field("command", it.command);
  archive.field("start", it.start);
  archive.field("program", it.program);
  archive.field("uid", it.uid);
  archive.field("user_name", it.user_name);
  archive.field("variables", it.variables);
  archive.field("compiler", it.compiler);
  archive.field("python_header", it.python_header);
  archive.field("ldconfig", it.ldconfig);
  archive.field("glibc", it.glibc);
  archive.field("cpu_level", it.cpu_level, kCpuLevelForm);
  archive.field("cpu_level_of", it.cpu_level_of);
  archive.field("interpreter", it.interpreter);
  archive.field("torch", it.torch);
  archive.field("cuda_runtime", it.cuda_runtime);
  archive.field("compat_libraries", it.compat_libraries);
  archive.field("loader", it.loader);
  archive.field("frameworks", it.frameworks);
  archive.field("extensions", it.extensions);
  archive.field("packages", it.packages);
  archive.field("seal", it.seal);
  archive.field("python_probe", it.python_probe);
}

}  // namespace gpuinit::facts
