// SPDX-License-Identifier: Apache-2.0
/* A kubeconfig, from its bytes to the access it means; nothing is opened or run. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kube/access.h"
#include "kube/kubeconfig.h"
#include "kube/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	json_auto_t *documents = NULL;
	autoaccess a = { 0 };

	if (yaml_parse("fuzz", (const char *)data, size, &documents, &e) == 0)
		kubeconfig_read(json_array_get(documents, 0), NULL, &a, &e);
	return 0;
}
