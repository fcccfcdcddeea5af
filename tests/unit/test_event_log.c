/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "attest/event_log_print.h"
#include "attest/event_log_replay.h"
#include "tests/vector.h"

#define OVMF "tests/vectors/eventlog/ovmf.bin"
#define OVMF_EVENTS 24

static struct bytes ovmf(void)
{
	static uint8_t memory[4096];
	FILE *in = fopen(OVMF, "rb");
	size_t len;

	cr_assert_not_null(in, "%s is part of the tree", OVMF);
	len = fread(memory, 1, sizeof(memory), in);
	fclose(in);
	return (struct bytes){ memory, len };
}

static void expect(const struct event_log_replay *replay,
		   enum hash_algorithm bank, uint32_t index, const char *hex)
{
	struct bytes value = { replay->banks[bank][index], hash_bytes(bank) };

	cr_assert(bytes_equal(value, vector_hex(hex)), "%s, register %u",
		  hash_name(bank), index);
}

/* What tpm2_eventlog says of it, and what the machine's registers were. */
static const char *const ovmf_pcrs[] = {
	"eaa650ae9b6b9c6d0ef4fab4dda3af9769f23c839ca3c98307a7a84831cbb472",
	"8e9d1fe23131f12d6a523e9c32eb3223d4dc25e14eb5fd60163e7ba8de0f248c",
	"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
	"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
	"8ecd2d33dccd971bc5a58988daac6e2ab2cfa2214a279c5c2d91817e4e912d40",
	"a5ceb755d043f32431d63e39f5161464620a3437280494b5850dc1b47cc074e0",
	"3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
	"65caf8dd1e0ea7a6347b635d2b379c93b9a1351edc2afc3ecda700e534eb3068",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"31fd356f07649273f20260c7d9fbb3d74ab0f79a9ec8a0017deb1165d6ee479b",
};

Test(event_log, the_log_of_a_measured_boot_leads_to_its_registers)
{
	struct event_log_replay replay;

	cr_assert_eq(event_log_replay(ovmf(), EVENT_LOG_PCRS, &replay), ERR_OK);
	cr_assert_eq(replay.events, OVMF_EVENTS);
	cr_assert_eq(replay.touched, 0x2ff);
	cr_assert_eq(replay.exits, 3);
	for (uint32_t i = 0; i < 10; i++)
		expect(&replay, HASH_SHA256, i, ovmf_pcrs[i]);
}

Test(event_log, separators_are_counted_with_what_is_on_each_side)
{
	struct event_log_replay replay;
	uint32_t number;

	cr_assert_eq(event_log_replay(ovmf(), EVENT_LOG_PCRS, &replay), ERR_OK);
	for (int i = 0; i < EVENT_LOG_REPLAY_SEPARATED; i++) {
		cr_assert_eq(replay.separators[i], 1);
		cr_assert_eq(replay.after[i], i == 5 ? 2 : 0);
	}
	cr_assert_eq(replay.before[7], 5);
	cr_assert_eq(event_log_replay_check_order(ovmf(), HASH_SHA256, &number),
		     ERR_OK);
}

Test(event_log, cut_anywhere_but_between_events_it_is_refused)
{
	struct bytes whole = ovmf();
	size_t good = 0;

	for (size_t len = 0; len <= whole.len; len++) {
		uint8_t *copy = malloc(len + 1);
		struct event_log_replay replay;

		memcpy(copy, whole.data, len);
		if (event_log_replay((struct bytes){ copy, len },
				     EVENT_LOG_PCRS, &replay) == ERR_OK)
			good++;
		free(copy);
	}
	/* After the header, and after each event. */
	cr_assert_eq(good, OVMF_EVENTS + 1);
}

static bool leads_to_the_same(struct bytes log)
{
	struct event_log_replay replay;

	if (event_log_replay(log, EVENT_LOG_PCRS, &replay) != ERR_OK)
		return false;
	for (uint32_t i = 0; i < 10; i++)
		if (memcmp(replay.banks[HASH_SHA256][i],
			   vector_hex(ovmf_pcrs[i]).data, 32) != 0)
			return false;
	vector_forget();
	return true;
}

