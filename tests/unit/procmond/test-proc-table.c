/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-identity.h"
#include "proc-source.h"
#include "proc-watch.h"

/*
 * Tests of the rule that decides whether a process has ended, with a simulated system: the test defines the functions of
 * proc-source and proc-identity.
 */

typedef struct
{
  guint32 pid;
  guint64 start_time;
  gboolean unlisted;
  ProcIdentityResult identity; /* PROC_IDENTITY_READ if left out */
  gboolean ended;              /* kill (pid, 0) fails with ESRCH */
  guint64 successor;           /* the second start time that is read, if not 0 */
} Fake;

static Fake fakes[16];
static guint n_fakes;
static gboolean unlistable;

static Fake *
fake_find (guint32 pid)
{
  for (guint i = 0; i < n_fakes; i++)
    if (fakes[i].pid == pid)
      return &fakes[i];
  return NULL;
}

/* @list ends with a pid of 0. */
static void
fake_set (const Fake *list)
{
  for (n_fakes = 0; list[n_fakes].pid != 0; n_fakes++)
    fakes[n_fakes] = list[n_fakes];
}

GArray *
proc_source_list (void)
{
  GArray *pids;

  if (unlistable)
    return NULL;
  pids = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (guint i = n_fakes; i > 0; i--)
    if (!fakes[i - 1].unlisted)
      g_array_append_val (pids, fakes[i - 1].pid);
  return pids;
}

gboolean
proc_source_exists (guint32 pid)
{
  const Fake *fake = fake_find (pid);

  return fake != NULL && !fake->ended;
}

void
proc_source_measure (guint32 pid, ProcRecord *record)
{
}

ProcIdentityResult
proc_identity_start_time (guint32 pid, guint64 *start_time)
{
  Fake *fake = fake_find (pid);

  if (fake == NULL)
    return PROC_IDENTITY_ABSENT;
  *start_time = fake->start_time;
  if (fake->successor != 0)
    fake->start_time = fake->successor;
  return fake->identity;
}

ProcExeState
proc_identity_exe (guint32 pid, char **exe)
{
  *exe = g_strdup ("");
  return PROC_EXE_UNKNOWN;
}

/* Returns the events and counts of the next table: "+5:50 -6:60 unreadable 1 vanished 0". */
static char *
compare (ProcWatch *watch)
{
  ProcRange range = { .last = watch->last };
  ProcTable *now = proc_table_read (&range);
  g_autoptr (GArray) events = proc_watch_compare (watch, now);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < events->len; i++)
    {
      const ProcEvent *event = &g_array_index (events, ProcEvent, i);

      g_string_append_printf (out, "%c%u:%" G_GUINT64_FORMAT " ", " +-!"[event->kind], event -> record -> pid,
                              event -> record -> start_time);
    }
  if (now == NULL)
    g_string_append (out, "unlisted");
  else
    g_string_append_printf (out, "unreadable %u vanished %u", now->unreadable, now->vanished);
  return g_string_free (out, FALSE);
}

#define ABSENT     PROC_IDENTITY_ABSENT
#define UNREADABLE PROC_IDENTITY_UNREADABLE

