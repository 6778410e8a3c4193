/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-member.h"

#include <string.h>

/* A single registration: the tasks that it may get, and the number of its offers at a time. */

typedef struct
{
  BusMember member;
  BusAbility ability;
} Fixture;

static void
fixture_set_up (Fixture *f, gconstpointer data)
{
  f->member = (BusMember){ .state = BUS_MEMBER_READY, .lowest = 10, .highest = 20, .max_concurrent = 8 };
  f->ability.name.text = WIRE_SPAN_LITERAL ("scan");
  f->member.abilities = g_ptr_array_new ();
  f->member.tags = g_ptr_array_new ();
  g_ptr_array_add (f->member.abilities, &f->ability);
  g_ptr_array_add (f->member.tags, (gpointer) (gsize) "disk=ssd");
}

static void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  g_ptr_array_unref (f->member.abilities);
  g_ptr_array_unref (f->member.tags);
}

static void
test_abilities (Fixture *f, gconstpointer data)
{
  g_assert_true (bus_member_ability (&f->member, WIRE_SPAN_LITERAL ("scan")) == &f->ability);
  g_assert_null (bus_member_ability (&f->member, WIRE_SPAN_LITERAL ("scan2")));
  g_assert_null (bus_member_ability (&f->member, WIRE_SPAN_LITERAL ("")));
  for (guint priority = 0; priority < 256; priority++)
    g_assert_cmpint (bus_member_takes_priority (&f->member, priority), ==, priority >= 10 && priority <= 20);
}

static void
test_tags (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) wanted = g_ptr_array_new ();

  g_assert_true (bus_member_has_tags (&f->member, NULL));
  g_assert_true (bus_member_has_tags (&f->member, wanted));
  g_ptr_array_add (wanted, (gpointer) (gsize) "disk=ssd");
  g_assert_true (bus_member_has_tags (&f->member, wanted));
  g_ptr_array_add (wanted, (gpointer) (gsize) "os=linux");
  g_assert_false (bus_member_has_tags (&f->member, wanted));
}

static void
test_room (Fixture *f, gconstpointer data)
{
  static const struct
  {
    gboolean has_started;
    guint max, running, offered, zombie;
    guint room, load;
  } cases[] = {
    { FALSE, 8, 0, 0, 0, 1, 0 },   /* no task started yet: one offer */
    { FALSE, 8, 0, 1, 0, 0, 125 }, /* which the member has */
    { TRUE, 8, 0, 0, 0, 4, 0 },    /* half of the free slots */
    { TRUE, 8, 0, 3, 0, 1, 375 },  /* including its offers */
    { TRUE, 8, 0, 4, 0, 0, 500 },  /* half of the slots is offered */
    { TRUE, 8, 4, 0, 2, 1, 750 },  /* zombies use slots */
    { TRUE, 8, 7, 0, 0, 1, 875 },  /* at least one */
    { TRUE, 8, 6, 0, 2, 0, 1000 }, /* full */
    { TRUE, 1, 0, 1, 0, 0, 1000 }, /* the only slot is offered */
    { TRUE, 4, 6, 0, 0, 0, 1500 }, /* an update left it fewer slots than it uses */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->member.has_started = cases[i].has_started;
      f->member.max_concurrent = cases[i].max;
      f->member.n_running = cases[i].running;
      f->member.n_offered = cases[i].offered;
      f->member.n_zombie = cases[i].zombie;
      g_assert_cmpuint (bus_member_offer_room (&f->member), ==, cases[i].room);
      g_assert_cmpuint (bus_member_load_permille (&f->member), ==, cases[i].load);
    }
}

/* No offer at all: in any other state than READY, beside an exclusive task, and beside a probe. */
static void
test_no_room (Fixture *f, gconstpointer data)
{
  f->member.has_started = TRUE;
  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    {
      f->member.state = state;
      g_assert_cmpuint (bus_member_offer_room (&f->member), ==, state == BUS_MEMBER_READY ? 4 : 0);
    }
  f->member.state = BUS_MEMBER_READY;
  f->member.is_probed = TRUE;
  g_assert_cmpuint (bus_member_offer_room (&f->member), ==, 1);
  f->member.n_zombie = 1; /* the zombie keeps its slot, and the probe uses another one */
  g_assert_cmpuint (bus_member_offer_room (&f->member), ==, 1);
  f->member.n_running = 1;
  g_assert_cmpuint (bus_member_offer_room (&f->member), ==, 0);
  f->member.is_probed = FALSE;
  f->member.is_exclusive = TRUE;
  g_assert_cmpuint (bus_member_offer_room (&f->member), ==, 0);
}

static void
test_events (Fixture *f, gconstpointer data)
{
  g_assert_true (bus_member_on (&f->member, BUS_MEMBER_ON_DOUBT));
  g_assert_cmpint (f->member.state, ==, BUS_MEMBER_SUSPECT);
  g_assert_false (bus_member_on (&f->member, BUS_MEMBER_ON_DOUBT));
  g_assert_cmpint (f->member.state, ==, BUS_MEMBER_SUSPECT);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/member/M10-abilities", test_abilities);
  ADD ("/core/member/M10-tags", test_tags);
  ADD ("/core/member/room", test_room);
  ADD ("/core/member/no-room", test_no_room);
  ADD ("/core/member/events", test_events);
  return g_test_run ();
}
