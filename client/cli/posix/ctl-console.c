/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-console.h"

#include "platform-console.h"

#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
ctl_console_prepare (void)
{
  platform_console_fill_streams ();
  signal (SIGPIPE, SIG_IGN);
}

guint
ctl_console_columns (void)
{
  struct winsize size = { 0 };

  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

GInputStream *
ctl_console_input_new (void)
{
  return g_unix_input_stream_new (STDIN_FILENO, FALSE);
}

static gboolean
console_reader_gone_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback != NULL ? callback (data) : G_SOURCE_CONTINUE;
}

GSource *
ctl_console_reader_gone_source_new (void)
{
  static GSourceFuncs funcs = { .dispatch = console_reader_gone_dispatch };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_static_name (source, "ctl-console-reader-gone");
  g_source_add_unix_fd (source, STDOUT_FILENO, G_IO_ERR);
  return source;
}
