/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel appends this to the path of a file that has no name any more. */
#define DELETED_MARK " (deleted)"

static void
process_free_path (gpointer data)
{
  FsOpenPath *path = data;

  g_free (path->path);
  g_free (path);
}

static const char *
process_reason (int error)
{
  if (error == EACCES || error == EPERM)
    return "permission denied";
  return error == ENOENT || error == ESRCH ? "the process has none, or has ended" : "it can't be read";
}

/* --- one path --- */

static FsKind
process_kind (guint mode)
{
  static const struct
  {
    guint mode;
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

/* Reads only values that the kernel has in memory, so that a file system that hangs does not delay the answer. */
static void
process_examine (int directory, const char *name, FsOpenPath *open_path)
{
  struct statx found;

  if (statx (directory, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_NLINK, &found) != 0)
    return;
  open_path->kind = process_kind (found.stx_mode);
  open_path->inode = found.stx_ino;
  open_path->deleted = found.stx_nlink == 0;
  if (open_path->deleted && g_str_has_suffix (open_path->path, DELETED_MARK))
    open_path->path[strlen (open_path->path) - strlen (DELETED_MARK)] = '\0';
}

/* Reads the path that a link of the process names. FALSE: it names no path. */
static gboolean
process_read_path (int directory, const char *name, FsOpenPath *open_path)
{
  char target[4096 + 1];
  gssize len = readlinkat (directory, name, target, sizeof target - 1);

  open_path->path = g_strndup (target, len > 0 ? (gsize) len : 0);
  if (len < 0)
    {
      open_path->unreadable = process_reason (errno);
      return TRUE;
    }
  if (*open_path->path != '/')
    return FALSE;
  process_examine (directory, name, open_path);
  return TRUE;
}

static void
process_append (FsProcess *process, FsOpenPath *open_path)
{
  gsize reason = open_path->unreadable != NULL ? strlen (open_path->unreadable) : 0;

  process->cost += FS_OPEN_PATH_COST + strlen (open_path->path) + reason;
  g_ptr_array_add (process->paths, open_path);
}

static gboolean
process_add (FsProcess *process, int directory, const char *name, FsUse use, guint32 descriptor, gboolean writable)
{
  FsOpenPath *open_path = g_new0 (FsOpenPath, 1);

  *open_path = (FsOpenPath){ .use = use, .descriptor = descriptor, .writable = writable };
  if (process_read_path (directory, name, open_path))
    {
      process_append (process, open_path);
      return TRUE;
    }
  process_free_path (open_path);
  return FALSE;
}

static void
process_add_unreadable (FsProcess *process, FsUse use, const char *reason)
{
  FsOpenPath *open_path = g_new0 (FsOpenPath, 1);

  *open_path = (FsOpenPath){ .use = use, .path = g_strdup (""), .unreadable = reason };
  process_append (process, open_path);
}

/* --- the process --- */

static gboolean
process_is_full (const FsProcess *process, const FsProcessLimits *limits, guint read)
{
  return process->cost > limits->room || read >= limits->descriptors;
}

/* The mode of the link shows whether the descriptor is open for writing. */
static void
process_read_descriptor (FsProcess *process, int directory, const char *name, guint64 number)
{
  struct stat link;
  gboolean writable = fstatat (directory, name, &link, AT_SYMLINK_NOFOLLOW) == 0 && (link.st_mode & S_IWUSR) != 0;

  if (readlinkat (directory, name, (char[1]){ 0 }, 1) < 0)
    process->unreadable++;
  else if (!process_add (process, directory, name, FS_USE_DESCRIPTOR, (guint32) number, writable))
    process->others++;
}

static void
process_read_descriptors (FsProcess *process, int directory, const FsProcessLimits *limits)
{
  int fd = openat (directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  const struct dirent *entry;
  guint64 number;
  guint read = 0;

  if (stream == NULL)
    {
      process_add_unreadable (process, FS_USE_DESCRIPTOR, process_reason (errno));
      if (fd >= 0)
        close (fd);
      return;
    }
  while ((entry = readdir (stream)) != NULL)
    {
      if (!g_ascii_string_to_unsigned (entry->d_name, 10, 0, G_MAXUINT32, &number, NULL))
        continue;
      if (process_is_full (process, limits, read))
        process->left_out++;
      else
        process_read_descriptor (process, fd, entry->d_name, number);
      read++;
    }
  closedir (stream);
}

/* Returns field 22 of stat, the start time. The fields are counted from the end of the name, because the name may contain spaces
 * and parentheses. */
static guint64
process_read_start_time (int directory)
{
  int fd = openat (directory, "stat", O_RDONLY | O_CLOEXEC);
  g_auto (GStrv) fields = NULL;
  char text[2048];
  const char *after;
  guint64 start_time = 0;
  gssize len;

  if (fd < 0)
    return 0;
  len = read (fd, text, sizeof text - 1);
  close (fd);
  text[MAX (len, 0)] = '\0';
  after = strrchr (text, ')');
  if (after == NULL || after[1] != ' ')
    return 0;
  fields = g_strsplit (after + 2, " ", 22 - 3 + 2);
  if (g_strv_length (fields) > 22 - 3)
    g_ascii_string_to_unsigned (fields[22 - 3], 10, 0, G_MAXUINT64, &start_time, NULL);
  return start_time;
}

/* A system may hide processes of others (hidepid). */
static FsProcessResult
process_read_hidden (guint32 pid, FsProcess *process)
{
  static const char *const reason = "the process is hidden (hidepid)";

  if (kill ((pid_t) pid, 0) != 0 && errno == ESRCH)
    return FS_PROCESS_ABSENT;
  for (FsUse use = FS_USE_WORKING_DIRECTORY; use <= FS_USE_DESCRIPTOR; use++)
    process_add_unreadable (process, use, reason);
  return FS_PROCESS_READ;
}

/* Opens the directory in /proc once: its descriptor refers to this process even if another process gets the pid later. */
FsProcessResult
fs_process_read (guint32 pid, const FsProcessLimits *limits, FsProcess *process)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u", pid);
  int directory;

  *process = (FsProcess){ .paths = g_ptr_array_new_with_free_func (process_free_path) };
  if (pid == 0 || pid > G_MAXINT32)
    return FS_PROCESS_ABSENT;
  directory = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return process_read_hidden (pid, process);
  process->start_time = process_read_start_time (directory);
  process_add (process, directory, "cwd", FS_USE_WORKING_DIRECTORY, 0, FALSE);
  process_add (process, directory, "root", FS_USE_ROOT, 0, FALSE);
  process_add (process, directory, "exe", FS_USE_EXECUTABLE, 0, FALSE);
  process_read_descriptors (process, directory, limits);
  close (directory);
  return FS_PROCESS_READ;
}
