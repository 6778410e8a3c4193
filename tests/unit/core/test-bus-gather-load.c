/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

/* Questions to many collectors: the memory of their payloads. */

#define PAYLOAD   (600u * 1024u)
#define QUESTIONS 5u

/* Within the recovery window questions wait, and keep their payloads. The asker gets no more memory than its account may use. */
static void
test_payloads (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *payload = g_strnfill (PAYLOAD, 'x');
  GatherRequest request;

  core->core->limits.uid_bytes = 2 * PAYLOAD + PAYLOAD / 2;
  gather_fill (&request);
  request.payload = (ProtobufCBinaryData){ PAYLOAD, (guint8 *) payload };
  for (guint i = 0; i < QUESTIONS; i++)
    {
      const guint64 id = gather_send (agent, &request, 0);

      if (i >= 2)
        client_expect_error (agent, id, WIRE_STATUS_LIMIT);
    }
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 2);
  g_assert_cmpuint (agent->peer->account->usage.charged, <=, core->core->limits.uid_bytes);
}

/* The same if the broker is full. */
static void
test_payloads_broker (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *payload = g_strnfill (PAYLOAD, 'x');
  GatherRequest request;

  core->core->quota.cap = PAYLOAD + PAYLOAD / 2;
  gather_fill (&request);
  request.payload = (ProtobufCBinaryData){ PAYLOAD, (guint8 *) payload };
  gather_send (agent, &request, 0);
  client_expect_error (agent, gather_send (agent, &request, 0), WIRE_STATUS_LIMIT);
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 1);
}

#define ADD(path, setup, function) g_test_add ("/core/gather/" path, Core, NULL, setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("R06-payloads", tasks_setup, test_payloads);
  ADD ("R06-payloads-broker", tasks_setup, test_payloads_broker);
  return g_test_run ();
}
