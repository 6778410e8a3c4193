/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-locale.h"

#include "platform-place.h"

#include <libintl.h>
#include <locale.h>

void
deye_bus_locale_bind (void)
{
  static gsize done = 0;

  if (g_once_init_enter (&done))
    {
      g_autofree char *beside = platform_beside_program ("share/locale");

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
