// The calls of libcuda.so.1 that the probe makes, found with dlsym.
//
// cuda.h gives the types only: its macros rename functions to the newest version it
// knows, while a driver of 2020 (R450, CUDA 11.0) has the older ones. So each symbol is
// named here in the version that every driver since R450 exports; a symbol that is
// missing is a null pointer, reported where it was needed.
#pragma once

#include <cuda.h>
#include <dlfcn.h>

namespace gpuinit::cuda_probe {

template <class... Arguments>
struct Call {
  const char* symbol;
  CUresult (*function)(Arguments...) = nullptr;

  explicit operator bool() const { return function != nullptr; }
  CUresult operator()(Arguments... arguments) const { return function(arguments...); }
};

struct DriverApi {
  Call<int*> driver_get_version{"cuDriverGetVersion"};
  Call<unsigned> init{"cuInit"};
  Call<int*> device_get_count{"cuDeviceGetCount"};
  Call<CUdevice*, int> device_get{"cuDeviceGet"};
  Call<char*, int, CUdevice> device_get_name{"cuDeviceGetName"};
  Call<CUuuid*, CUdevice> device_get_uuid{"cuDeviceGetUuid"};
  Call<CUuuid*, CUdevice> device_get_uuid_v2{"cuDeviceGetUuid_v2"};  // since CUDA 11.4
  Call<int*, CUdevice_attribute, CUdevice> device_get_attribute{"cuDeviceGetAttribute"};
  Call<size_t*, CUdevice> device_total_mem{"cuDeviceTotalMem_v2"};

  Call<CUcontext*, CUdevice> primary_ctx_retain{"cuDevicePrimaryCtxRetain"};
  Call<CUdevice> primary_ctx_release{"cuDevicePrimaryCtxRelease_v2"};
  Call<CUcontext> ctx_set_current{"cuCtxSetCurrent"};
  Call<> ctx_synchronize{"cuCtxSynchronize"};
  Call<size_t*, size_t*> mem_get_info{"cuMemGetInfo_v2"};
  Call<CUdeviceptr*, size_t> mem_alloc{"cuMemAlloc_v2"};
  Call<CUdeviceptr> mem_free{"cuMemFree_v2"};
  Call<CUdeviceptr, unsigned, size_t> memset_d32{"cuMemsetD32_v2"};
  Call<void*, CUdeviceptr, size_t> memcpy_dtoh{"cuMemcpyDtoH_v2"};
  Call<CUmodule*, const void*, unsigned, CUjit_option*, void**> module_load{"cuModuleLoadDataEx"};
  Call<CUmodule> module_unload{"cuModuleUnload"};
  Call<CUfunction*, CUmodule, const char*> module_get_function{"cuModuleGetFunction"};
  Call<CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
       void**, void**>
      launch_kernel{"cuLaunchKernel"};

  // Looks every symbol up. Requires: `library` is a handle from dlopen.
  void resolve(void* library) {
    const auto find = [library]<class... Arguments>(Call<Arguments...>& call) {
      call.function = reinterpret_cast<CUresult (*)(Arguments...)>(::dlsym(library, call.symbol));
    };
    const auto find_all = [&find](auto&... calls) { (find(calls), ...); };
    find_all(driver_get_version, init, device_get_count, device_get, device_get_name,
             device_get_uuid, device_get_uuid_v2, device_get_attribute, device_total_mem,
             primary_ctx_retain, primary_ctx_release, ctx_set_current, ctx_synchronize,
             mem_get_info, mem_alloc, mem_free, memset_d32, memcpy_dtoh, module_load, module_unload,
             module_get_function, launch_kernel);
  }
};

}  // namespace gpuinit::cuda_probe
