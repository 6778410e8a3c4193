/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-source.h"
#include "proc-table.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tests of the processes that procmond reads from the system: this one, its children, and one of another user. */

static const ProcRecord *
find (const ProcTable *from, guint32 pid)
{
  for (guint i = 0; i < from->records->len; i++)
    {
      const ProcRecord *one = g_ptr_array_index (from->records, i);

      if (one->pid == pid)
        return one;
    }
  return NULL;
}

/* Returns field 22 (the start time). It is read in another way than in procmond. */
static guint64
own_start_time (void)
{
  g_autofree char *text = NULL;
  unsigned long long ticks;

  g_assert_true (g_file_get_contents ("/proc/self/stat", &text, NULL, NULL));
  g_assert_cmpint (sscanf (strrchr (text, ')') + 1,
                           " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks),
                   ==, 1);
  return ticks;
}

static const ProcRange everything = { 0 };

static void
test_own_process (void)
{
  g_autoptr (ProcTable) all = proc_table_read (&everything);
  const ProcRecord *self = find (all, (guint32) getpid ());
  g_autofree char *exe = g_file_read_link ("/proc/self/exe", NULL);

  g_assert_nonnull (self);
  g_assert_cmpuint (self->ppid, ==, (guint) getppid ());
  g_assert_cmpuint (self->uid, ==, (guint) getuid ());
  g_assert_cmpuint (self->start_time, ==, own_start_time ());
  g_assert_cmpstr (self->exe, ==, exe);
  g_assert_false (self->exe_deleted);
  g_assert_cmpuint (self->unknown, ==, 0);
  g_assert_cmpuint (self->resident_bytes, >, 100000);
  g_assert_nonnull (self->command_line[0]);
  g_assert_nonnull (find (all, 1));
}

/* A process of another user, because the own user id could be right by chance. Only root can start one. */
static void
test_other_user (void)
{
  const uid_t other = 54321;
  g_autoptr (ProcRecord) read_one = NULL;
  int fds[2];
  char ready;
  pid_t child;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root");
      return;
    }
  g_assert_cmpint (pipe (fds), ==, 0);
  child = fork ();
  if (child == 0)
    {
      if (setuid (other) != 0 || write (fds[1], "x", 1) != 1)
        _exit (1);
      for (;;)
        pause ();
    }
  g_assert_cmpint (read (fds[0], &ready, 1), ==, 1);
  g_assert_cmpint (proc_record_read ((guint32) child, &read_one), ==, PROC_READ);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  close (fds[0]);
  close (fds[1]);
  g_assert_nonnull (read_one);
  g_assert_cmpuint (read_one->uid, ==, other);
  g_assert_cmpuint (read_one->ppid, ==, (guint) getpid ());
}

static guint64
read_bytes_so_far (void)
{
  g_autofree char *text = NULL;
  unsigned long long bytes;

  g_assert_true (g_file_get_contents ("/proc/self/io", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "rchar: %llu", &bytes), ==, 1);
  return bytes;
}

/* Starts a shell with these further arguments, and reads it. @n_bytes: (out): the number of bytes that were read from the
 * system for it. */
static ProcRecord *
read_with_args (const char *const *args, guint64 *n_bytes)
{
  static const char *const shell[] = { "/bin/sh", "-c", "kill -STOP $$", NULL };
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  ProcRecord *record = NULL;
  GPid child;
  guint64 before;

  for (guint i = 0; shell[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) shell[i]);
  for (guint i = 0; args[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) args[i]);
  g_ptr_array_add (argv, NULL);
  g_assert_true (
      g_spawn_async (NULL, (char **) argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child, NULL));
  g_assert_cmpint (waitpid (child, NULL, WUNTRACED), ==, child);
  before = read_bytes_so_far ();
  g_assert_cmpint (proc_record_read ((guint32) child, &record), ==, PROC_READ);
  *n_bytes = read_bytes_so_far () - before;
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  g_spawn_close_pid (child);
  return record;
}

/* Many processes can share arguments of megabytes: the bytes that are read of them are bounded. */
static void
test_args (void)
{
  g_autofree char *fits = g_strnfill (PROC_COMMAND_LINE_BYTES - strlen ("/bin/sh-ckill -STOP $$"), 'x');
  g_autofree char *exceeds = g_strconcat (fits, "y", NULL);
  g_autofree char *large = g_strnfill (100000, 'z');
  const char *many[PROC_COMMAND_LINE_ARGS + 1] = { NULL };
  const char *const fitting[] = { fits, NULL }, *const exceeding[] = { exceeds, NULL },
                    *const larger[] = { large, large, large, large, large, large, large, large, NULL },
                    *const odd[] = { "", "a b", "\n", "", NULL };
  guint64 n_bytes;
  g_autoptr (ProcRecord) of_fitting = read_with_args (fitting, &n_bytes);
  g_autoptr (ProcRecord) of_exceeding = read_with_args (exceeding, &n_bytes);
  g_autoptr (ProcRecord) of_odd = read_with_args (odd, &n_bytes);
  g_autoptr (ProcRecord) of_larger = read_with_args (larger, &n_bytes);
  g_autoptr (ProcRecord) of_many = NULL;
  g_autoptr (ProcRecord) of_more = NULL;

  g_assert_cmpuint (n_bytes, <, 65536);
  g_assert_cmpstr (of_larger->command_line[4], ==, PROC_CUT);
  g_assert_true (of_larger->shortened);
  g_assert_cmpstr (of_fitting->command_line[3], ==, fits);
  g_assert_false (of_fitting->shortened);
  g_assert_cmpstr (of_exceeding->command_line[3], ==, fits);
  g_assert_cmpstr (of_exceeding->command_line[4], ==, PROC_CUT);
  g_assert_true (of_exceeding->shortened);
  g_assert_true (g_strv_equal ((const char *const *) of_odd->command_line + 3, odd));

  for (guint i = 0; i < PROC_COMMAND_LINE_ARGS - 3; i++)
    many[i] = "";
  of_many = read_with_args (many, &n_bytes);
  g_assert_cmpuint (g_strv_length (of_many->command_line), ==, PROC_COMMAND_LINE_ARGS);
  g_assert_false (of_many->shortened);
  many[PROC_COMMAND_LINE_ARGS - 3] = "";
  of_more = read_with_args (many, &n_bytes);
  g_assert_true (of_more->shortened);
}

