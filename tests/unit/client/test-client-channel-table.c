/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-channel-table.h"

#include "deye-bus-message-private.h"

/* The table of channels finds each channel by its id, after any additions and removals. */

#define IDS    3000u
#define ROUNDS 20000u

typedef struct
{
  DeyeBusChannelTable table;
  DeyeBusEvents events;
  DeyeBusChannel *channels[IDS + 1]; /* by id; NULL: not in the table */
  guint n;
} Fixture;

static void
clear_event (DeyeBusEvent *event)
{
  deye_bus_channel_leave (event->subject);
}

static void
setup (Fixture *fixture, gconstpointer unused)
{
  deye_bus_channel_table_init (&fixture->table, 7);
  deye_bus_events_init (&fixture->events, clear_event);
}

static void
teardown (Fixture *fixture, gconstpointer unused)
{
  deye_bus_channel_table_clear (&fixture->table);
  deye_bus_events_clear (&fixture->events);
}

static void
add (Fixture *fixture, guint32 id)
{
  DeyeBusChannel *channel = deye_bus_channel_new (id, FALSE, FALSE);

  deye_bus_channel_table_add (&fixture->table, channel);
  fixture->channels[id] = channel;
  fixture->n++;
  deye_bus_channel_unref (channel); /* the table has another reference */
}

static void
take_out (Fixture *fixture, guint32 id)
{
  deye_bus_channel_table_remove (&fixture->table, g_steal_pointer (&fixture->channels[id]), &fixture->events);
  fixture->n--;
}

static void
check (Fixture *fixture)
{
  g_autoptr (GPtrArray) list = deye_bus_channel_table_list (&fixture->table);
  guint n = 0;

  g_assert_cmpuint (deye_bus_channel_table_size (&fixture->table), ==, fixture->n);
  g_assert_cmpuint (list->len, ==, fixture->n);
  for (guint32 id = 1; id <= IDS; id++)
    {
      g_assert_true (deye_bus_channel_table_find (&fixture->table, id) == fixture->channels[id]);
      if (fixture->channels[id] != NULL)
        g_assert_true (g_ptr_array_index (list, n++) == fixture->channels[id]);
    }
  g_assert_null (deye_bus_channel_table_find (&fixture->table, 0));
  g_assert_null (deye_bus_channel_table_find (&fixture->table, G_MAXUINT32));
}

static void
test_random (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint round = 0; round < ROUNDS; round++)
    {
      const guint32 id = (guint32) g_rand_int_range (random, 1, IDS + 1);

      if (fixture->channels[id] == NULL)
        add (fixture, id);
      else
        take_out (fixture, id);
      if (round % 1000 == 0)
        check (fixture);
    }
  check (fixture);
}

/* A few channels stay while many others are added and removed: the table shrinks again. */
static void
test_shrinks (Fixture *fixture, gconstpointer unused)
{
  for (guint32 id = 1; id <= IDS; id++)
    add (fixture, id);
  check (fixture);
  for (guint32 id = IDS; id > 3; id--)
    take_out (fixture, id);
  check (fixture);
  g_assert_cmpuint (fixture->table.size_log2, <=, 5);
}

static void
test_remove_all (Fixture *fixture, gconstpointer unused)
{
  for (guint32 id = 1; id <= 100; id++)
    add (fixture, id);
  deye_bus_channel_table_remove_all (&fixture->table, &fixture->events);
  memset (fixture->channels, 0, sizeof fixture->channels);
  fixture->n = 0;
  check (fixture);
  g_assert_cmpuint (fixture->events.count, ==, 100); /* ENDED */
}

/* Ids begin again after 2^32 subscriptions: 0 and the ids of channels that still exist are left out. */
static void
test_new_id_after_wrap (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpuint (deye_bus_channel_table_new_id (&fixture->table), ==, 1);
  add (fixture, 1);
  add (fixture, 2);
  add (fixture, 4);
  fixture->table.last_id = G_MAXUINT32 - 1;
  g_assert_cmpuint (deye_bus_channel_table_new_id (&fixture->table), ==, G_MAXUINT32);
  g_assert_cmpuint (deye_bus_channel_table_new_id (&fixture->table), ==, 3);
  add (fixture, 3);
  take_out (fixture, 4);
  g_assert_cmpuint (deye_bus_channel_table_new_id (&fixture->table), ==, 4);
  g_assert_cmpuint (deye_bus_channel_table_new_id (&fixture->table), ==, 5);
  check (fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/client/channel-table/" name, Fixture, NULL, setup, function, teardown)
  ADD ("random", test_random);
  ADD ("shrinks", test_shrinks);
  ADD ("remove-all", test_remove_all);
  ADD ("new-id-after-wrap", test_new_id_after_wrap);
  return g_test_run ();
}
