// The names in the folders: removed, changed, linked, made.
#define _GNU_SOURCE
#include "fault_disk.h"
#include "unsynced.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Out of sight, so that a loss of power can bring it back.
static int bury(const char* full) {
    static unsigned long buried;
    const char* const folder = getenv("SEKISHO_FAULT_GRAVE");
    char grave[kPathMax], to[kPathMax];
    snprintf(grave, sizeof grave, "%s/%d-%lu", folder ? folder : "/tmp", (int)getpid(), ++buried);
    const int done = REAL(rename, full, grave);
    if (done == 0) {
        name_removed(full, grave);
        if (mirror_of(full, to)) {
            REAL(unlinkat, AT_FDCWD, to, 0);
        }
    }
    return done;
}

int unlinkat(int folder, const char* path, int flags) {
    char full[kPathMax];
    struct stat facts;
    if ((flags & AT_REMOVEDIR) || !resolve(folder, path, full) || lstat(full, &facts) != 0) {
        return REAL(unlinkat, folder, path, flags);
    }
    pthread_mutex_lock(&disk_mutex);
    const enum fault fault = next_fault("unlink", full, 0, 0);
    const int done = fails(fault) ? -1 : bury(full);
    ends(fault);
    pthread_mutex_unlock(&disk_mutex);
    return done;
}
int unlink(const char* path) {
    return unlinkat(AT_FDCWD, path, 0);
}

int rename(const char* from, const char* to) {
    char full_from[kPathMax], full_to[kPathMax], mirror_from[kPathMax], mirror_to[kPathMax];
    struct stat facts;
    if (!resolve(AT_FDCWD, from, full_from) || !resolve(AT_FDCWD, to, full_to)) {
        return REAL(rename, from, to);
    }
    pthread_mutex_lock(&disk_mutex);
    const enum fault fault = next_fault("rename", full_to, 0, 0);
    int done = -1;
    if (!fails(fault)) {
        if (lstat(full_to, &facts) == 0) {
            bury(full_to);
        }
        done = REAL(rename, full_from, full_to);
        name_changed(full_from, full_to);
        if (mirror_of(full_from, mirror_from) && mirror_of(full_to, mirror_to)) {
            REAL(rename, mirror_from, mirror_to);
        }
        ends(fault);
    }
    pthread_mutex_unlock(&disk_mutex);
    return done;
}

int link(const char* from, const char* to) {
    char full_from[kPathMax], full_to[kPathMax], mirror_from[kPathMax], mirror_to[kPathMax];
    if (!resolve(AT_FDCWD, from, full_from) || !resolve(AT_FDCWD, to, full_to)) {
        return REAL(link, from, to);
    }
    pthread_mutex_lock(&disk_mutex);
    const enum fault fault = next_fault("link", full_to, 0, 0);
    int done = -1;
    if (!fails(fault)) {
        done = REAL(link, full_from, full_to);
        if (done == 0) {
            name_made(full_to);
            if (mirror_of(full_from, mirror_from) && mirror_of(full_to, mirror_to)) {
                REAL(link, mirror_from, mirror_to);
            }
        }
        ends(fault);
    }
    pthread_mutex_unlock(&disk_mutex);
    return done;
}

int mkdir(const char* path, mode_t mode) {
    char full[kPathMax], to[kPathMax];
    struct stat facts;
    if (!resolve(AT_FDCWD, path, full) || lstat(full, &facts) == 0) {
        return REAL(mkdir, path, mode);
    }
    pthread_mutex_lock(&disk_mutex);
    const enum fault fault = next_fault("mkdir", full, 0, 0);
    int done = -1;
    if (!fails(fault)) {
        done = REAL(mkdir, full, mode);
        if (done == 0) {
            name_made(full);
            if (mirror_of(full, to)) {
                REAL(mkdir, to, 0700);
            }
        }
        ends(fault);
    }
    pthread_mutex_unlock(&disk_mutex);
    return done;
}
