/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

/*
 * The core alone, without sockets: nanoseconds from bytes in to bytes out, for one publisher and N receivers. Not a test:
 * it asserts nothing about time. Prints the median of its rounds.
 */

#define TOPIC  "events.process.lifecycle"
#define BATCH  256u
#define ROUNDS 15u

static gint
by_value (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static GByteArray *
frames (gsize payload)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autofree guint8 *frame = g_malloc0 (payload + 256);

  for (guint i = 0; i < BATCH; i++)
    {
      WireEnvelope envelope;
      guint8 *end;

      wire_envelope_init (&envelope);
      envelope.id = i + 1;
      envelope.topic = wire_span_str (TOPIC);
      envelope.payload = wire_span (frame, payload);
      end = wire_envelope_write (&envelope, frame + WIRE_FRAME_HEADER_LEN) + payload;
      wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) (end - frame - WIRE_FRAME_HEADER_LEN));
      g_byte_array_append (bytes, frame, (guint) (end - frame));
    }
  return bytes;
}

static void
drain (Core *core, BusPeer *peer)
{
  WireSpan spans[64];
  guint n;

  while ((n = bus_core_gather (core->core, peer, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        total += spans[i].len;
      bus_core_sent (core->core, peer, total, core->now_us);
    }
}

static void
measure (guint n_receivers, gsize payload)
{
  g_autoptr (GByteArray) bytes = frames (payload);
  gint64 ns[ROUNDS];
  guint64 granted = 0;
  Client *readers[16];
  Client *publisher;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  for (guint i = 0; i < n_receivers; i++)
    {
      g_autofree char *id = g_strdup_printf ("reader-%u", i);

      readers[i] = client_ready (&core, id, "netmond");
      client_subscribe_full (readers[i], 1, "events.#", NULL, FALSE, 65536, 1u << 26, WIRE_STATUS_OK);
    }
  for (guint round = 0; round < ROUNDS; round++)
    {
      const guint repeats = 100;
      gint64 start = g_get_monotonic_time ();

      for (guint r = 0; r < repeats; r++)
        {
          bus_core_received (core.core, publisher->peer, bytes->data, bytes->len, core.now_us);
          for (guint i = 0; i < n_receivers; i++)
            drain (&core, readers[i]->peer);
          drain (&core, publisher->peer);
          granted += BATCH;
          for (guint i = 0; r % 10 == 9 && i < n_receivers; i++)
            client_credit (readers[i], 1, 65536 + granted, (1u << 26) + granted * payload);
        }
      ns[round] = (g_get_monotonic_time () - start) * 1000 / (repeats * BATCH);
    }
  qsort (ns, ROUNDS, sizeof ns[0], by_value);
  g_print ("%2u receivers, %5" G_GSIZE_FORMAT " B: %5" G_GINT64_FORMAT " ns per message\n", n_receivers, payload,
           ns[ROUNDS / 2]);
  core_teardown (&core, NULL);
}

int
main (void)
{
  measure (1, 128);
  measure (10, 128);
  measure (1, 1024);
  measure (1, 16384);
  return 0;
}
