/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* RFC 4648 with padding, as Secrets and kubeconfigs hold it. Both results are to be freed. */
char *base64_encode(const void *data, size_t len); /* NULL without memory */

/* Text (a NUL inside is -EINVAL; white space is skipped). 0, -EINVAL or -ENOMEM. */
int base64_decode(const char *text, char **ret);
