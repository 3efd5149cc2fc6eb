#include "driver_api.h"

#include <dlfcn.h>

namespace gpuinit::cuda_probe {

void DriverApi::resolve(void* library) {
  const auto find = [library]<class... Arguments>(Call<Arguments...>& call) {
    call.function = reinterpret_cast<CUresult (*)(Arguments...)>(::dlsym(library, call.symbol));
  };
  const auto find_all = [&find](auto&... calls) { (find(calls), ...); };
  find_all(driver_get_version, init, device_get_count, device_get, device_get_name, device_get_uuid,
           device_get_uuid_v2, device_get_attribute, device_total_mem);
  find_all(primary_ctx_retain, primary_ctx_release, ctx_set_current, ctx_synchronize, mem_get_info,
           mem_alloc, mem_free, memset_d32, memcpy_dtoh, module_load, module_unload,
           module_get_function, launch_kernel);
}

}  // namespace gpuinit::cuda_probe
