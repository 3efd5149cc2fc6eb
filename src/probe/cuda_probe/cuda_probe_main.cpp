// The CUDA probe: asks the image's own libcuda.so.1 what only running code can tell, and
// writes it line by line to file descriptor 3 (gpuinit/probe_protocol.h).
//
// A program of its own because the library may hang, crash or lie, and because the static
// gpuinit cannot dlopen. It uses eight functions of libc, three of libdl, and threads where the
// image has them.
#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

#include "context_trial.h"
#include "driver_api.h"
#include "gpuinit/probe_protocol.h"
#include "write_answer.h"

namespace gpuinit::cuda_probe {

namespace {

bool same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

bool same(const CUuuid& a, const CUuuid& b) {
  for (int i = 0; i < 16; ++i)
    if (a.bytes[i] != b.bytes[i]) return false;
  return true;
}

bool contains(const char* text, const char* part) {
  for (; *text != '\0'; ++text) {
    int i = 0;
    while (part[i] != '\0' && text[i] == part[i]) ++i;
    if (part[i] == '\0') return true;
  }
  return false;
}

// Threads, where the image's C library has them. libcuda.so.1 itself needs threads, so the
// functions are among what came with it: in libpthread.so.0, since glibc 2.34 in libc.so.6.
class Threads {
 public:
  using Id = unsigned long;  // pthread_t of glibc and musl

  // Requires: `library` is a handle from dlopen of a library that needs threads.
  explicit Threads(void* library)
      : create_(reinterpret_cast<decltype(create_)>(::dlsym(library, "pthread_create"))),
        join_(reinterpret_cast<decltype(join_)>(::dlsym(library, "pthread_join"))) {}

  // Runs work(argument) beside the caller. False if there are no threads here, or no more.
  bool start(Id& id, void* (*work)(void*), void* argument) const {
    return create_ != nullptr && join_ != nullptr && create_(&id, nullptr, work, argument) == 0;
  }
  void wait_for(Id id) const { join_(id, nullptr); }

 private:
  int (*create_)(Id*, const void*, void* (*)(void*), void*);
  int (*join_)(Id, void**);
};

class Probe {
 public:
  Probe(bool with_context, bool hold) : with_context_(with_context), hold_(hold) {}

  // True if it is to stay.
  bool run() {
    Line(probe_protocol::kGreeting).send();
    // A context that could not be given back would keep the command from an exclusive device.
    const bool clean =
        load() && initialize() && enumerate() && count_ > 0 && (!with_context_ || try_contexts());
    const bool stays = clean && hold_;
    if (stays) Line("holding").send();
    Line("end").send();
    return stays;
  }

 private:
  bool load() {
    write_step("dlopen");
    // RTLD_NOW as libcudart does it: what it cannot load, torch cannot.
    library_ = ::dlopen("libcuda.so.1", RTLD_NOW);
    if (library_ == nullptr) {
      const char* reason = ::dlerror();
      Line("load-error").word(reason != nullptr ? reason : "dlopen does not say why").send();
      return false;
    }
    cuda_.resolve(library_);
    return true;
  }

  // Makes the call, or says why `key` has no value.
  template <class... Parameters, class... Arguments>
  bool ask(const char* key, const Call<Parameters...>& function, Arguments... arguments) {
    if (!function) {
      write_missing(key, function.symbol);
      return false;
    }
    const CUresult result = function(arguments...);
    if (result != CUDA_SUCCESS) write_error(key, function.symbol, result);
    return result == CUDA_SUCCESS;
  }

  bool initialize() {
    int version = 0;
    write_step("cuDriverGetVersion");
    if (ask("driver-version", cuda_.driver_get_version, &version)) {
      if (version > 0) Line("driver-version").word(version).send();
      else Line("no").word("driver-version cuDriverGetVersion says 0").send();
    }
    if (!cuda_.init) {
      write_missing("init", cuda_.init.symbol);
      return false;
    }
    write_step("cuInit");
    const CUresult result = cuda_.init(0U);
    Line("init").word(result).send();
    return result == CUDA_SUCCESS;
  }

  bool enumerate() {
    int count = 0;
    write_step("cuDeviceGetCount");
    if (!ask("devices", cuda_.device_get_count, &count)) return false;
    if (count < 0 || count > probe_protocol::kMaxDevices) {
      Line("no").word("devices cuDeviceGetCount says more than there can be").send();
      return false;
    }
    count_ = count;
    Line("device-count").word(count).send();
    for (int i = 0; i < count; ++i) describe(i);
    Line("enumerated").send();
    return true;
  }

