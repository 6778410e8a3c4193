/* SPDX-License-Identifier: Apache-2.0 */
#include "net-owners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PID  1u
#define STAT_BYTES 1024u
#define LINK_BYTES 64u

/* Descriptors that are read in one step. Reading one takes about 2 us, and callers do some 64 steps at a time. */
#define LINKS_STEP 64u

/* The process that is being read. Its name is read only if it has one of the wanted sockets. */
typedef struct
{
  int folder; /* -1: none */
  DIR *dir;   /* of its descriptors; NULL: no process is being read */
  int reason; /* an errno: the descriptors can't be read, or some of them can't */
  gboolean is_named;
  NetOwner owner;
} ScanProcess;

struct NetOwnerScan
{
  char *proc;
  NetTable *table;
  GHashTable *wanted; /* inode -> NetOwners, or NULL as long as none was found */
  GArray *pids;       /* of guint32 */
  guint at;
  ScanProcess process; /* number AT of the pids */
  guint unreadable;
  guint gone;
};

/* --- one process --- */

/* @text: of /proc/PID/stat. The name is in parentheses, and may contain parentheses. */
static gboolean
owner_parse_stat (const char *text, NetOwner *owner)
{
  const char *name = strchr (text, '(');
  const char *end = strrchr (text, ')');
  const char *field = end;

  if (name == NULL || end == NULL || end < name)
    return FALSE;
  net_text_escape (name + 1, (gsize) (end - name - 1), owner->name, sizeof owner->name);
  for (guint i = 2; i < 22 && field != NULL; i++) /* field 2 ends here, the start time is field 22 */
    field = strchr (field + 1, ' ');
  if (field == NULL)
    return FALSE;
  owner->start_time = g_ascii_strtoull (field + 1, NULL, 10);
  return TRUE;
}

static gboolean
owner_read_stat (int folder, NetOwner *owner)
{
  char text[STAT_BYTES];
  int fd = openat (folder, "stat", O_RDONLY | O_CLOEXEC);
  gssize len = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;

  if (fd >= 0)
    (void) close (fd);
  if (len <= 0)
    return FALSE;
  text[len] = '\0';
  return owner_parse_stat (text, owner);
}

/* Reads the inode from a text such as "socket:[123]". 0: the descriptor is not a socket. */
static guint32
owner_parse_link (const char *text)
{
  const char *prefix = "socket:[";
  guint64 inode;
  char *end;

  if (!g_str_has_prefix (text, prefix))
    return 0;
  inode = g_ascii_strtoull (text + strlen (prefix), &end, 10);
  return g_str_equal (end, "]") && inode <= G_MAXUINT32 ? (guint32) inode : 0;
}

typedef void (*OwnerFound) (guint32 inode, gpointer data);

static gboolean
owner_is_gone (int reason)
{
  return reason == ENOENT || reason == ESRCH;
}

/* Calls @found for each socket among the next @most file descriptors. FALSE: there are no further ones. *@reason: set to an errno
 * if some descriptors can't be read: the system may list the descriptors of a protected process, but not permit reading their
 * targets. */
static gboolean
owner_read_links (DIR *dir, guint most, OwnerFound found, gpointer data, int *reason)
{
  for (guint n = 0; n < most; n++)
    {
      const struct dirent *entry = readdir (dir);
      char text[LINK_BYTES];
      gssize len = 0;
      guint32 inode;

      if (entry == NULL)
        return FALSE;
      if (*entry->d_name != '.')
        len = readlinkat (dirfd (dir), entry->d_name, text, sizeof text - 1);
      if (len < 0 && !owner_is_gone (errno)) /* a descriptor that was closed meanwhile is not an error */
        *reason = errno;
      text[MAX (len, 0)] = '\0';
      inode = owner_parse_link (text);
      if (inode != 0)
        found (inode, data);
    }
  return TRUE;
}

