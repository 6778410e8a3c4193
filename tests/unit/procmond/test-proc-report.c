/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-identity.h"
#include "proc-report.h"
#include "proc-source.h"

/*
 * Tests of the rule that joins reports of the kernel and tables, with a simulated system: the test defines the functions of
 * proc-source, proc-identity and their times. No change is reported twice, whether the kernel or the table shows it first.
 *
 * Start times are far apart, as seconds are: 1000, 2000, ... A fork is reported one tick after the start.
 */

typedef struct
{
  guint32 pid;
  guint64 start_time;
  guint threads;       /* 0 stands for 1 */
  const char *name;    /* NULL: "sh" */
  gboolean unreadable; /* it exists, but cannot be read */
} Fake;

static Fake fakes[8];
static guint n_fakes;
static guint n_measured; /* number of times that a process was read */

static Fake *
fake_find (guint32 pid)
{
  for (guint i = 0; i < n_fakes; i++)
    if (fakes[i].pid == pid)
      return &fakes[i];
  return NULL;
}

/* Sets the existing processes. */
#define fake_set(...)                                                                                                  \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    const Fake list[] = { { .pid = 1, .start_time = 1 }, __VA_ARGS__ };                                                \
    n_fakes = G_N_ELEMENTS (list);                                                                                     \
    memcpy (fakes, list, sizeof list);                                                                                 \
  }                                                                                                                    \
  G_STMT_END

GArray *
proc_source_list (void)
{
  GArray *pids = g_array_new (FALSE, FALSE, sizeof (guint32));

  for (guint i = 0; i < n_fakes; i++)
    g_array_append_val (pids, fakes[i].pid);
  return pids;
}

gboolean
proc_source_exists (guint32 pid)
{
  return fake_find (pid) != NULL;
}

void
proc_source_measure (guint32 pid, ProcRecord *record)
{
  const Fake *fake = fake_find (pid);

  n_measured++;
  g_free (record->name);
  record->name = g_strdup (fake->name != NULL ? fake->name : "sh");
  record->virtual_bytes = 1;
}

ProcIdentityResult
proc_identity_start_time (guint32 pid, guint64 *start_time)
{
  const Fake *fake = fake_find (pid);

  if (fake == NULL)
    return PROC_IDENTITY_ABSENT;
  *start_time = fake->start_time;
  return fake->unreadable ? PROC_IDENTITY_UNREADABLE : PROC_IDENTITY_READ;
}

guint
proc_identity_count_threads (guint32 pid, guint64 start_time)
{
  const Fake *fake = fake_find (pid);

  if (fake == NULL || fake->start_time != start_time)
    return 0;
  return MAX (fake->threads, 1);
}

ProcExeState
proc_identity_exe (guint32 pid, char **exe)
{
  *exe = g_strdup ("/bin/sh");
  return PROC_EXE_PRESENT;
}

/* --- events as text --- */

static char *
describe (GArray *events)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < events->len; i++)
    {
      const ProcEvent *event = &g_array_index (events, ProcEvent, i);
      const ProcRecord *record = event->record;

      g_string_append_printf (out, "%s%c%u", i > 0 ? " " : "", " +-!"[event->kind], record -> pid);
      if ((record->unknown & PROC_FIELD_START_TIME) == 0)
        g_string_append_printf (out, ":%" G_GUINT64_FORMAT, record->start_time);
      if ((record->unknown & PROC_FIELD_NAME) == 0)
        g_string_append_printf (out, ":%s", record->name);
      if (event->has_status)
        g_string_append_printf (out, "=%u", event->status);
    }
  return g_string_free (out, FALSE);
}

static void
assert_events (GArray *events, const char *want)
{
  g_autofree char *got = describe (events);

  g_assert_cmpstr (got, ==, want);
  g_array_unref (events);
}

typedef struct
{
  ProcWatch watch;
} Fixture;

static GArray *
compare (Fixture *f)
{
  ProcRange range = { .last = f->watch.last };

  return proc_report_compare (&f->watch, proc_table_read (&range));
}

