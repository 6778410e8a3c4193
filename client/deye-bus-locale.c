/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-locale.h"

#include "platform-place.h"

#include <libintl.h>
#include <locale.h>

#define LEVELS 3 /* of PREFIX/lib/ARCHITECTURE/FILE */

/* TRUE if @directory has a translation of this library in any language. Other packages also install files in such directories. */
static gboolean
locale_has_ours (const char *directory)
{
  g_autoptr (GDir) languages = g_dir_open (directory, 0, NULL);
  const char *language;
  gboolean found = FALSE;

  while (languages != NULL && !found && (language = g_dir_read_name (languages)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, language, "LC_MESSAGES", GETTEXT_PACKAGE ".mo", NULL);

      found = g_file_test (path, G_FILE_TEST_EXISTS);
    }
  return found;
}

/* The directory share/locale with our translations, in one of the directories above @file (taken; nullable). NULL: there is
 * none. */
static char *
locale_find_above (char *file)
{
  g_autofree char *at = file;

  for (guint i = 0; at != NULL && i < LEVELS; i++)
    {
      char *above = g_path_get_dirname (at);
      g_autofree char *directory = g_build_filename (above, "share", "locale", NULL);

      g_free (at);
      at = above;
      if (locale_has_ours (directory))
        return g_steal_pointer (&directory);
    }
  return NULL;
}

void
deye_bus_locale_bind (void)
{
  static gsize done = 0;

  if (g_once_init_enter (&done))
    {
      g_autofree char *beside = locale_find_above (platform_library_path (&done));

      if (beside == NULL)
        beside = locale_find_above (platform_program_path ());
      bindtextdomain (GETTEXT_PACKAGE, beside != NULL ? beside : LOCALEDIR);
      bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
      g_once_init_leave (&done, 1);
    }
}

void
deye_bus_locale_init (void)
{
  setlocale (LC_ALL, "");
  deye_bus_locale_bind ();
  textdomain (GETTEXT_PACKAGE);
}
