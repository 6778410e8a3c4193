/* SPDX-License-Identifier: Apache-2.0 */
#include "net-owners.h"
#include "test-dir.h"
#include "test-system.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tests of the owners with a folder that looks like /proc. */

typedef struct
{
  char *proc;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->proc = test_dir_new ();
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  test_dir_remove (fixture->proc);
}

static void
write_stat (const Fixture *fixture, guint pid, const char *name, guint64 start_time)
{
  g_autofree char *path = g_strdup_printf ("%s/%u/stat", fixture->proc, pid);
  g_autofree char *text = g_strdup_printf (
      "%u (%s) S 1 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 %" G_GUINT64_FORMAT " 5 6 7\n", pid, name, start_time);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* @links: the targets of the file descriptors, NULL-ended; NULL: they can't be read. */
static void
add_process (const Fixture *fixture, guint pid, const char *name, const char *const *links)
{
  g_autofree char *fds = g_strdup_printf ("%s/%u/fd", fixture->proc, pid);
  g_autofree char *folder = g_path_get_dirname (fds);

  g_assert_cmpint (mkdir (folder, 0700), ==, 0);
  write_stat (fixture, pid, name, pid * 100);
  if (links == NULL)
    {
      g_assert_true (g_file_set_contents (fds, "", 0, NULL)); /* another error than that of a process that has ended */
      return;
    }
  g_assert_cmpint (mkdir (fds, 0700), ==, 0);
  for (guint i = 0; links[i] != NULL; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u", fds, i);

      g_assert_cmpint (symlink (links[i], path), ==, 0);
    }
}

#define LINKS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static NetTable *
table_of (const guint32 *inodes, guint n)
{
  NetTable *table = net_table_new (100, NULL);

  for (guint i = 0; i < n; i++)
    {
      NetSocket socket = { .cookie = i + 1, .inode = inodes[i] };

      net_table_add (table, NULL, &socket);
    }
  net_table_seal (table);
  return table;
}

static void
scan_all (const Fixture *fixture, NetTable *table)
{
  g_autoptr (NetOwnerScan) scan = net_owner_scan_new (fixture->proc, table);

  while (net_owner_scan_step (scan, 1))
    ;
  net_owner_scan_end (scan);
}

static NetOwnership
ownership_of (const NetTable *table, guint64 cookie)
{
  return net_table_find (table, cookie)->ownership;
}

static void
test_known (Fixture *fixture, gconstpointer data)
{
  const guint32 inodes[] = { 11, 22, 33, 0 };
  g_autoptr (NetTable) table = table_of (inodes, G_N_ELEMENTS (inodes));
  const NetOwner *owners;
  guint n, more;

  add_process (fixture, 1, "init", LINKS ("/dev/null", "pipe:[22]"));
  add_process (fixture, 20, "a) (b\xff", LINKS ("socket:[11]", "socket:[22]"));
  add_process (fixture, 7, "child", LINKS ("socket:[22]", "socket:[22]"));
  scan_all (fixture, table);
  g_assert_cmpuint (table->processes, ==, 3);
  g_assert_cmpuint (table->unreadable, ==, 0);
  g_assert_false (table->hidden);
  g_assert_cmpuint (ownership_of (table, 1), ==, NET_OWNER_KNOWN);
  owners = net_owners_get (net_table_find (table, 1)->owners, &n, &more);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpstr (owners[0].name, ==, "a) (b\\xff");
  g_assert_cmpuint (owners[0].start_time, ==, 2000);
  owners = net_owners_get (net_table_find (table, 2)->owners, &n, &more);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (owners[0].pid, ==, 7);
  g_assert_cmpuint (owners[1].pid, ==, 20);
  g_assert_cmpuint (ownership_of (table, 3), ==, NET_OWNER_NOT_FOUND);
  g_assert_cmpuint (ownership_of (table, 4), ==, NET_OWNER_NONE);
}

/* A process that cannot be read may be the owner of the socket. */
static void
test_hidden (Fixture *fixture, gconstpointer data)
{
  const guint32 inodes[] = { 11, 22 };
  g_autoptr (NetTable) table = table_of (inodes, G_N_ELEMENTS (inodes));

  add_process (fixture, 1, "init", NULL);
  add_process (fixture, 2, "mine", LINKS ("socket:[22]"));
  scan_all (fixture, table);
  g_assert_cmpuint (table->processes, ==, 2);
  g_assert_cmpuint (table->unreadable, ==, 1);
  g_assert_cmpuint (ownership_of (table, 1), ==, NET_OWNER_HIDDEN);
  g_assert_cmpuint (ownership_of (table, 2), ==, NET_OWNER_KNOWN);
}

/* The file descriptors are listed, but their links cannot be read. */
static void
test_hidden_links (Fixture *fixture, gconstpointer data)
{
  const guint32 inodes[] = { 11, 22 };
  g_autoptr (NetTable) table = table_of (inodes, G_N_ELEMENTS (inodes));
  g_autofree char *path = g_strconcat (fixture->proc, "/1/fd/7", NULL);
  g_autoptr (GHashTable) found = NULL;
  NetOwner owner;

  add_process (fixture, 1, "init", LINKS ("socket:[22]"));
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  scan_all (fixture, table);
  g_assert_cmpuint (table->unreadable, ==, 1);
  g_assert_cmpuint (ownership_of (table, 1), ==, NET_OWNER_HIDDEN);
  g_assert_cmpuint (ownership_of (table, 2), ==, NET_OWNER_KNOWN);
  g_assert_cmpint (net_owner_inodes (fixture->proc, 1, 0, &owner, &found), ==, NET_INODES_HIDDEN);
}

/* With hidepid, process 1 is not listed. */
static void
test_unlisted (Fixture *fixture, gconstpointer data)
{
  const guint32 inodes[] = { 11 };
  g_autoptr (NetTable) table = table_of (inodes, G_N_ELEMENTS (inodes));

  add_process (fixture, 2, "mine", LINKS ("socket:[22]"));
  scan_all (fixture, table);
  g_assert_true (table->hidden);
  g_assert_cmpuint (ownership_of (table, 1), ==, NET_OWNER_HIDDEN);
}

/* A file system that is not /proc may contain anything. */
static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  const guint32 inodes[] = { 1, 4294967295u };
  g_autoptr (NetTable) table = table_of (inodes, G_N_ELEMENTS (inodes));
  g_autofree char *longest = g_strnfill (300, '1');
  g_autofree char *large = g_strconcat ("socket:[", longest, "]", NULL);

  add_process (fixture, 1, "init",
               LINKS ("socket:[", "socket:[]", "socket:[1", "socket:[1]x", "socket:[4294967297]", "socket:[-1]", large,
                      "socket:1", "x"));
  write_stat (fixture, 1, ")(", 1);
  scan_all (fixture, table);
  g_assert_cmpuint (ownership_of (table, 1), ==, NET_OWNER_NOT_FOUND);
  g_assert_cmpuint (ownership_of (table, 2), ==, NET_OWNER_NOT_FOUND);
}

