// SPDX-License-Identifier: Apache-2.0
#include "kube/kubeconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "kube/access.h"
#include "kube/yaml.h"

static char dir[] = "/tmp/strake-kubeconfig-XXXXXX";

static const char *put(const char *name, const char *text)
{
	static char path[4][128];
	static int n;
	char *at = path[n++ % 4];
	FILE *f;

	snprintf(at, 128, "%s/%s", dir, name);
	f = fopen(at, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return at;
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

#define BASIC                                                                                       \
	"apiVersion: v1\nkind: Config\ncurrent-context: c\n"                                        \
	"clusters: [{name: k, cluster: {server: 'https://h:1/', certificate-authority: ca.crt}}]\n" \
	"contexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]\n"

static void a_context_leads_to_its_cluster_and_user(void **state)
{
	const char *path = put("one", BASIC "users: [{name: u, user: {tokenFile: tok}}]\n");
	struct access a = { 0 };
	struct error e = ERROR_INIT;
	char expect[128];

	(void)state;
	assert_int_equal(kubeconfig_load(path, NULL, &a, &e), 0);
	assert_string_equal(a.server, "https://h:1");
	assert_string_equal(a.namespace, "ns");
	snprintf(expect, sizeof(expect), "%s/ca.crt", dir);
	assert_string_equal(a.ca_file, expect);
	snprintf(expect, sizeof(expect), "%s/tok", dir);
	assert_string_equal(a.token_file, expect);
	access_done(&a);
}

static void of_several_files_the_first_that_names_a_thing_counts(void **state)
{
	const char *one =
		put("first", "current-context: c\nusers: [{name: u, user: {token: first}}]\n");
	const char *two = put("second", BASIC "users: [{name: u, user: {token: second}}]\n");
	struct access a = { 0 };
	struct error e = ERROR_INIT;
	char list[300];

	(void)state;
	snprintf(list, sizeof(list), "%s:/nonexistent/x:%s", one, two);
	assert_int_equal(kubeconfig_load(list, NULL, &a, &e), 0);
	assert_string_equal(a.token, "first");
	access_done(&a);
}

static void what_is_wrong_is_told_with_its_name(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "a: [", "line" },
		{ "- x", "must be a mapping" },
		{ "clusters: 3", "clusters must be a list" },
		{ "clusters: [{cluster: {}}]", "clusters[0] must have a name" },
		{ "current-context: nowhere", "contexts has no \"nowhere\"" },
		{ "x: 1", "no current-context" },
		{ "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
		  "clusters: [{name: k, cluster: {server: 'ftp://x'}}]",
		  "https:// URL" },
		{ BASIC "users: [{name: u, user: {auth-provider: {name: gcp}}}]", "use exec" },
		{ BASIC "users: [{name: u, user: {client-key-data: '!!'}}]",
		  "client-key-data" },
		{ BASIC "users: [{name: u, user: {exec: {}}}]", "exec.command" },
		{ "a: 1\na: 2", "twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct access a = { 0 };
		struct error e = ERROR_INIT;

		assert_true(kubeconfig_load(put("bad", bad[i].text), NULL, &a, &e) < 0);
		if (!strstr(e.text, bad[i].words))
			fail_msg("\"%s\" does not say \"%s\"", e.text, bad[i].words);
		assert_null(a.server);
	}
}

static void a_plugin_gives_a_token_and_is_asked_again_only_when_it_has_run_out(void **state)
{
	const char *script;
	char text[600];
	struct access a = { 0 };
	struct error e = ERROR_INIT;
	struct buf header;

	(void)state;
	script = put(
		"plugin",
		"#!/bin/sh\necho x >>$COUNT\n"
		"echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"from-'$1'\"}}'\n");
	assert_int_equal(chmod(script, 0700), 0);
	snprintf(text, sizeof(text),
		 BASIC
		 "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
		 "command: ./plugin, args: [arg], env: [{name: COUNT, value: %s/count}]}}}]\n",
		 dir);
	assert_int_equal(kubeconfig_load(put("exec", text), NULL, &a, &e), 0);
	for (int i = 0; i < 3; i++) {
		buf_init(&header, 1024);
		assert_int_equal(access_authorization(&a, i == 2, &header, &e), 0);
		assert_string_equal(header.data, "Bearer from-arg");
		buf_done(&header);
	}
	snprintf(text, sizeof(text), "%s/count", dir);
	struct stat st;
	assert_int_equal(stat(text, &st), 0);
	assert_int_equal(st.st_size, 4);
	access_done(&a);
}

static void a_plugin_that_fails_is_named(void **state)
{
	struct access a = { 0 };
	struct error e = ERROR_INIT;
	struct buf header;

	(void)state;
	assert_int_equal(kubeconfig_load(put("exec",
					     BASIC "users: [{name: u, user: {exec: {command: "
						   "no-such-plugin, installHint: get it}}}]\n"),
					 NULL, &a, &e),
			 0);
	buf_init(&header, 1024);
	assert_true(access_authorization(&a, false, &header, &e) < 0);
	assert_non_null(strstr(e.text, "no-such-plugin"));
	assert_string_equal(e.hint, "get it");
	buf_done(&header);
	access_done(&a);
}

static void plain_scalars_mean_what_they_mean_to_kubectl(void **state)
{
	static const char text[] =
		"a: yes\nb: \"yes\"\nc: 1\nd: 1.5\ne: ~\nf: 0755x\ng: &x [1]\nh: *x\n"
		"---\n---\nk: 1\n";
	struct error e = ERROR_INIT;
	json_t *documents;

	(void)state;
	assert_int_equal(yaml_parse("t", text, strlen(text), &documents, &e), 0);
	assert_int_equal(json_array_size(documents), 2);
	json_t *d = json_array_get(documents, 0);
	assert_true(json_is_true(tree_get(d, "a")));
	assert_string_equal(tree_string(d, "b"), "yes");
	assert_int_equal(tree_integer(d, "c", 0), 1);
	assert_true(json_is_real(tree_get(d, "d")));
	assert_true(json_is_null(tree_get(d, "e")));
	assert_string_equal(tree_string(d, "f"), "0755x");
	assert_true(json_equal(tree_get(d, "g"), tree_get(d, "h")));
	json_decref(documents);
}

static void aliases_of_aliases_do_not_grow_without_end(void **state)
{
	char text[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
	struct error e = ERROR_INIT;
	json_t *documents;

	(void)state;
	for (int i = 1; i < 12; i++) {
		size_t len = strlen(text);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "*a%d,", i - 1);
		snprintf(text + len, sizeof(text) - len, "]\n");
	}
	assert_true(yaml_parse("t", text, strlen(text), &documents, &e) < 0);
	assert_non_null(strstr(e.text, "too large"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_context_leads_to_its_cluster_and_user),
		cmocka_unit_test(of_several_files_the_first_that_names_a_thing_counts),
		cmocka_unit_test(what_is_wrong_is_told_with_its_name),
		cmocka_unit_test(
			a_plugin_gives_a_token_and_is_asked_again_only_when_it_has_run_out),
		cmocka_unit_test(a_plugin_that_fails_is_named),
		cmocka_unit_test(plain_scalars_mean_what_they_mean_to_kubectl),
		cmocka_unit_test(aliases_of_aliases_do_not_grow_without_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
