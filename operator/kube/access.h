/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct error;

/*
 * How to reach one API server and who we are there. Filled by kubeconfig.c or from the pod's
 * service account; strings belong to the struct. Secrets never go into messages.
 */
struct access {
	char *server;      /* "https://host:port", no slash at the end */
	char *server_name; /* name in the certificate, where it is another; or NULL */
	char *ca_file;
	char *ca_data; /* PEM; before ca_file */
	bool insecure;
	char *proxy;
	char *namespace; /* of the context or the pod; "default" where none is named */

	char *cert_file, *key_file;
	char *cert_data, *key_data; /* PEM; before the files */
	char *token;
	char *token_file; /* before token; it is replaced while we run */
	char *username, *password;
	char *impersonate;

	struct access_exec *exec; /* credential plugin, or NULL */

	uint64_t token_read_ms; /* when token came from token_file or exec; 0: never */
	uint64_t expires_ms;    /* exec: by our own clock; 0: never */
};

/* A credential plugin (client.authentication.k8s.io): a program that prints an ExecCredential. */
struct access_exec {
	char **argv; /* NULL-terminated */
	char **envp; /* NAME=VALUE to add, NULL-terminated */
	char *api_version;
	char *hint; /* how to install it */
};

void access_done(struct access *a); /* safe on a zeroed or finished one */
void access_exec_free(struct access_exec *x);

/*
 * The account of the pod we run in, from the directory Kubernetes mounts. 1: it is there,
 * 0: this is no pod, -errno: it is there but not whole. `dir` NULL is the usual place.
 */
int access_in_cluster(struct access *a, const char *dir, struct error *e);

/*
 * The value of the Authorization header ("Bearer ..."), or an empty buffer where the certificate
 * says it all. Reads token files again every 50 s and runs plugins again when what they gave has
 * run out; `again` asks for a fresh one now (the server answered 401). Running a plugin blocks,
 * for at most 20 s: people's kubeconfigs have plugins, pods do not.
 */
int access_authorization(struct access *a, bool again, struct buf *ret, struct error *e);

#define autoaccess __attribute__((cleanup(access_done))) struct access
