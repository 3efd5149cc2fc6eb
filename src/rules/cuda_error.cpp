// The table of start-up CUresult codes.
//
// Classes: 75 where time alone can cure it (busy, out of memory, daemons still
// starting), 77 where something was not permitted, 66 where image and node do
// not fit, 69 for a node in trouble.
#include "rules/cuda_error.h"

#include <array>

#include "gpuinit/exit_codes.h"

namespace gpuinit::rules {

namespace {

constexpr std::array<CudaError, 35> kErrors{{
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument",
     "The driver and the libcuda in front of it do not belong together, or the driver is at fault.",
     "Compare the release of libcuda.so.1 with the kernel driver's; restart the node's driver.",
     kExitNode},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory",
     "Another process holds the GPU's memory, or an MPS or MIG limit leaves too little.",
     "Wait for the other process, or give this container a GPU of its own.", kExitNotReady},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error",
     "MIG mode is on and no MIG instance was created, or libcuda and the kernel driver differ.",
     "Create MIG instances on the node or switch MIG mode off.", kExitNode},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library",
     "A link-time stub of libcuda.so.1 stands in front of the driver's own.",
     "Remove the `stubs` directory from LD_LIBRARY_PATH and /etc/ld.so.conf.d.", kExitNode},
    {36, "CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER",
     "API call is not supported in the installed CUDA driver",
     "The driver is older than the CUDA release that brought the call.",
     "Update the node's driver, or use an image built for an older CUDA.", kExitFit},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable",
     "Another process has the GPU in exclusive-process mode, or the GPU is being drained.",
     "Wait for the other process, or set the GPU's compute mode back to default.", kExitNotReady},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected",
     "The container was given no GPU, or CUDA_VISIBLE_DEVICES hides all of them.",
     "Give the container a GPU (docker: --gpus all; Kubernetes: a nvidia.com/gpu limit) and look "
     "at CUDA_VISIBLE_DEVICES.",
     kExitNode},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal",
     "CUDA_VISIBLE_DEVICES names a GPU or MIG instance that is not there.",
     "Correct CUDA_VISIBLE_DEVICES or remove it.", kExitNode},
    {102, "CUDA_ERROR_DEVICE_NOT_LICENSED", "device doesn't have a valid Grid license",
     "The virtual GPU has no valid licence.", "Bring the node's vGPU licence in order.", kExitNode},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid",
     "The driver cannot read the compiled code.", "Update the node's driver.", kExitFit},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context", "The driver lost the context.",
     "Restart the node's driver.", kExitNode},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device",
     "The code was not compiled for this GPU.", "Use a build that carries code for this GPU.",
     kExitFit},
    {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered",
     "The GPU's memory is damaged.", "Drain the node, reset the GPU and have it examined.",
     kExitNode},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed",
     "The driver's compiler refused the PTX.", "Use a build that carries code for this GPU.",
     kExitFit},
    {220, "CUDA_ERROR_NVLINK_UNCORRECTABLE",
     "uncorrectable NVLink error detected during the execution", "An NVLink connection is damaged.",
     "Drain the node, reset its GPUs and have it examined.", kExitNode},
    {221, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "PTX JIT compiler library not found",
     "libnvidia-ptxjitcompiler.so.1 was not brought into the container.",
     "Run the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility.", kExitNode},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain",
     "The PTX was written by a CUDA toolkit newer than the driver.",
     "Update the node's driver, or use an image built for an older CUDA.", kExitFit},
    {223, "CUDA_ERROR_JIT_COMPILATION_DISABLED", "PTX JIT compilation was disabled",
     "CUDA_DISABLE_PTX_JIT or CUDA_DISABLE_JIT is set.",
     "Remove CUDA_DISABLE_PTX_JIT and CUDA_DISABLE_JIT from the environment.", kExitFit},
    {226, "CUDA_ERROR_CONTAINED",
     "Invalid access of peer GPU memory over nvlink or a hardware error",
     "A hardware error was contained to this process.", "Drain the node and reset the GPU.",
     kExitNode},
    {304, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS",
     "A system call or device file was refused: a seccomp profile, missing capabilities, or device "
     "nodes that are not there.",
     "Compare the container's devices and security profile with one that works.", kExitNode},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered",
     "The GPU or its driver is in a bad state.", "Drain the node and reset the GPU.", kExitNode},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated",
     "The GPU did not finish a tiny kernel in time.", "Try again; if it stays, reset the GPU.",
     kExitNotReady},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure",
     "The GPU or its driver is in a bad state.", "Drain the node and reset the GPU.", kExitNode},
    {800, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted",
     "The driver refused the operation to this container.",
     "Compare the container's devices and privileges with one that works.", kExitPermission},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported",
     "This GPU or this kind of container does not support the operation.",
     "Use another kind of node.", kExitFit},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized",
     "The node's fabric manager (NVSwitch) or confidential-computing daemon has not finished.",
     "Try again shortly; if it stays, look at the nvidia-fabricmanager service on the node.",
     kExitNotReady},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination",
     "libcuda.so.1 and the kernel driver are of different releases: a libcuda that came with the "
     "image, or a driver that was updated without a reboot.",
     "Remove libcuda and cuda-compat from the image's search path, or restart the node.",
     kExitNode},
    {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
     "forward compatibility was attempted on non supported HW",
     "A cuda-compat libcuda is in front, and this GPU is not one of the data-center GPUs it "
     "supports.",
     "Remove the cuda-compat directory from LD_LIBRARY_PATH and /etc/ld.so.conf.d.", kExitFit},
    {805, "CUDA_ERROR_MPS_CONNECTION_FAILED",
     "MPS client failed to connect to the MPS control daemon or the MPS server",
     "CUDA_MPS_PIPE_DIRECTORY is there but no MPS daemon answers.",
     "Start the MPS daemon on the node, or remove CUDA_MPS_PIPE_DIRECTORY.", kExitNotReady},
    {806, "CUDA_ERROR_MPS_RPC_FAILURE",
     "the remote procedural call between the MPS server and the MPS client failed",
     "The MPS server is in trouble.", "Restart the node's MPS daemon.", kExitNotReady},
    {807, "CUDA_ERROR_MPS_SERVER_NOT_READY",
     "MPS server is not ready to accept new MPS client requests",
     "The MPS server is starting or recovering.", "Try again shortly.", kExitNotReady},
    {808, "CUDA_ERROR_MPS_MAX_CLIENTS_REACHED",
     "the hardware resources required to create MPS client have been exhausted",
     "Too many processes share the GPU.", "Wait for another to end.", kExitNotReady},
    {809, "CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED",
     "the hardware resources required to support device connections have been exhausted",
     "Too many processes share the GPU.", "Wait for another to end.", kExitNotReady},
    {810, "CUDA_ERROR_MPS_CLIENT_TERMINATED", "the MPS client has been terminated by the server",
     "The MPS server ended this process.", "Try again; restart the MPS daemon if it stays.",
     kExitNotReady},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error",
     "Most often /dev/nvidia-uvm is missing or not permitted, or the node was suspended and "
     "resumed.",
     "Load the nvidia-uvm module on the node and give the container /dev/nvidia-uvm; restart the "
     "node's driver.",
     kExitNode},
}};

}  // namespace

const CudaError* find_cuda_error(int number) {
  for (const CudaError& error : kErrors)
    if (error.number == number) return &error;
  return nullptr;
}

std::string cuda_error_words(int number) {
  std::string words = "CUDA error " + std::to_string(number);
  if (const CudaError* error = find_cuda_error(number))
    words.append(" (").append(error->name).append(": ").append(error->message).append(")");
  return words;
}

}  // namespace gpuinit::rules