/* Opens the directory of the descriptors of a process. NULL: errno is set. */
static DIR *
owner_open_fds (int folder)
{
  int fd = openat (folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  int reason = errno;

  if (dir == NULL && fd >= 0)
    (void) close (fd);
  errno = reason;
  return dir;
}

/* Calls @found for each socket of a process. Returns 0, or the errno of a descriptor that can't be read. */
static int
owner_read_fds (int folder, OwnerFound found, gpointer data)
{
  DIR *dir = owner_open_fds (folder);
  int reason = 0;

  if (dir == NULL)
    return errno;
  while (owner_read_links (dir, G_MAXUINT, found, data, &reason))
    ;
  (void) closedir (dir);
  return reason;
}

/* -1: there is no such process any more, or it can't be opened. */
static int
owner_open (const char *proc, guint32 pid)
{
  g_autofree char *path = g_strdup_printf ("%s/%u", proc, pid);

  return open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* --- all processes --- */

static GArray *
owner_list_pids (const char *proc)
{
  GArray *pids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GDir) dir = g_dir_open (proc, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      guint64 number;

      if (g_ascii_string_to_unsigned (name, 10, FIRST_PID, G_MAXINT32, &number, NULL))
        {
          guint32 pid = (guint32) number;

          g_array_append_val (pids, pid);
        }
    }
  return pids;
}

static void
scan_free_owners (gpointer owners)
{
  g_clear_pointer (&owners, net_owners_unref);
}

NetOwnerScan *
net_owner_scan_new (const char *proc, NetTable *table)
{
  NetOwnerScan *scan = g_new0 (NetOwnerScan, 1);

  scan->proc = g_strdup (proc);
  scan->table = table;
  scan->wanted = g_hash_table_new_full (NULL, NULL, NULL, scan_free_owners);
  for (guint i = 0; i < table->sockets->len; i++)
    {
      const NetSocket *socket = &g_array_index (table->sockets, NetSocket, i);

      if (socket->inode != 0 && socket->ownership == NET_OWNER_UNASKED)
        g_hash_table_insert (scan->wanted, GUINT_TO_POINTER (socket->inode), NULL);
    }
  scan->pids = owner_list_pids (proc);
  scan->process.folder = -1;
  return scan;
}

static void
scan_on_found (guint32 inode, gpointer data)
{
  NetOwnerScan *scan = data;
  ScanProcess *process = &scan->process;
  gpointer owners;

  if (!g_hash_table_lookup_extended (scan->wanted, GUINT_TO_POINTER (inode), NULL, &owners))
    return;
  if (!process->is_named && !owner_read_stat (process->folder, &process->owner))
    return;
  process->is_named = TRUE;
  if (owners == NULL)
    {
      owners = net_owners_new ();
      g_hash_table_insert (scan->wanted, GUINT_TO_POINTER (inode), owners);
    }
  net_owners_add (owners, &process->owner);
}

static void
scan_open_process (NetOwnerScan *scan)
{
  ScanProcess *process = &scan->process;
  guint32 pid = g_array_index (scan->pids, guint32, scan->at);

  *process = (ScanProcess){ .folder = owner_open (scan->proc, pid), .owner = { .pid = pid } };
  process->dir = process->folder >= 0 ? owner_open_fds (process->folder) : NULL;
  process->reason = process->dir == NULL ? errno : 0;
}

static void
scan_close_process (NetOwnerScan *scan)
{
  if (scan->process.dir != NULL)
    (void) closedir (scan->process.dir);
  if (scan->process.folder >= 0)
    (void) close (scan->process.folder);
  scan->process = (ScanProcess){ .folder = -1 };
}

void
net_owner_scan_free (NetOwnerScan *scan)
{
  if (scan == NULL)
    return;
  scan_close_process (scan);
  g_hash_table_unref (scan->wanted);
  g_array_unref (scan->pids);
  g_free (scan->proc);
  g_free (scan);
}

/* Reads the next descriptors of a process. A process can have a million of them at no cost, so that one step must not read all. */
static void
scan_read (NetOwnerScan *scan)
{
  ScanProcess *process = &scan->process;

  if (process->dir == NULL)
    scan_open_process (scan);
  if (process->dir != NULL && owner_read_links (process->dir, LINKS_STEP, scan_on_found, scan, &process->reason))
    return;
  if (owner_is_gone (process->reason))
    scan->gone++;
  else if (process->reason != 0)
    scan->unreadable++;
  scan_close_process (scan);
  scan->at++;
}

gboolean
net_owner_scan_step (NetOwnerScan *scan, guint n)
{
  for (; n > 0 && scan->at < scan->pids->len; n--)
    scan_read (scan);
  return scan->at < scan->pids->len;
}

guint
net_owner_scan_count (const NetOwnerScan *scan, guint *total)
{
  *total = scan->pids->len;
  return scan->at;
}

/* hidepid: the system lists only processes that the reader may read. */
static gboolean
scan_is_hidden (const NetOwnerScan *scan)
{
  for (guint i = 0; i < scan->pids->len; i++)
    if (g_array_index (scan->pids, guint32, i) == FIRST_PID)
      return FALSE;
  return TRUE;
}

void
net_owner_scan_end (NetOwnerScan *scan)
{
  NetTable *table = scan->table;
  gboolean may_be_hidden;

  table->processes = scan->at - scan->gone;
  table->unreadable = scan->unreadable;
  table->hidden = scan_is_hidden (scan);
  may_be_hidden = table->hidden || table->unreadable > 0;
  for (guint i = 0; i < table->sockets->len; i++)
    {
      NetSocket *socket = &g_array_index (table->sockets, NetSocket, i);
      NetOwners *owners;

      if (socket->ownership != NET_OWNER_UNASKED)
        continue;
      owners = socket->inode != 0 ? g_hash_table_lookup (scan->wanted, GUINT_TO_POINTER (socket->inode)) : NULL;
      if (owners != NULL)
        net_socket_set_owners (socket, NET_OWNER_KNOWN, owners);
      else if (socket->inode == 0)
        net_socket_set_owners (socket, NET_OWNER_NONE, NULL);
      else
        net_socket_set_owners (socket, may_be_hidden ? NET_OWNER_HIDDEN : NET_OWNER_NOT_FOUND, NULL);
    }
}

/* --- the sockets of one process --- */

static void
owner_on_inode (guint32 inode, gpointer data)
{
  g_hash_table_add (data, GUINT_TO_POINTER (inode));
}

static NetInodesResult
owner_classify (int reason)
{
  return owner_is_gone (reason) ? NET_INODES_ABSENT : NET_INODES_HIDDEN;
}

/* The start time is read before and after the file descriptors, so that all of them are of one process. */
static NetInodesResult
owner_read_inodes (int folder, guint64 start_time, NetOwner *owner, GHashTable *inodes)
{
  NetOwner after = { 0 };
  int reason;

  if (folder < 0 || !owner_read_stat (folder, owner))
    return owner_classify (errno);
  if (start_time != 0 && owner->start_time != start_time)
    return NET_INODES_OTHER;
  reason = owner_read_fds (folder, owner_on_inode, inodes);
  if (reason != 0)
    return owner_classify (reason);
  if (!owner_read_stat (folder, &after) || after.start_time != owner->start_time)
    return NET_INODES_ABSENT;
  return NET_INODES_READ;
}

NetInodesResult
net_owner_inodes (const char *proc, guint32 pid, guint64 start_time, NetOwner *owner, GHashTable **inodes)
{
  g_autoptr (GHashTable) found = g_hash_table_new (NULL, NULL);
  NetInodesResult result;
  int folder = owner_open (proc, pid);

  *owner = (NetOwner){ .pid = pid };
  result = owner_read_inodes (folder, start_time, owner, found);
  if (folder >= 0)
    (void) close (folder);
  if (result == NET_INODES_READ)
    *inodes = g_steal_pointer (&found);
  return result;
}
