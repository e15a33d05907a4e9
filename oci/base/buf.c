/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;
	char *p;

	if (more > b->max - b->len)
		return -EFBIG;
	need = b->len + more + 1;
	if (need <= b->cap)
		return 0;

	cap = b->cap ? b->cap * 2 : 256;
	if (cap < need)
		cap = need;
	p = realloc(b->data, cap);
	if (!p)
		return -ENOMEM;
	if (!b->data)
		p[0] = '\0';
	b->data = p;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	int r;

	r = buf_reserve(b, len);
	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n, r;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return -EINVAL;

	r = buf_reserve(b, (size_t)n);
	if (r < 0)
		return r;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return r;
}

/* How much to ask for at a time: a regular file's rest in one read, else pages that grow. */
static size_t buf_read_size(const struct buf *b, int fd)
{
	struct stat st;

	if (b->len == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		return (size_t)st.st_size + 1; /* where its end is seen */
	return b->len < 4096 ? 4096 : b->len;
}

int buf_read_fd(struct buf *b, int fd)
{
	size_t want = buf_read_size(b, fd);

	for (;;) {
		size_t room = b->max - b->len, left = b->cap ? b->cap - b->len - 1 : 0;
		char past;
		ssize_t n;
		int r;

		if (room == 0) {
			/* Full: only the end of the file is still acceptable. */
			n = read(fd, &past, 1);
		} else {
			if (left == 0) {
				r = buf_reserve(b, want < room ? want : room);
				if (r < 0)
					return r;
				left = b->cap - b->len - 1;
			}
			n = read(fd, b->data + b->len, left < room ? left : room);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return buf_reserve(b, 0);
		if (room == 0)
			return -EFBIG;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		want = b->len < 4096 ? 4096 : b->len;
	}
}
