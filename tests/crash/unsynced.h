// What a loss of power may undo: of each file the pages that no flush covers, and the names that
// were made, removed or changed since their folder was flushed. Not thread-safe.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { kPathMax = 1024 };

struct page;
struct node {
    dev_t device;
    ino_t number;
    char path[kPathMax];
    off_t synced_size;
    struct page* pages;
    struct node* next;
};

// Of everything that no flush covers: all is kept (a mere kill), all is lost, or any part is.
enum loss { kKept, kAll, kSome };

// The open file's record; `fresh`: it was made just now, so nothing of it is on the disk.
struct node* node_of(int fd, const char* path, bool fresh);
struct node* node_at(const char* path);  // NULL: unknown

// Before bytes are written over or cut off.
void remember(struct node* node, int fd, off_t offset, size_t length);
void flushed(struct node* node, int fd);
// A flush failed: the kernel calls the pages clean, and a later flush doesn't write them.
void flush_failed(struct node* node);

void name_made(const char* path);
void name_removed(const char* path, const char* grave);  // it has been moved there
void name_changed(const char* from, const char* to);
void folder_flushed(const char* folder);

void lose(enum loss loss);
uint64_t chance(uint64_t bound);  // from SEKISHO_FAULT_SEED
