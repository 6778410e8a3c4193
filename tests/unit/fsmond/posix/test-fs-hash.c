/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-hash.h"
#include "test-dir.h"
#include "test-watchdog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tests of digests of files: known values, progress, cancel, and files that change while they are read. */

#define ABC_SHA256   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_SHA1     "a9993e364706816aba3e25717850c26c9cd0d89d"
#define ABC_MD5      "900150983cd24fb0d6963f7d28e17f72"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ZEROS_SHA256 "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58" /* 1 MiB of zeros */
#define NO_LIMIT     G_MAXUINT64

typedef struct
{
  char *dir;
  char *path;
  GCancellable *cancellable;
  guint reports;
  guint64 last_done, last_total;
  void (*act) (const char *path); /* at the second report: the file is open, and partly read */
  gboolean cancel;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *made = test_dir_new ();

  fixture->dir = realpath (made, NULL);
  fixture->path = g_build_filename (fixture->dir, "file", NULL);
  fixture->cancellable = g_cancellable_new ();
  test_watchdog_start (g_test_get_path ());
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  test_watchdog_stop ();
  g_object_unref (fixture->cancellable);
  g_free (fixture->path);
  test_dir_remove (g_strdup (fixture->dir));
  free (fixture->dir);
}

static void
on_progress (guint64 done, guint64 total, gpointer data)
{
  Fixture *fixture = data;

  g_assert_cmpuint (done, >=, fixture->last_done);
  g_assert_cmpuint (done, <=, total);
  fixture->last_done = done;
  fixture->last_total = total;
  if (++fixture->reports != 2)
    return;
  if (fixture->act != NULL)
    fixture->act (fixture->path);
  if (fixture->cancel)
    g_cancellable_cancel (fixture->cancellable);
}

static FsHashResult
hash (Fixture *fixture, GChecksumType algorithm, guint64 max_bytes, FsHashed *hashed)
{
  FsHashJob job = { fixture->path, algorithm, max_bytes, fixture->cancellable, on_progress, fixture };

  return fs_hash_run (&job, hashed);
}

static void
put (const Fixture *fixture, const char *text)
{
  g_assert_true (g_file_set_contents (fixture->path, text, -1, NULL));
}

static void
put_zeros (const Fixture *fixture, gint64 size)
{
  put (fixture, "");
  g_assert_cmpint (truncate (fixture->path, size), ==, 0);
}

static void
check_digest (Fixture *fixture, GChecksumType algorithm, const char *digest)
{
  FsHashed hashed;

  g_assert_cmpint (hash (fixture, algorithm, NO_LIMIT, &hashed), ==, FS_HASH_DONE);
  g_assert_cmpstr (hashed.digest, ==, digest);
  fs_hashed_clear (&hashed);
  fixture->last_done = 0;
}

static void
test_known (Fixture *fixture, gconstpointer data)
{
  put (fixture, "abc");
  check_digest (fixture, G_CHECKSUM_SHA256, ABC_SHA256);
  check_digest (fixture, G_CHECKSUM_SHA1, ABC_SHA1);
  check_digest (fixture, G_CHECKSUM_MD5, ABC_MD5);
  put (fixture, "");
  check_digest (fixture, G_CHECKSUM_SHA256, EMPTY_SHA256);
  put_zeros (fixture, 1 << 20);
  check_digest (fixture, G_CHECKSUM_SHA256, ZEROS_SHA256);
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  FsHashed hashed;

  put_zeros (fixture, (1 << 20) + 17);
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, NO_LIMIT, &hashed), ==, FS_HASH_DONE);
  g_assert_cmpuint (fixture->last_done, ==, (1 << 20) + 17);
  g_assert_cmpuint (fixture->last_total, ==, (1 << 20) + 17);
  g_assert_cmpuint (fixture->reports, >, 3);
  fs_hashed_clear (&hashed);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  FsHashed hashed;

  put_zeros (fixture, 4 << 20);
  fixture->cancel = TRUE;
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, NO_LIMIT, &hashed), ==, FS_HASH_CANCELLED);
  g_assert_cmpuint (fixture->reports, ==, 2);
  g_assert_null (hashed.digest);
}

static void
append (const char *path)
{
  FILE *file = fopen (path, "a");

  g_assert_cmpint (fputs ("more", file), >=, 0);
  fclose (file);
}

