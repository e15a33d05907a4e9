/* SPDX-License-Identifier: Apache-2.0 */

/* What this runtime supports: runtime-spec "features.md" and "features-linux.md". */
#include "base/capability.h"
#include "base/json.h"
#include "oci.h"
#include "spec/mount_options.h"
#include "spec/names.h"
#include "spec/spec.h"

static void features_names(struct json_writer *w, const char *key,
			   const struct spec_name *names)
{
	json_write_key(w, key);
	json_write_array(w);
	for (; names->name; names++)
		json_write_string(w, names->name);
	json_write_end(w);
}

static void features_mount_options(struct json_writer *w)
{
	const char *name;
	size_t i;

	json_write_key(w, "mountOptions");
	json_write_array(w);
	for (i = 0; (name = mount_option_name(i)); i++)
		json_write_string(w, name);
	json_write_end(w);
}

static void features_enabled(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_write_object(w);
	json_put_bool(w, "enabled", true);
	json_write_end(w);
}

static void features_capabilities(struct json_writer *w)
{
	uint64_t all = capability_all();
	char name[32];
	unsigned int i;

	json_write_key(w, "capabilities");
	json_write_array(w);
	for (i = 0; i < 64; i++)
		if (all & 1ull << i)
			json_write_string(w, capability_name(i, name));
	json_write_end(w);
}

static void features_cgroup(struct json_writer *w)
{
	json_write_key(w, "cgroup");
	json_write_object(w);
	json_put_bool(w, "v1", false);
	json_put_bool(w, "v2", true);
	json_put_bool(w, "systemd", true);
	json_put_bool(w, "systemdUser", true);
	json_put_bool(w, "rdma", true);
	json_write_end(w);
}

static void features_seccomp(struct json_writer *w)
{
	json_write_key(w, "seccomp");
	json_write_object(w);
	json_put_bool(w, "enabled", true);
	features_names(w, "actions", spec_seccomp_action_names);
	features_names(w, "operators", spec_seccomp_op_names);
	features_names(w, "archs", spec_seccomp_arch_names);
	features_names(w, "knownFlags", spec_seccomp_flag_names);
	features_names(w, "supportedFlags", spec_seccomp_flag_names);
	json_write_end(w);
}

static void features_rdt(struct json_writer *w)
{
	json_write_key(w, "intelRdt");
	json_write_object(w);
	json_put_bool(w, "enabled", true);
	json_put_bool(w, "schemata", true);
	json_put_bool(w, "monitoring", true);
	json_write_end(w);
}

static void features_memory_policy(struct json_writer *w)
{
	json_write_key(w, "memoryPolicy");
	json_write_object(w);
	features_names(w, "modes", spec_memory_policy_mode_names);
	features_names(w, "flags", spec_memory_policy_flag_names);
	json_write_end(w);
}

static void features_linux(struct json_writer *w)
{
	json_write_key(w, "linux");
	json_write_object(w);
	features_names(w, "namespaces", spec_namespace_names);
	features_capabilities(w);
	features_cgroup(w);
	features_seccomp(w);
	features_enabled(w, "apparmor");
	features_enabled(w, "selinux");
	features_rdt(w);
	json_write_key(w, "mountExtensions");
	json_write_object(w);
	features_enabled(w, "idmap");
	json_write_end(w);
	features_enabled(w, "netDevices");
	features_memory_policy(w);
	json_write_end(w);
}

void oci_features(struct json_writer *w)
{
	json_write_object(w);
	json_put_string(w, "ociVersionMin", "1.0.0");
	json_put_string(w, "ociVersionMax", "1.3.0");
	features_names(w, "hooks", spec_hook_stage_names);
	features_mount_options(w);
	features_linux(w);
	json_write_key(w, "annotations");
	json_write_object(w);
	json_put_string(w, "io.strake.version", STRAKE_VERSION);
	/* By which engines find out, under the name that they look for. */
	json_put_string(w, "org.opencontainers.runc.checkpoint.enabled", "true");
	json_write_end(w);
	json_write_end(w);
}
