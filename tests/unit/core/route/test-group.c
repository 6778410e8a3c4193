/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-group.h"

#include "peer/peer-fixture.h"

/* Groups: their members, the scope of a name, and which patterns overlap. */

#define SEED      5u
#define N_MEMBERS 4u
#define ACCOUNT   1000u

typedef struct
{
  Peers peers;
  BusGroups groups;
  BusPeer *owners[N_MEMBERS];
  GPtrArray *members; /* BusSubscription */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  peers_setup (&f->peers, NULL);
  bus_groups_init (&f->groups, SEED);
  f->members = g_ptr_array_new ();
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      f->owners[i] = peers_ready (&f->peers, id, ACCOUNT);
    }
}

/* Makes a subscription and lets it join. Returns its group. */
static BusGroup *
join (Fixture *f, const char *name, guint32 account, const char *pattern, BusStrategy strategy)
{
  BusPeer *owner = f->owners[f->members->len % N_MEMBERS];
  BusSubscription *member = bus_subscription_new (&f->peers.core->quota.lasting, owner, f->members->len + 1,
                                                  wire_span_str (pattern), FALSE);

  bus_group_join (&f->groups, wire_span_str (name), account, strategy, member);
  g_ptr_array_add (f->members, member);
  return member->group;
}

static BusGroup *
find (Fixture *f, const char *name, guint32 account, const char *pattern)
{
  return bus_group_find (&f->groups, wire_span_str (name), account, wire_span_str (pattern));
}

static void
leave (Fixture *f, guint at)
{
  BusSubscription *member = f->members->pdata[at];

  bus_group_leave (&f->groups, member);
  g_assert_null (member->group);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < f->members->len; i++)
    {
      BusSubscription *member = f->members->pdata[i];

      if (member->group != NULL)
        leave (f, i);
      bus_subscription_free (&f->peers.core->quota.lasting, member);
    }
  g_ptr_array_unref (f->members);
  bus_groups_clear (&f->groups); /* asserts that no group is left */
  peers_teardown (&f->peers, NULL);
}

/* --- membership --- */

static void
test_members (Fixture *f, gconstpointer data)
{
  char name[] = "workers";
  char pattern[] = "events.#";
  BusGroup *group;

  g_assert_null (find (f, "workers", ACCOUNT, "events.#"));
  group = join (f, name, ACCOUNT, pattern, BUS_STRATEGY_DEFAULT);
  g_assert_true (join (f, name, ACCOUNT, "events.process.new", BUS_STRATEGY_DEFAULT) == group);
  g_assert_true (join (f, "others", ACCOUNT, "events.#", BUS_STRATEGY_DEFAULT) != group);
  g_assert_cmpuint (group->members.length, ==, 2);
  g_assert_true (group->members.head->data == f->members->pdata[0]); /* in the order of joining */
  g_assert_cmpint (group->balance.strategy, ==, BUS_STRATEGY_ROUND_ROBIN);

  name[0] = pattern[0] = 'x'; /* the group has a copy of both */
  g_assert_true (find (f, "workers", ACCOUNT, "events.#") == group);
  leave (f, 0);
  g_assert_true (find (f, "workers", ACCOUNT, "events.#") == group);
  g_assert_true (wire_span_equal (group->pattern, wire_span_str ("events.#"))); /* it outlives the first member */
  leave (f, 1);
  g_assert_null (find (f, "workers", ACCOUNT, "events.#"));
}

/* Another account that uses the same name gets its own group; on tasks.{type} the type separates groups instead. */
static void
test_scope (Fixture *f, gconstpointer data)
{
  BusGroup *own = join (f, "workers", ACCOUNT, "events.#", BUS_STRATEGY_DEFAULT);
  BusGroup *other = join (f, "workers", ACCOUNT + 1, "events.#", BUS_STRATEGY_DEFAULT);
  BusGroup *tasks = join (f, "workers", ACCOUNT, "tasks.procmond", BUS_STRATEGY_DEFAULT);

  g_assert_true (own != other && own != tasks && other != tasks);
  g_assert_cmpuint (own->number, !=, other->number);
  g_assert_true (join (f, "workers", ACCOUNT + 1, "tasks.procmond", BUS_STRATEGY_DEFAULT) == tasks);
  g_assert_true (join (f, "workers", ACCOUNT, "tasks.netmond", BUS_STRATEGY_DEFAULT) != tasks);
  /* A pattern that matches several types belongs to no type. */
  g_assert_true (join (f, "workers", ACCOUNT, "tasks.+", BUS_STRATEGY_DEFAULT) == own);
  g_assert_true (find (f, "workers", ACCOUNT + 1, "tasks.#") == other);
}

