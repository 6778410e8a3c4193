/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-open.h"

#include "fs-resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Flags for the directories on a path, which need not be readable. */
#if defined O_PATH
#define SEARCH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#elif defined O_SEARCH
#define SEARCH_FLAGS (O_SEARCH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#else
#define SEARCH_FLAGS LIST_FLAGS
#endif

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

const char *
fs_open_text (FsOpenResult result)
{
  static const char *const texts[] = {
    [FS_OPEN_DONE] = "opened",
    [FS_OPEN_ABSENT] = "there is no such file or directory",
    [FS_OPEN_DENIED] = "permission denied",
    [FS_OPEN_SYMLINK]
    = "the path leads through a symbolic link, which fsmond does not follow; give the path without links",
    [FS_OPEN_NOT_DIRECTORY] = "a component of the path is not a directory",
    [FS_OPEN_NOT_REGULAR] = "it is not a regular file",
    [FS_OPEN_SWAPPED] = "another file took its name while it was opened",
    [FS_OPEN_FAILED] = "it can't be opened",
  };

  return texts[result];
}

/* --- facts --- */

static FsKind
facts_kind (mode_t mode)
{
  static const struct
  {
    mode_t mode;
    FsKind kind;
  } kinds[] = {
    { S_IFREG, FS_KIND_REGULAR }, { S_IFDIR, FS_KIND_DIRECTORY }, { S_IFLNK, FS_KIND_SYMLINK },
    { S_IFIFO, FS_KIND_FIFO },    { S_IFSOCK, FS_KIND_SOCKET },   { S_IFCHR, FS_KIND_DEVICE },
    { S_IFBLK, FS_KIND_DEVICE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if ((mode & S_IFMT) == kinds[i].mode)
      return kinds[i].kind;
  return FS_KIND_UNKNOWN;
}

static gint64
facts_time_ns (const struct timespec *time)
{
  return (gint64) time->tv_sec * 1000000000 + time->tv_nsec;
}

static gboolean
facts_take (int failed, const struct stat *found, FsFacts *facts)
{
  *facts = (FsFacts){ 0 };
  if (failed != 0 || facts_kind (found->st_mode) == FS_KIND_UNKNOWN)
    return FALSE;
  *facts = (FsFacts){ .kind = facts_kind (found->st_mode),
                      .device = (guint64) found->st_dev,
                      .inode = (guint64) found->st_ino,
                      .size = (guint64) found->st_size,
                      .links = (guint64) found->st_nlink,
                      .modified_ns = facts_time_ns (&found->st_mtim),
                      .changed_ns = facts_time_ns (&found->st_ctim) };
  return TRUE;
}

gboolean
fs_facts_of (int fd, FsFacts *facts)
{
  struct stat found;

  return facts_take (fstat (fd, &found), &found, facts);
}

gboolean
fs_facts_at (int directory, const char *name, FsFacts *facts)
{
  struct stat found;

  return facts_take (fstatat (directory, name, &found, AT_SYMLINK_NOFOLLOW), &found, facts);
}

/* --- directories --- */

/* Converts errno to a result. If the call fails because of a symbolic link, the value of errno depends on the system. */
static FsOpenResult
open_result_of_errno (void)
{
  static const struct
  {
    int number;
    FsOpenResult result;
  } results[] = {
    { ENOENT, FS_OPEN_ABSENT },     { EACCES, FS_OPEN_DENIED },         { EPERM, FS_OPEN_DENIED },
    { ELOOP, FS_OPEN_SYMLINK },     { ENOTDIR, FS_OPEN_NOT_DIRECTORY }, { EMLINK, FS_OPEN_SYMLINK },
    { ENXIO, FS_OPEN_NOT_REGULAR },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    if (errno == results[i].number)
      return results[i].result;
  return FS_OPEN_FAILED;
}

static FsOpenResult
open_step (int parent, const char *name, int flags, int *fd)
{
  FsOpenResult result;
  FsFacts facts;

  do
    *fd = openat (parent, name, flags);
  while (*fd < 0 && errno == EINTR);
  if (*fd >= 0)
    return FS_OPEN_DONE;
  result = open_result_of_errno ();
  if (result == FS_OPEN_NOT_DIRECTORY && fs_facts_at (parent, name, &facts) && facts.kind == FS_KIND_SYMLINK)
    return FS_OPEN_SYMLINK;
  return result;
}

FsOpenResult
fs_open_subdirectory (int parent, const char *name, int *fd)
{
  return open_step (parent, name, LIST_FLAGS, fd);
}

/* @last: flags for the last component. */
static FsOpenResult
open_steps (const char *path, int last, int *fd)
{
  g_auto (GStrv) names = g_strsplit (path + 1, "/", -1);
  guint n = path[1] == '\0' ? 0 : g_strv_length (names);
  FsOpenResult result;
  int at;

  *fd = -1;
  at = open ("/", n > 0 ? SEARCH_FLAGS : last);
  result = at >= 0 ? FS_OPEN_DONE : open_result_of_errno ();
  for (guint i = 0; i < n && result == FS_OPEN_DONE; i++)
    {
      int next;

      result = open_step (at, names[i], i + 1 < n ? SEARCH_FLAGS : last, &next);
      close (at);
      at = next;
    }
  if (result == FS_OPEN_DONE)
    *fd = at;
  return result;
}

/* The kernel's own call is tried first. If it fails, the single steps find out which component is a link. */
static FsOpenResult
open_any_directory (const char *path, gboolean search, int *fd)
{
  if (fs_resolve_directory (path, search, fd) == FS_RESOLVE_DONE)
    return FS_OPEN_DONE;
  return open_steps (path, search ? SEARCH_FLAGS : LIST_FLAGS, fd);
}

FsOpenResult
fs_open_directory (const char *path, int *fd)
{
  return open_any_directory (path, FALSE, fd);
}

FsOpenResult
fs_open_directory_by_steps (const char *path, int *fd)
{
  return open_steps (path, LIST_FLAGS, fd);
}

/* --- regular files --- */

static FsOpenResult
open_judge_kind (FsKind kind)
{
  if (kind == FS_KIND_SYMLINK)
    return FS_OPEN_SYMLINK;
  return kind == FS_KIND_REGULAR ? FS_OPEN_DONE : FS_OPEN_NOT_REGULAR;
}

/* Examines the name, opens it, and examines the open file. */
static FsOpenResult
open_examined (int parent, const char *name, int *fd, FsFacts *facts)
{
  FsFacts before;
  FsOpenResult result;

  if (!fs_facts_at (parent, name, &before))
    return open_result_of_errno ();
  result = open_judge_kind (before.kind);
  if (result == FS_OPEN_DONE)
    result = open_step (parent, name, READ_FLAGS, fd);
  if (result != FS_OPEN_DONE)
    return result;
  if (fs_facts_of (*fd, facts) && fs_facts_same_file (&before, facts))
    return FS_OPEN_DONE;
  close (*fd);
  *fd = -1;
  return FS_OPEN_SWAPPED;
}

/* Gets a descriptor without rights for the file, examines the file through it, and opens the same file for reading. */
static FsOpenResult
open_located (int parent, const char *name, int *fd, FsFacts *facts)
{
  int located = -1;
  FsResolve resolve = fs_resolve_locate (parent, name, &located);
  FsOpenResult result;

  if (resolve != FS_RESOLVE_DONE)
    return resolve == FS_RESOLVE_FAILED ? open_result_of_errno () : open_examined (parent, name, fd, facts);
  result = fs_facts_of (located, facts) ? open_judge_kind (facts->kind) : FS_OPEN_FAILED;
  if (result == FS_OPEN_DONE)
    {
      resolve = fs_resolve_reopen (located, fd);
      if (resolve == FS_RESOLVE_FAILED)
        result = open_result_of_errno ();
      else if (resolve == FS_RESOLVE_UNSUPPORTED)
        result = open_examined (parent, name, fd, facts);
    }
  close (located);
  return result;
}

typedef FsOpenResult (*OpenLast) (int parent, const char *name, int *fd, FsFacts *facts);

/* Takes ownership of @parent. */
static FsOpenResult
open_regular_in (int parent, const char *name, OpenLast last, int *fd, FsFacts *facts)
{
  FsOpenResult result = *name != '\0' ? last (parent, name, fd, facts) : FS_OPEN_NOT_REGULAR;

  close (parent);
  return result;
}

FsOpenResult
fs_open_regular (const char *path, int *fd, FsFacts *facts)
{
  g_autofree char *parent_path = g_path_get_dirname (path);
  int parent;
  FsOpenResult result = open_any_directory (parent_path, TRUE, &parent);

  *fd = -1;
  if (result != FS_OPEN_DONE)
    return result;
  return open_regular_in (parent, strrchr (path, '/') + 1, open_located, fd, facts);
}

FsOpenResult
fs_open_regular_by_steps (const char *path, int *fd, FsFacts *facts)
{
  g_autofree char *parent_path = g_path_get_dirname (path);
  int parent;
  FsOpenResult result = open_steps (parent_path, SEARCH_FLAGS, &parent);

  *fd = -1;
  if (result != FS_OPEN_DONE)
    return result;
  return open_regular_in (parent, strrchr (path, '/') + 1, open_examined, fd, facts);
}

gssize
fs_read (int fd, void *buffer, gsize size)
{
  gssize n;

  do
    n = read (fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return n;
}

void
fs_close (int fd)
{
  close (fd);
}
