/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-identity.h"

#include "proc-record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IDENTITY_NSEC 1000000000 /* in a second */

/* Reads the beginning of a file of the process, and ends it with a NUL. Returns the number of bytes, or -1 with errno set. */
static gssize
identity_read_file (guint32 pid, const char *name, char *text, gsize size)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/%s", pid, name);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gsize sum = 0;
  gssize len;
  int error;

  if (fd < 0)
    return -1;
  do
    {
      len = read (fd, text + sum, size - 1 - sum);
      sum += (gsize) MAX (len, 0);
    }
  while ((len > 0 && sum < size - 1) || (len < 0 && errno == EINTR));
  error = errno;
  close (fd);
  errno = error;
  text[sum] = '\0';
  return len < 0 ? -1 : (gssize) sum;
}

#define STAT_BYTES 2048u

/* Fields of stat, numbered as in proc(5). */
#define STAT_THREADS    20
#define STAT_START_TIME 22

/* The name, field 2, is in parentheses and may contain any characters, so fields are counted from the last parenthesis:
 * the first one after it is field 3. Field 1 must be the number of the process; otherwise another file system is mounted there. */
static gboolean
identity_parse_stat (const char *text, guint32 pid, guint field, guint64 *number)
{
  const char *after = strrchr (text, ')');
  g_auto (GStrv) fields = NULL;
  char *end;

  if (g_ascii_strtoull (text, &end, 10) != pid || *end != ' ' || after == NULL || after[1] != ' ')
    return FALSE;
  fields = g_strsplit (after + 2, " ", (gint) field - 3 + 2);
  return g_strv_length (fields) > field - 3
         && g_ascii_string_to_unsigned (fields[field - 3], 10, 0, G_MAXUINT64, number, NULL);
}

ProcIdentityResult
proc_identity_start_time (guint32 pid, guint64 *start_time)
{
  char text[STAT_BYTES];

  if (identity_read_file (pid, "stat", text, sizeof text) < 0)
    return errno == ENOENT || errno == ESRCH ? PROC_IDENTITY_ABSENT : PROC_IDENTITY_UNREADABLE;
  return identity_parse_stat (text, pid, STAT_START_TIME, start_time) ? PROC_IDENTITY_READ : PROC_IDENTITY_UNREADABLE;
}

/* The clock of start times runs while the machine sleeps; the clock of the kernel's reports does not. */
guint64
proc_identity_start_time_at (guint64 time_ns)
{
  struct timespec boot, monotonic;
  guint64 slept_ns;

  clock_gettime (CLOCK_MONOTONIC, &monotonic);
  clock_gettime (CLOCK_BOOTTIME, &boot);
  slept_ns = (guint64) ((boot.tv_sec - monotonic.tv_sec) * (gint64) IDENTITY_NSEC + (boot.tv_nsec - monotonic.tv_nsec));
  return (time_ns + slept_ns) / (IDENTITY_NSEC / (guint64) sysconf (_SC_CLK_TCK));
}

guint
proc_identity_count_threads (guint32 pid, guint64 start_time)
{
  char text[STAT_BYTES];
  guint64 started, threads;

  if (identity_read_file (pid, "stat", text, sizeof text) < 0
      || !identity_parse_stat (text, pid, STAT_START_TIME, &started) || started != start_time
      || !identity_parse_stat (text, pid, STAT_THREADS, &threads))
    return 0;
  return (guint) MIN (threads, G_MAXUINT);
}

/* --- executable --- */

/* Sends no request to the file system of the executable: the process chooses this file system, and it may never answer. */
static gboolean
identity_stat (int fd, const char *path, struct statx *found)
{
  return statx (fd, path, AT_STATX_DONT_SYNC | (*path == '\0' ? AT_EMPTY_PATH : 0), STATX_INO | STATX_NLINK, found)
         == 0;
}

typedef enum
{
  IDENTITY_SAME,
  IDENTITY_OTHER,  /* @path leads to another file, or to none */
  IDENTITY_UNSURE, /* @path can't be followed */
} IdentityLeads;

