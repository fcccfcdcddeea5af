/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/pck.h"

#include <string.h>

#include "wire/der.h"
#include "wire/pem.h"

/* 1.2.840.113741.1.13.1, and what follows it. */
#define ARC 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01
#define ARC_BYTES 9

enum field {
	FIELD_PPID = 1,
	FIELD_TCB,
	FIELD_PCEID,
	FIELD_FMSPC,
	FIELD_TYPE,
	FIELD_INSTANCE,
	FIELD_CONFIGURATION,
};

#define CHAIN_COUNT 3 /* the key's, its authority's, the root's */

#define FIELD_PCESVN (PCK_COMPONENTS + 1) /* of FIELD_TCB */
#define FIELD_CPUSVN (PCK_COMPONENTS + 2)

/* One { OID, value }: what follows the identifier that must be there. */
static enum err take_field(struct bytes *in, struct bytes path,
			   struct bytes *value)
{
	static const uint8_t arc[] = { ARC };
	uint8_t memory[ARC_BYTES + 2];
	struct writer oid = WRITER_OVER(memory);

	TRY(der_take(in, DER_SEQUENCE, value));
	TRY(bytes_put(&oid, BYTES_ARRAY(arc)));
	TRY(bytes_put(&oid, path));
	return der_expect_oid(value, bytes_written(&oid));
}

static enum err take_outer(struct bytes *in, enum field field,
			   struct bytes *value)
{
	const uint8_t path[] = { (uint8_t)field };

	return take_field(in, BYTES_ARRAY(path), value);
}

static enum err take_inner(struct bytes *in, enum field field, size_t number,
			   struct bytes *value)
{
	const uint8_t path[] = { (uint8_t)field, (uint8_t)number };

	return take_field(in, BYTES_ARRAY(path), value);
}

/* The one value of a field, an OCTET STRING of this size. */
static enum err read_octets(struct bytes value, void *out, size_t len)
{
	struct bytes octets;

	TRY(der_take(&value, DER_OCTETS, &octets));
	if (octets.len != len)
		return ERR_MALFORMED;
	TRY(bytes_expect_end(&value));
	memcpy(out, octets.data, len);
	return ERR_OK;
}

static enum err read_number(struct bytes value, enum der_tag tag, uint64_t most,
			    uint64_t *out)
{
	TRY(der_take_unsigned(&value, tag, out));
	return *out > most ? ERR_MALFORMED : bytes_expect_end(&value);
}

static enum err take_octets(struct bytes *in, enum field field, void *out,
			    size_t len)
{
	struct bytes value;

	TRY(take_outer(in, field, &value));
	return read_octets(value, out, len);
}

static enum err take_tcb(struct bytes *in, struct pck *out)
{
	struct bytes value;
	struct bytes list;
	struct bytes one;
	uint64_t number;

	TRY(take_outer(in, FIELD_TCB, &value));
	TRY(der_take(&value, DER_SEQUENCE, &list));
	TRY(bytes_expect_end(&value));
	for (size_t i = 0; i < PCK_COMPONENTS; i++) {
		TRY(take_inner(&list, FIELD_TCB, i + 1, &one));
		TRY(read_number(one, DER_INTEGER, UINT8_MAX, &number));
		out->components[i] = (uint8_t)number;
	}
	TRY(take_inner(&list, FIELD_TCB, FIELD_PCESVN, &one));
	TRY(read_number(one, DER_INTEGER, UINT16_MAX, &number));
	out->pcesvn = (uint16_t)number;
	TRY(take_inner(&list, FIELD_TCB, FIELD_CPUSVN, &one));
	TRY(read_octets(one, out->cpusvn, sizeof(out->cpusvn)));
	return bytes_expect_end(&list);
}

static enum err take_type(struct bytes *in, struct pck *out)
{
	struct bytes value;
	uint64_t number;

	TRY(take_outer(in, FIELD_TYPE, &value));
	TRY(read_number(value, DER_ENUMERATED, PCK_SCALABLE_WITH_INTEGRITY,
			&number));
	out->type = (enum pck_type)number;
	return ERR_OK;
}

/* One answer, if it is the one of this number. */
static enum err take_answer(struct bytes *list, size_t number,
			    enum pck_answer *out)
{
	struct bytes rest = *list;
	struct bytes value;
	bool yes;

