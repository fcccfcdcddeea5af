/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field: which bytes HTTP allows where (RFC 9110, section 5; RFC 9113, 8.2.1
 * and 8.3.1).
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include <stdbool.h>

#include "base/bytes.h"

/* A token without upper case, such as "content-type"; never a pseudo-field. */
bool field_name_is_valid(struct bytes name);

/* No control character but an inner tab; no white space at either end. */
bool field_value_is_valid(struct bytes value);

/* A token, such as "POST". */
bool field_method_is_valid(struct bytes method);

/* RFC 3986, section 3.1, such as "https". */
bool field_scheme_is_valid(struct bytes scheme);

/* Visible ASCII without user information; may be empty. */
bool field_authority_is_valid(struct bytes authority);

/* Visible ASCII that begins with a slash and has no fragment, or "*". */
bool field_path_is_valid(struct bytes path);

#endif