/* Which bytes a replay proves: all of a digest, and nothing of data beside. */
Test(event_log, every_flipped_bit_of_a_digest_is_noticed)
{
	struct bytes whole = ovmf();
	uint8_t *copy = malloc(whole.len);
	struct bytes log = { copy, whole.len };
	struct event_log cursor;
	size_t bits = 0;

	memcpy(copy, whole.data, whole.len);
	cr_assert(leads_to_the_same(log));
	cr_assert_eq(event_log_open(log, EVENT_LOG_PCRS, &cursor), ERR_OK);
	while (!event_log_is_at_end(&cursor)) {
		struct event_log_event event;
		size_t at;

		cr_assert_eq(event_log_next(&cursor, &event), ERR_OK);
		at = (size_t)(event.digests[HASH_SHA256].data - copy);
		for (size_t bit = 0; bit < 256; bit++) {
			copy[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_not(leads_to_the_same(log));
			copy[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
			bits++;
		}
	}
	cr_assert_eq(bits, OVMF_EVENTS * 256);
	free(copy);
}

/* The bytes of the nth event, found by walking to it. */
static struct bytes event_bytes(struct bytes log, uint32_t number)
{
	struct event_log cursor;
	struct event_log_event event;
	const uint8_t *begin = log.data;

	cr_assert_eq(event_log_open(log, EVENT_LOG_PCRS, &cursor), ERR_OK);
	for (uint32_t i = 0; i <= number; i++) {
		begin = cursor.rest.data;
		cr_assert_eq(event_log_next(&cursor, &event), ERR_OK);
	}
	return (struct bytes){ begin, (size_t)(cursor.rest.data - begin) };
}

static struct bytes join(const struct bytes *parts, size_t count)
{
	static uint8_t memory[8192];
	struct writer out = WRITER_OVER(memory);

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(bytes_put(&out, parts[i]), ERR_OK);
	return bytes_written(&out);
}

/* A log in three parts about one event. */
struct cut {
	struct bytes head, event, tail;
};

static struct cut cut_at(struct bytes log, uint32_t number)
{
	struct bytes event = event_bytes(log, number);
	const uint8_t *end = event.data + event.len;

	return (struct cut){
		.head = { log.data, (size_t)(event.data - log.data) },
		.event = event,
		.tail = { end, (size_t)(log.data + log.len - end) },
	};
}

Test(event_log, an_event_removed_or_added_is_noticed_wherever_it_is)
{
	struct bytes log = ovmf();

	for (uint32_t i = 0; i < OVMF_EVENTS; i++) {
		struct cut cut = cut_at(log, i);
		struct bytes less[] = { cut.head, cut.tail };
		struct bytes more[] = { cut.head, cut.event, cut.event,
					cut.tail };

		cr_assert_not(leads_to_the_same(join(less, 2)), "%u", i);
		cr_assert_not(leads_to_the_same(join(more, 4)), "%u", i);
	}
}

Test(event_log, events_of_one_register_cannot_change_places)
{
	struct bytes log = ovmf();
	size_t swapped = 0;

	for (uint32_t i = 0; i + 1 < OVMF_EVENTS; i++) {
		struct cut first = cut_at(log, i);
		struct cut second = cut_at(log, i + 1);
		struct bytes other[] = { first.head, second.event, first.event,
					 second.tail };
		bool same = first.event.data[0] == second.event.data[0];

		swapped += same;
		cr_assert_eq(leads_to_the_same(join(other, 4)), !same, "%u", i);
	}
	cr_assert_gt(swapped, 8);
}

/* An event of this register and type whose data are what was measured. */
static struct bytes make_event(uint32_t index, uint32_t type, struct bytes data)
{
	static uint8_t memory[256];
	uint8_t head[] = { (uint8_t)index,
			   0,
			   0,
			   0,
			   (uint8_t)type,
			   0,
			   0,
			   (uint8_t)(type >> 24),
			   1,
			   0,
			   0,
			   0,
			   0x0b,
			   0 };
	uint8_t digest[HASH_SHA256_BYTES];
	struct writer out = WRITER_OVER(memory);

	hash_sha256(data, digest);
	cr_assert_eq(bytes_put(&out, BYTES_ARRAY(head)), ERR_OK);
	cr_assert_eq(bytes_put(&out, BYTES_ARRAY(digest)), ERR_OK);
	cr_assert_eq(bytes_put_u8(&out, (uint8_t)data.len), ERR_OK);
	cr_assert_eq(bytes_put(&out, BYTES_LITERAL("\0\0\0")), ERR_OK);
	cr_assert_eq(bytes_put(&out, data), ERR_OK);
	return bytes_written(&out);
}

static enum err order_with(struct bytes event)
{
	struct bytes parts[] = { ovmf(), event };
	uint32_t number = 0;
	enum err err = event_log_replay_check_order(join(parts, 2), HASH_SHA256,
						    &number);

	if (err != ERR_OK)
		cr_assert_eq(number, OVMF_EVENTS);
	return err;
}

Test(event_log, after_its_separator_firmware_says_nothing_more)
{
	struct bytes secure_boot = BYTES_LITERAL("SecureBoot\1");
	struct bytes zeros = BYTES_LITERAL("\0\0\0\0");

	for (uint32_t i = 0; i < 8; i++) {
		cr_assert_eq(order_with(make_event(
				     i, EVENT_LOG_VARIABLE_DRIVER_CONFIG,
				     secure_boot)),
			     ERR_DENIED);
		cr_assert_eq(
			order_with(make_event(i, EVENT_LOG_SEPARATOR, zeros)),
			ERR_DENIED);
	}
	/* What loaders measure may come, and other registers are theirs. */
	cr_assert_eq(
		order_with(make_event(4, EVENT_LOG_BOOT_SERVICES_APPLICATION,
				      secure_boot)),
		ERR_OK);
	cr_assert_eq(order_with(make_event(7, EVENT_LOG_VARIABLE_AUTHORITY,
					   secure_boot)),
		     ERR_OK);
	cr_assert_eq(order_with(make_event(8, EVENT_LOG_IPL, secure_boot)),
		     ERR_OK);
}

/* The separator of PCR 7 is the first; its data stand for its digest. */
Test(event_log, a_separator_that_is_none_is_refused)
{
	struct bytes log = ovmf();
	uint8_t *copy = vector_copy(log);
	struct event_log cursor;
	struct event_log_event event;
	uint32_t number;

	log.data = copy;
	cr_assert_eq(event_log_open(log, EVENT_LOG_PCRS, &cursor), ERR_OK);
	do {
		cr_assert_eq(event_log_next(&cursor, &event), ERR_OK);
	} while (event.type != EVENT_LOG_SEPARATOR);
	copy[event.data.data - copy] = 1;
	cr_assert_eq(event_log_replay_check_order(log, HASH_SHA256, &number),
		     ERR_DENIED);
	cr_assert_eq(number, event.number);
	copy[event.data.data - copy] = 0;
	cr_assert_eq(event_log_replay_check_order(log, HASH_SHA256, &number),
		     ERR_OK);
}

/* The whole of a log in go-attestation's test data (Apache-2.0), but its end. */
#define LOCALITY_3                                 \
	"0000000003000000"                         \
	"0000000000000000000000000000000000000000" \
	"11000000537461727475704c6f63616c69747900"

Test(event_log, pcr_0_begins_with_the_locality_of_the_start)
{
	static const uint8_t wanted[32] = { [31] = 3 };
	struct event_log_replay replay;

	cr_assert_eq(event_log_replay(vector_hex(LOCALITY_3 "03"),
				      EVENT_LOG_PCRS, &replay),
		     ERR_OK);
	cr_assert_eq(memcmp(replay.banks[HASH_SHA256][0], wanted, 32), 0);
	cr_assert_eq(replay.touched, 0);
	cr_assert_eq(event_log_replay(vector_hex(LOCALITY_3 "01"),
				      EVENT_LOG_PCRS, &replay),
		     ERR_MALFORMED);
	cr_assert_eq(
		event_log_replay(vector_hex(LOCALITY_3 "03" LOCALITY_3 "04"),
				 EVENT_LOG_PCRS, &replay),
		ERR_MALFORMED);
}

Test(event_log, what_is_printed_is_printable_whatever_the_log_holds)
{
	uint8_t data[200];
	char text[16384] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct bytes parts[2];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i + 0x18);
	parts[0] = ovmf();
	parts[1] = make_event(5, EVENT_LOG_EFI_ACTION,
			      (struct bytes){ data, sizeof(data) });
	cr_assert_eq(event_log_print(join(parts, 2), EVENT_LOG_PCRS, out),
		     ERR_OK);
	fclose(out);
	for (size_t i = 0; text[i] != '\0'; i++)
		cr_assert(text[i] == '\n' ||
			  (text[i] >= 0x20 && text[i] <= 0x7e));
	cr_assert_not_null(strstr(text, "Exit Boot Services Invocation"));
	cr_assert_not_null(strstr(text, "SecureBoot"));
	cr_assert_not_null(strstr(text, "EV_EFI_VARIABLE_DRIVER_CONFIG"));
	cr_assert_not_null(strstr(text, "pcr7"));
}

static const char *const bank_names[HASH_ALGORITHMS] = {
	[HASH_SHA1] = "SHA1",
	[HASH_SHA256] = "SHA256",
	[HASH_SHA384] = "SHA384",
	[HASH_SHA512] = "SHA512",
};

static size_t compare(const char *name, const json_t *banks)
{
	char path[256];
	struct event_log_replay replay;
	const char *index;
	json_t *value;
	size_t compared = 0;

	snprintf(path, sizeof(path), "eventlog/tpm/%s", name);
	cr_assert_eq(
		event_log_replay(vector_file(path), EVENT_LOG_PCRS, &replay),
		ERR_OK, "%s", name);
	for (int i = 0; i < HASH_ALGORITHMS; i++) {
		json_t *bank = json_object_get(banks, bank_names[i]);

		json_object_foreach(bank, index, value)
		{
			expect(&replay, (enum hash_algorithm)i,
			       (uint32_t)atoi(index), json_string_value(value));
			compared++;
		}
	}
	return compared;
}

Test(event_log, logs_of_other_machines_lead_to_every_register_they_had)
{
	json_t *logs = vector_load("eventlog/tpm/expected-pcrs.json");
	const char *name;
	json_t *banks;
	size_t compared = 0;

	json_object_foreach(logs, name, banks) compared += compare(name, banks);
	cr_assert_geq(compared, 100);
	json_decref(logs);
}

Test(event_log, firmware_of_other_machines_hands_over_in_order)
{
	static const char *const names[] = {
		"tpm/arch-linux-workstation.bin",
		"tpm/cos-101-amd-sev.bin",
		"tpm/cos-93-amd-sev.bin",
		"tpm/rhel8-uefi.bin",
		"tpm/ubuntu-1804-amd-sev.bin",
		"tpm/ubuntu-2104-no-secure-boot.bin",
		"tpm-goattest/crypto_agile_eventlog",
	};
	char path[256];
	uint32_t number = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "eventlog/%s", names[i]);
		cr_assert_eq(event_log_replay_check_order(vector_file(path),
							  HASH_SHA256, &number),
			     ERR_OK, "%s, %u", path, number);
	}
	cr_assert_eq(event_log_replay_check_order(
			     vector_file("eventlog/tpm/debian-10.bin"),
			     HASH_SHA1, &number),
		     ERR_OK);
	/* Cut out of a longer one, it has lost all separators but one. */
	cr_assert_eq(
		event_log_replay_check_order(
			vector_file("eventlog/tpm-goattest/sb_cert_eventlog"),
			HASH_SHA256, &number),
		ERR_DENIED);
}