static void
test_type_of (void)
{
  static const struct
  {
    const char *pattern;
    const char *type;
  } rows[] = {
    { "tasks.procmond", "procmond" }, { "tasks.+", "" }, { "tasks.#", "" },   { "tasks", "" },
    { "tasks.procmond.one", "" },     { "#", "" },       { "results.x", "" }, { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      WireSpan type = bus_group_type_of (wire_span_str (rows[i].pattern));

      g_assert_true (wire_span_equal (type, wire_span_str (rows[i].type)));
    }
}

static void
test_other_type (void)
{
  static const struct
  {
    const char *pattern;
    gboolean matches;
  } rows[] = {
    { "tasks.procmond", FALSE },
    { "tasks.procmond.#", FALSE },
    { "+.procmond", FALSE },
    { "+.procmond.#", FALSE },
    { "tasks.netmond", TRUE },
    { "tasks.netmond.#", TRUE },
    { "tasks.proc", TRUE },
    { "tasks.+", TRUE },
    { "tasks.#", TRUE },
    { "tasks.+.#", TRUE },
    { "+.+", TRUE },
    { "+.#", TRUE },
    { "#", TRUE },
    { "+.process.#", TRUE },
    { "+.process.new", FALSE }, /* a type is the last segment of tasks */
    { "tasks.+.x", FALSE },
    { "tasks", FALSE },
    { "+", FALSE },
    { "events.#", FALSE },
    { "events.netmond", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (bus_group_matches_other_type (wire_span_str (rows[i].pattern), WIRE_SPAN_LITERAL ("procmond")), ==,
                     rows[i].matches);
}

static void
test_overlaps (void)
{
  static const struct
  {
    const char *one;
    const char *other;
    gboolean overlaps;
  } rows[] = {
    { "events.a", "events.a", TRUE },
    { "events.a", "events.b", FALSE },
    { "events.+", "events.b", TRUE },
    { "events.+", "events.b.c", FALSE },
    { "events.#", "events.b.c", TRUE },
    { "events.#", "events", TRUE },
    { "events.b", "events", FALSE },
    { "events.b.#", "events.b", TRUE },
    { "events.b.#", "events", FALSE },
    { "#", "health.disk", TRUE },
    { "#", "+", TRUE },
    { "#", "system.drop", FALSE },
    { "+.drop", "system.drop", FALSE },
    { "system.+", "system.drop", TRUE },
    { "events.+.a", "events.b.+", TRUE },
    { "events.+.a", "events.b.c", FALSE },
    { "+.#", "system.drop", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      WireSpan one = wire_span_str (rows[i].one), other = wire_span_str (rows[i].other);

      g_assert_cmpint (bus_group_overlaps (one, other), ==, rows[i].overlaps);
      g_assert_cmpint (bus_group_overlaps (other, one), ==, rows[i].overlaps);
    }
}

/* --- strategy --- */

static void
test_strategy (Fixture *f, gconstpointer data)
{
  BusGroup *group = join (f, "workers", ACCOUNT, "events.#", BUS_STRATEGY_RANDOM);

  join (f, "workers", ACCOUNT, "events.#", BUS_STRATEGY_LEAST_LOADED);
  g_assert_cmpint (group->balance.strategy, ==, BUS_STRATEGY_RANDOM); /* the first member decides */
  g_assert_cmpuint (group->balance.n_members, ==, 2);
  leave (f, 0);
  g_assert_cmpuint (group->balance.n_members, ==, 1);
}

static void
test_configured (Fixture *f, gconstpointer data)
{
  BusGroupWeight weight = { (char *) "member-1", 3 };
  const BusGroupRule rules[] = {
    { .name = (char *) "other", .strategy = BUS_STRATEGY_RANDOM },
    { .name = (char *) "workers", .strategy = BUS_STRATEGY_LEAST_LOADED, .weights = &weight, .n_weights = 1 },
    { .name = (char *) "open", .in_flight = 4 },
  };
  BusGroup *group;

  f->groups.rules = bus_group_rules_copy (rules, G_N_ELEMENTS (rules));
  group = join (f, "workers", ACCOUNT, "events.#", BUS_STRATEGY_RANDOM);
  g_assert_cmpint (group->balance.strategy, ==, BUS_STRATEGY_LEAST_LOADED);
  g_assert_cmpuint (bus_group_rule_weight (group->rule, "member-1"), ==, 3);
  g_assert_cmpuint (bus_group_rule_weight (group->rule, "member-2"), ==, 0);
  group = join (f, "open", ACCOUNT, "events.#", BUS_STRATEGY_RANDOM);
  g_assert_cmpint (group->balance.strategy, ==, BUS_STRATEGY_RANDOM); /* the section names none */
  g_assert_cmpuint (group->rule->in_flight, ==, 4);
  g_assert_null (join (f, "plain", ACCOUNT, "events.#", BUS_STRATEGY_DEFAULT)->rule);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/group/M06-members", test_members);
  ADD ("/core/group/M06-scope", test_scope);
  g_test_add_func ("/core/group/type-of", test_type_of);
  g_test_add_func ("/core/group/A08-other-type", test_other_type);
  g_test_add_func ("/core/group/overlaps", test_overlaps);
  ADD ("/core/group/M07-strategy", test_strategy);
  ADD ("/core/group/M07-configured", test_configured);
  return g_test_run ();
}
