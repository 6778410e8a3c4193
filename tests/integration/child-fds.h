/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What leaks over exec: a process runs itself as a child that closes nothing, and the child lists what it finds open.
 * Shared by the two test programs, so it is a header.
 */

#define CHILD_FDS_ARGUMENT "--list-fds"

static inline gboolean
child_fds_asked (const char *argument)
{
  return strcmp (argument, CHILD_FDS_ARGUMENT) == 0;
}

/* In the child. */
static inline int
child_fds_list (void)
{
  DIR *dir = opendir ("/proc/self/fd");

  if (dir == NULL)
    return EXIT_FAILURE;
  for (struct dirent *entry = readdir (dir); entry != NULL; entry = readdir (dir))
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", entry->d_name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target != NULL && g_ascii_strtoll (entry->d_name, NULL, 10) != dirfd (dir))
        printf ("child-fd %s %s\n", entry->d_name, target);
    }
  closedir (dir);
  return EXIT_SUCCESS;
}

/* In the parent: runs the child with this process's standard output. */
static inline void
child_fds_print (void)
{
  char *argv[] = { (char[]){ "/proc/self/exe" }, (char[]){ CHILD_FDS_ARGUMENT }, NULL };
  g_autoptr (GError) error = NULL;
  int status = -1;

  fflush (stdout);
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  printf ("child-done\n");
}
