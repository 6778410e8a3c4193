/* SPDX-License-Identifier: Apache-2.0 */
#include "fsmond-hash.h"

#include "collector-timer.h"
#include "filesystem.pb-c.h"
#include "fs-path.h"
#include "fsmond-pack.h"
#include "wire-guard.h"

typedef Daemoneye__Eventbus__V1__HashQuery HashQuery;

/* Interval at which a task that waits for a thread reports that it waits, and ends if it was cancelled. */
#define WAITING_MS 500

#define PROGRESS_US 100000

/* The broker assigns the task to another collector after this time. */
#define RUN_LIMIT_US (G_GINT64_CONSTANT (600) * G_USEC_PER_SEC)

struct FsmondHashes
{
  const FsmondHashRules *rules;
  GThreadPool *pool;
  GPtrArray *jobs; /* of HashTask; those that have not ended */
  GSource *waiting;
  GMainContext *context;
};

typedef struct
{
  FsmondHashes *hashes;
  DeyeBusWork *work;
  GCancellable *cancellable; /* cancelled with the work, and at the end of the program */
  gulong cancelled;          /* handler */
  char *path;
  GChecksumType algorithm;
  guint64 max_bytes;
  gint is_started;
  gint64 reported_us; /* used by the thread */
} HashTask;

/* --- one task --- */

static void
hash_on_cancelled (GCancellable *cancellable, gpointer data)
{
  g_cancellable_cancel (data);
}

static void
hash_task_free (gpointer data)
{
  HashTask *task = data;

  g_cancellable_disconnect (deye_bus_work_get_cancellable (task->work), task->cancelled);
  g_object_unref (task->cancellable);
  g_object_unref (task->work);
  g_free (task->path);
  g_free (task);
}

static gboolean
hash_on_over (gpointer data)
{
  HashTask *task = data;

  g_ptr_array_remove_fast (task->hashes->jobs, task);
  return G_SOURCE_REMOVE;
}

static void
hash_on_progress (guint64 done, guint64 total, gpointer data)
{
  HashTask *task = data;
  gint64 now_us = g_get_monotonic_time ();

  if (done > 0 && done < total && now_us - task->reported_us < PROGRESS_US)
    return;
  task->reported_us = now_us;
  deye_bus_work_progress (task->work, done, total, NULL, NULL, NULL);
}

/* --- the outcome --- */

static void
hash_fail_to_open (DeyeBusWork *work, FsOpenResult opened)
{
  static const char *const names[] = {
    [FS_OPEN_DONE] = NULL,
    [FS_OPEN_ABSENT] = "NoSuchFile",
    [FS_OPEN_DENIED] = "PermissionDenied",
    [FS_OPEN_SYMLINK] = "SymbolicLink",
    [FS_OPEN_NOT_DIRECTORY] = "NoSuchFile",
    [FS_OPEN_NOT_REGULAR] = "NotRegular",
    [FS_OPEN_SWAPPED] = "Swapped",
    [FS_OPEN_FAILED] = "Unreadable",
  };

  deye_bus_work_fail (work, names[opened], fs_open_text (opened), NULL);
}

static void
hash_fail_changed (DeyeBusWork *work, const FsHashed *hashed)
{
  g_autofree char *text = g_strdup_printf ("the file changed while it was read: %" G_GUINT64_FORMAT
                                           " bytes before, %" G_GUINT64_FORMAT " after; its times differ or it has "
                                           "another size",
                                           hashed->facts.size, hashed->facts_last.size);

  deye_bus_work_fail (work, "Changed", text, NULL);
}

static void
hash_fail_too_large (DeyeBusWork *work, const FsHashJob *job, const FsHashed *hashed)
{
  g_autofree char *text = g_strdup_printf ("the file has %" G_GUINT64_FORMAT " bytes; the limit max-hash-bytes is "
                                           "%" G_GUINT64_FORMAT,
                                           hashed->facts.size, job->max_bytes);

  deye_bus_work_fail (work, "TooLarge", text, NULL);
}

static void
hash_end (DeyeBusWork *work, const FsHashJob *job, FsHashResult result, const FsHashed *hashed)
{
  g_autoptr (GBytes) packed = NULL;

  switch (result)
    {
    case FS_HASH_DONE:
      packed = fsmond_pack_hash (job, hashed);
      deye_bus_work_set_rows (work, 1);
      deye_bus_work_succeed (work, packed, FSMOND_TYPE ("FileHash"), NULL);
      break;
    case FS_HASH_NOT_OPENED:
      hash_fail_to_open (work, hashed->opened);
      break;
    case FS_HASH_TOO_LARGE:
      hash_fail_too_large (work, job, hashed);
      break;
    case FS_HASH_CHANGED:
      hash_fail_changed (work, hashed);
      break;
    case FS_HASH_UNREADABLE:
      deye_bus_work_fail (work, "Unreadable", "the file can't be read", NULL);
      break;
    case FS_HASH_CANCELLED:
      deye_bus_work_acknowledge_cancel (work, NULL);
      break;
    }
}

/* g_main_context_invoke() can't be used, because it may run the function in this thread. */
static void
hash_post_over (HashTask *task)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, hash_on_over, task, NULL);
  g_source_attach (source, task->hashes->context);
}

