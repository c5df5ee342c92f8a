// Preloaded into a server, makes each flush take SEKISHO_FLUSH_MS longer: what a real disk would
// cost where the machine's own flushes in a tenth of a millisecond.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_for_disk(void) {
    const char* text = getenv("SEKISHO_FLUSH_MS");
    const long ms = text ? strtol(text, NULL, 10) : 0;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
    while (ms > 0 && nanosleep(&left, &left) != 0) {
    }
}

static int flush(const char* name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const int result = real(fd);
    wait_for_disk();
    return result;
}

int fsync(int fd) {
    return flush("fsync", fd);
}

int fdatasync(int fd) {
    return flush("fdatasync", fd);
}
