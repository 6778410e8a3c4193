/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-pages.h"

#include "ctl-error.h"

#include <glib/gi18n.h>

gboolean
ctl_pages_take (CtlPages *pages, guint64 epoch, const char *next, GError **error)
{
  if (pages->n > 0 && pages->epoch != epoch)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("The broker restarted before it had answered: try again"));
  if (pages->after != NULL && *next != '\0' && g_str_equal (pages->after, next))
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("The broker repeats a part of its reply: report it as a bug"));
  pages->n++;
  pages->epoch = epoch;
  pages->after = *next != '\0' ? next : NULL;
  return TRUE;
}
