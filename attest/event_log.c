/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/event_log.h"

#include <string.h>

#include "attest/tpm_public.h"

#define SIGNATURE BYTES_LITERAL("Spec ID Event03\0")
#define DIGEST_MAX 64
#define CC_REGISTERS 5

/* An event in the format of SHA-1 alone, as every first event is. */
static enum err take_plain(struct bytes *in, struct event_log_event *out)
{
	struct bytes rest = *in;
	uint32_t size;

	TRY(bytes_take_u32_le(&rest, &out->index));
	TRY(bytes_take_u32_le(&rest, &out->type));
	TRY(bytes_take(&rest, hash_bytes(HASH_SHA1), &out->digests[HASH_SHA1]));
	TRY(bytes_take_u32_le(&rest, &size));
	TRY(bytes_take(&rest, size, &out->data));
	*in = rest;
	return ERR_OK;
}

static bool is_known_bank(const struct event_log *log, uint16_t id)
{
	for (size_t i = 0; i < log->bank_count; i++)
		if (log->banks[i].id == id)
			return true;
	return false;
}

static enum err take_bank(struct bytes *in, struct event_log *log)
{
	struct event_log_bank *bank = &log->banks[log->bank_count];
	enum hash_algorithm hash;
	uint16_t id;

	TRY(bytes_take_u16_le(in, &id));
	TRY(bytes_take_u16_le(in, &bank->bytes));
	if (is_known_bank(log, id) || bank->bytes == 0 ||
	    bank->bytes > DIGEST_MAX)
		return ERR_MALFORMED;
	bank->id = id;
	bank->known = -1;
	if (tpm_public_hash(id, &hash) == ERR_OK) {
		if (bank->bytes != hash_bytes(hash))
			return ERR_MALFORMED;
		bank->known = (int)hash;
	}
	log->bank_count++;
	return ERR_OK;
}

/* TCG_EfiSpecIDEvent (section 10.4.5.1), after its signature. */
static enum err take_header(struct bytes in, struct event_log *log)
{
	struct bytes skipped;
	uint32_t count;
	uint8_t vendor_bytes;

	/* platform class u32, version minor, major, errata, size of uintn */
	TRY(bytes_take(&in, 8, &skipped));
	TRY(bytes_take_u32_le(&in, &count));
	if (count == 0 || count > EVENT_LOG_BANKS_MAX)
		return ERR_MALFORMED;
	for (uint32_t i = 0; i < count; i++)
		TRY(take_bank(&in, log));
	TRY(bytes_take_u8(&in, &vendor_bytes));
	TRY(bytes_take(&in, vendor_bytes, &skipped));
	return bytes_expect_end(&in);
}

enum err event_log_open(struct bytes bytes, enum event_log_kind kind,
			struct event_log *out)
{
	struct event_log log = { .rest = bytes, .kind = kind };
	struct event_log_event first = { 0 };
	struct bytes signature = { NULL, 0 };

	if (bytes.len > EVENT_LOG_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(take_plain(&bytes, &first));
	if (first.type == EVENT_LOG_NO_ACTION &&
	    bytes_take(&first.data, SIGNATURE.len, &signature) == ERR_OK &&
	    bytes_equal(signature, SIGNATURE)) {
		TRY(take_header(first.data, &log));
		log.rest = bytes;
		log.is_agile = true;
	} else if (kind == EVENT_LOG_CC) {
		return ERR_MALFORMED;
	} else {
		log.banks[0] = (struct event_log_bank){ 0x0004, 20, HASH_SHA1 };
		log.bank_count = 1;
	}
	*out = log;
	return ERR_OK;
}

/* What is not written yet of a table of flash is all ones, or all zeros. */
static bool is_filling(struct bytes rest)
{
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] != rest.data[0])
			return false;
	return rest.len == 0 || rest.data[0] == 0xff || rest.data[0] == 0;
}

