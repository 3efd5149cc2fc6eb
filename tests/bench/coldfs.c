// coldfs DIRECTORY MOUNT_POINT MB_PER_S DELAY_US: the directory, read-only, as if behind a network.
//
// A FUSE pass-through in which all reads share one link of MB_PER_S, and each read waits for
// another DELAY_US. The kernel keeps what it has read, as lazily pulled images do, so a fresh
// mount is a cold cache. Runs until it is unmounted. tests/bench/cold_start.py compiles it.
#define FUSE_USE_VERSION 35
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int directory;
static double bytes_per_ns;
static long long delay_ns;

static pthread_mutex_t link_mutex = PTHREAD_MUTEX_INITIALIZER;
static long long link_busy_until;  // CLOCK_MONOTONIC, in nanoseconds

// Sleeps until `size` bytes are through the link, in the order of the calls.
static void transfer(size_t size) {
  struct timespec clock;
  clock_gettime(CLOCK_MONOTONIC, &clock);
  const long long now = clock.tv_sec * 1000000000LL + clock.tv_nsec;
  pthread_mutex_lock(&link_mutex);
  if (link_busy_until < now) link_busy_until = now;
  link_busy_until += (long long)((double)size / bytes_per_ns);
  const long long arrival = link_busy_until + delay_ns;
  pthread_mutex_unlock(&link_mutex);
  clock.tv_sec = arrival / 1000000000LL;
  clock.tv_nsec = arrival % 1000000000LL;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &clock, NULL) == EINTR) continue;
}

// FUSE's "/usr/lib" as a path that openat(2) and its family take.
static const char* below(const char* path) { return path[1] != '\0' ? path + 1 : "."; }

static int get_attributes(const char* path, struct stat* status, struct fuse_file_info* file) {
  (void)file;
  return fstatat(directory, below(path), status, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static int read_link(const char* path, char* target, size_t room) {
  const ssize_t length = readlinkat(directory, below(path), target, room - 1);
  if (length < 0) return -errno;
  target[length] = '\0';
  return 0;
}

static int read_directory(const char* path, void* names, fuse_fill_dir_t add, off_t offset,
                          struct fuse_file_info* file, enum fuse_readdir_flags flags) {
  (void)offset, (void)file, (void)flags;
  const int fd = openat(directory, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = fd >= 0 ? fdopendir(fd) : NULL;
  if (entries == NULL) return -errno;
  const struct dirent* entry;
  while ((entry = readdir(entries)) != NULL) {
    struct stat status = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};
    add(names, entry->d_name, &status, 0, 0);
  }
  closedir(entries);
  return 0;
}

static int open_file(const char* path, struct fuse_file_info* file) {
  const int fd = openat(directory, below(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  file->fh = (uint64_t)fd;
  file->keep_cache = 1;
  return 0;
}

static int read_file(const char* path, char* bytes, size_t size, off_t offset,
                     struct fuse_file_info* file) {
  (void)path;
  const ssize_t got = pread((int)file->fh, bytes, size, offset);
  if (got < 0) return -errno;
  transfer((size_t)got);
  return (int)got;
}

static int close_file(const char* path, struct fuse_file_info* file) {
  (void)path;
  return close((int)file->fh);
}

// Nothing changes under us: names and attributes are asked for once. Large requests and many
// at a time are let through; read_ahead_kb of the mount is the caller's.
static void* initialize(struct fuse_conn_info* connection, struct fuse_config* config) {
  connection->max_readahead = 8 << 20;
  connection->max_background = 64;
  config->kernel_cache = 1;
  config->use_ino = 1;
  config->attr_timeout = config->entry_timeout = config->negative_timeout = 1e6;
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 5 || atof(argv[3]) <= 0) {
    fprintf(stderr, "usage: coldfs DIRECTORY MOUNT_POINT MB_PER_S DELAY_US\n");
    return 2;
  }
  directory = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    perror(argv[1]);
    return 1;
  }
  bytes_per_ns = atof(argv[3]) / 1000;
  delay_ns = atoll(argv[4]) * 1000;
  const struct fuse_operations operations = {
      .getattr = get_attributes,
      .readlink = read_link,
      .readdir = read_directory,
      .open = open_file,
      .read = read_file,
      .release = close_file,
      .init = initialize,
  };
  // A read sleeps in its thread: as many threads as requests.
  char* arguments[] = {argv[0], argv[2], "-f", "-o", "ro,max_threads=64,max_idle_threads=64", NULL};
  return fuse_main(5, arguments, &operations, NULL);
}
