/* SPDX-License-Identifier: Apache-2.0 */
#include "fsmond-process.h"

#include "collection.pb-c.h"
#include "fsmond-pack.h"

typedef Daemoneye__Eventbus__V1__DescribeProcess Query;

typedef struct
{
  guint32 pid;
  FsProcess process;
  gsize room;
  guint n_packed;
} ProcessAnswer;

static void
process_answer_free (gpointer data)
{
  ProcessAnswer *answer = data;

  fs_process_clear (&answer->process);
  g_free (answer);
}

/* Reads the process, and checks its start time, because another process may have the pid by now. */
static FsProcessResult
process_read_same (const Query *query, ProcessAnswer *answer)
{
  const FsProcessLimits limits = { .room = answer->room, .descriptors = FS_PROCESS_DESCRIPTORS };
  FsProcessResult result = fs_process_read (query->pid, &limits, &answer->process);

  if (result == FS_PROCESS_READ && query->start_time != 0 && answer->process.start_time != query->start_time)
    result = FS_PROCESS_ABSENT;
  return result;
}

static gpointer
process_begin (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  static const CollectorRefusal refusals[] = {
    [FS_PROCESS_ABSENT] = { "NoSuchProcess", "there is no process with this pid and start time", FALSE },
    [FS_PROCESS_UNSUPPORTED] = { "Unsupported", "fsmond can't read the files of processes on this system", FALSE },
  };
  const Query *query = message;
  ProcessAnswer *answer = g_new0 (ProcessAnswer, 1);
  FsProcessResult result;

  answer->pid = query->pid;
  answer->room = room;
  result = process_read_same (query, answer);
  if (result == FS_PROCESS_READ)
    return answer;
  *refusal = refusals[result];
  process_answer_free (answer);
  return NULL;
}

static GBytes *
process_pack (gpointer data)
{
  ProcessAnswer *answer = data;

  return fsmond_pack_process (answer->pid, &answer->process, answer->room, &answer->n_packed);
}

/* The readable share, in thousandths, of the working directory, the root, the executable and all descriptors. */
static guint
process_share (const FsProcess *process)
{
  guint seen = process->others;
  guint all = process->others + process->unreadable + process->left_out + process->paths->len;

  for (guint i = 0; i < process->paths->len; i++)
    seen += ((const FsOpenPath *) g_ptr_array_index (process->paths, i))->unreadable == NULL ? 1 : 0;
  return MAX (seen * 1000 / MAX (all, 1), 1);
}

static void
process_set_extent (gpointer data, DeyeBusWork *work)
{
  const ProcessAnswer *answer = data;
  const GPtrArray *paths = answer->process.paths;

  deye_bus_work_set_rows (work, answer->n_packed);
  if (paths == NULL)
    return;
  deye_bus_work_set_share (work, process_share (&answer->process));
  if (answer->n_packed < paths->len || answer->process.left_out > 0)
    deye_bus_work_set_truncated (work, answer->n_packed);
}

/* Begins an answer to describe_process. If the process does not exist, the answer is empty. */
static gpointer
process_begin_describing (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const Query *query = message;
  ProcessAnswer *answer = g_new0 (ProcessAnswer, 1);

  answer->pid = query->pid;
  answer->room = room;
  if (process_read_same (query, answer) != FS_PROCESS_READ)
    {
      process_answer_free (answer);
      answer = g_new0 (ProcessAnswer, 1);
    }
  return answer;
}

static GBytes *
process_pack_description (gpointer data)
{
  const ProcessAnswer *answer = data;

  return answer->process.paths != NULL ? process_pack (data) : g_bytes_new (NULL, 0);
}

const CollectorQuestion fsmond_describe_question = {
  .operation = "describe_process",
  .text = "Returns the files that a process has open.",
  .query_type = &daemoneye__eventbus__v1__describe_process__descriptor,
  .answer_type = FSMOND_TYPE ("OpenPaths"),
  .begin = process_begin_describing,
  .pack = process_pack_description,
  .set_extent = process_set_extent,
  .free = process_answer_free,
};

const CollectorQuestion fsmond_open_paths_question = {
  .method = "OpenPathsOf",
  .operation = "open_paths_of",
  .text = "Returns the files that a process has open: its working directory, root, executable and descriptors.",
  .query_type = &daemoneye__eventbus__v1__describe_process__descriptor,
  .answer_type = FSMOND_TYPE ("OpenPaths"),
  .begin = process_begin,
  .pack = process_pack,
  .set_extent = process_set_extent,
  .free = process_answer_free,
};