/* Follows only names that the kernel has cached, so it does not wait. The name of a file that is being executed is cached, except
 * on file systems that check names at each access (network file systems, FUSE). Such file systems have no device. */
static IdentityLeads
identity_follow (int root, const char *path, const struct statx *exe)
{
  struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED | RESOLVE_IN_ROOT };
  long fd = syscall (SYS_openat2, root, path, &how, sizeof how);
  struct statx found;
  gboolean same;

  if (fd < 0)
    return errno == ENOENT || (errno == EAGAIN && exe->stx_dev_major != 0) ? IDENTITY_OTHER : IDENTITY_UNSURE;
  same = identity_stat ((int) fd, "", &found) && found.stx_ino == exe->stx_ino
         && found.stx_dev_major == exe->stx_dev_major && found.stx_dev_minor == exe->stx_dev_minor;
  close ((int) fd);
  return same ? IDENTITY_SAME : IDENTITY_OTHER;
}

static IdentityLeads
identity_follow_from (const char *root, const char *path, const struct statx *exe)
{
  int fd = open (root, O_PATH | O_CLOEXEC);
  IdentityLeads leads = IDENTITY_UNSURE;

  if (fd < 0)
    return leads;
  leads = identity_follow (fd, path, exe);
  close (fd);
  return leads;
}

/* @target ends in the mark. The mark may also be part of the name of a file that was not deleted; then the path leads to the
 * executable, from the root directory of this process or of the other one. */
static ProcExeState
identity_judge_mark (guint32 pid, const char *target)
{
  g_autofree char *link = g_strdup_printf ("/proc/%u/exe", pid);
  g_autofree char *root = g_strdup_printf ("/proc/%u/root", pid);
  IdentityLeads here, there;
  struct statx exe;

  if (!identity_stat (AT_FDCWD, link, &exe))
    return PROC_EXE_UNSURE;
  if (exe.stx_nlink == 0)
    return PROC_EXE_DELETED;
  here = identity_follow_from ("/", target, &exe);
  there = here != IDENTITY_SAME ? identity_follow_from (root, target, &exe) : IDENTITY_SAME;
  if (there == IDENTITY_SAME)
    return PROC_EXE_PRESENT;
  return here == IDENTITY_OTHER && there == IDENTITY_OTHER ? PROC_EXE_DELETED : PROC_EXE_UNSURE;
}

ProcExeState
proc_identity_exe (guint32 pid, char **exe)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/exe", pid);
  char target[4096 + 1];
  gssize len = readlink (path, target, sizeof target - 1);
  ProcExeState state = PROC_EXE_PRESENT;

  if (len <= 0)
    {
      *exe = g_strdup ("");
      return len < 0 && errno == ENOENT ? PROC_EXE_NONE : PROC_EXE_UNKNOWN;
    }
  target[len] = '\0';
  if (g_str_has_suffix (target, PROC_EXE_MARK))
    state = identity_judge_mark (pid, target);
  if (state == PROC_EXE_DELETED)
    len -= (gssize) strlen (PROC_EXE_MARK);
  *exe = proc_text_escape (target, len);
  return state;
}

/* --- arguments --- */

/* A record has no room for bytes beyond this, NULs included. */
#define ARGS_BYTES (PROC_COMMAND_LINE_BYTES + 1 + PROC_COMMAND_LINE_ARGS + 1)

char **
proc_identity_args (guint32 pid)
{
  char text[ARGS_BYTES + 1];
  gssize len = identity_read_file (pid, "cmdline", text, sizeof text);
  g_autoptr (GPtrArray) args = NULL;

  if (len < 0)
    return NULL;
  args = g_ptr_array_new ();
  for (const char *at = text; at < text + len; at += strlen (at) + 1)
    g_ptr_array_add (args, g_strdup (at));
  g_ptr_array_add (args, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&args), FALSE);
}
