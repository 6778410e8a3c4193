/* SPDX-License-Identifier: Apache-2.0 */
#include "child-handles.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENT "--list-fds"

gboolean
child_handles_run_list (int argc, char **argv)
{
  DIR *dir;

  if (argc != 2 || strcmp (argv[1], ARGUMENT) != 0)
    return FALSE;
  dir = opendir ("/proc/self/fd");
  g_assert_nonnull (dir);
  for (struct dirent *entry = readdir (dir); entry != NULL; entry = readdir (dir))
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", entry->d_name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target != NULL && g_ascii_strtoll (entry->d_name, NULL, 10) != dirfd (dir))
        printf ("child-fd %s %s\n", entry->d_name, target);
    }
  closedir (dir);
  return TRUE;
}

void
child_handles_print (void)
{
  char *argv[] = { (char[]){ "/proc/self/exe" }, (char[]){ ARGUMENT }, NULL };
  g_autoptr (GError) error = NULL;
  int status = -1;

  fflush (stdout);
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  printf ("child-done\n");
}