  void describe(int index) {
    Line("device").word(index).send();
    CUdevice device = 0;
    write_step("cuDeviceGet", index);
    usable_[index] = ask("device", cuda_.device_get, &device, index);
    if (!usable_[index]) return;
    devices_[index] = device;

    write_step("cuDeviceGetName", index);
    char name[256] = "";
    const bool named = ask("name", cuda_.device_get_name, name, int{sizeof name}, device);
    name[sizeof name - 1] = '\0';
    if (named) Line("name").word(name).send();

    write_step("cuDeviceGetUuid", index);
    write_identity(device, named ? name : "");

    write_step("cuDeviceGetAttribute", index);
    int major = 0;
    int minor = 0;
    if (ask("compute-capability", cuda_.device_get_attribute, &major,
            CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device) &&
        ask("compute-capability", cuda_.device_get_attribute, &minor,
            CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device))
      Line("compute-capability").word(major).text(".").number(static_cast<size_t>(minor)).send();
    int mode = 0;
    if (ask("compute-mode", cuda_.device_get_attribute, &mode, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE,
            device))
      Line("compute-mode").word(mode).send();

    write_step("cuDeviceTotalMem", index);
    size_t memory = 0;
    if (ask("memory", cuda_.device_total_mem, &memory, device)) Line("memory").word(memory).send();
  }

  // A MIG instance has a UUID of its own, which only cuDeviceGetUuid_v2 returns: "If the
  // device is in MIG mode, returns its MIG UUID" (CUDA driver API, device management).
  // So two different answers mean MIG, and so does the name ("… MIG 1g.10gb"). Without
  // the newer call (drivers before CUDA 11.4) a name without MIG proves nothing.
  void write_identity(CUdevice device, const char* name) {
    CUuuid old_uuid{};
    CUuuid new_uuid{};
    const bool has_new =
        cuda_.device_get_uuid_v2 && cuda_.device_get_uuid_v2(&new_uuid, device) == CUDA_SUCCESS;
    const bool has_old =
        cuda_.device_get_uuid && cuda_.device_get_uuid(&old_uuid, device) == CUDA_SUCCESS;
    const bool mig = contains(name, " MIG ") || (has_new && has_old && !same(old_uuid, new_uuid));
    if (has_new) Line("uuid").space().uuid(mig ? "MIG-" : "GPU-", new_uuid).send();
    else if (has_old && !mig) Line("uuid").space().uuid("GPU-", old_uuid).send();
    else if (has_old)
      Line("no").word("uuid this driver does not report the UUID of a MIG instance").send();
    else ask("uuid", cuda_.device_get_uuid, &old_uuid, device);
    if (mig) Line("mig 1").send();
    else if (has_new && has_old) Line("mig 0").send();
    else Line("no").word("mig this driver does not report it").send();
  }

  struct Task {
    const Probe* probe;
    int index;
    bool clean;
    bool started;  // in a thread of its own
    Threads::Id thread;

    static void* run(void* task) {
      auto& self = *static_cast<Task*>(task);
      self.clean = try_context(self.probe->cuda_, self.index, self.probe->devices_[self.index]);
      return nullptr;
    }
  };

  // All at the same time; those without a thread one after the other. One of them is done by
  // this thread, so that a single device needs no other.
  bool try_contexts() {
    const Threads threads(library_);
    Task tasks[probe_protocol::kMaxDevices];
    int count = 0;
    for (int i = 0; i < count_; ++i)
      if (usable_[i]) tasks[count++] = {this, i, false, false, 0};
    for (int i = 1; i < count; ++i)
      tasks[i].started = threads.start(tasks[i].thread, Task::run, &tasks[i]);
    bool clean = true;
    for (int i = 0; i < count; ++i)
      if (!tasks[i].started) Task::run(&tasks[i]);
    for (int i = 0; i < count; ++i) {
      if (tasks[i].started) threads.wait_for(tasks[i].thread);
      clean = clean && tasks[i].clean;
    }
    return clean;
  }

  bool with_context_;
  bool hold_;
  void* library_ = nullptr;
  DriverApi cuda_;
  int count_ = 0;
  CUdevice devices_[probe_protocol::kMaxDevices] = {};
  bool usable_[probe_protocol::kMaxDevices] = {};
};

}  // namespace

}  // namespace gpuinit::cuda_probe

// Called by __libc_start_main (entry_point.cpp).
extern "C" int gpuinit_cuda_probe_main(int argc, char** argv) {
  using namespace gpuinit;
  const bool with_context = argc > 1 && cuda_probe::same(argv[1], probe_protocol::kAskContext);
  const bool hold = argc > 2 && cuda_probe::same(argv[2], probe_protocol::kAskHold);
  if (cuda_probe::Probe(with_context, hold).run())
    for (;;) poll(nullptr, 0, -1);  // until it is killed
  _exit(0);                         // no exit handlers: a driver's own may hang
}
