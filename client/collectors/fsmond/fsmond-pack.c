/* SPDX-License-Identifier: Apache-2.0 */
#include "fsmond-pack.h"

#include "deye-bus-pack.h"
#include "filesystem.pb-c.h"
#include "fs-path.h"

#include <string.h>

typedef Daemoneye__Eventbus__V1__FileEvent EventMessage;
typedef Daemoneye__Eventbus__V1__WatchCoverage CoverageMessage;
typedef Daemoneye__Eventbus__V1__WatchFailure FailureMessage;
typedef Daemoneye__Eventbus__V1__OpenPath PathMessage;
typedef Daemoneye__Eventbus__V1__OpenPaths PathsMessage;

/* The escaped path; never NULL. */
static char *
pack_text (const char *path)
{
  return fs_path_escape (path != NULL ? path : "");
}

/* --- events --- */

static void
pack_facts (EventMessage *message, const FsFacts *facts)
{
  message->file = (Daemoneye__Eventbus__V1__FileKind) facts->kind;
  message->size = facts->size;
  message->inode = facts->inode;
  message->modified_time_ns = (guint64) MAX (facts->modified_ns, 0);
}

GBytes *
fsmond_pack_event (const FsEvent *event, gint64 observed_time_us)
{
  g_autofree char *path = pack_text (event->path);
  g_autofree char *moved_to = pack_text (event->moved_to);
  EventMessage message;

  daemoneye__eventbus__v1__file_event__init (&message);
  message.kind = (Daemoneye__Eventbus__V1__FileEventKind) event->kind;
  message.path = path;
  message.moved_to = moved_to;
  pack_facts (&message, &event->facts);
  message.found = event->found;
  message.complete = event->complete;
  message.folded = event->folded;
  message.moved = event->moved;
  if (event->detail != NULL)
    message.detail = (char *) event->detail;
  message.observed_time_us = (guint64) observed_time_us;
  return deye_bus_pack (&message.base);
}

GBytes *
fsmond_pack_hash (const FsHashJob *job, const FsHashed *hashed)
{
  g_autofree char *path = pack_text (job->path);
  Daemoneye__Eventbus__V1__FileHash message;

  daemoneye__eventbus__v1__file_hash__init (&message);
  message.path = path;
  message.algorithm = (char *) fs_hash_algorithm_name (job->algorithm);
  message.digest = hashed->digest;
  message.size = hashed->facts.size;
  message.inode = hashed->facts.inode;
  message.modified_time_ns = (guint64) MAX (hashed->facts.modified_ns, 0);
  return deye_bus_pack (&message.base);
}

/* --- coverage --- */

static char **
pack_roots (GPtrArray *roots)
{
  char **texts = g_new0 (char *, roots->len + 1);

  for (guint i = 0; i < roots->len; i++)
    {
      const FsRoot *root = g_ptr_array_index (roots, i);
      g_autofree char *text = pack_text (root->path);

      texts[i] = g_strconcat (text, root->flat || g_str_equal (text, "/") ? "" : "/", NULL);
    }
  return texts;
}

static void
pack_numbers (CoverageMessage *message, const FsCoverage *coverage)
{
  message->wanted = coverage->wanted;
  message->watched = coverage->watched;
  message->limit = coverage->limit;
  message->entries = coverage->entries;
  message->unknown_entries = coverage->unknown_entries;
  message->overflows = coverage->overflows;
  message->unpublished = coverage->unpublished;
  message->is_repairing = coverage->is_repairing;
  message->is_overflow_visible = coverage->detection_fault == NULL;
}

GBytes *
fsmond_pack_coverage (const FsCoverage *coverage, GPtrArray *roots)
{
  guint n = coverage->failures->len;
  g_auto (GStrv) texts = pack_roots (roots);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autofree FailureMessage *failures = g_new (FailureMessage, n);
  g_autofree FailureMessage **list = g_new (FailureMessage *, n);
  CoverageMessage message;

  daemoneye__eventbus__v1__watch_coverage__init (&message);
  for (guint i = 0; i < n; i++)
    {
      const FsFailure *failure = g_ptr_array_index (coverage->failures, i);

      g_ptr_array_add (paths, pack_text (failure->path));
      daemoneye__eventbus__v1__watch_failure__init (&failures[i]);
      failures[i].path = g_ptr_array_index (paths, i);
      failures[i].reason = failure->reason;
      list[i] = &failures[i];
    }
  pack_numbers (&message, coverage);
  message.n_roots = roots->len;
  message.roots = texts;
  message.n_failures = n;
  message.failures = list;
  return deye_bus_pack (&message.base);
}

/* --- open paths --- */

static PathMessage *
pack_new_path (const FsOpenPath *from)
{
  PathMessage *message = g_new (PathMessage, 1);

  daemoneye__eventbus__v1__open_path__init (message);
  message->use = (Daemoneye__Eventbus__V1__OpenPathUse) from->use;
  message->descriptor = from->descriptor;
  message->path = pack_text (from->path);
  message->file = (Daemoneye__Eventbus__V1__FileKind) from->kind;
  message->deleted = from->deleted;
  message->writable = from->writable;
  message->inode = from->inode;
  if (from->unreadable != NULL)
    message->unreadable = (char *) from->unreadable;
  return message;
}

static void
pack_free_path (gpointer data)
{
  PathMessage *message = data;

  g_free (message->path);
  g_free (message);
}

/* Packs as many paths as fit. *@is_complete: all are packed. */
static GPtrArray *
pack_paths (GPtrArray *from, gsize room, gboolean *is_complete)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (pack_free_path);
  gsize sum = 0;

  *is_complete = TRUE;
  for (guint i = 0; i < from->len; i++)
    {
      PathMessage *message = pack_new_path (g_ptr_array_index (from, i));

      g_ptr_array_add (list, message);
      sum += FS_OPEN_PATH_COST + strlen (message->path) + strlen (message->unreadable);
      *is_complete = *is_complete && *message->unreadable == '\0';
      if (sum <= room)
        continue;
      *is_complete = FALSE;
      g_ptr_array_remove_index (list, i);
      break;
    }
  return list;
}

GBytes *
fsmond_pack_process (guint32 pid, const FsProcess *process, gsize room, guint *n_packed)
{
  gboolean is_complete;
  g_autoptr (GPtrArray) list = pack_paths (process->paths, room, &is_complete);
  PathsMessage message;

  daemoneye__eventbus__v1__open_paths__init (&message);
  message.pid = pid;
  message.start_time = process->start_time;
  message.n_paths = list->len;
  message.paths = (PathMessage **) list->pdata;
  message.other_descriptors = process->others;
  message.left_out = process->paths->len - list->len + process->left_out;
  message.unreadable_descriptors = process->unreadable;
  message.is_complete = is_complete && process->unreadable == 0 && process->left_out == 0;
  *n_packed = list->len;
  return deye_bus_pack (&message.base);
}
