/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-log-thread.h"

#include "test-leaks.h"
#include "test-watchdog.h"

/* A log thread with a sink that a gate holds back. Records are numbers; the sink prints them into a text. */

typedef struct
{
  gint references; /* of the test, and of the log thread */
  GMutex lock;
  GCond changed;
  gboolean is_shut; /* the gate */
  guint inside;     /* calls of the sink that wait at the gate */
  guint freed;
  GString *text;
  GThread *thread; /* the thread that called the sink */
} Gate;

static void
gate_unref (gpointer data)
{
  Gate *gate = data;

  if (!g_atomic_int_dec_and_test (&gate->references))
    return;
  g_string_free (gate->text, TRUE);
  g_mutex_clear (&gate->lock);
  g_cond_clear (&gate->changed);
  g_free (gate);
}

/* Returns with the lock held. */
static void
gate_enter (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  g_assert_cmpuint (gate->inside, ==, 0); /* one call at a time */
  g_assert_true (gate->thread == NULL || gate->thread == g_thread_self ());
  gate->thread = g_thread_self ();
  gate->inside++;
  g_cond_broadcast (&gate->changed);
  while (gate->is_shut)
    g_cond_wait (&gate->changed, &gate->lock);
  gate->inside--;
}

static void
sink_write (gpointer user, gpointer record)
{
  Gate *gate = user;

  gate_enter (gate);
  g_string_append_printf (gate->text, "%u ", *(guint *) record);
  g_mutex_unlock (&gate->lock);
}

static void
sink_write_lost (gpointer user, guint64 n)
{
  Gate *gate = user;

  gate_enter (gate);
  g_string_append_printf (gate->text, "lost=%u ", (guint) n);
  g_mutex_unlock (&gate->lock);
}

static const PlatformLogSink sink = { sink_write, sink_write_lost, g_free, gate_unref };

typedef struct
{
  Gate *gate;
  PlatformLogThread *thread; /* NULL: the test has ended it */
} Fixture;

static void
gate_set (Gate *gate, gboolean is_shut)
{
  g_mutex_lock (&gate->lock);
  gate->is_shut = is_shut;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
}