/* Every way in which a process cannot be read, and the two ways that prove its end. */
static void
test_ended (void)
{
  static const struct
  {
    Fake after;
    const char *want;
  } cases[] = {
    { { .pid = 5, .start_time = 50 }, "unreadable 0 vanished 0" },
    { { .pid = 5, .start_time = 50, .identity = UNREADABLE }, "unreadable 1 vanished 0" }, /* EACCES, EPERM, EMFILE */
    { { .pid = 5, .start_time = 50, .identity = ABSENT }, "unreadable 1 vanished 0" },     /* a mount over /proc/5 */
    { { .pid = 5, .start_time = 50, .unlisted = TRUE, .identity = ABSENT }, "unreadable 1 vanished 0" }, /* hidepid=2 */
    { { .pid = 5, .start_time = 50, .unlisted = TRUE, .identity = UNREADABLE },
      "unreadable 1 vanished 0" }, /* hidepid=1 */
    { { .pid = 5, .start_time = 50, .identity = UNREADABLE, .ended = TRUE },
      "unreadable 1 vanished 0" },                                                   /* this alone proves nothing */
    { { .pid = 5, .start_time = 50, .unlisted = TRUE }, "unreadable 1 vanished 0" }, /* left out of the list */
    { { .pid = 5, .start_time = 50, .identity = ABSENT, .ended = TRUE }, "-5:50 unreadable 0 vanished 1" },
    { { .pid = 5, .start_time = 50, .unlisted = TRUE, .identity = ABSENT, .ended = TRUE },
      "-5:50 unreadable 0 vanished 0" },
    { { .pid = 5, .start_time = 90 }, "-5:50 +5:90 unreadable 0 vanished 0" },
    { { .pid = 5, .start_time = 90, .unlisted = TRUE },
      "-5:50 unreadable 0 vanished 0" }, /* a thread has the number now */
    { { .pid = 5, .start_time = 50, .successor = 90 },
      "-5:50 unreadable 0 vanished 1" }, /* its successor appeared while it was read */
    { { .pid = 6, .start_time = 60 }, "-5:50 +6:60 unreadable 0 vanished 0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Fake before[]
          = { { .pid = 1, .start_time = 1 }, { .pid = 5, .start_time = 50 }, { .pid = 9, .start_time = 9 }, { 0 } };
      const Fake after[] = { { .pid = 1, .start_time = 1 }, cases[i].after, { .pid = 9, .start_time = 9 }, { 0 } };
      ProcWatch watch;
      g_autofree char *baseline = NULL;
      g_autofree char *got = NULL;

      proc_watch_init (&watch, 0);
      fake_set (before);
      baseline = compare (&watch);
      g_assert_cmpstr (baseline, ==, "unreadable 0 vanished 0");
      fake_set (after);
      got = compare (&watch);
      g_test_message ("case %u", i);
      g_assert_cmpstr (got, ==, cases[i].want);
      proc_watch_clear (&watch);
    }
}

/* A process that is hidden for a while has neither exited nor started, and its end is reported when it is proven. */
static void
test_hidden (void)
{
  static const struct
  {
    Fake now;
    const char *want;
  } looks[] = {
    { { .pid = 5, .start_time = 50 }, "unreadable 0 vanished 0" },
    { { .pid = 5, .start_time = 50, .identity = UNREADABLE }, "unreadable 1 vanished 0" },
    { { .pid = 5, .start_time = 50, .unlisted = TRUE, .identity = ABSENT }, "unreadable 1 vanished 0" },
    { { .pid = 5, .start_time = 50 }, "unreadable 0 vanished 0" },
    { { .pid = 5, .start_time = 50, .identity = UNREADABLE }, "unreadable 1 vanished 0" },
    { { .pid = 5, .start_time = 90 }, "-5:50 +5:90 unreadable 0 vanished 0" },
    { { .pid = 5, .start_time = 90, .identity = ABSENT }, "unreadable 1 vanished 0" },
    { { .pid = 5, .start_time = 90, .identity = ABSENT, .ended = TRUE }, "-5:90 unreadable 0 vanished 1" },
    { { .pid = 5, .start_time = 90, .unlisted = TRUE, .identity = ABSENT, .ended = TRUE }, "unreadable 0 vanished 0" },
  };
  ProcWatch watch;

  proc_watch_init (&watch, 0);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      const Fake now[] = { { .pid = 1, .start_time = 1 }, looks[i].now, { 0 } };
      g_autofree char *got = NULL;

      fake_set (now);
      got = compare (&watch);
      g_test_message ("look %u", i);
      g_assert_cmpstr (got, ==, looks[i].want);
    }
  proc_watch_clear (&watch);
}

/* Processes that could not be read from the beginning are not reported when they can be read; later processes are. */
static void
test_unhidden (void)
{
  const Fake hidden[] = { { .pid = 1, .start_time = 1, .identity = UNREADABLE },
                          { .pid = 4, .start_time = 40, .identity = UNREADABLE },
                          { .pid = 7, .start_time = 70 },
                          { 0 } };
  const Fake shown[] = { { .pid = 1, .start_time = 1 },
                         { .pid = 4, .start_time = 40 },
                         { .pid = 7, .start_time = 70 },
                         { .pid = 8, .start_time = 80 },
                         { 0 } };
  const char *const want[] = { "unreadable 2 vanished 0", "+8:80 unreadable 0 vanished 0" };
  ProcWatch watch;

  proc_watch_init (&watch, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *got = NULL;

      fake_set (i == 0 ? hidden : shown);
      got = compare (&watch);
      g_assert_cmpstr (got, ==, want[i]);
    }
  proc_watch_clear (&watch);
}

/* A missing table does not mean that all processes have ended. */
static void
test_unlisted (void)
{
  const Fake all[] = { { .pid = 1, .start_time = 1 }, { .pid = 5, .start_time = 50 }, { 0 } };
  ProcWatch watch;

  proc_watch_init (&watch, 0);
  fake_set (all);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *got = NULL;

      unlistable = i == 1;
      got = compare (&watch);
      g_assert_cmpstr (got, ==, i == 1 ? "unlisted" : "unreadable 0 vanished 0");
    }
  proc_watch_clear (&watch);
}

/* If process 1 exists but is not listed, processes are hidden; this holds for every part of the table. */
static void
test_partial (void)
{
  static const struct
  {
    Fake first;
    gboolean partial;
  } cases[] = {
    { { .pid = 1, .start_time = 1 }, FALSE },
    { { .pid = 1, .start_time = 1, .identity = UNREADABLE }, FALSE },
    { { .pid = 1, .unlisted = TRUE, .identity = ABSENT }, TRUE },
    { { .pid = 1, .unlisted = TRUE, .identity = ABSENT, .ended = TRUE }, FALSE }, /* another namespace of processes */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint n = 1; n <= 2; n++)
      {
        const Fake others[] = { cases[i].first, { .pid = n == 1 ? 0 : 6, .start_time = 6 }, { 0 } };
        const ProcRange range = { .shard = 0, .shards = 2, .after = 1 };
        g_autoptr (ProcTable) table = NULL;

        fake_set (others);
        table = proc_table_read (&range);
        g_assert_cmpint (table->partial, ==, cases[i].partial);
      }
}

