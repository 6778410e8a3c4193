/* SPDX-License-Identifier: Apache-2.0 */
#include "link-pair.h"

#include "unix-socket.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

gboolean
link_pair_open (LinkHandle *ours, gintptr *theirs, GError **error)
{
  int fds[2];

  if (!unix_socket_pair (fds))
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _ ("can't create a socket pair: %s"),
                   g_strerror (errno));
      return FALSE;
    }
  *ours = fds[0];
  *theirs = fds[1];
  return TRUE;
}

void
link_pair_close_theirs (gintptr theirs)
{
  close ((int) theirs);
}