static void
gate_wait_inside (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  while (gate->inside == 0)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static char *
gate_text (Gate *gate)
{
  char *text;

  g_mutex_lock (&gate->lock);
  text = g_strdup (gate->text->str);
  g_mutex_unlock (&gate->lock);
  return text;
}

static void
start (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->gate = g_new0 (Gate, 1);
  f->gate->references = 2;
  f->gate->text = g_string_new (NULL);
  g_mutex_init (&f->gate->lock);
  g_cond_init (&f->gate->changed);
  f->thread = platform_log_thread_new ("test-log", &sink, f->gate, &error);
  g_assert_no_error (error);
}

static void
setup (Fixture *f, gconstpointer data)
{
  test_watchdog_start ("log-thread");
  start (f);
}

/* Ends the log thread with enough time, and returns the records that the sink got. */
static char *
end (Fixture *f)
{
  guint64 unwritten = 77;
  char *text;

  g_assert_true (platform_log_thread_end (g_steal_pointer (&f->thread), G_MAXINT64, &unwritten));
  g_assert_cmpuint (unwritten, ==, 0);
  g_assert_cmpint (g_atomic_int_get (&f->gate->references), ==, 1);
  text = gate_text (f->gate);
  return text;
}

static void
teardown (Fixture *f, gconstpointer data)
{
  if (f->thread != NULL)
    g_free (end (f));
  gate_unref (f->gate);
  test_watchdog_stop ();
}

static void
push (Fixture *f, guint number, gsize size)
{
  platform_log_thread_push (f->thread, g_memdup2 (&number, sizeof number), size);
}

static void
push_many (Fixture *f, guint first, guint last)
{
  for (guint i = first; i <= last; i++)
    push (f, i, 1);
}

static char *
numbers (guint first, guint last)
{
  GString *text = g_string_new (NULL);

  for (guint i = first; i <= last; i++)
    g_string_append_printf (text, "%u ", i);
  return g_string_free (text, FALSE);
}

static void
test_order (Fixture *f, gconstpointer data)
{
  g_autofree char *expected = numbers (1, 500);
  g_autofree char *text = NULL;

  push_many (f, 1, 500);
  text = end (f);
  g_assert_cmpstr (text, ==, expected);
  g_assert_true (f->gate->thread != g_thread_self ());
}

static void
test_flush (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;

  g_assert_true (platform_log_thread_flush (f->thread, 0)); /* nothing to wait for */
  push_many (f, 1, 3);
  g_assert_true (platform_log_thread_flush (f->thread, G_MAXINT64));
  text = gate_text (f->gate);
  g_assert_cmpstr (text, ==, "1 2 3 ");
  gate_set (f->gate, TRUE);
  push (f, 4, 1);
  g_assert_false (platform_log_thread_flush (f->thread, 0));
  gate_set (f->gate, FALSE);
}

/* While the sink blocks, pushing does not block, and records that do not fit are counted at their place. */
static void
test_blocked_sink (Fixture *f, gconstpointer data)
{
  g_autofree char *first = numbers (0, PLATFORM_LOG_RECORDS);
  g_autofree char *expected = g_strconcat (first, "lost=50 ", "5000 ", NULL);
  g_autofree char *text = NULL;

  gate_set (f->gate, TRUE);
  push (f, 0, 1);
  gate_wait_inside (f->gate);
  push_many (f, 1, PLATFORM_LOG_RECORDS);                             /* the ring is full */
  push_many (f, PLATFORM_LOG_RECORDS + 1, PLATFORM_LOG_RECORDS + 50); /* lost */
  gate_set (f->gate, FALSE);
  g_assert_true (platform_log_thread_flush (f->thread, G_MAXINT64));
  push (f, 5000, 1);
  text = end (f);
  g_assert_cmpstr (text, ==, expected);
}

/* Records of any number are bounded by their bytes too, and a record larger than the ring is lost alone. */
static void
test_bytes (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;

  gate_set (f->gate, TRUE);
  push (f, 1, 1);
  gate_wait_inside (f->gate);
  push (f, 2, PLATFORM_LOG_BYTES / 2);
  push (f, 3, PLATFORM_LOG_BYTES / 2);
  push (f, 4, 1);
  gate_set (f->gate, FALSE);
  g_assert_true (platform_log_thread_flush (f->thread, G_MAXINT64));
  push (f, 5, PLATFORM_LOG_BYTES + 1);
  g_assert_true (platform_log_thread_flush (f->thread, G_MAXINT64));
  push (f, 6, G_MAXSIZE);
  g_assert_true (platform_log_thread_flush (f->thread, G_MAXINT64));
  push (f, 7, 1);
  text = end (f);
  g_assert_cmpstr (text, ==, "1 2 3 lost=1 lost=1 lost=1 7 ");
}

/* At the deadline of the end the sink blocks: the thread is abandoned, and the records that it did not write are counted. */
static void
test_late_end (Fixture *f, gconstpointer data)
{
  guint64 unwritten = 0;

  gate_set (f->gate, TRUE);
  push (f, 1, 1);
  gate_wait_inside (f->gate);
  push_many (f, 2, PLATFORM_LOG_RECORDS + 11); /* ten of them do not fit */
  g_assert_false (platform_log_thread_end (g_steal_pointer (&f->thread), 0, &unwritten));
  g_assert_cmpuint (unwritten, ==, PLATFORM_LOG_RECORDS + 11);

  /* The abandoned thread finishes its call, makes no other one, and frees its memory. */
  gate_set (f->gate, FALSE);
  while (g_atomic_int_get (&f->gate->references) > 1)
    g_thread_yield ();
  g_assert_cmpstr (f->gate->text->str, ==, "1 ");
}

static gpointer
push_from_thread (gpointer data)
{
  push_many (data, 1, 2000);
  return NULL;
}

/* Many threads push while the sink is slow. The sum of written and lost records is the number of pushed ones. */
static void
test_threads (Fixture *f, gconstpointer data)
{
  GThread *threads[4];
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;
  guint64 sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("test-push", push_from_thread, f);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  text = end (f);
  words = g_strsplit (text, " ", -1);
  for (char **word = words; **word != '\0'; word++)
    sum += g_str_has_prefix (*word, "lost=") ? g_ascii_strtoull (*word + 5, NULL, 10) : 1;
  g_assert_cmpuint (sum, ==, 2000 * G_N_ELEMENTS (threads));
}

static void
start_and_end (guint round, gpointer data)
{
  Fixture f;

  start (&f);
  push_many (&f, 1, round % 3);
  g_free (end (&f));
  gate_unref (f.gate);
}

static void
test_nothing_is_left (void)
{
  test_watchdog_start ("log-thread");
  test_leaks_assert_none (100, start_and_end, NULL);
  test_watchdog_stop ();
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/platform/log-thread/order", test_order);
  ADD ("/platform/log-thread/flush", test_flush);
  ADD ("/platform/log-thread/W04-blocked-sink", test_blocked_sink);
  ADD ("/platform/log-thread/W04-bytes", test_bytes);
  ADD ("/platform/log-thread/W04-late-end", test_late_end);
  ADD ("/platform/log-thread/threads", test_threads);
  g_test_add_func ("/platform/log-thread/H04-nothing-is-left", test_nothing_is_left);
  return g_test_run ();
}
