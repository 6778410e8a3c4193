/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/unix-path.h"

#include "listener.h"
#include "test-watchdog.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Every interleaving of processes that start and end a broker at one address.
 *
 * An actor makes one step of unix-path.h at a time. A schedule is the order of the actors' steps. It runs from the beginning in an
 * empty directory, and after each step at most one broker may be live. Of the schedules that lead to the same state, only one is
 * continued. The state contains the position of each actor, which of their files are the same, and which files are in the
 * directory. All actors are in one process, but open their files separately, so the kernel's locks work as between processes.
 */

#define ACTORS_MAX 4u

typedef enum
{
  STARTER, /* listens */
  ENDER,   /* has listened, and ends */
  CLEANER, /* removes the lock file once, at any time */
  CRASHER, /* has listened, and dies: leaves the files */
} Kind;

typedef enum
{
  RUNNING,
  LIVE,    /* a broker that serves */
  REFUSED, /* the address was in use */
  ENDED,
} Phase;

typedef struct
{
  Kind kind;
  Phase phase;
  UnixPath path;
} Actor;

typedef struct
{
  const Kind *kinds;
  guint n_actors;
  char *directory;
  char *address;
  char *lock;
  Actor actors[ACTORS_MAX];
  GHashTable *seen;
  guint n_states;
  guint n_ends;
  guint n_none; /* ends without a live broker */
} World;

/* --- actors --- */

static void
actor_step_start (Actor *actor)
{
  g_autoptr (GError) error = NULL;

  switch (unix_path_step (&actor->path, &error))
    {
    case UNIX_PATH_CONTINUES:
      return;
    case UNIX_PATH_LISTENS:
      actor->phase = LIVE;
      return;
    case UNIX_PATH_FAILED:
      g_assert_error (error, LISTENER_ERROR, LISTENER_ERROR_IN_USE);
      unix_path_clear (&actor->path);
      actor->phase = REFUSED;
      return;
    }
}

static void
actor_step (World *world, Actor *actor)
{
  switch (actor->kind)
    {
    case STARTER:
      actor_step_start (actor);
      break;
    case ENDER:
      actor->phase = RUNNING;
      if (unix_path_end_step (&actor->path))
        break;
      unix_path_clear (&actor->path);
      actor->phase = ENDED;
      break;
    case CLEANER:
      g_unlink (world->lock);
      actor->phase = ENDED;
      break;
    case CRASHER:
      close (actor->path.fd);
      close (actor->path.lock);
      close (actor->path.directory_fd);
      actor->path.fd = actor->path.lock = actor->path.directory_fd = -1;
      actor->path.socket = (UnixFile){ 0, 0 };
      unix_path_clear (&actor->path);
      actor->phase = ENDED;
      break;
    }
}

static gboolean
actor_can_step (const Actor *actor)
{
  return actor->phase == RUNNING || (actor->phase == LIVE && (actor->kind == ENDER || actor->kind == CRASHER));
}

/* --- the directory and the actors --- */

static void
world_begin (World *world)
{
  for (guint i = 0; i < world->n_actors; i++)
    {
      Actor *actor = &world->actors[i];

      *actor = (Actor){ .kind = world->kinds[i], .phase = RUNNING };
      if (actor->kind == CLEANER)
        continue;
      unix_path_init (&actor->path, world->address, NULL);
      while (actor->kind != STARTER && actor->phase == RUNNING)
        actor_step_start (actor);
    }
}

static guint
world_count (const World *world, Phase phase)
{
  guint n = 0;

  for (guint i = 0; i < world->n_actors; i++)
    n += world->actors[i].phase == phase;
  return n;
}

static gboolean
world_connects (const World *world)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean connects;

  g_strlcpy (address.sun_path, world->address, sizeof address.sun_path);
  connects = connect (fd, (const struct sockaddr *) &address, sizeof address) == 0;
  close (fd);
  return connects;
}

/* Only a cleaner removes the lock of a live broker. */
static void
world_assert_locked (const World *world)
{
  for (guint i = 0; i < world->n_actors; i++)
    if (world->actors[i].kind == CLEANER)
      return;
  for (guint i = 0; i < world->n_actors; i++)
    {
      const UnixPath *path = &world->actors[i].path;

      if (world->actors[i].phase == LIVE)
        g_assert_true (unix_lock_is_held (path->lock, path->directory_fd, path->lock_name));
    }
}

/* A broker can take the address if and only if no broker serves it, after any schedule. */
static void
world_assert_end (World *world)
{
  gboolean is_served = world_count (world, LIVE) > 0;
  g_autoptr (GError) error = NULL;
  UnixPath late;
  int fd;

  g_assert_cmpint (world_connects (world), ==, is_served);
  unix_path_init (&late, world->address, NULL);
  fd = unix_path_listen (&late, &error);
  g_assert_cmpint (fd >= 0, ==, !is_served);
  unix_path_clear (&late);
  if (fd >= 0)
    close (fd);
  g_assert_cmpint (world_connects (world), ==, is_served);
  world->n_ends++;
  world->n_none += !is_served;
}

static void
world_end (World *world)
{
  for (guint i = 0; i < world->n_actors; i++)
    if (world->actors[i].path.path != NULL)
      unix_path_clear (&world->actors[i].path);
  g_unlink (world->address);
  g_unlink (world->lock);
}

/* --- states --- */

static UnixFile
file_of_path (const char *path)
{
  GStatBuf st;

  return g_lstat (path, &st) == 0 ? (UnixFile){ st.st_dev, st.st_ino } : (UnixFile){ 0, 0 };
}