	if (take_inner(&rest, FIELD_CONFIGURATION, number, &value) != ERR_OK)
		return ERR_OK;
	TRY(der_take_boolean(&value, &yes));
	TRY(bytes_expect_end(&value));
	*list = rest;
	*out = yes ? PCK_YES : PCK_NO;
	return ERR_OK;
}

static enum err take_configuration(struct bytes *in, struct pck *out)
{
	struct bytes value;
	struct bytes list;

	TRY(take_outer(in, FIELD_CONFIGURATION, &value));
	TRY(der_take(&value, DER_SEQUENCE, &list));
	TRY(bytes_expect_end(&value));
	TRY(take_answer(&list, 1, &out->dynamic));
	TRY(take_answer(&list, 2, &out->cached_keys));
	TRY(take_answer(&list, 3, &out->smt));
	return bytes_expect_end(&list);
}

static enum err parse(struct bytes der, struct pck *out)
{
	struct bytes list;

	TRY(der_take(&der, DER_SEQUENCE, &list));
	TRY(bytes_expect_end(&der));
	TRY(take_octets(&list, FIELD_PPID, out->ppid, sizeof(out->ppid)));
	TRY(take_tcb(&list, out));
	TRY(take_octets(&list, FIELD_PCEID, out->pceid, sizeof(out->pceid)));
	TRY(take_octets(&list, FIELD_FMSPC, out->fmspc, sizeof(out->fmspc)));
	TRY(take_type(&list, out));
	if (list.len == 0)
		return ERR_OK;
	TRY(take_octets(&list, FIELD_INSTANCE, out->instance,
			sizeof(out->instance)));
	out->has_instance = true;
	if (list.len != 0)
		TRY(take_configuration(&list, out));
	return bytes_expect_end(&list);
}

enum err pck_parse(struct bytes der, struct pck *out)
{
	struct pck pck = { 0 };

	if (parse(der, &pck) != ERR_OK)
		return ERR_MALFORMED;
	*out = pck;
	return ERR_OK;
}

enum err pck_of(const struct certificate *certificate, struct pck *out)
{
	char name[CERTIFICATE_NAME_MAX];
	struct bytes der;

	TRY(certificate_extension(certificate, PCK_OID, &der));
	TRY(certificate_common_name(certificate, CERTIFICATE_SUBJECT, name));
	if (strcmp(name, PCK_NAME) != 0)
		return ERR_MALFORMED;
	return pck_parse(der, out);
}

static enum err read_pem(struct bytes text, struct certificate_chain *chain)
{
	uint8_t memory[CERTIFICATE_BYTES_MAX];

	while (text.len > 0 && text.data[0] != 0) {
		struct writer der = WRITER_OVER(memory);

		TRY(pem_take(&text, "CERTIFICATE", &der));
		TRY(certificate_chain_add(chain, bytes_written(&der)));
	}
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != 0)
			return ERR_MALFORMED;
	return ERR_OK;
}

static enum err read_der(struct bytes text, struct certificate_chain *chain)
{
	while (text.len > 0) {
		struct bytes whole = text;
		struct bytes content;

		TRY(der_take(&text, DER_SEQUENCE, &content));
		whole.len -= text.len;
		TRY(certificate_chain_add(chain, whole));
	}
	return ERR_OK;
}

/* The certificate of the key itself comes first. */
static enum err put_leaf_first(struct certificate_chain *chain)
{
	size_t found = 0;
	size_t leaf = 0;

	for (size_t i = 0; i < chain->count; i++) {
		struct bytes der;

		if (certificate_extension(&chain->list[i], PCK_OID, &der) ==
		    ERR_UNSUPPORTED)
			continue;
		leaf = i;
		found++;
	}
	if (found != 1 || chain->count != CHAIN_COUNT)
		return ERR_MALFORMED;

	struct certificate first = chain->list[0];

	chain->list[0] = chain->list[leaf];
	chain->list[leaf] = first;
	return ERR_OK;
}

enum err pck_read_chain(struct bytes text, struct certificate_chain *chain)
{
	enum err err = text.len > 0 && text.data[0] == DER_SEQUENCE
			       ? read_der(text, chain)
			       : read_pem(text, chain);

	return err == ERR_OK ? put_leaf_first(chain) : ERR_MALFORMED;
}
