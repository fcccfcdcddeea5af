/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_access: parts of values: attributes, items and slices.
 *
 * What a value does not have is undefined; asking anything of what is
 * undefined is an error.
 */
#ifndef INFERENCE_JINJA_ACCESS_H
#define INFERENCE_JINJA_ACCESS_H

#include "inference/jinja_machine.h"

/* object.name; ERR_UNSUPPORTED for a method that is not called. */
MUST_CHECK enum err jinja_access_attribute(struct jinja_machine *machine,
					   const struct jinja_value *object,
					   struct bytes name,
					   struct jinja_value *out);

/* object[key], and the same for a key that is a name */
MUST_CHECK enum err jinja_access_item(struct jinja_machine *machine,
				      const struct jinja_value *object,
				      const struct jinja_value *key,
				      struct jinja_value *out);
MUST_CHECK enum err jinja_access_key(struct jinja_machine *machine,
				     const struct jinja_value *object,
				     struct bytes name,
				     struct jinja_value *out);

/* object[start:stop:step]; undefined or none for what is left out */
MUST_CHECK enum err jinja_access_slice(struct jinja_machine *machine,
				       const struct jinja_value *object,
				       const struct jinja_value bounds[3],
				       struct jinja_value *out);

#endif