static void
test_one_process (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) inodes = NULL;
  NetOwner owner;

  add_process (fixture, 5, "one", LINKS ("socket:[11]", "/dev/null", "socket:[12]", "socket:[11]"));
  add_process (fixture, 6, "hidden", NULL);
  g_assert_cmpint (net_owner_inodes (fixture->proc, 4, 0, &owner, &inodes), ==, NET_INODES_ABSENT);
  g_assert_cmpint (net_owner_inodes (fixture->proc, 6, 0, &owner, &inodes), ==, NET_INODES_HIDDEN);
  g_assert_cmpint (net_owner_inodes (fixture->proc, 5, 501, &owner, &inodes), ==, NET_INODES_OTHER);
  g_assert_null (inodes);
  g_assert_cmpint (net_owner_inodes (fixture->proc, 5, 500, &owner, &inodes), ==, NET_INODES_READ);
  g_assert_cmpuint (g_hash_table_size (inodes), ==, 2);
  g_assert_cmpuint (owner.pid, ==, 5);
  g_assert_cmpuint (owner.start_time, ==, 500);
  g_assert_cmpstr (owner.name, ==, "one");
}

static void
test_steps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (NetTable) table = table_of (NULL, 0);
  g_autoptr (NetOwnerScan) scan = NULL;
  guint total;

  for (guint pid = 1; pid <= 3; pid++)
    add_process (fixture, pid, "x", LINKS ("x"));
  scan = net_owner_scan_new (fixture->proc, table);
  g_assert_true (net_owner_scan_step (scan, 2));
  g_assert_cmpuint (net_owner_scan_count (scan, &total), ==, 2);
  g_assert_cmpuint (total, ==, 3);
  g_assert_false (net_owner_scan_step (scan, 2));
}

