/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/claims-fixture.h"

#include <sys/socket.h>
#include <unistd.h>

typedef Daemoneye__Eventbus__V1__RegisterReply RegisterReply;

void
claims_fixture_set_up (ClaimsFixture *f, gconstpointer data)
{
  reconnect_fixture_set_up (&f->base, data);
  deye_bus_client_set_reconnect (f->base.client, TRUE);
  f->base.client->features |= WIRE_FEATURE_TASKS;
  g_assert_true (deye_bus_client_set_heartbeat (f->base.client, 300 * G_TIME_SPAN_SECOND, NULL));
  f->in = g_byte_array_new ();
  f->collector = deye_bus_collector_new_for_client (f->base.client);
  deye_bus_collector_add_operation (f->collector, "scan", NULL, DEYE_BUS_OPERATION_IDEMPOTENT, collector_on_work,
                                    &f->log, NULL, NULL);
  g_object_set (f->collector, "max-concurrent", 4u, NULL);
  reconnect_fixture_listen (&f->base, 4);
  g_assert_true (deye_bus_collector_start (f->collector, NULL));
}

void
claims_fixture_tear_down (ClaimsFixture *f, gconstpointer data)
{
  g_clear_object (&f->log.work);
  reconnect_fixture_settle (&f->base);
  g_assert_finalize_object (f->collector);
  deye_bus_client_close (f->base.client, NULL, NULL);
  reconnect_fixture_settle (&f->base);
  g_byte_array_unref (f->in);
  reconnect_fixture_tear_down (&f->base, data);
}

/* --- the broker --- */

void
claims_fixture_send (ClaimsFixture *f)
{
  if (f->in->len > 0)
    reconnect_fixture_send (&f->base, f->in);
}

GPtrArray *
claims_fixture_send_and_receive (ClaimsFixture *f)
{
  GPtrArray *frames;

  claims_fixture_send (f);
  reconnect_fixture_settle (&f->base);
  frames = reconnect_fixture_receive (&f->base);
  for (guint i = frames->len; i-- > 0;)
    if (((ScriptFrame *) frames->pdata[i])->kind == WIRE_KIND_CREDIT)
      g_ptr_array_remove_index (frames, i);
  return frames;
}

WireGuard *
claims_fixture_welcome (ClaimsFixture *f, guint64 epoch)
{
  const ScriptWelcome with_tasks
      = { .features = WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM, .epoch = epoch, .window_bytes = 64u << 20 };

  while ((f->base.peer = accept (f->base.listener, NULL, NULL)) < 0)
    g_main_context_iteration (f->base.context, TRUE);
  script_welcome (f->in, &with_tasks);
  claims_fixture_send (f);
  for (;;)
    {
      g_autoptr (GPtrArray) frames = NULL;
      const ScriptFrame *request;

      g_main_context_iteration (f->base.context, TRUE);
      frames = claims_fixture_send_and_receive (f);
      request = script_find (frames, WIRE_KIND_REQUEST);
      if (request == NULL)
        continue;
      g_assert_true (request == collector_find_request (frames, "Register"));
      g_assert_cmpuint (script_count (frames, WIRE_KIND_REQUEST), ==, 1); /* no request is sent before it */
      f->asked = request->envelope.id;
      return collector_unpack (request, &daemoneye__eventbus__v1__register_request__descriptor);
    }
}

void
claims_fixture_answer (ClaimsFixture *f, TaskClaim **fenced, gsize n)
{
  RegisterReply reply = DAEMONEYE__EVENTBUS__V1__REGISTER_REPLY__INIT;

  reply.registration_id = ++f->registrations;
  reply.state = DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_REGISTERED;
  reply.fenced = fenced;
  reply.n_fenced = n;
  collector_script_reply (f->in, f->asked, &reply.base);
  while (deye_bus_client_get_state (f->base.client) != DEYE_BUS_CLIENT_STATE_READY || f->in->len > 0
         || f->collector->topics[DEYE_BUS_COLLECTOR_TOPIC_LIFECYCLE].subscription == NULL)
    {
      g_autoptr (GPtrArray) frames = claims_fixture_send_and_receive (f);

      for (guint i = 0; i < frames->len; i++)
        {
          const ScriptFrame *frame = frames->pdata[i];

          if (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.subscribe")))
            script_subscribe_reply (f->in, frame->envelope.id, 1000, 1048576);
        }
      if (frames->len == 0 && f->in->len == 0
          && deye_bus_client_get_state (f->base.client) != DEYE_BUS_CLIENT_STATE_READY)
        g_main_context_iteration (f->base.context, TRUE);
    }
  reconnect_fixture_settle (&f->base);
}

void
claims_fixture_lose (ClaimsFixture *f)
{
  close (f->base.peer);
  f->base.peer = -1;
  while (deye_bus_client_get_state (f->base.client) == DEYE_BUS_CLIENT_STATE_READY)
    g_main_context_iteration (f->base.context, TRUE);
}

void
claims_fixture_start_work (ClaimsFixture *f)
{
  g_autoptr (WireGuard) request = claims_fixture_welcome (f, 1);
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_nonnull (request);
  claims_fixture_answer (f, NULL, 0);
  collector_script_execute (f->in, 700, "t-1", NULL);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
}

void
claims_fixture_answer_in_part (ClaimsFixture *f, TaskClaim **fenced, gsize n)
{
  RegisterReply reply = DAEMONEYE__EVENTBUS__V1__REGISTER_REPLY__INIT;
  g_autoptr (GPtrArray) frames = NULL;

  reply.registration_id = ++f->registrations;
  reply.state = DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_REGISTERED;
  reply.fenced = fenced;
  reply.n_fenced = n;
  collector_script_reply (f->in, f->asked, &reply.base);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  script_subscribe_reply (f->in, ((ScriptFrame *) frames->pdata[0])->envelope.id, 1000, 1048576);
  f->asked = ((ScriptFrame *) frames->pdata[1])->envelope.id;
}

void
claims_fixture_script_adopt_claimed (ClaimsFixture *f,
                                     guint64 route,
                                     const char *id,
                                     gboolean finished,
                                     const char *claimed)
{
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.claimed = (ProtobufCBinaryData){ strlen (claimed), (guint8 *) (gsize) claimed };
  execute.adopt = TRUE;
  execute.finished = finished;
  execute.attempt = 1;
  execute.progress_us = 3600 * G_TIME_SPAN_SECOND;
  collector_script_execute (f->in, route, id, &execute);
}

void
claims_fixture_script_adopt (ClaimsFixture *f, guint64 route, const char *id, gboolean finished)
{
  claims_fixture_script_adopt_claimed (f, route, id, finished, "");
}
