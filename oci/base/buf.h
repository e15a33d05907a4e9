/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * A growable run of bytes with a ceiling. `data` is always NUL-terminated behind `len` once
 * something was added, and NULL before. Additions return 0, -ENOMEM, or -EFBIG past the ceiling;
 * a failed addition leaves the contents as they were.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* safe on a zeroed or finished buffer */
void buf_reset(struct buf *b); /* empties, keeps the memory */

int buf_reserve(struct buf *b, size_t more); /* room for `more` bytes and the NUL */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Reads the descriptor to its end. 0, or -errno of read(2), -EFBIG past the ceiling. */
int buf_read_fd(struct buf *b, int fd);

#define autobuf __attribute__((cleanup(buf_done))) struct buf
