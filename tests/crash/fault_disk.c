// Preloaded into `sekisho mail`: a disk that fails, tears and loses power at a numbered operation.
//
// Each operation that changes something in the folders of SEKISHO_FAULT_UNDER (with colons) has a
// number, from 1. SEKISHO_FAULT_PLAN, "KIND:NUMBER[:LOSS]" with commas, says what happens when:
//
//   before, after       the process is killed before or after the operation
//   torn                only a part is written, then the process is killed
//   short               only a part is written, and the caller is told so
//   eio, enospc, eintr  it fails so; of a write that ends with EIO a part is done, and after EIO
//                       of a flush no later flush covers what this one should have
//
// LOSS: what a killed process leaves on the disk of that which no flush covers: `kept`, `all`
// (is lost), `some` (by pages of 4 KiB and names in order). SEKISHO_FAULT_SEED decides chances,
// SEKISHO_FAULT_LOG gets a line for each operation, SEKISHO_FAULT_GRAVE is a folder on the same
// file system for removed files, and in SEKISHO_FAULT_MIRROR everything is done once more: if it
// then equals the original, no operation has passed unseen. With SEKISHO_FAULT_LIES flushes are
// said to work and don't: a test on that disk must fail. One operation runs at a time.
#define _GNU_SOURCE
#include "fault_disk.h"

#include "unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kFds = 65536, kPlans = 8 };

static const char* const kNames[] = {
    "", "before", "after", "torn", "short", "eio", "enospc", "eintr"
};
static const char* const kLosses[] = {"kept", "all", "some"};

static struct plan {
    enum fault kind;
    unsigned long number;
    enum loss loss;
} plans[kPlans];
static int plan_count;
pthread_mutex_t disk_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct node* of_fd[kFds];
static unsigned long operations;
static int log_fd = -1;
static enum loss loss_now;

static int index_of(const char* word, const char* const* words, int count) {
    for (int i = 0; i < count; ++i) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    fprintf(stderr, "fault_disk: unknown word in SEKISHO_FAULT_PLAN: %s\n", word);
    abort();
}

