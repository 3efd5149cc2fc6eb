// The functions the CUDA probe takes from the image's libdl, as an empty library to link
// against (see libc_stub.c). glibc 2.34 moved them to libc.so.6 and kept the old names.
void dlopen(void) {}
void dlsym(void) {}
void dlerror(void) {}