static GArray *
report (Fixture *f, ProcMessageKind kind, guint32 pid, guint32 process, guint64 at, guint32 status)
{
  const ProcMessage message = { .kind = kind, .pid = pid, .process = process, .parent = 3, .status = status };
  GArray *events = proc_watch_new_events ();

  proc_report_apply (&f->watch, &message, at, events);
  return events;
}

static GArray *
settle (Fixture *f)
{
  GArray *events = proc_watch_new_events ();

  proc_report_settle (&f->watch, events);
  return events;
}

/* No process waits to be read. */
static void
assert_settled (Fixture *f)
{
  guint before = n_measured;

  assert_events (settle (f), "");
  g_assert_cmpuint (n_measured, ==, before);
}

#define SETTLE(want)                  assert_events (settle (f), want)
#define COMPARE(want)                 assert_events (compare (f), want)
#define FORK(pid, at, want)           assert_events (report (f, PROC_MESSAGE_FORK, pid, pid, at, 0), want)
#define EXEC(pid, at, want)           assert_events (report (f, PROC_MESSAGE_EXEC, pid, pid, at, 0), want)
#define COMM(pid, at, want)           assert_events (report (f, PROC_MESSAGE_COMM, pid, pid, at, 0), want)
#define EXIT(pid, at, s, want)        assert_events (report (f, PROC_MESSAGE_EXIT, pid, pid, at, s), want)
#define THREAD_EXIT(pid, at, s, want) assert_events (report (f, PROC_MESSAGE_EXIT, 1000 + pid, pid, at, s), want)

static void
set_up (Fixture *f, gconstpointer data)
{
  proc_watch_init (&f->watch, 1);
  fake_set ({ .pid = 4, .start_time = 500 });
  COMPARE ("");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  proc_watch_clear (&f->watch);
}

/* --- a life --- */

static void
test_life (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 1000 });
  FORK (7, 1001, "+7:1000:sh");
  COMPARE ("");
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 1000, .name = "ls" });
  EXEC (7, 1050, "!7:1000:ls");
  COMPARE ("");
  EXEC (7, 1051, "!7:1000:ls"); /* the same program again */
  fake_set ({ .pid = 4, .start_time = 500 });
  EXIT (7, 1100, 256, "-7:1000:ls=256");
  COMPARE ("");
  fake_set ();
  EXIT (4, 1200, 9, "-4:500:sh=9"); /* of the baseline */
}

/* The table is read first: the later reports are ignored. */
static void
test_table_first (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 1000 });
  COMPARE ("+7:1000:sh");
  FORK (7, 1001, "");
  fake_set ({ .pid = 4, .start_time = 500 });
  COMPARE ("-7:1000:sh");
  EXIT (7, 1100, 0, "");
  EXEC (7, 1050, "");
}

/* A process ended before it could be read: the facts in the kernel's report are used. */
static void
test_brief (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) events = NULL;
  const ProcRecord *record;

  events = report (f, PROC_MESSAGE_FORK, 7, 7, 1001, 0);
  record = g_array_index (events, ProcEvent, 0).record;
  g_assert_cmpuint (record->ppid, ==, 3);
  g_assert_cmpuint (record->unknown & PROC_FIELD_PPID, ==, 0);
  g_assert_cmpuint (record->uid, ==, PROC_UID_UNKNOWN);
  EXEC (7, 1001, "!7");
  EXIT (7, 1002, 11, "-7=11");
  COMPARE ("");
  EXIT (7, 1002, 11, "");
}

/* The exit of such a process was not reported. */
static void
test_brief_settled (Fixture *f, gconstpointer data)
{
  FORK (7, 1001, "+7");
  COMPARE ("-7");
  EXIT (7, 1002, 0, "");
}

