/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "spec/document.h"
#include "spec/spec.h"

static int read_timeout(struct reader *r, const struct json *j, const struct field *f,
			void *dst)
{
	int64_t value;
	int err = reader_signed(r, j, 1, INT32_MAX, &value);

	(void)f;
	if (err == 0)
		*(int *)dst = (int)value;
	return err;
}

static const struct field hook_fields[] = {
	{ "path", KIND_STRING, read_string, offsetof(struct spec_hook, path), NULL,
	  FIELD_REQUIRED },
	{ "args", KIND_STRINGS, read_strings, offsetof(struct spec_hook, args) },
	{ "env", KIND_STRINGS, read_strings, offsetof(struct spec_hook, env) },
	{ "timeout", KIND_NUMBER, read_timeout, offsetof(struct spec_hook, timeout) },
};

static const struct table hook_table = TABLE(struct spec_hook, hook_fields);

#define STAGE(stage) \
	((stage) * sizeof(struct spec_hooks) + LIST_OFFSET(struct spec_hooks, n, v))

static const struct field hooks_fields[] = {
	{ "prestart", KIND_OBJECTS, read_objects, STAGE(SPEC_HOOK_PRESTART), &hook_table },
	{ "createRuntime", KIND_OBJECTS, read_objects, STAGE(SPEC_HOOK_CREATE_RUNTIME),
	  &hook_table },
	{ "createContainer", KIND_OBJECTS, read_objects, STAGE(SPEC_HOOK_CREATE_CONTAINER),
	  &hook_table },
	{ "startContainer", KIND_OBJECTS, read_objects, STAGE(SPEC_HOOK_START_CONTAINER),
	  &hook_table },
	{ "poststart", KIND_OBJECTS, read_objects, STAGE(SPEC_HOOK_POSTSTART), &hook_table },
	{ "poststop", KIND_OBJECTS, read_objects, STAGE(SPEC_HOOK_POSTSTOP), &hook_table },
};

const struct table spec_hooks_table = TABLE(struct spec_hooks[SPEC_HOOK_STAGES], hooks_fields);