/* Runs the program at @path, which sleeps, calls @change, and reads the process. */
static ProcRecord *
read_after (const char *path, void (*change) (const char *path))
{
  const char *argv[] = { path, "1000", NULL };
  g_autoptr (GError) error = NULL;
  ProcRecord *record = NULL;
  GPid child;

  g_assert_true (g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child, &error));
  change (path);
  g_assert_cmpint (proc_record_read ((guint32) child, &record), ==, PROC_READ);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  g_spawn_close_pid (child);
  return record;
}

static void
leave_file (const char *path)
{
}

static void
delete_file (const char *path)
{
  g_assert_cmpint (unlink (path), ==, 0);
}

/* Unlinks one name; the file has another one. */
static void
unlink_one_name (const char *path)
{
  g_autofree char *other = g_strconcat (path, ".other", NULL);

  g_assert_cmpint (link (path, other), ==, 0);
  g_assert_cmpint (unlink (path), ==, 0);
}

/* Gives the name to another file. */
static void
replace_file (const char *path)
{
  g_autofree char *other = g_strconcat (path, ".new", NULL);

  g_assert_true (g_file_set_contents (other, "", 0, NULL));
  g_assert_cmpint (rename (other, path), ==, 0);
}

static void
test_deleted (void)
{
  static const char *const names[] = { "plain", "fake (deleted)", "\\ \xff (deleted)", " (deleted)" };
  static const struct
  {
    void (*change) (const char *path);
    gboolean deleted;
  } cases[] = { { leave_file, FALSE }, { delete_file, TRUE }, { unlink_one_name, TRUE }, { replace_file, TRUE } };
  g_autofree char *sleep_path = g_find_program_in_path ("sleep");
  g_autofree char *dir = g_dir_make_tmp ("deye-test-XXXXXX", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names) * G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sub = g_strdup_printf ("%s/%u", dir, i);
      g_autofree char *path = g_build_filename (sub, names[i / G_N_ELEMENTS (cases)], NULL);
      g_autofree char *escaped = proc_text_escape (path, -1);
      g_autofree char *clean = g_strdup_printf ("rm -r '%s'", sub);
      g_autofree char *copy = g_strdup_printf ("cp '%s' '%s'", sleep_path, path);
      g_autoptr (ProcRecord) record = NULL;

      g_test_message ("%s", escaped);
      g_assert_cmpint (mkdir (sub, 0700), ==, 0);
      g_assert_cmpint (system (copy), ==, 0);
      record = read_after (path, cases[i % G_N_ELEMENTS (cases)].change);
      g_assert_cmpint (system (clean), ==, 0);
      if ((record->unknown & PROC_FIELD_EXE_DELETED)
          != 0) /* a file system without a device, and another name is left */
        g_assert_true (cases[i % G_N_ELEMENTS (cases)].change == unlink_one_name);
      else
        {
          g_assert_cmpstr (record->exe, ==, escaped);
          g_assert_cmpint (record->exe_deleted, ==, cases[i % G_N_ELEMENTS (cases)].deleted);
        }
    }
  g_assert_cmpint (rmdir (dir), ==, 0);
}

static void
test_shards (void)
{
  const ProcRange halves[] = { { .shard = 0, .shards = 2 }, { .shard = 1, .shards = 2 } };
  g_autoptr (ProcTable) even = proc_table_read (&halves[0]);
  g_autoptr (ProcTable) odd = proc_table_read (&halves[1]);
  const ProcTable *mine = getpid () % 2 ? odd : even;
  const ProcTable *other = getpid () % 2 ? even : odd;

  for (guint i = 0; i < even->records->len; i++)
    g_assert_cmpuint (((const ProcRecord *) g_ptr_array_index (even->records, i))->pid % 2, ==, 0);
  g_assert_nonnull (find (mine, (guint32) getpid ()));
  g_assert_null (find (other, (guint32) getpid ()));
}

static void
test_ended_process_is_not_read (void)
{
  pid_t child = fork ();
  g_autoptr (ProcRecord) alive = NULL;
  g_autoptr (ProcRecord) dead = NULL;

  if (child == 0)
    {
      pause ();
      _exit (0);
    }
  g_assert_cmpint (proc_record_read ((guint32) child, &alive), ==, PROC_READ);
  g_assert_cmpuint (alive->ppid, ==, (guint) getpid ());
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_cmpint (proc_record_read ((guint32) child, &dead), ==, PROC_GONE);
  g_assert_null (dead);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (proc_source_init (NULL));
  g_test_add_func ("/procmond/source/bounded-arguments", test_args);
  g_test_add_func ("/procmond/table/own-process", test_own_process);
  g_test_add_func ("/procmond/table/other-user", test_other_user);
  g_test_add_func ("/procmond/table/deleted", test_deleted);
  g_test_add_func ("/procmond/table/shards", test_shards);
  g_test_add_func ("/procmond/table/ended-process-is-not-read", test_ended_process_is_not_read);
  status = g_test_run ();
  proc_source_clear ();
  return status;
}