/* Its PCR 5, from the same source: the log was copied before the hand-over. */
Test(event_log, a_log_that_lacks_the_end_of_firmware_can_be_completed)
{
	struct event_log_replay replay;
	struct bytes log =
		vector_file("eventlog/tpm-goattest/ebs_event_missing_eventlog");
	const char *wanted = "31245808d6d35849bc394f6343f2b3ff908ed5e3";

	cr_assert_eq(event_log_replay(log, EVENT_LOG_PCRS, &replay), ERR_OK);
	cr_assert_eq(replay.exits, 0);
	cr_assert_neq(
		memcmp(replay.banks[HASH_SHA1][5], vector_hex(wanted).data, 20),
		0);
	event_log_replay_add(&replay, 5,
			     BYTES_LITERAL("Exit Boot Services Invocation"));
	event_log_replay_add(
		&replay, 5,
		BYTES_LITERAL("Exit Boot Services Returned with Success"));
	expect(&replay, HASH_SHA1, 5, wanted);
}

Test(event_log, a_log_of_one_short_event_is_a_log)
{
	struct event_log_replay replay;

	cr_assert_eq(event_log_replay(vector_file("eventlog/tpm-goattest/"
						  "short_no_action_eventlog"),
				      EVENT_LOG_PCRS, &replay),
		     ERR_OK);
	cr_assert_eq(replay.events, 1);
	cr_assert_eq(replay.banks[HASH_SHA1][0][19], 3);
}

