/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/kind.h"

/*
 * What is known of a Database's children: not the objects but what decides about them, some
 * hundred bytes where the objects are tens of thousands. Names of revisions and owners are kept
 * as digests (kube/tree.h).
 */
struct seen {
	uint64_t version;  /* resourceVersion of the last news, also of its end */
	uint64_t owner;    /* the controller's uid; 0: nobody */
	uint64_t owned;    /* object_owned_digest() */
	uint64_t wanted;   /* what we applied last, and ... */
	uint64_t accepted; /* ... `owned` of the server's answer: its own spelling of that */
	uint32_t round;
	bool present;
	bool deleting;
};

struct seen_statefulset {
	uint64_t fixed;    /* db_statefulset_fixed() */
	int64_t size;      /* of its claim template, in bytes */
	uint64_t revision; /* the one pods should have */
	bool current;      /* its controller has seen the newest spec */
	int32_t replicas;
};

struct seen_pod {
	struct seen_pod *next;
	uint64_t version;
	uint64_t revision;
	uint32_t round;
	int16_t ordinal;
	bool ready;
	bool deleting;
	uint8_t role; /* enum role */
	char uid[37];
	char why[31]; /* it is not ready, in one word of the cluster's: "ImagePullBackOff"; or "" */
};

enum role {
	ROLE_NONE,
	ROLE_PRIMARY,
	ROLE_REPLICA,
};

/*
 * What decides whether a certificate is still good, as it stands in an annotation of its Secret and in
 * the status, since Secrets themselves may be out of sight.
 */
struct seen_certificate {
	int64_t not_after;  /* seconds of the epoch; 0: not known */
	uint64_t made_from; /* db_certificate_digest() */
	uint64_t authority; /* certificate_identity() of who signed it */
};

#define SEEN_CERTIFICATE_MAX 64

/* What the primary has said of what is declared to be made in it. */
struct seen_declared {
	uint64_t digest; /* of what it spoke of last; 0: nothing yet */
	uint64_t wanted; /* of what it was asked for, `tries` times, last at ... */
	int64_t asked;
	uint8_t tries;
	bool failed;
};

struct seen_claim {
	struct seen_claim *next;
	uint64_t version;
	int64_t requested, capacity; /* bytes */
	uint32_t round;
	int16_t ordinal;
	bool bound;
	bool deleting;
};

struct observed {
	struct seen children[CHILD_MAX];
	struct seen_statefulset statefulset;
	struct seen_certificate authority, certificate;
	struct seen_declared declared;
	struct seen_pod *pods;     /* by ordinal */
	struct seen_claim *claims; /* by ordinal */
};

const char *role_name(enum role role);
enum role role_from_name(const char *name); /* NULL is ROLE_NONE */

/* "2027-02-19T20:00:00Z 0123456789abcdef 0123456789abcdef" and back; nothing of it is all 0. */
const char *seen_certificate_text(const struct seen_certificate *c,
				  char dst[SEEN_CERTIFICATE_MAX]);
struct seen_certificate seen_certificate_read(const char *text);