static void
shorten (const char *path)
{
  g_assert_cmpint (truncate (path, 10), ==, 0);
}

/* Overwrites the first byte, which has been read already, and restores the time that programs can set. */
static void
overwrite (const char *path)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  struct stat before;

  g_assert_cmpint (fstat (fd, &before), ==, 0);
  g_assert_cmpint (pwrite (fd, "x", 1, 0), ==, 1);
  g_assert_cmpint (futimens (fd, (struct timespec[]){ before.st_atim, before.st_mtim }), ==, 0);
  close (fd);
}

static void
check_changed (Fixture *fixture, void (*act) (const char *path))
{
  FsHashed hashed;

  put_zeros (fixture, 4 << 20);
  fixture->act = act;
  fixture->reports = 0;
  fixture->last_done = 0;
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, NO_LIMIT, &hashed), ==, FS_HASH_CHANGED);
  g_assert_null (hashed.digest);
  g_assert_false (fs_facts_equal (&hashed.facts, &hashed.facts_last));
}

static void
test_no_digest_of_a_changing_file (Fixture *fixture, gconstpointer data)
{
  check_changed (fixture, append);
  check_changed (fixture, shorten);
  check_changed (fixture, overwrite);
}

static void
drop_name (const char *path)
{
  g_assert_cmpint (unlink (path), ==, 0);
}

static void
test_removed_file_has_changed (Fixture *fixture, gconstpointer data)
{
  FsHashed hashed;

  put_zeros (fixture, 4 << 20);
  fixture->act = drop_name;
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, NO_LIMIT, &hashed), ==, FS_HASH_CHANGED);
  g_assert_cmpuint (hashed.facts_last.links, ==, 0);
}

static void
test_too_large (Fixture *fixture, gconstpointer data)
{
  FsHashed hashed;

  put_zeros (fixture, 1001);
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, 1000, &hashed), ==, FS_HASH_TOO_LARGE);
  g_assert_cmpuint (hashed.facts.size, ==, 1001);
  g_assert_cmpuint (fixture->reports, ==, 0);
  put_zeros (fixture, 1000);
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, 1000, &hashed), ==, FS_HASH_DONE);
  fs_hashed_clear (&hashed);
}

static void
test_fifo (Fixture *fixture, gconstpointer data)
{
  FsHashed hashed;

  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  g_assert_cmpint (hash (fixture, G_CHECKSUM_SHA256, NO_LIMIT, &hashed), ==, FS_HASH_NOT_OPENED);
  g_assert_cmpint (hashed.opened, ==, FS_OPEN_NOT_REGULAR);
}

static void
test_algorithms (void)
{
  GChecksumType type = G_CHECKSUM_MD5;

  g_assert_true (fs_hash_algorithm ("", &type));
  g_assert_cmpstr (fs_hash_algorithm_name (type), ==, "sha256");
  g_assert_true (fs_hash_algorithm ("sha512", &type));
  g_assert_cmpstr (fs_hash_algorithm_name (type), ==, "sha512");
  g_assert_false (fs_hash_algorithm ("SHA256", &type));
  g_assert_false (fs_hash_algorithm ("crc32", &type));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fsmond/hash/known-values", Fixture, NULL, set_up, test_known, tear_down);
  g_test_add ("/fsmond/hash/progress-until-the-end", Fixture, NULL, set_up, test_progress, tear_down);
  g_test_add ("/fsmond/hash/cancel-stops-reading", Fixture, NULL, set_up, test_cancel, tear_down);
  g_test_add ("/fsmond/hash/no-digest-of-a-changing-file", Fixture, NULL, set_up, test_no_digest_of_a_changing_file,
              tear_down);
  g_test_add ("/fsmond/hash/removed-file-has-changed", Fixture, NULL, set_up, test_removed_file_has_changed, tear_down);
  g_test_add ("/fsmond/hash/limit-of-the-size", Fixture, NULL, set_up, test_too_large, tear_down);
  g_test_add ("/fsmond/hash/never-waits-for-a-fifo", Fixture, NULL, set_up, test_fifo, tear_down);
  g_test_add_func ("/fsmond/hash/algorithms-by-name", test_algorithms);
  return g_test_run ();
}