bool event_log_is_at_end(const struct event_log *log)
{
	return log->rest.len == 0 ||
	       (log->kind == EVENT_LOG_CC && is_filling(log->rest));
}

static enum err take_digest(const struct event_log *log, struct bytes *in,
			    uint32_t *seen, struct event_log_event *out)
{
	uint16_t id;
	struct bytes digest;

	TRY(bytes_take_u16_le(in, &id));
	for (size_t i = 0; i < log->bank_count; i++) {
		const struct event_log_bank *bank = &log->banks[i];

		if (bank->id != id)
			continue;
		if ((*seen >> i & 1) != 0)
			return ERR_MALFORMED;
		*seen |= 1u << i;
		TRY(bytes_take(in, bank->bytes, &digest));
		if (bank->known >= 0)
			out->digests[bank->known] = digest;
		return ERR_OK;
	}
	return ERR_MALFORMED;
}

/* Every bank of the header has its digest in every event. */
static enum err take_agile(const struct event_log *log, struct bytes *in,
			   struct event_log_event *out)
{
	uint32_t count;
	uint32_t seen = 0;
	uint32_t size;

	TRY(bytes_take_u32_le(in, &out->index));
	TRY(bytes_take_u32_le(in, &out->type));
	TRY(bytes_take_u32_le(in, &count));
	if (count != log->bank_count)
		return ERR_MALFORMED;
	for (uint32_t i = 0; i < count; i++)
		TRY(take_digest(log, in, &seen, out));
	TRY(bytes_take_u32_le(in, &size));
	return bytes_take(in, size, &out->data);
}

enum err event_log_next(struct event_log *log, struct event_log_event *out)
{
	struct event_log_event found = { .number = log->number };
	struct bytes rest = log->rest;
	uint32_t registers =
		log->kind == EVENT_LOG_CC ? CC_REGISTERS : EVENT_LOG_REGISTERS;

	if (log->is_agile)
		TRY(take_agile(log, &rest, &found));
	else
		TRY(take_plain(&rest, &found));
	if (found.index >= registers)
		return ERR_MALFORMED;
	log->rest = rest;
	log->number++;
	*out = found;
	return ERR_OK;
}

bool event_log_is_of_data(const struct event_log_event *event,
			  enum hash_algorithm bank)
{
	uint8_t digest[HASH_BYTES_MAX];

	hash_digest(bank, event->data, digest);
	return bytes_equal(event->digests[bank],
			   (struct bytes){ digest, hash_bytes(bank) });
}

static const struct {
	uint32_t type;
	const char *name;
} names[] = {
	{ 0x00, "EV_PREBOOT_CERT" },
	{ 0x01, "EV_POST_CODE" },
	{ 0x03, "EV_NO_ACTION" },
	{ 0x04, "EV_SEPARATOR" },
	{ 0x05, "EV_ACTION" },
	{ 0x06, "EV_EVENT_TAG" },
	{ 0x07, "EV_S_CRTM_CONTENTS" },
	{ 0x08, "EV_S_CRTM_VERSION" },
	{ 0x09, "EV_CPU_MICROCODE" },
	{ 0x0a, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0x0b, "EV_TABLE_OF_DEVICES" },
	{ 0x0c, "EV_COMPACT_HASH" },
	{ 0x0d, "EV_IPL" },
	{ 0x0e, "EV_IPL_PARTITION_DATA" },
	{ 0x0f, "EV_NONHOST_CODE" },
	{ 0x10, "EV_NONHOST_CONFIG" },
	{ 0x11, "EV_NONHOST_INFO" },
	{ 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x13, "EV_POST_CODE2" },
	{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ 0x80000002, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, "EV_EFI_ACTION" },
	{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2" },
	{ 0x8000000c, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x8000000d, "EV_EFI_GPT_EVENT2" },
	{ 0x80000010, "EV_EFI_HCRTM_EVENT" },
	{ 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
};

const char *event_log_type_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown";
}