/* A process that has many descriptors is read in several steps, and all its descriptors are read. */
static void
test_many_descriptors (Fixture *fixture, gconstpointer data)
{
  const guint32 inodes[] = { 11, 22 };
  g_autoptr (NetTable) table = table_of (inodes, G_N_ELEMENTS (inodes));
  g_autoptr (NetOwnerScan) scan = NULL;
  g_autofree const char **links = g_new0 (const char *, 3001);
  guint steps = 1, total;

  for (guint i = 0; i < 3000; i++)
    links[i] = i % 2 == 0 ? "socket:[11]" : "socket:[22]";
  add_process (fixture, 1, "hoarder", links);
  add_process (fixture, 2, "other", LINKS ("socket:[22]"));
  scan = net_owner_scan_new (fixture->proc, table);
  g_assert_true (net_owner_scan_step (scan, 1));
  while (net_owner_scan_step (scan, 1))
    steps++;
  g_assert_cmpuint (steps, >=, 3);
  g_assert_cmpuint (net_owner_scan_count (scan, &total), ==, 2);
  net_owner_scan_end (scan);
  g_assert_cmpuint (table->processes, ==, 2);
  g_assert_cmpuint (table->unreadable, ==, 0);
  g_assert_cmpuint (ownership_of (table, 1), ==, NET_OWNER_KNOWN);
  g_assert_cmpuint (ownership_of (table, 2), ==, NET_OWNER_KNOWN);
}

/* A scan can be freed in the middle of a process. */
static void
test_abandoned (Fixture *fixture, gconstpointer data)
{
  g_autoptr (NetTable) table = table_of (NULL, 0);
  g_autofree const char **links = g_new0 (const char *, 2001);
  guint before = test_system_count_descriptors ();

  for (guint i = 0; i < 2000; i++)
    links[i] = "x";
  add_process (fixture, 1, "hoarder", links);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (NetOwnerScan) scan = net_owner_scan_new (fixture->proc, table);

      g_assert_true (net_owner_scan_step (scan, 1));
    }
  g_assert_cmpuint (test_system_count_descriptors (), ==, before);
}

/* Processes are counted, not their descriptors. @descending: order of the pids. */
static void
check_more_owners (gboolean descending)
{
  const guint last = NET_OWNERS_MAX + 3;
  g_autoptr (NetOwners) owners = net_owners_new ();
  const NetOwner *list;
  guint n, more;

  for (guint i = 1; i <= last; i++)
    for (guint descriptor = 0; descriptor < 4; descriptor++)
      {
        const NetOwner owner = { .pid = descending ? last + 1 - i : i };

        net_owners_add (owners, &owner);
      }
  list = net_owners_get (owners, &n, &more);
  g_assert_cmpuint (n, ==, NET_OWNERS_MAX);
  g_assert_cmpuint (more, ==, 3);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (list[i].pid, ==, i + 1);
}

static void
test_more_owners (Fixture *fixture, gconstpointer data)
{
  check_more_owners (FALSE);
  check_more_owners (TRUE);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/netmond/owners/known", test_known);
  ADD ("/netmond/owners/hidden", test_hidden);
  ADD ("/netmond/owners/hidden-links", test_hidden_links);
  ADD ("/netmond/owners/unlisted", test_unlisted);
  ADD ("/netmond/owners/hostile", test_hostile);
  ADD ("/netmond/owners/one-process", test_one_process);
  ADD ("/netmond/owners/steps", test_steps);
  ADD ("/netmond/owners/many-descriptors", test_many_descriptors);
  ADD ("/netmond/owners/abandoned", test_abandoned);
  ADD ("/netmond/owners/more-owners-are-processes", test_more_owners);
  return g_test_run ();
}
