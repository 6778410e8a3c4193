/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-hash.h"

#define HASH_PIECE (256u << 10)

static const struct
{
  const char *name;
  GChecksumType type;
} algorithms[] = {
  { "sha256", G_CHECKSUM_SHA256 }, { "sha384", G_CHECKSUM_SHA384 }, { "sha512", G_CHECKSUM_SHA512 },
  { "sha1", G_CHECKSUM_SHA1 },     { "md5", G_CHECKSUM_MD5 },
};

gboolean
fs_hash_algorithm (const char *name, GChecksumType *algorithm)
{
  const char *wanted = *name != '\0' ? name : algorithms[0].name;

  for (gsize i = 0; i < G_N_ELEMENTS (algorithms); i++)
    if (g_str_equal (algorithms[i].name, wanted))
      {
        *algorithm = algorithms[i].type;
        return TRUE;
      }
  return FALSE;
}

const char *
fs_hash_algorithm_name (GChecksumType algorithm)
{
  for (gsize i = 0; i < G_N_ELEMENTS (algorithms); i++)
    if (algorithms[i].type == algorithm)
      return algorithms[i].name;
  return NULL;
}

static void
hash_report (const FsHashJob *job, guint64 done, guint64 total)
{
  if (job->progress != NULL)
    job->progress (done, total, job->data);
}

/* Reads at most one byte beyond the size, which is enough to detect that the file grows. */
static FsHashResult
hash_read (const FsHashJob *job, int fd, guint64 total, GChecksum *checksum)
{
  g_autofree guint8 *piece = g_malloc (HASH_PIECE);
  guint64 done = 0;

  for (;;)
    {
      gssize n;

      hash_report (job, MIN (done, total), total);
      if (g_cancellable_is_cancelled (job->cancellable))
        return FS_HASH_CANCELLED;
      n = fs_read (fd, piece, (gsize) MIN (HASH_PIECE, total - done + 1));
      if (n <= 0)
        return n < 0 ? FS_HASH_UNREADABLE : done == total ? FS_HASH_DONE : FS_HASH_CHANGED;
      done += (guint64) n;
      if (done > total)
        return FS_HASH_CHANGED;
      g_checksum_update (checksum, piece, n);
    }
}

static FsHashResult
hash_open_file (const FsHashJob *job, int fd, FsHashed *hashed)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (job->algorithm);
  FsHashResult result;

  if (hashed->facts.size > job->max_bytes)
    return FS_HASH_TOO_LARGE;
  result = hash_read (job, fd, hashed->facts.size, checksum);
  if (!fs_facts_of (fd, &hashed->facts_last))
    return FS_HASH_UNREADABLE;
  if (result == FS_HASH_DONE && !fs_facts_equal (&hashed->facts, &hashed->facts_last))
    result = FS_HASH_CHANGED;
  if (result == FS_HASH_DONE)
    hashed->digest = g_strdup (g_checksum_get_string (checksum));
  return result;
}

FsHashResult
fs_hash_run (const FsHashJob *job, FsHashed *hashed)
{
  FsHashResult result;
  int fd;

  *hashed = (FsHashed){ 0 };
  hashed->opened = fs_open_regular (job->path, &fd, &hashed->facts);
  if (hashed->opened != FS_OPEN_DONE)
    return FS_HASH_NOT_OPENED;
  result = hash_open_file (job, fd, hashed);
  fs_close (fd);
  return result;
}

void
fs_hashed_clear (FsHashed *hashed)
{
  g_clear_pointer (&hashed->digest, g_free);
}
