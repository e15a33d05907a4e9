/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/policy.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/signature.h"

/* A new key: the secret half into a file that was not there, the public one to stdout. */
int policy_key(struct cli *cli, const struct policy_options *opt)
{
	struct error *e = &cli->error;
	struct signature_secret s = { 0 };
	char line[SIGNATURE_LINE_MAX];
	uint8_t seed[SIGNATURE_KEY_BYTES];
	autoclose int fd = -1;
	int r;

	fd = open(opt->argv[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, errno, "make %s", opt->argv[0]);
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return error_set(e, errno, "random bytes");
	r = signature_secret_from(&s, seed, e);
	explicit_bzero(seed, sizeof(seed));
	if (r == 0) {
		signature_secret_write(&s, line);
		r = fd_write_all(fd, line, strlen(line));
		if (r < 0)
			error_set(e, -r, "write %s", opt->argv[0]);
	}
	if (r == 0) {
		signature_key_write(&s.key, line);
		r = fd_write_all(STDOUT_FILENO, line, strlen(line));
		if (r < 0)
			error_set(e, -r, "write to stdout");
	}
	explicit_bzero(line, sizeof(line));
	signature_secret_done(&s);
	return r;
}

static int sign_one(const struct signature_secret *s, const char *path, struct error *e)
{
	autobuf text = { 0 };
	char line[SIGNATURE_LINE_MAX], sig[4096];
	int r = str_format(sig, sizeof(sig), "%s.sig", path);

	if (r < 0)
		return error_set(e, -r, "%s", path);
	r = file_read(AT_FDCWD, path, POLICY_MAX_BYTES, &text, e);
	if (r == 0)
		r = signature_make(s, text.data ?: "", text.len, line, e);
	if (r == 0)
		r = file_replace(AT_FDCWD, sig, line, strlen(line), 0644, e);
	if (r == 0)
		printf("%s\n", sig);
	return r;
}

static int secret_open(const char *path, struct signature_secret *ret, struct error *e)
{
	autobuf text = { 0 };
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && (st.st_mode & 077)) {
		error_say(e, EPERM, "%s is not yours alone (mode %04o)", path,
			  st.st_mode & 07777);
		error_hint(e, "chmod 600 %s", path);
		return -EPERM;
	}
	r = file_read(AT_FDCWD, path, SIGNATURE_LINE_MAX, &text, e);
	if (r == 0)
		r = signature_secret_parse(ret, path, text.data ?: "", text.len, e);
	if (text.data)
		explicit_bzero(text.data, text.len);
	return r;
}

int policy_sign(struct cli *cli, const struct policy_options *opt)
{
	struct error *e = &cli->error;
	struct signature_secret s = { 0 };
	int i, r;

	if (!opt->key) {
		error_say(e, EINVAL, "policy sign: --key names no file");
		error_hint(e, "`strake policy key FILE` makes one");
		return -EINVAL;
	}
	r = secret_open(opt->key, &s, e);
	for (i = 0; r == 0 && i < opt->argc; i++)
		r = sign_one(&s, opt->argv[i], e);
	signature_secret_done(&s);
	return r;
}

int policy_verify_files(struct cli *cli, const struct policy_options *opt)
{
	int i, r = 0;

	for (i = 0; r == 0 && i < opt->argc; i++) {
		r = policy_verify(opt->argv[i], opt->key, &cli->error);
		if (r == 0)
			printf("%s: signed\n", opt->argv[i]);
	}
	return r;
}
