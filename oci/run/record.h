/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "seccomp/table.h"

struct error;
struct seccomp_denied;

/*
 * The system calls that a container has made, as a profile in Docker's format that allows these and no
 * others. What is in the file from earlier runs stays in it.
 */
struct record {
	uint64_t seen[SECCOMP_ABI_COUNT][SECCOMP_SLOTS / 64];
	uint64_t unknown; /* calls that have no name */
};

void record_add(struct record *r, const struct seccomp_denied *call);
int record_write(const struct record *r, const char *path, struct error *e);

/* The ABI of a call as the kernel shows it. */
enum seccomp_abi record_abi(uint32_t arch, uint32_t nr);
