/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct json_writer;
struct pod;

/* In a worker: the config.json of the container that holds a pod, into its bundle. */
int pod_write_config(const struct pod *p, const char *id, const char *bundle, struct error *e);

/* Into a config.json's "mounts". `options` are words with a blank between them. */
void pod_put_mount(struct json_writer *w, const char *destination, const char *type,
		   const char *source, const char *options);
