/* SPDX-License-Identifier: Apache-2.0 */
#include "run/config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/build.h"
#include "base/mem.h"
#include "run/folder.h"
#include "seccomp/known.h"
#include "spec/check.h"
#include "spec/parse.h"
#include "spec/spec.h"

#define KEY           "\"seccomp\""
#define WORTH_KEEPING 1024 /* bytes */

struct part {
	const char *text;
	size_t len;
};

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* Behind the closing quote of the string that begins at p, or NULL. */
static const char *skip_string(const char *p, const char *end)
{
	const char *quote, *before;

	for (p++; (quote = memchr(p, '"', (size_t)(end - p))); p = quote + 1) {
		for (before = quote; before[-1] == '\\'; before--)
			;
		if ((quote - before) % 2 == 0)
			return quote + 1;
	}
	return NULL;
}

/* Behind the brace that closes the one at p, or NULL. */
static const char *skip_object(const char *p, const char *end)
{
	size_t depth = 0;

	while (p && p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (*p != '{' && *p != '}') {
			p++;
			continue;
		}
		depth += *p == '{';
		depth -= *p == '}';
		p++;
		if (depth == 0)
			return p;
	}
	return NULL;
}

/* A guess at where the value of linux.seccomp is; whoever parses around it finds out. */
static bool part_find(const char *data, size_t len, struct part *ret)
{
	const char *end = data + len, *p = data, *close;

	while ((p = memmem(p, (size_t)(end - p), KEY, strlen(KEY)))) {
		p = skip_space(p + strlen(KEY), end);
		if (p == end || *p != ':')
			continue;
		p = skip_space(p + 1, end);
		close = p < end && *p == '{' ? skip_object(p, end) : NULL;
		if (!close)
			continue;
		*ret = (struct part){ p, (size_t)(close - p) };
		return ret->len >= WORTH_KEEPING;
	}
	return false;
}

static bool part_key(const struct part *part, uint8_t ret[SHA256_SIZE])
{
	struct seccomp_known_text t = {
		.kind = SECCOMP_KNOWN_SPEC,
		.text = part->text,
		.len = part->len,
	};

	t.build_len = build_id(&t.build);
	return seccomp_known_key(&t, ret);
}

static void part_keep(const struct oci_runtime *rt, const uint8_t key[SHA256_SIZE],
		      const struct spec_seccomp *s)
{
	autoclose int dir_fd = folder_open_cache(rt, true);

	seccomp_known_keep(dir_fd, key, s);
}

/*
 * The two halves are read by themselves. Each is a JSON document, one with a hole where the other stands:
 * so the text is one, too, and says what they say. 0, or it has to be read whole.
 */
static int read_halves(const struct oci_runtime *rt, const char *name, const char *data,
		       size_t len, bool again, struct spec *s)
{
	struct spec_seccomp *profile = &s->linux_.seccomp;
	autoclose int dir_fd = -1;
	uint8_t key[SHA256_SIZE];
	struct part part;
	bool known;
	int r;

	if (!rt || !part_find(data, len, &part) || !part_key(&part, key))
		return -EAGAIN;
	r = spec_parse_around(name, data, len, (size_t)(part.text - data), part.len, s);
	if (r < 0)
		return r;
	dir_fd = folder_open_cache(rt, false);
	known = seccomp_known_find(dir_fd, key, &s->arena, profile);
	if (!known)
		r = again ? -EAGAIN
			  : spec_parse_seccomp(&s->arena, name, part.text, part.len, profile,
					       NULL);
	if (r == 0 && !again)
		r = spec_check(s, NULL);
	if (r == 0 && !known)
		part_keep(rt, key, profile);
	if (r < 0)
		spec_done(s);
	return r;
}

int config_read(const struct oci_runtime *rt, const char *name, const char *data, size_t len,
		struct spec *ret, struct error *e)
{
	int r;

	if (read_halves(rt, name, data, len, false, ret) == 0)
		return 0;
	r = spec_parse(name, data, len, ret, e);
	return r < 0 ? r : spec_check(ret, e);
}

int config_read_again(const struct oci_runtime *rt, const char *name, const char *data,
		      size_t len, struct spec *ret, struct error *e)
{
	if (read_halves(rt, name, data, len, true, ret) == 0)
		return 0;
	return spec_parse(name, data, len, ret, e);
}
