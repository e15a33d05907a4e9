/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "spec/document.h"
#include "spec/spec.h"

#define MEMBER(name) offsetof(struct spec_resources, name)

static const struct field weight_device_fields[] = {
	{ "major", KIND_NUMBER, read_i64, offsetof(struct spec_weight_device, major), NULL,
	  FIELD_REQUIRED },
	{ "minor", KIND_NUMBER, read_i64, offsetof(struct spec_weight_device, minor), NULL,
	  FIELD_REQUIRED },
	{ "weight", KIND_NUMBER, read_opt_u16, offsetof(struct spec_weight_device, weight) },
	{ "leafWeight", KIND_NUMBER, read_opt_u16,
	  offsetof(struct spec_weight_device, leaf_weight) },
};

static const struct table weight_device_table =
	TABLE(struct spec_weight_device, weight_device_fields);

static const struct field throttle_fields[] = {
	{ "major", KIND_NUMBER, read_i64, offsetof(struct spec_throttle_device, major), NULL,
	  FIELD_REQUIRED },
	{ "minor", KIND_NUMBER, read_i64, offsetof(struct spec_throttle_device, minor), NULL,
	  FIELD_REQUIRED },
	{ "rate", KIND_NUMBER, read_u64, offsetof(struct spec_throttle_device, rate), NULL,
	  FIELD_REQUIRED },
};

static const struct table throttle_table = TABLE(struct spec_throttle_device, throttle_fields);

static const struct field block_io_fields[] = {
	{ "weight", KIND_NUMBER, read_opt_u16, MEMBER(blkio_weight) },
	{ "leafWeight", KIND_NUMBER, read_opt_u16, MEMBER(blkio_leaf_weight) },
	{ "weightDevice", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_resources, n_blkio_weight_devices, blkio_weight_devices),
	  &weight_device_table },
	{ "throttleReadBpsDevice", KIND_OBJECTS, read_objects, MEMBER(throttle_read_bps),
	  &throttle_table },
	{ "throttleWriteBpsDevice", KIND_OBJECTS, read_objects, MEMBER(throttle_write_bps),
	  &throttle_table },
	{ "throttleReadIOPSDevice", KIND_OBJECTS, read_objects, MEMBER(throttle_read_iops),
	  &throttle_table },
	{ "throttleWriteIOPSDevice", KIND_OBJECTS, read_objects, MEMBER(throttle_write_iops),
	  &throttle_table },
};

const struct table spec_block_io_table = TABLE(struct spec_resources, block_io_fields);