static void compare_cc(const char *name)
{
	char path[256];
	struct event_log log;
	struct event_log_event event;
	json_t *expected;
	json_t *events;
	size_t count;

	snprintf(path, sizeof(path), "eventlog/ccel/%s.expected.json", name);
	expected = vector_load(path);
	events = json_object_get(expected, "uefi_event_logs");
	count = json_array_size(events);
	snprintf(path, sizeof(path), "eventlog/ccel/%s", name);
	cr_assert_eq(event_log_open(vector_file(path), EVENT_LOG_CC, &log),
		     ERR_OK);
	for (size_t i = 0; i < count; i++) {
		json_t *one = json_array_get(events, i);
		json_t *digest =
			json_array_get(json_object_get(one, "digests"), 0);

		cr_assert_eq(event_log_next(&log, &event), ERR_OK);
		cr_assert_eq(event.index, vector_number(one, "index"));
		cr_assert_str_eq(event_log_type_name(event.type),
				 vector_text(one, "type_name"));
		vector_expect(event.digests[HASH_SHA384],
			      vector_text(digest, "digest"));
	}
	cr_assert(event_log_is_at_end(&log));
	cr_assert_gt(count, 0);
	json_decref(expected);
}

Test(event_log, logs_of_confidential_machines_are_read_event_by_event)
{
	compare_cc("CCEL_data_ovmf");
	vector_forget();
	compare_cc("CCEL_data_grub");
}

Test(event_log, what_fills_a_table_is_no_way_to_hide_events)
{
	struct bytes table = vector_file("eventlog/ccel/CCEL_data_ovmf");
	uint8_t *copy = vector_copy(table);
	struct event_log_replay replay;
	struct bytes other = { copy, table.len };

	cr_assert_eq(event_log_replay(other, EVENT_LOG_CC, &replay), ERR_OK);
	cr_assert_eq(replay.has_bank, 1u << HASH_SHA384);
	copy[table.len - 1] ^= 1;
	cr_assert_neq(event_log_replay(other, EVENT_LOG_CC, &replay), ERR_OK);
	copy[table.len - 1] ^= 1;
	cr_assert_neq(event_log_replay(other, EVENT_LOG_PCRS, &replay), ERR_OK);
}
