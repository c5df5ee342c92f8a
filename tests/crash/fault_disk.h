// What the two halves of the preloaded disk share: fault_disk.c (plan, contents), fault_names.c.
#pragma once

#include "unsynced.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

enum fault { kNone, kBefore, kAfter, kTorn, kShort, kEio, kEnospc, kEintr };

// The function that this one stands before.
#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

extern pthread_mutex_t disk_mutex;  // one operation at a time

// The full path of what is or will be there; its folder must exist. False: it isn't our concern.
bool resolve(int folder, const char* path, char* full);
const char* mirror_of(const char* path, char* to);  // NULL: there is none

// Counts. With the lock. When the process is to be killed before it, this doesn't return.
enum fault next_fault(const char* what, const char* path, long offset, long length);
// Of what is done whole or not at all. True: it isn't done, and errno says why.
bool fails(enum fault fault);
void ends(enum fault fault);
