/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct container;
struct error;
struct manager;
struct spec;

/* Kills and removes a container that we have locked, in whatever state; spec NULL: without its hooks. */
int delete_container(struct container *c, const struct spec *spec, struct manager *m,
		     struct error *e);
