// The functions the CUDA probe takes from the image's libc, as an empty library to link against.
//
// Linking against the build machine's libc would ask for that libc's versions of the
// symbols. This stub, with libc_stub.<machine>.map, asks for those of glibc 2.17, so that
// one probe runs on every glibc since. Nothing of it is ever loaded.
void __libc_start_main(void) {}
void __errno_location(void) {}
void _exit(void) {}
void write(void) {}
void clock_gettime(void) {}
void poll(void) {}
// Compilers call these by themselves.
void memcpy(void) {}
void memset(void) {}