/* Pages of a table: each process is in one of them, and is counted in one. */
static void
test_pages (void)
{
  const Fake all[] = { { .pid = 2, .start_time = 2 },
                       { .pid = 3, .start_time = 3, .identity = UNREADABLE },
                       { .pid = 4, .start_time = 4 },
                       { .pid = 5, .start_time = 5, .identity = ABSENT, .ended = TRUE },
                       { .pid = 6, .start_time = 6 },
                       { .pid = 7, .start_time = 7, .identity = UNREADABLE },
                       { 0 } };
  const gsize costs[] = { 1, PROC_RECORD_COST, 2 * PROC_RECORD_COST, 100 * PROC_RECORD_COST };

  fake_set (all);
  for (guint i = 0; i < G_N_ELEMENTS (costs); i++)
    {
      ProcRange range = { .enough = costs[i] };
      guint records = 0, unreadable = 0, vanished = 0;

      do
        {
          g_autoptr (ProcTable) table = proc_table_read (&range);

          g_assert_true (table->next == 0 || table->records->len > 0);
          for (guint j = 0; j < table->records->len; j++)
            g_assert_cmpuint (((const ProcRecord *) g_ptr_array_index (table->records, j))->pid, ==, 2 + 2 * records++);
          unreadable += table->unreadable;
          vanished += table->vanished;
          g_assert_true (table->next == 0 || table->next > range.after);
          range.after = table->next;
        }
      while (range.after != 0);
      g_assert_cmpuint (records, ==, 3);
      g_assert_cmpuint (unreadable, ==, 2);
      g_assert_cmpuint (vanished, ==, 1);
    }
}

/* Reading in steps of one process gives the same table as one call. A process that starts between two steps is not included. */
static void
test_steps (void)
{
  static const Fake all[]
      = { { .pid = 2, .start_time = 2 }, { .pid = 3, .start_time = 3, .identity = UNREADABLE },
          { .pid = 4, .start_time = 4 }, { .pid = 5, .start_time = 5, .identity = ABSENT, .ended = TRUE },
          { .pid = 6, .start_time = 6 }, { 0 } };
  static const Fake later[] = { { .pid = 6, .start_time = 6 }, { .pid = 8, .start_time = 8 }, { 0 } };
  const ProcRange range = { .shard = 0, .shards = 2, .after = 2 };
  g_autoptr (ProcReader) reader = NULL;
  g_autoptr (ProcTable) table = NULL;
  guint total;

  fake_set (all);
  reader = proc_reader_new (&range);
  g_assert_cmpuint (proc_reader_count (reader, &total), ==, 0);
  g_assert_cmpuint (total, ==, 2);
  g_assert_true (proc_reader_step (reader, 1));
  g_assert_cmpuint (proc_reader_count (reader, &total), ==, 1);
  fake_set (later);
  g_assert_false (proc_reader_step (reader, 1));
  g_assert_cmpuint (proc_reader_count (reader, &total), ==, 2);
  table = proc_reader_end (reader);
  g_assert_cmpuint (table->records->len, ==, 2);
  g_assert_cmpuint (((const ProcRecord *) g_ptr_array_index (table->records, 0))->pid, ==, 4);
  g_assert_cmpuint (((const ProcRecord *) g_ptr_array_index (table->records, 1))->pid, ==, 6);

  unlistable = TRUE;
  g_assert_null (proc_reader_new (&range));
  unlistable = FALSE;
}

/* The parts of a table have each process once. */
static void
test_reader_shards (void)
{
  const Fake all[] = { { .pid = 1, .start_time = 1 },
                       { .pid = 4, .start_time = 4 },
                       { .pid = 5, .start_time = 5 },
                       { .pid = 9, .start_time = 9 },
                       { 0 } };
  guint seen = 0;

  fake_set (all);
  for (guint shard = 0; shard < 3; shard++)
    {
      const ProcRange everything = { 0 };
      g_autoptr (ProcReader) reader = proc_reader_new (&everything);
      g_autoptr (ProcTable) table = NULL;

      proc_reader_set_shard (reader, shard, 3);
      (void) proc_reader_step (reader, G_MAXUINT);
      table = proc_reader_end (reader);
      for (guint i = 0; i < table->records->len; i++)
        g_assert_cmpuint (((ProcRecord *) table->records->pdata[i])->pid % 3, ==, shard);
      seen += table->records->len;
    }
  g_assert_cmpuint (seen, ==, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/procmond/table/ended", test_ended);
  g_test_add_func ("/procmond/table/hidden", test_hidden);
  g_test_add_func ("/procmond/table/unhidden", test_unhidden);
  g_test_add_func ("/procmond/table/unlisted", test_unlisted);
  g_test_add_func ("/procmond/table/partial", test_partial);
  g_test_add_func ("/procmond/table/pages", test_pages);
  g_test_add_func ("/procmond/table/steps", test_steps);
  g_test_add_func ("/procmond/table/shards-of-a-reader", test_reader_shards);
  return g_test_run ();
}
