#define _GNU_SOURCE
#include "unsynced.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kPage = 4096 };

struct page {
    off_t number;
    size_t length;  // of `old`: what the disk has of the page
    char old[kPage];
    bool forgotten;  // by the kernel, after a flush that failed: no flush covers it any more
    struct page* next;
};

struct change {
    enum { kMade, kRemoved, kRenamed } kind;
    char path[kPathMax], other[kPathMax];
    struct change* before;
};

static struct node* nodes;
static struct change* changes;  // the last one first

uint64_t chance(uint64_t bound) {
    static uint64_t state;
    if (state == 0) {
        const char* seed = getenv("SEKISHO_FAULT_SEED");
        state = 88172645463325252ULL + (seed ? strtoull(seed, NULL, 10) * 2654435761ULL : 0);
    }
    state ^= state << 13;  // xorshift64
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % bound;
}

// Past the functions of fault_disk.c, which would count it.
static int raw_open(const char* path, int flags) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static void forget_pages(struct node* node) {
    while (node->pages) {
        struct page* const page = node->pages;
        node->pages = page->next;
        free(page);
    }
}

struct node* node_of(int fd, const char* path, bool fresh) {
    struct stat facts;
    fstat(fd, &facts);
    struct node* node = nodes;
    while (node && (node->number != facts.st_ino || node->device != facts.st_dev)) {
        node = node->next;
    }
    if (!node) {
        node = calloc(1, sizeof *node);
        node->device = facts.st_dev;
        node->number = facts.st_ino;
        node->synced_size = facts.st_size;
        node->next = nodes;
        nodes = node;
    }
    if (fresh) {
        forget_pages(node);
        node->synced_size = 0;
    }
    snprintf(node->path, sizeof node->path, "%s", path);
    return node;
}

struct node* node_at(const char* path) {
    struct node* node = nodes;
    while (node && strcmp(node->path, path) != 0) {
        node = node->next;
    }
    return node;
}

static struct page* page_of(struct node* node, off_t number) {
    struct page* page = node->pages;
    while (page && page->number != number) {
        page = page->next;
    }
    return page;
}

void remember(struct node* node, int fd, off_t offset, size_t length) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    const int reading = raw_open(self, O_RDONLY);  // fd may be for writing only
    const off_t end = offset + (off_t)length;
    for (off_t number = offset / kPage; number * kPage < end; ++number) {
        struct page* page = page_of(node, number);
        if (page) {
            page->forgotten = false;  // dirty again
            continue;
        }
        page = calloc(1, sizeof *page);
        page->number = number;
        if (number * kPage < node->synced_size) {
            const off_t left = node->synced_size - number * kPage;
            const size_t wanted = left < kPage ? (size_t)left : kPage;
            const ssize_t got = pread(reading, page->old, wanted, number * kPage);
            page->length = got > 0 ? (size_t)got : 0;
        }
        page->next = node->pages;
        node->pages = page;
    }
    close(reading);
}

void flushed(struct node* node, int fd) {
    struct stat facts;
    if (fstat(fd, &facts) == 0) {
        node->synced_size = facts.st_size;
    }
    struct page** link = &node->pages;
    while (*link) {
        struct page* const page = *link;
        if (page->forgotten) {
            link = &page->next;
        } else {
            *link = page->next;
            free(page);
        }
    }
}

void flush_failed(struct node* node) {
    for (struct page* page = node->pages; page; page = page->next) {
        page->forgotten = true;
    }
}

static void note(int kind, const char* path, const char* other) {
    struct change* const change = calloc(1, sizeof *change);
    change->kind = kind;
    snprintf(change->path, sizeof change->path, "%s", path);
    snprintf(change->other, sizeof change->other, "%s", other);
    change->before = changes;
    changes = change;
}

void name_made(const char* path) {
    note(kMade, path, "");
}

void name_removed(const char* path, const char* grave) {
    struct node* const node = node_at(path);
    if (node) {
        snprintf(node->path, sizeof node->path, "%s", grave);
    }
    note(kRemoved, path, grave);
}

void name_changed(const char* from, const char* to) {
    struct node* const node = node_at(from);
    if (node) {
        snprintf(node->path, sizeof node->path, "%s", to);
    }
    note(kRenamed, from, to);
}

static bool is_in(const char* path, const char* folder) {
    const size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL;
}

void folder_flushed(const char* folder) {
    struct change** link = &changes;
    while (*link) {
        struct change* const change = *link;
        if (is_in(change->kind == kRenamed ? change->other : change->path, folder)) {
            if (change->kind == kRemoved) {
                syscall(SYS_unlinkat, AT_FDCWD, change->other, 0);
            }
            *link = change->before;
            free(change);
        } else {
            link = &change->before;
        }
    }
}

static void lose_pages(struct node* node, enum loss loss) {
    const int fd = raw_open(node->path, O_RDWR);
    if (fd < 0) {
        return;
    }
    struct stat facts;
    fstat(fd, &facts);
    static const char zeros[kPage];
    const uint64_t share = 1 + chance(3);  // of four
    for (const struct page* page = node->pages; page; page = page->next) {
        if (loss == kSome && chance(4) >= share) {
            continue;
        }
        const off_t at = page->number * kPage;
        (void)!syscall(SYS_pwrite64, fd, page->old, page->length, at);
        if (page->length < kPage && at + (off_t)page->length < facts.st_size) {
            (void)!syscall(SYS_pwrite64, fd, zeros, kPage - page->length, at + (off_t)page->length);
        }
    }
    // The length is of the pages' fate or has its own.
    const bool cut = loss == kAll || (node->synced_size != facts.st_size && chance(2) == 0);
    (void)!syscall(SYS_ftruncate, fd, cut ? node->synced_size : facts.st_size);
    close(fd);
}

static void undo(const struct change* change, const char* grave, int number) {
    char hole[kPathMax];
    switch (change->kind) {
        case kMade:  // a folder with all that is in it
            snprintf(hole, sizeof hole, "%s/lost-%d-%d", grave, (int)getpid(), number);
            syscall(SYS_renameat2, AT_FDCWD, change->path, AT_FDCWD, hole, 0);
            break;
        case kRemoved:
            syscall(SYS_renameat2, AT_FDCWD, change->other, AT_FDCWD, change->path, 0);
            break;
        default:
            syscall(SYS_renameat2, AT_FDCWD, change->other, AT_FDCWD, change->path, 0);
            break;
    }
}

void lose(enum loss loss) {
    if (loss == kKept) {
        return;
    }
    for (struct node* node = nodes; node; node = node->next) {
        if (node->pages) {
            lose_pages(node, loss);
        }
    }
    uint64_t count = 0;
    for (const struct change* change = changes; change; change = change->before) {
        ++count;
    }
    // Names are changed in order, as every journal does it: the last ones are lost.
    const uint64_t lost = loss == kAll ? count : chance(count + 1);
    const char* const grave = getenv("SEKISHO_FAULT_GRAVE");
    uint64_t done = 0;
    for (const struct change* change = changes; change && done < lost; change = change->before) {
        undo(change, grave ? grave : "/tmp", (int)done++);
    }
}
