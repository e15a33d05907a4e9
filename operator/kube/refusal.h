/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "kube/tree.h"

struct answer;
struct error;

/* What the API server says when it refuses: the Status object of an answer. */
enum refusal {
	REFUSAL_NONE,        /* 2xx */
	REFUSAL_UNREACHABLE, /* no answer at all, or one that broke off */
	REFUSAL_UNAUTHORIZED,
	REFUSAL_FORBIDDEN,
	REFUSAL_NOT_FOUND,
	REFUSAL_EXISTS,      /* 409 AlreadyExists */
	REFUSAL_CONFLICT,    /* 409: our view of the object is old */
	REFUSAL_EXPIRED,     /* 410, or the same inside a stream */
	REFUSAL_INVALID,     /* 400 or 422: it will be refused for ever */
	REFUSAL_TOO_MANY,    /* 429 */
	REFUSAL_TERMINATING, /* the namespace goes away */
	REFUSAL_SERVER,      /* 5xx */
};

/* Sets `e` (unless NULL or REFUSAL_NONE) to what went wrong, in the server's words. */
enum refusal refusal_of(const struct answer *a, struct error *e);

/* The same for a Status object that came inside a stream. */
enum refusal refusal_of_status(const json_t *status, struct error *e);

const char *refusal_name(enum refusal r);
