/* SPDX-License-Identifier: Apache-2.0 */
#include "sender-fixture.h"

void
sender_fixture_set_up (SenderFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_set_up (&f->base, NULL);
  client_fixture_connect (&f->base, data);
  client_fixture_settle (&f->base);
  f->received = g_string_new (NULL);
  f->sender = deye_bus_sender_new (f->base.client, 0, 0, &error);
  g_assert_no_error (error);
}

void
sender_fixture_tear_down (SenderFixture *f, gconstpointer data)
{
  client_fixture_tear_down (&f->base, NULL);
  g_clear_object (&f->sender); /* a sender may outlive its client */
  g_string_free (f->received, TRUE);
}

void
sender_fixture_put (SenderFixture *f, const char *names)
{
  for (; *names != '\0'; names++)
    {
      g_autoptr (GBytes) payload = g_bytes_new (names, 1);
      g_autoptr (GError) error = NULL;

      g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, payload, NULL, &error));
      g_assert_no_error (error);
    }
}

typedef struct
{
  SenderFixture *f;
  const char *names;
} SenderPut;

static gpointer
sender_fixture_on_put (gpointer data)
{
  const SenderPut *put = data;

  sender_fixture_put (put->f, put->names);
  return NULL;
}

void
sender_fixture_put_elsewhere (SenderFixture *f, const char *names)
{
  SenderPut put = { f, names };

  g_thread_join (g_thread_new ("sender", sender_fixture_on_put, &put));
}

void
sender_fixture_put_fails (SenderFixture *f, DeyeBusError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_sender_publish (f->sender, SENDER_TOPIC, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, (gint) code);
}

void
sender_fixture_receive (SenderFixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (&f->base);

  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_PUBLISH)
        g_string_append_len (f->received, (const char *) frame->envelope.payload.data,
                             frame->envelope.payload.len > 0 ? 1 : 0);
    }
}

void
sender_fixture_expect (SenderFixture *f, const char *received)
{
  sender_fixture_receive (f);
  g_assert_cmpstr (f->received->str, ==, received);
}

void
sender_fixture_wait (SenderFixture *f, gsize n)
{
  for (sender_fixture_receive (f); f->received->len < n; sender_fixture_receive (f))
    g_main_context_iteration (f->base.context, TRUE);
}
