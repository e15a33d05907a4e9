/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <sys/mount.h>

#include "base/str.h"
#include "spec/document.h"
#include "spec/names.h"
#include "spec/spec.h"

#define MEMBER(name) offsetof(struct spec_linux, name)

static int read_propagation(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	struct spec_linux *l = dst;
	uint64_t value;
	int err;

	if (j->len == 0)
		return 0;
	err = reader_name(r, j, f->arg, &value);
	if (err < 0)
		return err;
	l->rootfs_propagation = value & ~(uint64_t)MS_REC;
	l->rootfs_propagation_rec = value & MS_REC;
	return 0;
}

static int read_domain(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec_linux *l = dst;
	uint64_t value;
	int err = reader_name(r, j, f->arg, &value);

	if (err < 0)
		return err;
	l->set_personality = true;
	l->personality = (unsigned long)value;
	return 0;
}

/* config-linux.md: "Currently no flag values are supported." */
static int read_personality_flags(struct reader *r, const struct json *j, const struct field *f,
				  void *dst)
{
	char shown[64];
	int err;

	(void)f;
	(void)dst;
	if (!j->child)
		return 0;
	err = reader_expect(r, j->child, KIND_STRING);
	if (err < 0)
		return err;
	return reader_refuse(r, j->child, "\"%s\" is not known; there are no flags",
			     str_show(shown, sizeof(shown), j->child->text));
}

static const struct field personality_fields[] = {
	{ "domain", KIND_STRING, read_domain, 0, spec_personality_names, FIELD_REQUIRED },
	{ "flags", KIND_STRINGS, read_personality_flags, 0 },
};

static const struct table personality_table = TABLE(struct spec_linux, personality_fields);

static const struct field intel_rdt_fields[] = {
	{ "closID", KIND_STRING, read_string, offsetof(struct spec_intel_rdt, clos_id) },
	{ "schemata", KIND_STRINGS, read_strings, offsetof(struct spec_intel_rdt, schemata) },
	{ "l3CacheSchema", KIND_STRING, read_string,
	  offsetof(struct spec_intel_rdt, l3_cache_schema) },
	{ "memBwSchema", KIND_STRING, read_string,
	  offsetof(struct spec_intel_rdt, mem_bw_schema) },
	{ "enableCMT", KIND_BOOL, read_bool, offsetof(struct spec_intel_rdt, enable_cmt) },
	{ "enableMBM", KIND_BOOL, read_bool, offsetof(struct spec_intel_rdt, enable_mbm) },
	{ "enableMonitoring", KIND_BOOL, read_bool,
	  offsetof(struct spec_intel_rdt, enable_monitoring) },
};

static const struct table intel_rdt_table = TABLE(struct spec_intel_rdt, intel_rdt_fields);

static int read_policy_flags(struct reader *r, const struct json *j, const struct field *f,
			     void *dst)
{
	uint64_t flags;
	int err = read_flags(r, j, f, &flags);

	if (err == 0)
		*(uint32_t *)dst = (uint32_t)flags;
	return err;
}

static const struct field memory_policy_fields[] = {
	{ "mode", KIND_STRING, read_name, offsetof(struct spec_memory_policy, mode),
	  spec_memory_policy_mode_names, FIELD_REQUIRED },
	{ "nodes", KIND_STRING, read_string, offsetof(struct spec_memory_policy, nodes) },
	{ "flags", KIND_STRINGS, read_policy_flags, offsetof(struct spec_memory_policy, flags),
	  spec_memory_policy_flag_names },
};

static const struct table memory_policy_table =
	TABLE(struct spec_memory_policy, memory_policy_fields);

static int read_seccomp(struct reader *r, const struct json *j, const struct field *f,
			void *dst)
{
	struct spec_seccomp *s = dst;

	if (!r->known || j != r->known)
		return read_present(r, j, f, dst);
	s->present = r->met_known = true;
	return 0;
}

static const struct field linux_fields[] = {
	{ "namespaces", KIND_OBJECTS, read_namespaces, MEMBER(namespaces) },
	{ "uidMappings", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_linux, n_uid_mappings, uid_mappings),
	  &spec_id_mapping_table },
	{ "gidMappings", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_linux, n_gid_mappings, gid_mappings),
	  &spec_id_mapping_table },
	{ "timeOffsets", KIND_OBJECT, read_time_offsets, 0 },
	{ "devices", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_linux, n_devices, devices), &spec_device_table },
	{ "netDevices", KIND_OBJECT, read_named_objects,
	  LIST_OFFSET(struct spec_linux, n_net_devices, net_devices), &spec_net_device_table },
	{ "cgroupsPath", KIND_STRING, read_string, MEMBER(cgroups_path) },
	{ "resources", KIND_OBJECT, read_present, MEMBER(resources), &spec_resources_table },
	{ "rootfsPropagation", KIND_STRING, read_propagation, 0, spec_propagation_names },
	{ "seccomp", KIND_OBJECT, read_seccomp, MEMBER(seccomp), &spec_seccomp_table },
	{ "sysctl", KIND_PAIRS, read_pairs, MEMBER(sysctl) },
	{ "maskedPaths", KIND_STRINGS, read_strings, MEMBER(masked_paths) },
	{ "readonlyPaths", KIND_STRINGS, read_strings, MEMBER(readonly_paths) },
	{ "mountLabel", KIND_STRING, read_string, MEMBER(mount_label) },
	{ "intelRdt", KIND_OBJECT, read_present, MEMBER(intel_rdt), &intel_rdt_table },
	{ "memoryPolicy", KIND_OBJECT, read_present, MEMBER(memory_policy),
	  &memory_policy_table },
	{ "personality", KIND_OBJECT, read_object, 0, &personality_table },
};

const struct table spec_linux_table = TABLE(struct spec_linux, linux_fields);
