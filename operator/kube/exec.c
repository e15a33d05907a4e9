// SPDX-License-Identifier: Apache-2.0
#include "kube/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "kube/access.h"

#define EXEC_DEADLINE_MS 20000
#define EXEC_MAX         (1u << 20)

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* Our environment, what the kubeconfig adds, and what the plugin is to know. */
static char **environment(const struct access_exec *x, char *info)
{
	size_t ours = count(environ), more = count(x->envp);
	char **env = calloc(ours + more + 2, sizeof(*env));

	if (!env)
		return NULL;
	/* getenv() takes the first of a name, so what is added goes in front. */
	if (more)
		memcpy(env, x->envp, more * sizeof(*env));
	env[more] = info;
	memcpy(env + more + 1, environ, ours * sizeof(*env));
	return env;
}

static char *exec_info(const struct access_exec *x, const char *server)
{
	json_auto_t *info = json_pack("{s:s, s:s, s:{s:b, s:{s:s}}}", "apiVersion",
				      x->api_version, "kind", "ExecCredential", "spec",
				      "interactive", 0, "cluster", "server", server);
	autofree char *text = info ? tree_text(info) : NULL;
	char *variable = NULL;

	if (text && asprintf(&variable, "KUBERNETES_EXEC_INFO=%s", text) < 0)
		return NULL;
	return variable;
}

static int start(const struct access_exec *x, const char *server, int out_fd, pid_t *ret)
{
	autofree char *info = exec_info(x, server);
	autofree char **env = info ? environment(x, info) : NULL;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	if (!env)
		return -ENOMEM;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawnp(ret, x->argv[0], &actions, &attributes, x->argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Everything it prints until it closes its output: 0, -ETIMEDOUT or -errno. */
static int collect(int fd, struct buf *out)
{
	uint64_t end = proc_now_ms() + EXEC_DEADLINE_MS;

	for (;;) {
		uint64_t now = proc_now_ms();
		ssize_t n;
		int r = now < end ? fd_wait(fd, POLLIN, (int)(end - now)) : 0;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		r = buf_reserve(out, 4096);
		if (r < 0)
			return r;
		n = read(fd, out->data + out->len, 4096);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->len += (size_t)n;
		out->data[out->len] = 0;
	}
}

int exec_credential(const struct access_exec *x, const char *server, json_t **ret,
		    struct error *e)
{
	json_auto_t *credential = NULL;
	autobuf out;
	int pipe_fd[2], status = 0, r;
	pid_t pid;

	buf_init(&out, EXEC_MAX);
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return error_set(e, errno, "credential plugin %s", x->argv[0]);
	r = start(x, server, pipe_fd[1], &pid);
	close(pipe_fd[1]);
	if (r < 0) {
		close(pipe_fd[0]);
		r = error_set(e, -r, "credential plugin %s", x->argv[0]);
		error_hint(e, "%s", x->hint ? x->hint : "is it installed and in PATH?");
		return r;
	}
	r = collect(pipe_fd[0], &out);
	close(pipe_fd[0]);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (r < 0)
		return error_set(e, -r, "output of credential plugin %s", x->argv[0]);
	if (proc_exit_code(status))
		return error_say(e, EACCES, "credential plugin %s ended with status %d",
				 x->argv[0], proc_exit_code(status));
	credential = tree_load(out.data ? out.data : "", out.len);
	if (!tree_string(credential, "status.token") &&
	    !tree_string(credential, "status.clientCertificateData"))
		return error_say(e, EINVAL,
				 "credential plugin %s printed no ExecCredential with a "
				 "status.token or status.clientCertificateData",
				 x->argv[0]);
	*ret = json_incref(credential);
	return 0;
}
