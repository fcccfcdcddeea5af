/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_tile.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
	const char *path;
	struct tlog_tile tile;
} paths[] = {
	{ "tile/0/000", { TLOG_TILE_HASHES, 0, 0, 256 } },
	{ "tile/0/000.p/1", { TLOG_TILE_HASHES, 0, 0, 1 } },
	{ "tile/0/000.p/255", { TLOG_TILE_HASHES, 0, 0, 255 } },
	{ "tile/3/999", { TLOG_TILE_HASHES, 3, 999, 256 } },
	{ "tile/0/x001/000", { TLOG_TILE_HASHES, 0, 1000, 256 } },
	/* The example of the specification. */
	{ "tile/1/x001/x234/067", { TLOG_TILE_HASHES, 1, 1234067, 256 } },
	{ "tile/entries/x001/x234/067.p/8",
	  { TLOG_TILE_ENTRIES, 0, 1234067, 8 } },
};

Test(tlog_tile, paths_are_written_and_read_as_the_specification_says)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[TLOG_TILE_PATH_MAX];
		struct tlog_tile tile;

		tlog_tile_path(&paths[i].tile, path);
		cr_assert_str_eq(path, paths[i].path);
		cr_assert_eq(tlog_tile_parse(bytes_of_string(path), &tile),
			     ERR_OK);
		cr_assert_eq(tile.kind, paths[i].tile.kind);
		cr_assert_eq(tile.level, paths[i].tile.level);
		cr_assert_eq(tile.index, paths[i].tile.index);
		cr_assert_eq(tile.width, paths[i].tile.width);
	}
}

Test(tlog_tile, every_other_path_is_refused)
{
	static const char *const bad[] = {
		"",
		"checkpoint",
		"/tile/0/000",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/0/00",
		"tile/0/0000",
		"tile/0/000/",
		"tile/0/x000/000",
		"tile/0/x001",
		"tile/0/x001/",
		"tile/0/x001/x000",
		"tile/0/001/000",
		"tile/0/000.p",
		"tile/0/000.p/",
		"tile/0/000.p/0",
		"tile/0/000.p/01",
		"tile/0/000.p/256",
		"tile/0/000.p/1000",
		"tile/0/000.p/1 ",
		"tile/00/000",
		"tile/8/000",
		"tile/63/000",
		"tile/-1/000",
		"tile/entries",
		"tile/entries/",
		"tile/entries/0/000",
		"tile/0/../0/000",
		"tile/0/.00",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999",
		"tile/0/x999/x999/x999/x999/x999/x999/999",
	};
	struct tlog_tile tile;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(tlog_tile_parse(bytes_of_string(bad[i]), &tile),
			     ERR_MALFORMED, "%s", bad[i]);
}

/* "a tree of size 70,000 will be represented by 273 full level 0 tiles, ..." */
Test(tlog_tile, a_tree_of_70000_has_the_tiles_of_the_specification)
{
	struct tlog_tile tile = tlog_tile_of(TLOG_TILE_HASHES, 0, 69999, 70000);

	cr_assert_eq(tlog_tile_hashes(0, 70000), 70000);
	cr_assert_eq(tile.index, 273);
	cr_assert_eq(tile.width, 112);
	tile = tlog_tile_of(TLOG_TILE_HASHES, 0, 69887, 70000);
	cr_assert_eq(tile.index, 272);
	cr_assert_eq(tile.width, 256);
	cr_assert_eq(tlog_tile_hashes(1, 70000), 273);
	tile = tlog_tile_of(TLOG_TILE_HASHES, 1, 272, 70000);
	cr_assert_eq(tile.index, 1);
	cr_assert_eq(tile.width, 17);
	cr_assert_eq(tlog_tile_hashes(2, 70000), 1);
	tile = tlog_tile_of(TLOG_TILE_HASHES, 2, 0, 70000);
	cr_assert_eq(tile.width, 1);
	cr_assert_eq(tlog_tile_hashes(3, 70000), 0);
}

Test(tlog_tile, a_bundle_is_its_entries_and_not_a_byte_more_or_less)
{
	static const char *const entries[] = { "one", "", "three" };
	uint8_t memory[64], hashes[3 * MERKLE_HASH_BYTES];
	struct writer bundle = WRITER_OVER(memory);
	struct bytes tile = BYTES_ARRAY(hashes), whole;

	for (size_t i = 0; i < 3; i++) {
		struct bytes entry = bytes_of_string(entries[i]);

		cr_assert_eq(tlog_tile_put_entry(&bundle, entry), ERR_OK);
		merkle_leaf_hash(entry, hashes + i * MERKLE_HASH_BYTES);
	}
	whole = bytes_written(&bundle);
	cr_assert_eq(tlog_tile_check_bundle(whole, tile, 3), ERR_OK);
	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(tlog_tile_check_bundle(whole, tile, 3),
			     ERR_UNAUTHENTIC);
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < whole.len; len++)
		cr_assert_eq(tlog_tile_check_bundle(
				     (struct bytes){ memory, len }, tile, 3),
			     ERR_UNAUTHENTIC);
	memory[whole.len] = 0;
	whole.len++;
	cr_assert_eq(tlog_tile_check_bundle(whole, tile, 3), ERR_UNAUTHENTIC);
	whole.len--;
	cr_assert_eq(tlog_tile_check_bundle(whole, tile, 2), ERR_UNAUTHENTIC);
	cr_assert_eq(tlog_tile_check_bundle(whole, tile, 4), ERR_UNAUTHENTIC);
}

Test(tlog_tile, an_entry_longer_than_its_length_can_say_is_refused)
{
	static uint8_t memory[TLOG_ENTRY_BYTES_MAX + 4];
	static uint8_t entry[TLOG_ENTRY_BYTES_MAX + 1];
	struct writer bundle = WRITER_OVER(memory);

	cr_assert_eq(tlog_tile_put_entry(&bundle, BYTES_ARRAY(entry)),
		     ERR_TOO_LARGE);
	cr_assert_eq(
		tlog_tile_put_entry(&bundle, (struct bytes){ entry, 65535 }),
		ERR_OK);
}