static UnixFile
file_of_lock (UnixLock lock)
{
  struct stat st;

  return lock >= 0 && fstat (lock, &st) == 0 ? (UnixFile){ st.st_dev, st.st_ino } : (UnixFile){ 0, 0 };
}

/* Adds the number of the first file that is the same one. */
static void
state_add_file (GString *state, GArray *files, UnixFile file)
{
  guint i = 0;

  while (i < files->len && g_array_index (files, UnixFile, i).inode != file.inode)
    i++;
  g_array_append_val (files, file);
  g_string_append_printf (state, " %u%s", i, file.inode == 0 ? "-" : "");
}

static char *
world_state (const World *world)
{
  g_autoptr (GString) state = g_string_new (NULL);
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (UnixFile));

  state_add_file (state, files, file_of_path (world->address));
  state_add_file (state, files, file_of_path (world->lock));
  for (guint i = 0; i < world->n_actors; i++)
    {
      const Actor *actor = &world->actors[i];
      gboolean has_path = actor->path.path != NULL;

      g_string_append_printf (state, " | %d %d %u %u", (int) actor->phase, (int) actor->path.next, actor->path.next_end,
                              actor->path.tries);
      state_add_file (state, files, file_of_lock (has_path ? actor->path.lock : -1));
      state_add_file (state, files, actor->path.socket);
      state_add_file (state, files, actor->path.stale);
    }
  return g_string_free (g_steal_pointer (&state), FALSE);
}

/* Runs @schedule from the beginning. Returns TRUE if the resulting state is new. */
static gboolean
world_run (World *world, GArray *schedule)
{
  for (guint i = 0; i < schedule->len; i++)
    {
      actor_step (world, &world->actors[g_array_index (schedule, guint8, i)]);
      g_assert_cmpuint (world_count (world, LIVE), <=, 1);
      world_assert_locked (world);
    }
  return g_hash_table_add (world->seen, world_state (world));
}

static void
world_explore (World *world, GArray *schedule)
{
  gboolean can_step[ACTORS_MAX];
  gboolean continues = FALSE, is_new;

  world_begin (world);
  is_new = world_run (world, schedule);
  for (guint i = 0; i < world->n_actors; i++)
    {
      can_step[i] = actor_can_step (&world->actors[i]);
      continues |= can_step[i];
    }
  if (is_new && !continues)
    world_assert_end (world);
  world_end (world);
  if (!is_new)
    return;
  world->n_states++;
  for (guint8 i = 0; i < world->n_actors; i++)
    if (can_step[i])
      {
        g_array_append_val (schedule, i);
        world_explore (world, schedule);
        g_array_set_size (schedule, schedule->len - 1);
      }
}

static void
explore (const Kind *kinds, guint n_actors, World *world)
{
  g_autoptr (GArray) schedule = g_array_new (FALSE, FALSE, sizeof (guint8));

  test_watchdog_start (g_test_get_path ());
  *world = (World){ .kinds = kinds, .n_actors = n_actors, .directory = g_dir_make_tmp ("deye-XXXXXX", NULL) };
  world->address = g_build_filename (world->directory, "bus.sock", NULL);
  world->lock = g_strconcat (world->address, ".lock", NULL);
  world->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  world_explore (world, schedule);
  g_test_message ("%u states, %u ends, %u of them without a broker", world->n_states, world->n_ends, world->n_none);
  g_assert_cmpint (g_rmdir (world->directory), ==, 0); /* no file is left */
  g_hash_table_unref (world->seen);
  g_free (world->directory);
  g_free (world->address);
  g_free (world->lock);
  test_watchdog_stop ();
}

/* --- tests --- */

static void
test_two_starters (void)
{
  static const Kind kinds[] = { STARTER, STARTER };
  World world;

  explore (kinds, G_N_ELEMENTS (kinds), &world);
  g_assert_cmpuint (world.n_none, ==, 0);
}

static void
test_starters_and_ender (void)
{
  static const Kind kinds[] = { STARTER, STARTER, ENDER };
  World world;

  explore (kinds, G_N_ELEMENTS (kinds), &world);
  g_assert_cmpuint (world.n_none, >, 0); /* both found the broker that had not ended yet */
  g_assert_cmpuint (world.n_none, <, world.n_ends);
}

static void
test_starters_and_crash (void)
{
  static const Kind kinds[] = { STARTER, STARTER, CRASHER };
  World world;

  explore (kinds, G_N_ELEMENTS (kinds), &world);
  g_assert_cmpuint (world.n_none, <, world.n_ends);
}

/* After a cleaner has removed the lock, only the sockets prevent a second broker. */
static void
test_starters_and_cleaner (void)
{
  static const Kind kinds[] = { STARTER, STARTER, CLEANER };
  World world;

  explore (kinds, G_N_ELEMENTS (kinds), &world);
}

static void
test_starter_ender_and_cleaner (void)
{
  static const Kind kinds[] = { STARTER, ENDER, CLEANER };
  World world;

  explore (kinds, G_N_ELEMENTS (kinds), &world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unix-path/A13-two-starters", test_two_starters);
  g_test_add_func ("/unix-path/A13-two-starters-one-ends", test_starters_and_ender);
  g_test_add_func ("/unix-path/A13-two-starters-one-dies", test_starters_and_crash);
  g_test_add_func ("/unix-path/A13-two-starters-a-cleaner", test_starters_and_cleaner);
  g_test_add_func ("/unix-path/A13-starter-ender-a-cleaner", test_starter_ender_and_cleaner);
  return g_test_run ();
}