/* A process that could not be read for some time. */
static void
test_unreadable (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 1000, .unreadable = TRUE },
            { .pid = 8, .start_time = 1010, .unreadable = TRUE });
  FORK (7, 1001, "+7");
  FORK (8, 1011, "+8");
  COMPARE ("");
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 1000 }, { .pid = 8, .start_time = 1010 });
  COMPARE ("");
  EXIT (7, 1100, 0, "-7:1000:sh=0");
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 9, .start_time = 2000, .unreadable = TRUE });
  COMPARE ("-8:1010:sh");
  FORK (9, 2001, "+9");
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 9, .start_time = 2000, .name = "ls" });
  EXEC (9, 2002, "!9:2000:ls");
  COMPARE ("");
}

/* A process that can't be read when it executes a program. */
static void
test_exec_unreadable (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500, .unreadable = TRUE });
  EXEC (4, 600, "!4:500");
  COMM (4, 600, "");
  SETTLE ("");
  fake_set ({ .pid = 4, .start_time = 500 });
  COMPARE ("");
}

static void
test_renamed (Fixture *f, gconstpointer data)
{
  COMM (4, 600, "");
  SETTLE ("");
  fake_set ({ .pid = 4, .start_time = 500, .name = "worker" });
  COMM (4, 601, "");
  SETTLE ("!4:500:worker");
  assert_settled (f);
  COMPARE ("");
}

/* A process that changes its name all the time is read once in a turn, so that it does not delay the reports of others. */
static void
test_renamed_often (Fixture *f, gconstpointer data)
{
  guint before = n_measured;

  fake_set ({ .pid = 4, .start_time = 500, .name = "n-1000" });
  for (guint i = 0; i < 1000; i++)
    COMM (4, 600 + i, "");
  g_assert_cmpuint (n_measured, ==, before);
  SETTLE ("!4:500:n-1000");
  g_assert_cmpuint (n_measured, ==, before + 1);
}

/* The order of the events of a process is that of its reports. */
static void
test_renamed_then (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500, .name = "worker" });
  COMM (4, 600, "");
  EXIT (4, 601, 7, "!4:500:worker -4:500:worker=7");
  assert_settled (f);
  fake_set ({ .pid = 4, .start_time = 2000, .name = "x" });
  FORK (4, 2001, "+4:2000:x");
  fake_set ({ .pid = 4, .start_time = 2000, .name = "program" });
  COMM (4, 2002, "");
  EXEC (4, 2003, "!4:2000:program");
  assert_settled (f);
}

/* The number was used again before the name was read. */
static void
test_renamed_used_again (Fixture *f, gconstpointer data)
{
  COMM (4, 600, "");
  fake_set ({ .pid = 4, .start_time = 3000, .name = "other" });
  FORK (4, 3001, "-4:500:sh +4:3000:other");
  assert_settled (f);
}

/* --- numbers that are used again --- */

static void
test_used_again (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 2000 });
  FORK (7, 1001, "+7"); /* it has ended, and the pid 7 belongs to another one now */
  EXEC (7, 1050, "!7");
  EXIT (7, 1100, 0, "-7=0");
  FORK (7, 2001, "+7:2000:sh");
  COMPARE ("");
}

/* A table has shown the second process before the reports about the first one arrive. */
static void
test_used_again_table_first (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500 }, { .pid = 7, .start_time = 2000 });
  COMPARE ("+7:2000:sh");
  FORK (7, 1001, "+7");
  EXIT (7, 1100, 0, "-7=0");
  FORK (7, 2001, "");
  COMPARE ("");
  fake_set ({ .pid = 4, .start_time = 500 });
  EXIT (7, 2100, 1, "-7:2000:sh=1");
}

/* The end of the first one was not reported. */
static void
test_used_again_exit_lost (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 3000 });
  FORK (4, 3001, "-4:500:sh +4:3000:sh");
  fake_set ();
  FORK (7, 4001, "+7");
  FORK (7, 5001, "-7 +7");
  EXIT (7, 5002, 0, "-7=0");
  EXIT (4, 3500, 0, "-4:3000:sh=0");
  fake_set ({ .pid = 4, .start_time = 6000 });
  COMPARE ("+4:6000:sh");
  fake_set ();
  FORK (4, 7001, "-4:6000:sh +4"); /* and the second one can't be read any more */
  COMPARE ("-4");
}

