/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-process.h"
#include "test-dir.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Tests of the open files of a process, with this process: it has many descriptors of one file. */

#define MANY 400

typedef struct
{
  char *dir;
  char *path;
  int descriptors[MANY];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = test_dir_new ();
  fixture->path = g_build_filename (fixture->dir, "file", NULL);
  fixture->descriptors[0] = open (fixture->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  g_assert_cmpint (fixture->descriptors[0], >=, 0);
  for (guint i = 1; i < MANY; i++)
    fixture->descriptors[i] = dup (fixture->descriptors[0]);
  g_assert_cmpint (fixture->descriptors[MANY - 1], >=, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < MANY; i++)
    close (fixture->descriptors[i]);
  g_free (fixture->path);
  test_dir_remove (fixture->dir);
}

static void
read_own (gsize room, guint descriptors, FsProcess *process)
{
  const FsProcessLimits limits = { room, descriptors };

  g_assert_cmpint (fs_process_read ((guint32) getpid (), &limits, process), ==, FS_PROCESS_READ);
}

static guint
count_use (const FsProcess *process, FsUse use)
{
  guint n = 0;

  for (guint i = 0; i < process->paths->len; i++)
    n += ((const FsOpenPath *) g_ptr_array_index (process->paths, i))->use == use;
  return n;
}

/* The number of descriptors that the answer accounts for. */
static guint
count_descriptors (const FsProcess *process)
{
  return count_use (process, FS_USE_DESCRIPTOR) + process->others + process->unreadable + process->left_out;
}

static guint
count_path (const FsProcess *process, const char *path)
{
  guint n = 0;

  for (guint i = 0; i < process->paths->len; i++)
    n += g_str_has_suffix (((const FsOpenPath *) g_ptr_array_index (process->paths, i))->path, path);
  return n;
}

static void
test_whole (Fixture *fixture, gconstpointer data)
{
  FsProcess process;

  read_own (G_MAXSIZE, G_MAXUINT, &process);
  g_assert_cmpuint (count_path (&process, "/file"), ==, MANY);
  g_assert_cmpuint (count_use (&process, FS_USE_WORKING_DIRECTORY), ==, 1);
  g_assert_cmpuint (count_use (&process, FS_USE_ROOT), ==, 1);
  g_assert_cmpuint (count_use (&process, FS_USE_EXECUTABLE), ==, 1);
  g_assert_cmpuint (process.left_out, ==, 0);
  g_assert_cmpuint (process.start_time, >, 0);
  fs_process_clear (&process);
}

/* The memory for the paths does not grow with the number of descriptors. */
static void
test_room (Fixture *fixture, gconstpointer data)
{
  const gsize room = 8192;
  FsProcess process, whole;

  read_own (G_MAXSIZE, G_MAXUINT, &whole);
  read_own (room, G_MAXUINT, &process);
  g_assert_cmpuint (process.cost, >, room);
  g_assert_cmpuint (process.cost, <, room + FS_OPEN_PATH_COST + 4096);
  g_assert_cmpuint (process.paths->len * FS_OPEN_PATH_COST, <, room);
  g_assert_cmpuint (process.left_out, >, 0);
  g_assert_cmpuint (count_descriptors (&process), ==, count_descriptors (&whole));
  fs_process_clear (&process);
  fs_process_clear (&whole);
}

static void
test_descriptors (Fixture *fixture, gconstpointer data)
{
  FsProcess process, whole;

  read_own (G_MAXSIZE, G_MAXUINT, &whole);
  read_own (G_MAXSIZE, 10, &process);
  g_assert_cmpuint (process.left_out, ==, count_descriptors (&whole) - 10);
  g_assert_cmpuint (count_descriptors (&process), ==, count_descriptors (&whole));
  fs_process_clear (&process);
  fs_process_clear (&whole);
}

static void
test_absent (void)
{
  const FsProcessLimits limits = { G_MAXSIZE, G_MAXUINT };
  const guint32 numbers[] = { 0, G_MAXINT32, (guint32) G_MAXINT32 + 1, G_MAXUINT32 };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      FsProcess process;

      g_assert_cmpint (fs_process_read (numbers[i], &limits, &process), ==, FS_PROCESS_ABSENT);
      fs_process_clear (&process);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fsmond/process/whole", Fixture, NULL, set_up, test_whole, tear_down);
  g_test_add ("/fsmond/process/many-descriptors/room", Fixture, NULL, set_up, test_room, tear_down);
  g_test_add ("/fsmond/process/many-descriptors/number", Fixture, NULL, set_up, test_descriptors, tear_down);
  g_test_add_func ("/fsmond/process/absent", test_absent);
  return g_test_run ();
}
