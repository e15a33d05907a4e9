// SPDX-License-Identifier: Apache-2.0
/* Frames of a watch in two pieces, split where the first byte says, and what the cache makes of
 * their objects. */
#include <stddef.h>
#include <stdint.h>

#include "cache.h"
#include "kube/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void changed(void *arg, struct record *r, int priority)
{
	(void)arg;
	(void)r;
	(void)priority;
}

static int each(void *arg, const struct frame *f)
{
	for (int k = 0; k < KIND_MAX; k++) {
		if (f->type == FRAME_DELETED)
			cache_gone(arg, (enum kind)k, f->object);
		else
			cache_object(arg, (enum kind)k, f->object, 1,
				     f->type == FRAME_BOOKMARK);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cache cache;
	struct frames f;
	size_t cut;

	if (!size)
		return 0;
	cut = data[0] % size;
	data++;
	size--;
	cut = cut < size ? cut : size;
	cache_init(&cache, changed, NULL);
	frames_init(&f);
	if (frames_add(&f, (const char *)data, cut, each, &cache) == 0)
		frames_add(&f, (const char *)data + cut, size - cut, each, &cache);
	frames_done(&f);
	for (int k = 0; k < KIND_MAX; k++)
		cache_sweep(&cache, (enum kind)k, NULL, 2);
	cache_done(&cache);
	return 0;
}
