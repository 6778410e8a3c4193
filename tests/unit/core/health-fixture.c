/* SPDX-License-Identifier: Apache-2.0 */
#include "health-fixture.h"

#define STEP (SECOND / 2) /* no timer is late: the broker would give grace */

/* --- received events --- */

Client *
health_watcher (Core *core)
{
  Client *watcher = member_agent (core);

  client_subscribe (watcher, 7, "system.health.#", NULL);
  return watcher;
}

static HealthRecord *
unpack_record (const Got *got)
{
  return MSG (health_record__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
}

static const char *
name_of (guint32 state)
{
  return bus_health_state_name ((BusHealthState) (state - 1));
}

static void
write_news (GString *text, const Got *got)
{
  HealthRecord *record = unpack_record (got);
  g_autofree char *topic = g_strconcat ("system.health.", record->id, NULL);

  g_assert_true (wire_span_equal (got->envelope.topic, wire_span_str (topic)));
  g_string_append_printf (text, "%s:%s-%s ", record->id, name_of (record->before), name_of (record->state));
  member_done (record);
}

char *
health_take_news (Client *watcher)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Got *got;

  core_flush (watcher->core);
  while ((got = client_take (watcher, WIRE_KIND_DELIVER)) != NULL)
    {
      if (got->envelope.retained && got->envelope.topic.len == 0)
        g_string_append (text, ". ");
      else
        write_news (text, got);
      got_free (got);
    }
  g_string_truncate (text, text->len > 0 ? text->len - 1 : 0);
  return g_strdup (text->str);
}

HealthRecord *
health_take_record (Client *watcher, const char *id)
{
  HealthRecord *newest = NULL;
  Got *got;

  core_flush (watcher->core);
  while ((got = client_take (watcher, WIRE_KIND_DELIVER)) != NULL)
    {
      HealthRecord *record = unpack_record (got);

      if (g_str_equal (record->id, id))
        {
          HealthRecord *older = g_steal_pointer (&newest);

          newest = g_steal_pointer (&record);
          g_clear_pointer (&older, member_done);
        }
      g_clear_pointer (&record, member_done);
      got_free (got);
    }
  return newest;
}

HealthListReply *
health_call_list (Client *client, HealthListRequest *request)
{
  return member_call (client, "control.bus.health", "List", &request->base, &MSG (health_list_reply__descriptor),
                      WIRE_STATUS_OK);
}

char *
health_list (Client *client)
{
  HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
  HealthListReply *reply = health_call_list (client, &request);
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < reply->n_peers; i++)
    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", reply->peers[i]->id, name_of (reply->peers[i]->state));
  member_done (reply);
  return g_strdup (text->str);
}

/* --- actions of peers --- */

void
health_pong (Client *client)
{
  WireEnvelope pong;

  wire_envelope_init (&pong);
  pong.id = 1;
  client_send (client, WIRE_KIND_PONG, 0, &pong);
}

void
health_pass_time (Core *core, gint64 us, Client *silent)
{
  for (; us > 0; us -= STEP)
    {
      core_advance (core, MIN (us, STEP));
      for (guint i = 0; i < core->clients->len; i++)
        {
          Client *client = g_ptr_array_index (core->clients, i);

          if (client != silent && !client->closed)
            health_pong (client);
        }
    }
}

static void
publish_own (Client *client, const char *word, const ProtobufCMessage *message)
{
  g_autofree char *topic = g_strconcat ("control.health.", word, ".", client->peer->id, NULL);
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (message) + 1);

  client_publish (client, topic, 0, payload, protobuf_c_message_pack (message, payload));
}

void
health_report (Client *client, const char *units)
{
  g_auto (GStrv) texts = g_strsplit (units, ", ", -1);
  const guint n = g_strv_length (texts);
  g_autofree UnitHealth *messages = g_new (UnitHealth, n + 1);
  g_autofree UnitHealth **list = g_new (UnitHealth *, n + 1);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  Daemoneye__Eventbus__V1__HealthReport report = DAEMONEYE__EVENTBUS__V1__HEALTH_REPORT__INIT;

  for (guint i = 0; i < n; i++)
    {
      char **part = g_strsplit (texts[i], ":", 3);

      g_ptr_array_add (parts, part);
      MSG (unit_health__init) (&messages[i]);
      messages[i].name = part[0];
      messages[i].health = (Daemoneye__Eventbus__V1__Health) atoi (part[1]);
      messages[i].reason = part[2];
      list[i] = &messages[i];
    }
  report.id = client->peer->id;
  report.units = list;
  report.n_units = n;
  publish_own (client, "status", &report.base);
}

void
health_beat (Client *client, guint health, const char *detail)
{
  Daemoneye__Eventbus__V1__Heartbeat beat = DAEMONEYE__EVENTBUS__V1__HEARTBEAT__INIT;

  beat.id = client->peer->id;
  beat.health = (Daemoneye__Eventbus__V1__Health) health;
  beat.detail = (char *) (gsize) detail;
  publish_own (client, "heartbeat", &beat.base);
}
