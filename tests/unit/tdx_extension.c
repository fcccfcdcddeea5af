/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tdx_extension.h"

#include <criterion/criterion.h>

#include "tests/vector.h"
#include "wire/der.h"

#define must_put(call) cr_assert_eq(call, ERR_OK)

static void put_der(struct writer *out, enum der_tag tag, struct bytes content)
{
	must_put(bytes_put_u8(out, (uint8_t)tag));
	if (content.len >= 0x100) {
		must_put(bytes_put_u8(out, 0x82));
		must_put(bytes_put_u16(out, (uint16_t)content.len));
	} else {
		if (content.len >= 0x80)
			must_put(bytes_put_u8(out, 0x81));
		must_put(bytes_put_u8(out, (uint8_t)content.len));
	}
	must_put(bytes_put(out, content));
}

static void put_der_number(struct writer *out, enum der_tag tag,
			   unsigned number)
{
	const uint8_t raw[] = { 0, (uint8_t)(number >> 8), (uint8_t)number };
	size_t skip = number < 0x80 ? 2 : number < 0x8000 ? 1 : 0;

	put_der(out, tag, (struct bytes){ raw + skip, sizeof(raw) - skip });
}

/* { 1.2.840.113741.1.13.1.a.b, value }; without b where that is 0. */
static void put_field(struct writer *out, uint8_t a, uint8_t b,
		      struct bytes value)
{
	const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d,
				0x01, 0x0d, 0x01, a,	b };
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);

	put_der(&inner, DER_OID,
		(struct bytes){ oid, sizeof(oid) - (b == 0 ? 1 : 0) });
	must_put(bytes_put(&inner, value));
	put_der(out, DER_SEQUENCE, bytes_written(&inner));
}

static void put_octets(struct writer *out, uint8_t a, uint8_t b,
		       struct bytes octets)
{
	uint8_t memory[64];
	struct writer value = WRITER_OVER(memory);

	put_der(&value, DER_OCTETS, octets);
	put_field(out, a, b, bytes_written(&value));
}

static void put_number(struct writer *out, const uint8_t path[static 2],
		       enum der_tag tag, unsigned number)
{
	uint8_t memory[16];
	struct writer value = WRITER_OVER(memory);

	put_der_number(&value, tag, number);
	put_field(out, path[0], path[1], bytes_written(&value));
}

static void put_tcb(struct writer *out, const struct pck *pck)
{
	uint8_t memory[1024];
	uint8_t outer_memory[1024];
	struct writer list = WRITER_OVER(memory);
	struct writer outer = WRITER_OVER(outer_memory);

	for (uint8_t i = 0; i < PCK_COMPONENTS; i++)
		put_number(&list, (const uint8_t[]){ 2, (uint8_t)(i + 1) },
			   DER_INTEGER, pck->components[i]);
	put_number(&list, (const uint8_t[]){ 2, 17 }, DER_INTEGER, pck->pcesvn);
	put_octets(&list, 2, 18, BYTES_ARRAY(pck->cpusvn));
	put_der(&outer, DER_SEQUENCE, bytes_written(&list));
	put_field(out, 2, 0, bytes_written(&outer));
}

static void put_configuration(struct writer *out, const struct pck *pck)
{
	const enum pck_answer answers[] = { pck->dynamic, pck->cached_keys,
					    pck->smt };
	uint8_t memory[256];
	uint8_t outer_memory[256];
	struct writer list = WRITER_OVER(memory);
	struct writer outer = WRITER_OVER(outer_memory);

	for (uint8_t i = 0; i < 3; i++) {
		const uint8_t yes[] = { DER_BOOLEAN, 1,
					answers[i] == PCK_YES ? 0xff : 0 };

		if (answers[i] != PCK_UNSAID)
			put_field(&list, 7, (uint8_t)(i + 1), BYTES_ARRAY(yes));
	}
	put_der(&outer, DER_SEQUENCE, bytes_written(&list));
	put_field(out, 7, 0, bytes_written(&outer));
}

struct bytes tdx_extension(const struct pck *pck)
{
	uint8_t memory[1024];
	uint8_t outer_memory[1024];
	struct writer list = WRITER_OVER(memory);
	struct writer outer = WRITER_OVER(outer_memory);

	put_octets(&list, 1, 0, BYTES_ARRAY(pck->ppid));
	put_tcb(&list, pck);
	put_octets(&list, 3, 0, BYTES_ARRAY(pck->pceid));
	put_octets(&list, 4, 0, BYTES_ARRAY(pck->fmspc));
	put_number(&list, (const uint8_t[]){ 5, 0 }, DER_ENUMERATED, pck->type);
	if (pck->has_instance) {
		put_octets(&list, 6, 0, BYTES_ARRAY(pck->instance));
		put_configuration(&list, pck);
	}
	put_der(&outer, DER_SEQUENCE, bytes_written(&list));
	return (struct bytes){ vector_copy(bytes_written(&outer)), outer.len };
}
