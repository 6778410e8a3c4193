/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

/* Questions to many collectors: the memory of their payloads, and an answer for which there is no memory. Linked with --wrap. */

#define PAYLOAD   (600u * 1024u)
#define ANSWER    2000u /* no other allocation has this size */
#define QUESTIONS 5u

static gsize failing; /* an allocation of this size fails; 0: none */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);

gpointer
__wrap_g_try_malloc (gsize n)
{
  return n == failing ? NULL : __real_g_try_malloc (n);
}

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

/* The answer arrived, but its payload is lost: it must not count as an answer. */
static void
test_lost_answer (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  g_autofree char *payload = g_strnfill (ANSWER, 'x');
  g_autoptr (Account) account = NULL;
  g_autofree char *text = NULL;
  guint64 id = gather_all (agent);

  gather_answer (one, "a");
  failing = ANSWER;
  gather_answer (two, payload);
  failing = 0;
  account = gather_take (agent, id);
  text = manifest_text (account->manifest);
  g_assert_cmpstr (text, ==, "partial unmet: one=answered two=failed");
  g_assert_cmpstr (account->answers->str, ==, "one=a");
  g_assert_cmpuint (account_member (account, "two")->status, ==, WIRE_STATUS_NO_MEMORY);
  g_assert_true (account_member (account, "two")->retryable);
}

#define ADD(path, setup, function) g_test_add ("/core/gather/" path, Core, NULL, setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("R06-payloads", tasks_setup, test_payloads);
  ADD ("R06-payloads-broker", tasks_setup, test_payloads_broker);
  ADD ("R10-lost-answer", gathers_setup, test_lost_answer);
  return g_test_run ();
}