__attribute__((constructor)) static void begin(void) {
    char text[512];
    snprintf(text, sizeof text, "%s", getenv("SEKISHO_FAULT_PLAN") ?: "");
    char* rest = NULL;
    for (char* one = strtok_r(text, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
        char kind[16] = "", loss[16] = "kept";
        struct plan* const plan = &plans[plan_count++ % kPlans];
        sscanf(one, "%15[^:]:%lu:%15s", kind, &plan->number, loss);
        plan->kind = (enum fault)index_of(kind, kNames, sizeof kNames / sizeof *kNames);
        plan->loss = (enum loss)index_of(loss, kLosses, sizeof kLosses / sizeof *kLosses);
    }
    const char* log = getenv("SEKISHO_FAULT_LOG");
    if (log) {
        log_fd = REAL(open, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

// One of the folders, something in one, or the folder that names one: its flush counts too.
static bool is_under(const char* path) {
    const char* folder = getenv("SEKISHO_FAULT_UNDER");
    const size_t own = strlen(path);
    while (folder && *folder) {
        const size_t length = strcspn(folder, ":");
        if (strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0')) {
            return true;
        }
        if (own < length && strncmp(path, folder, own) == 0 && folder[own] == '/' &&
            memchr(folder + own + 1, '/', length - own - 1) == NULL) {
            return true;
        }
        folder += length + (folder[length] == ':');
    }
    return false;
}

bool resolve(int folder, const char* path, char* full) {
    char at[kPathMax], copy[kPathMax], real[PATH_MAX];
    if (folder == AT_FDCWD || path[0] == '/') {
        snprintf(at, sizeof at, "%s", path);
    } else {
        snprintf(at, sizeof at, "/proc/self/fd/%d/%s", folder, path);
    }
    if (realpath(at, real)) {
        return snprintf(full, kPathMax, "%s", real) < kPathMax && is_under(full);
    }
    snprintf(copy, sizeof copy, "%s", at);
    if (!realpath(dirname(copy), real)) {
        return false;
    }
    snprintf(copy, sizeof copy, "%s", at);
    return snprintf(full, kPathMax, "%s/%s", real, basename(copy)) < kPathMax && is_under(full);
}

const char* mirror_of(const char* path, char* to) {
    const char* folder = getenv("SEKISHO_FAULT_MIRROR");
    return folder && snprintf(to, kPathMax, "%s/%s", folder, path) < kPathMax ? to : NULL;
}

static _Noreturn void die(void) {
    lose(loss_now);
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

enum fault next_fault(const char* what, const char* path, long offset, long length) {
    ++operations;
    enum fault fault = kNone;
    for (int i = 0; i < plan_count && i < kPlans; ++i) {
        if (plans[i].number == operations) {
            fault = plans[i].kind;
            loss_now = plans[i].loss;
        }
    }
    if (log_fd >= 0) {
        const char* name = strrchr(path, '/');
        dprintf(
            log_fd,
            "%lu %s %s %ld %ld %s\n",
            operations,
            what,
            name ? name + 1 : path,
            offset,
            length,
            kNames[fault]
        );
    }
    if (fault == kBefore) {
        die();
    }
    return fault;
}

bool fails(enum fault fault) {
    if (fault == kTorn) {
        die();
    }
    errno = fault == kEio ? EIO : fault == kEnospc ? ENOSPC : EINTR;
    return fault == kEio || fault == kEnospc || fault == kEintr;
}

void ends(enum fault fault) {
    if (fault == kAfter) {
        die();
    }
}

// Opening and closing

static int open_at(int folder, const char* path, int flags, mode_t mode) {
    char full[kPathMax];
    const bool reads = (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_DIRECTORY)) == O_RDONLY;
    if (reads || (flags & __O_TMPFILE) == __O_TMPFILE || !resolve(folder, path, full)) {
        return REAL(openat, folder, path, flags, mode);
    }
    pthread_mutex_lock(&disk_mutex);
    struct stat facts;
    const bool there = lstat(full, &facts) == 0;
    const bool makes = !there && (flags & O_CREAT);
    const bool cuts = there && (flags & O_TRUNC);
    enum fault fault =
        makes || cuts ? next_fault(makes ? "create" : "truncate", full, 0, 0) : kNone;
    int fd = -1;
    if (!fails(fault)) {
        if (cuts) {
            const int old = REAL(openat, AT_FDCWD, full, O_RDONLY | O_CLOEXEC);
            remember(node_of(old, full, false), old, 0, (size_t)facts.st_size);
            REAL(close, old);
        }
        fd = REAL(openat, folder, path, flags, mode);
        if (fd >= 0 && fd < kFds) {
            of_fd[fd] = node_of(fd, full, makes);
            char to[kPathMax];
            if (makes) {
                name_made(full);
            }
            if ((makes || cuts) && mirror_of(full, to)) {
                REAL(close, REAL(openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC, 0600));
            }
        }
        ends(fault);
    }
    pthread_mutex_unlock(&disk_mutex);
    return fd;
}

static mode_t mode_of(int flags, va_list list) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
}
#define OPEN(name)                                   \
    int name(const char* path, int flags, ...) {     \
        va_list list;                                \
        va_start(list, flags);                       \
        const mode_t mode = mode_of(flags, list);    \
        va_end(list);                                \
        return open_at(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name)                                         \
    int name(int folder, const char* path, int flags, ...) { \
        va_list list;                                        \
        va_start(list, flags);                               \
        const mode_t mode = mode_of(flags, list);            \
        va_end(list);                                        \
        return open_at(folder, path, flags, mode);           \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int __open_2(const char* path, int flags) {
    return open_at(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
    return open_at(AT_FDCWD, path, flags, 0);
}
int __openat_2(int folder, const char* path, int flags) {
    return open_at(folder, path, flags, 0);
}
int __openat64_2(int folder, const char* path, int flags) {
    return open_at(folder, path, flags, 0);
}

int close(int fd) {
    if (fd >= 0 && fd < kFds) {
        of_fd[fd] = NULL;
    }
    return REAL(close, fd);
}

static struct node* tracked(int fd) {
    return fd >= 0 && fd < kFds ? of_fd[fd] : NULL;
}

// Writing

static void write_mirror(const struct node* node, const char* bytes, size_t length, off_t offset) {
    char to[kPathMax];
    if (mirror_of(node->path, to)) {
        const int fd = REAL(openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        (void)!REAL(pwrite, fd, bytes, length, offset);
        REAL(close, fd);
    }
}

// `offset` below 0: where the descriptor is.
static ssize_t write_at(struct node* node, int fd, const char* bytes, size_t length, off_t offset) {
    pthread_mutex_lock(&disk_mutex);
    const bool append = (REAL(fcntl, fd, F_GETFL) & O_APPEND) != 0;
    const off_t at = offset >= 0 ? offset : lseek(fd, 0, append ? SEEK_END : SEEK_CUR);
    const enum fault fault = next_fault("write", node->path, at, (long)length);
    size_t part = length;
    if (fault == kTorn || fault == kShort || fault == kEio) {
        part = length > 1 ? (size_t)chance(length - 1) + (fault == kShort) : 0;
    } else if (fault == kEnospc || fault == kEintr) {
        part = 0;
    }
    ssize_t done = 0;
    if (part > 0 || fault == kNone) {
        remember(node, fd, at, part);
        done = offset >= 0 ? REAL(pwrite, fd, bytes, part, offset) : REAL(write, fd, bytes, part);
        if (done > 0) {
            write_mirror(node, bytes, (size_t)done, at);
        }
    }
    ends(fault);
    const bool failed = fails(fault);
    pthread_mutex_unlock(&disk_mutex);
    return failed ? -1 : done;
}

static ssize_t write_pieces(
    struct node* node, int fd, const struct iovec* pieces, int count, off_t offset
) {
    size_t length = 0;
    for (int i = 0; i < count; ++i) {
        length += pieces[i].iov_len;
    }
    char* const bytes = malloc(length + 1);
    size_t at = 0;
    for (int i = 0; i < count; ++i) {
        memcpy(bytes + at, pieces[i].iov_base, pieces[i].iov_len);
        at += pieces[i].iov_len;
    }
    const ssize_t done = write_at(node, fd, bytes, length, offset);
    const int error = errno;
    free(bytes);
    errno = error;
    return done;
}

ssize_t write(int fd, const void* bytes, size_t length) {
    struct node* const node = tracked(fd);
    return node ? write_at(node, fd, bytes, length, -1) : REAL(write, fd, bytes, length);
}
ssize_t writev(int fd, const struct iovec* pieces, int count) {
    struct node* const node = tracked(fd);
    return node ? write_pieces(node, fd, pieces, count, -1) : REAL(writev, fd, pieces, count);
}
#define PWRITE(name, offset_type)                                                \
    ssize_t name(int fd, const void* bytes, size_t length, offset_type offset) { \
        struct node* const node = tracked(fd);                                   \
        return node ? write_at(node, fd, bytes, length, offset)                  \
                    : REAL(name, fd, bytes, length, offset);                     \
    }
#define PWRITEV(name, offset_type)                                                    \
    ssize_t name(int fd, const struct iovec* pieces, int count, offset_type offset) { \
        struct node* const node = tracked(fd);                                        \
        return node ? write_pieces(node, fd, pieces, count, offset)                   \
                    : REAL(name, fd, pieces, count, offset);                          \
    }
// RWF_DSYNC would be a flush of its own: nobody here asks for it, and the test would not know.
#define PWRITEV2(name, offset_type)                                                              \
    ssize_t name(int fd, const struct iovec* pieces, int count, offset_type offset, int flags) { \
        struct node* const node = tracked(fd);                                                   \
        return node && flags == 0 ? write_pieces(node, fd, pieces, count, offset)                \
                                  : REAL(name, fd, pieces, count, offset, flags);                \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)
PWRITEV2(pwritev2, off_t)
PWRITEV2(pwritev64v2, off64_t)

// Flushing and lengths

static int flush(struct node* node, int fd, const char* name) {
    pthread_mutex_lock(&disk_mutex);
    const enum fault fault = next_fault(name, node->path, 0, 0);
    int done = 0;
    if (fails(fault)) {
        if (fault == kEio) {
            const int error = errno;
            flush_failed(node);
            errno = error;
        }
        done = -1;
    } else {
        done = ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
        if (done == 0 && !getenv("SEKISHO_FAULT_LIES")) {
            flushed(node, fd);
            folder_flushed(node->path);
        }
        ends(fault);
    }
    pthread_mutex_unlock(&disk_mutex);
    return done;
}

int fsync(int fd) {
    struct node* const node = tracked(fd);
    return node ? flush(node, fd, "fsync") : REAL(fsync, fd);
}
int fdatasync(int fd) {
    struct node* const node = tracked(fd);
    return node ? flush(node, fd, "fdatasync") : REAL(fdatasync, fd);
}

static int resize(struct node* node, int fd, off_t length) {
    pthread_mutex_lock(&disk_mutex);
    const enum fault fault = next_fault("ftruncate", node->path, 0, length);
    int done = -1;
    if (!fails(fault)) {
        struct stat facts;
        fstat(fd, &facts);
        if (length < facts.st_size) {
            remember(node, fd, length, (size_t)(facts.st_size - length));
        }
        char to[kPathMax];
        done = REAL(ftruncate, fd, length);
        if (mirror_of(node->path, to)) {
            (void)!truncate(to, length);
        }
        ends(fault);
    }
    pthread_mutex_unlock(&disk_mutex);
    return done;
}
int ftruncate(int fd, off_t length) {
    struct node* const node = tracked(fd);
    return node ? resize(node, fd, length) : REAL(ftruncate, fd, length);
}
int ftruncate64(int fd, off64_t length) {
    struct node* const node = tracked(fd);
    return node ? resize(node, fd, length) : REAL(ftruncate64, fd, length);
}
// Space without bytes: the length grows, and that is all the mirror needs.
static int allocate(struct node* node, int fd, off_t end) {
    struct stat facts;
    fstat(fd, &facts);
    return end > facts.st_size ? resize(node, fd, end) : 0;
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
    struct node* const node = tracked(fd);
    return node && mode == 0 ? allocate(node, fd, offset + length)
                             : REAL(fallocate, fd, mode, offset, length);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
    struct node* const node = tracked(fd);
    if (!node) {
        return REAL(posix_fallocate, fd, offset, length);
    }
    return allocate(node, fd, offset + length) == 0 ? 0 : errno;
}
