/* SPDX-License-Identifier: Apache-2.0 */

/* Landlock layers add up in the kernel: each takes away by itself, so their meet is to have all of them. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "policy/field.h"

static bool layer_equals(const struct spec_landlock_layer *a,
			 const struct spec_landlock_layer *b)
{
	size_t i;

	if (a->scoped != b->scoped || a->writes_set != b->writes_set ||
	    a->writes.n != b->writes.n)
		return false;
	for (i = 0; i < a->writes.n; i++)
		if (!merge_has(&b->writes, a->writes.v[i]))
			return false;
	return true;
}

static int layer_text(const struct spec_landlock_layer *l, struct buf *ret)
{
	size_t i;
	int r = 0;

	if (l->scoped & SPEC_LANDLOCK_ABSTRACT)
		r = buf_adds(ret, "no abstract sockets outside");
	if (r == 0 && l->scoped & SPEC_LANDLOCK_SIGNAL)
		r = buf_addf(ret, "%sno signals outside", ret->len ? ", " : "");
	if (r == 0 && l->writes_set)
		r = buf_addf(ret, "%swritten below /dev", ret->len ? ", " : "");
	for (i = 0; r == 0 && i < l->writes.n; i++)
		r = buf_addf(ret, " %s", l->writes.v[i]);
	if (r == 0 && l->writes_set)
		r = buf_adds(ret, " alone");
	return r == 0 && ret->len == 0 ? buf_adds(ret, "nothing") : r;
}

int field_landlock(struct merge *m, const struct policy_rule *r)
{
	const struct spec_landlock_layer *more = &r->landlock.layer;
	struct spec_landlock *l = &m->spec->linux_.landlock;
	autobuf text = { .max = 1 << 16 };
	struct spec_landlock_layer *v;
	size_t i;

	if (!r->landlock.set || (!more->scoped && !more->writes_set))
		return 0;
	v = arena_array(m->arena, l->n + 1, sizeof(*v));
	if (!v || layer_text(more, &text) < 0)
		return merge_no_memory(m);
	if (l->n)
		memcpy(v, l->v, l->n * sizeof(*v));
	for (i = 0; i < l->n && !layer_equals(&v[i], more); i++)
		;
	if (i == SPEC_LANDLOCK_MAX_LAYERS)
		return merge_refuse(m, "landlock", text.data,
				    "the kernel takes %d layers, and there are more rules",
				    SPEC_LANDLOCK_MAX_LAYERS);
	if (i < l->n) {
		v[i].required |= more->required;
		l->v = v;
		return 0;
	}
	v[l->n] = *more;
	l->v = v;
	l->n++;
	return merge_note(m, "landlock", NULL, text.data);
}
