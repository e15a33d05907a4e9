/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;

/*
 * One command, measured from before its start until it was reaped. It reads and writes /dev/null;
 * what it says on stderr is kept for the message of a failure.
 */
struct sample {
	uint64_t wall_ns;
	uint64_t cpu_ns;  /* user and system, with the children that the command waited for */
	uint64_t rss_kib; /* the largest of the command and of the children it waited for */
};

struct sampler {
	int null_fd;
	int log_fd; /* a file in memory */
};

int sampler_init(struct sampler *s, struct error *e);
void sampler_done(struct sampler *s);

/* 0, or a negative errno: it could not be started, or did not exit with 0. Adds up in *ret. */
int sampler_run(struct sampler *s, const char *const argv[], struct sample *ret,
		struct error *e);

/*
 * The same, started by fork: the kernel counts the memory of the process that started a program
 * by vfork as the program's, so true peaks are measured apart from times.
 */
int sampler_run_forked(struct sampler *s, const char *const argv[], struct sample *ret,
		       struct error *e);

/* Starts without waiting; sampler_wait() ends the measurement begun at `start_ns`. */
int sampler_start(struct sampler *s, const char *const argv[], int *ret_pid, struct error *e);
int sampler_wait(struct sampler *s, int pid, const char *const argv[], struct sample *ret,
		 struct error *e);

/* What a command prints, with one more variable in its environment (or NULL). */
int sampler_read(struct sampler *s, const char *const argv[], const char *variable,
		 struct buf *ret, struct error *e);

/* Many samples of one thing. */
struct series {
	uint64_t *wall;
	uint64_t *cpu;
	size_t count;
	size_t room;
	uint64_t rss_kib;
};

struct summary {
	double min, p10, median, p90; /* ms */
	double cpu;                   /* ms, median */
};

int series_add(struct series *s, const struct sample *sample); /* 0 or -ENOMEM */
void series_done(struct series *s);
void series_summarise(const struct series *s, struct summary *ret); /* of at least one sample */
