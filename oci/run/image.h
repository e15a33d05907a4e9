/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "criu/request.h"

struct arena;
struct error;
struct oci_criu_options;
struct oci_runtime;
struct spec;

/* The folders of a checkpoint, open, and what CRIU is asked for alike when it saves and restores. */
struct image {
	const struct oci_criu_options *opt;
	const char *work;     /* where its log is */
	const char *log_file; /* in there */
	int image_fd, work_fd;
};

#define IMAGE_NONE ((struct image){ .image_fd = -1, .work_fd = -1 })

/* Makes the folders that a checkpoint needs. -EPERM: only root can do this. */
int image_open(struct image *i, const struct oci_runtime *rt,
	       const struct oci_criu_options *opt, bool restore, struct error *e);
/* In another mount namespace: the same folders there, under the same descriptors. */
int image_open_again(const struct image *i, struct error *e);
void image_done(struct image *i);

/* Fills in what comes from the options. What is made for it lies in the arena. */
int image_ask(const struct image *i, struct arena *a, struct criu_request *rq, struct error *e);

/* CRIU's configuration: the container's own (annotation org.criu.config), else the node's; or NULL. */
const char *image_config_file(const char *annotation);

/* CRIU has failed: puts into the error what its log says. */
void image_explain(const struct image *i, struct error *e);

/* What a process has that no image holds. -ENOTSUP. */
int image_check_spec(const struct spec *s, struct error *e);
