/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"
#include "path.h"

/* The path of a task at its collector: from Execute in the socket to the handler, and from the handler to STARTED and the outcome
 * in the socket. The submitter takes each result, so the broker sends DELIVERED, and the collector drops the result. */

#define PAYLOAD 128u
#define BATCH   8u /* tasks that arrive together */
#define WINDOW  (1u << 20)

typedef struct
{
  CollectorFixture f;
  guint64 last; /* route of the last task */
} CollectorPath;

static gpointer
executing_begin (void)
{
  CollectorPath *path = g_new0 (CollectorPath, 1);

  collector_fixture_set_up (&path->f, NULL);
  path->f.welcome = (ScriptWelcome){ .window_messages = WINDOW, .window_bytes = (guint64) WINDOW * PAYLOAD };
  path->f.log.succeeds = path->f.log.drops = TRUE;
  collector_fixture_start (&path->f);
  return path;
}

/* Encodes Execute without an allocation, because allocations are counted. */
static void
executing_add_task (CollectorPath *path, guint64 route)
{
  static guint8 zeros[PAYLOAD];
  static char operation[] = "scan";
  char id[32], token[32];
  guint8 packed[512];
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  g_snprintf (id, sizeof id, "task-%08" G_GUINT64_FORMAT, route);
  g_snprintf (token, sizeof token, "token-%08" G_GUINT64_FORMAT, route);
  execute.task_id = id;
  execute.operation = operation;
  execute.payload = (ProtobufCBinaryData){ PAYLOAD, zeros };
  execute.attempt = 1;
  execute.token = (ProtobufCBinaryData){ strlen (token), (guint8 *) token };
  execute.remaining_us = 300 * G_USEC_PER_SEC;
  execute.run_limit_us = 30 * G_USEC_PER_SEC;
  execute.progress_us = 10 * G_USEC_PER_SEC;
  g_assert_cmpuint (protobuf_c_message_get_packed_size (&execute.base), <=, sizeof packed);
  collector_script_order (path->f.base.in, route, "bus", packed, protobuf_c_message_pack (&execute.base, packed));
}

static void
executing_add_delivered (CollectorPath *path)
{
  for (guint64 route = path->last - BATCH + 1; route <= path->last; route++)
    collector_script_delivered (path->f.base.in, route);
}

/* Only this function is counted, not the encoding of the broker's frames. */
static G_NO_INLINE void
executing_settle (CollectorPath *path)
{
  client_fixture_settle (&path->f.base);
}

static void
executing_exchange (CollectorPath *path)
{
  static guint8 bytes[1u << 16];

  client_fixture_send (&path->f.base);
  executing_settle (path);
  while (raw_socket_receive_now (path->f.base.peer, bytes, sizeof bytes) > 0)
    continue;
}

static void
executing_run (gpointer state, guint tasks)
{
  CollectorPath *path = state;

  for (guint done = 0; done < tasks; done += BATCH)
    {
      for (guint i = 0; i < BATCH; i++)
        executing_add_task (path, ++path->last);
      executing_exchange (path);
      executing_add_delivered (path);
      executing_exchange (path);
    }
  g_assert_cmpuint (path->f.log.calls, ==, path->last);
  g_assert_cmpuint (path->f.collector->kept.length, ==, 0);
}

static void
executing_end (gpointer state)
{
  CollectorPath *path = state;

  collector_fixture_tear_down (&path->f, NULL);
  g_free (path);
}

int
main (int argc, char **argv)
{
  static const BudgetPath paths[] = {
    { "collector-execute", executing_begin, executing_run, executing_end },
  };

  return budget_main (argc, argv, paths, G_N_ELEMENTS (paths));
}
