/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "kube/tree.h"

struct error;

/*
 * X.509 for servers: an authority of one's own, and certificates that it signs. Keys are of the curve
 * P-256, which every client knows. All of it is text (PEM), as Secrets hold it; times are seconds of the
 * epoch.
 */
struct certificate {
	char *text; /* PEM */
	char *key;  /* PEM, PKCS #8 */
};

/* Also wipes the key. */
void certificate_done(struct certificate *c);

/*
 * A new authority, or with a key in `ret` one more certificate of the same: who trusts the older one
 * trusts what either of them signs.
 */
int certificate_make_authority(const char *name, int64_t now, int64_t seconds,
			       struct certificate *ret, struct error *e);

/*
 * A certificate for a server with these names (DNS names and IP addresses), with a key of its own. It ends
 * with its authority at the latest. -EINVAL: `authority` is none.
 */
int certificate_issue(const struct certificate *authority, const json_t *names, int64_t now,
		      int64_t seconds, struct certificate *ret, struct error *e);

/* Until when it holds; 0: it is no certificate. */
int64_t certificate_not_after(const char *text);

/* Which authority it is, whatever its end: a digest of its key. 0: none. */
uint64_t certificate_identity(const char *text);

#define autocertificate __attribute__((cleanup(certificate_done))) struct certificate