/* Runs in a thread. */
static void
hash_run (gpointer data, gpointer user_data)
{
  HashTask *task = data;
  const FsHashJob job = { task->path, task->algorithm, task->max_bytes, task->cancellable, hash_on_progress, task };
  FsHashed hashed;
  FsHashResult result;

  g_atomic_int_set (&task->is_started, TRUE);
  result = fs_hash_run (&job, &hashed);
  hash_end (task->work, &job, result, &hashed);
  fs_hashed_clear (&hashed);
  hash_post_over (task);
}

/* --- tasks that wait --- */

static gboolean
hash_on_waiting (gpointer data)
{
  FsmondHashes *self = data;

  for (guint i = 0; i < self->jobs->len; i++)
    {
      HashTask *task = g_ptr_array_index (self->jobs, i);

      if (!g_atomic_int_get (&task->is_started)
          && !deye_bus_work_progress (task->work, 0, 0, "waits until fewer files are hashed", NULL, NULL))
        deye_bus_work_acknowledge_cancel (task->work, NULL);
    }
  if (self->jobs->len > 0)
    return G_SOURCE_CONTINUE;
  collector_timer_clear (&self->waiting);
  return G_SOURCE_REMOVE;
}

static void
hash_begin (FsmondHashes *self, DeyeBusWork *work, char *path, GChecksumType algorithm)
{
  HashTask *task = g_new0 (HashTask, 1);

  *task = (HashTask){ .hashes = self,
                      .work = g_object_ref (work),
                      .cancellable = g_cancellable_new (),
                      .path = path,
                      .algorithm = algorithm,
                      .max_bytes = self->rules->max_bytes };
  task->cancelled = g_cancellable_connect (deye_bus_work_get_cancellable (work), G_CALLBACK (hash_on_cancelled),
                                           task->cancellable, NULL);
  g_ptr_array_add (self->jobs, task);
  g_thread_pool_push (self->pool, task, NULL);
  if (self->waiting == NULL)
    self->waiting = collector_timer_new (WAITING_MS, hash_on_waiting, self);
}

/* --- the query --- */

static void
hash_refuse_algorithm (DeyeBusWork *work)
{
  deye_bus_work_fail (work, "UnknownAlgorithm",
                      "there is no such algorithm; use sha256, sha384, sha512, sha1 or md5, or none for sha256", NULL);
}

static void
hash_answer (FsmondHashes *self, DeyeBusWork *work, const HashQuery *query)
{
  g_autofree char *path = NULL;
  GChecksumType algorithm;
  FsPathFault fault = fs_path_parse (query->path, &path);

  if (fault != FS_PATH_GOOD)
    deye_bus_work_fail (work, "BadPath", fs_path_fault_text (fault), NULL);
  else if (!fs_hash_algorithm (query->algorithm, &algorithm))
    hash_refuse_algorithm (work);
  else if (!self->rules->allows (path, self->rules->data))
    deye_bus_work_fail (work, "NotAllowed",
                        "the path is not below a directory that fsmond watches; only --hash-anywhere allows it", NULL);
  else
    hash_begin (self, work, g_steal_pointer (&path), algorithm);
}

static void
hash_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  gsize len;
  gconstpointer payload = g_bytes_get_data (deye_bus_work_get_payload (work), &len);
  g_autoptr (WireGuard) query
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__hash_query__descriptor, wire_span (payload, len), 0, NULL);

  if (query != NULL)
    hash_answer (data, work, wire_guard_message (query));
  else
    deye_bus_work_fail (work, "BadRequest", "the payload is not a " FSMOND_TYPE ("HashQuery"), NULL);
}

/* --- life --- */

FsmondHashes *
fsmond_hashes_new (DeyeBusCollector *collector, const FsmondHashRules *rules, guint max, GError **error)
{
  g_autoptr (FsmondHashes) self = g_new0 (FsmondHashes, 1);

  *self = (FsmondHashes){ .rules = rules,
                          .jobs = g_ptr_array_new_with_free_func (hash_task_free),
                          .context = g_main_context_ref_thread_default () };
  self->pool = g_thread_pool_new (hash_run, NULL, (gint) max, FALSE, error);
  if (self->pool == NULL
      || !deye_bus_collector_add_operation (collector, FSMOND_HASH_OPERATION, FSMOND_TYPE ("HashQuery"),
                                            DEYE_BUS_OPERATION_IDEMPOTENT, hash_on_work, self, NULL, error)
      || !deye_bus_collector_set_operation_limits (collector, FSMOND_HASH_OPERATION, RUN_LIMIT_US, 0, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
fsmond_hashes_free (FsmondHashes *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->jobs->len; i++)
    g_cancellable_cancel (((HashTask *) g_ptr_array_index (self->jobs, i))->cancellable);
  if (self->pool != NULL)
    g_thread_pool_free (self->pool, FALSE, TRUE);
  while (self->jobs->len > 0)
    g_main_context_iteration (self->context, TRUE);
  collector_timer_clear (&self->waiting);
  g_ptr_array_unref (self->jobs);
  g_main_context_unref (self->context);
  g_free (self);
}