/* --- ends --- */

/* A zombie is listed until its parent waits for it. */
static void
test_zombie (Fixture *f, gconstpointer data)
{
  EXIT (4, 600, 0, "-4:500:sh=0");
  COMPARE ("");
  EXIT (4, 600, 0, "");
  COMPARE ("");
  fake_set ({ .pid = 4, .start_time = 500, .unreadable = TRUE });
  COMPARE ("");
  fake_set ({ .pid = 4, .start_time = 500 });
  COMPARE ("");
  fake_set ();
  COMPARE ("");
  fake_set ({ .pid = 4, .start_time = 3000 });
  COMPARE ("+4:3000:sh");
  g_assert_cmpuint (g_hash_table_size (f->watch.zombies), ==, 0);
}

/* A process ends with the last of its threads. */
static void
test_first_thread_first (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500, .threads = 3 });
  THREAD_EXIT (4, 590, 0, ""); /* another one, while the first one runs */
  EXIT (4, 600, 0, "");
  COMPARE ("");
  THREAD_EXIT (4, 601, 0, "");
  fake_set ({ .pid = 4, .start_time = 500 });
  THREAD_EXIT (4, 602, 768, "-4:500:sh=768");
  THREAD_EXIT (4, 602, 0, "");
  COMPARE ("");
}

/* The same if a table shows the process in between. */
static void
test_first_thread_table (Fixture *f, gconstpointer data)
{
  fake_set ({ .pid = 4, .start_time = 500, .threads = 3 });
  EXIT (4, 600, 0, "");
  fake_set ();
  COMPARE ("-4:500:sh");
  THREAD_EXIT (4, 602, 768, "");
  g_assert_cmpuint (g_hash_table_size (f->watch.without_first_thread), ==, 0);
}

/* --- threads, which are not processes --- */

static void
test_threads (Fixture *f, gconstpointer data)
{
  assert_events (report (f, PROC_MESSAGE_FORK, 8, 4, 600, 0), "");
  assert_events (report (f, PROC_MESSAGE_COMM, 8, 4, 600, 0), "");
  SETTLE ("");
  THREAD_EXIT (4, 600, 0, "");
  assert_events (report (f, PROC_MESSAGE_NONE, 0, 0, 600, 0), "");
  EXIT (99, 600, 0, "");
  EXEC (99, 600, "");
}

static void
test_before_baseline (Fixture *f, gconstpointer data)
{
  ProcWatch fresh;
  const ProcMessage message = { .kind = PROC_MESSAGE_FORK, .pid = 7, .process = 7 };
  GArray *events = proc_watch_new_events ();

  proc_watch_init (&fresh, 1);
  proc_report_apply (&fresh, &message, 1001, events);
  assert_events (events, "");
  proc_watch_clear (&fresh);
}

#define ADD(path, function) g_test_add ("/procmond/report/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("life", test_life);
  ADD ("table-first", test_table_first);
  ADD ("brief", test_brief);
  ADD ("brief-settled", test_brief_settled);
  ADD ("unreadable", test_unreadable);
  ADD ("exec-unreadable", test_exec_unreadable);
  ADD ("renamed", test_renamed);
  ADD ("renamed-often", test_renamed_often);
  ADD ("renamed-then-another-report", test_renamed_then);
  ADD ("renamed-used-again", test_renamed_used_again);
  ADD ("used-again", test_used_again);
  ADD ("used-again-table-first", test_used_again_table_first);
  ADD ("used-again-exit-lost", test_used_again_exit_lost);
  ADD ("zombie", test_zombie);
  ADD ("first-thread-first", test_first_thread_first);
  ADD ("first-thread-table", test_first_thread_table);
  ADD ("threads", test_threads);
  ADD ("before-baseline", test_before_baseline);
  return g_test_run ();
}
