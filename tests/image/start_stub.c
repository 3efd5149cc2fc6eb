/* A program that writes down what it was given: its file, directory, arguments and environment,
 * separated by NULs, appended to .given/log of the nearest directory above its file. It stands in
 * an image under many names. As "reporter" it writes for another program, which gives its file
 * before its own arguments. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char record[1 << 20];
static size_t used;

static void add(const char* text) {
  const size_t size = strlen(text) + 1;
  if (used + size > sizeof record) _exit(97);
  memcpy(record + used, text, size);
  used += size;
}

static void add_number(int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  add(text);
}

static int open_log(const char* file) {
  char path[4200];
  char* slash;
  snprintf(path, 4096, "%s", file);
  while ((slash = strrchr(path, '/')) != NULL) {
    strcpy(slash, "/.given/log");
    const int log = open(path, O_WRONLY | O_APPEND);
    if (log >= 0) return log;
    *slash = '\0';
  }
  return -1;
}

/* A shell that is not interactive starts what stands before '&' with /dev/null as its input. */
static int is_in_background(void) {
  struct stat input;
  return fstat(0, &input) == 0 && S_ISCHR(input.st_mode) && input.st_rdev == makedev(1, 3);
}

int main(int argc, char** argv, char** envp) {
  char text[4096];
  const ssize_t length = readlink("/proc/self/exe", text, sizeof text - 1);
  if (length < 0) return 98;
  text[length] = '\0';
  const int log = open_log(text);
  if (log < 0) return 96;
  const char* slash = strrchr(text, '/');
  if (slash != NULL && strcmp(slash, "/reporter") == 0 && argc > 1) {
    snprintf(text, sizeof text, "%s", argv[1]);
    argc -= 2;
    argv += 2;
  }
  int variables = 0;
  while (envp[variables] != NULL) ++variables;
  add(text);
  if (getcwd(text, sizeof text) == NULL) return 95;
  add(text);
  add(is_in_background() ? "background" : "");
  add_number(argc);
  add_number(variables);
  for (int at = 0; at < argc; ++at) add(argv[at]);
  for (int at = 0; at < variables; ++at) add(envp[at]);
  return write(log, record, used) == (ssize_t)used ? 0 : 94;
}
