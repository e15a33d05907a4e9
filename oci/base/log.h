/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

struct error;

/*
 * What a program tells: one line per record, as text or JSON ({"level","msg","time"} as runc
 * writes it, plus "code", "step" and "hint" for errors). Libraries only ever call log_debug().
 * The target is process-wide and is set once by main(); before that, errors go to stderr as text.
 */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* fd is borrowed and must stay open. */
void log_to(int fd, bool json, enum log_level most);
void log_move(int fd); /* the same file is open there, too */
int log_fd(void);      /* the last of these two */
enum log_level log_most(void);

void log_write(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_error(const struct error *e); /* text, code, step, hint */

#define log_debug(...)                                           \
	do {                                                     \
		if (log_most() >= LOG_LEVEL_DEBUG)               \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
