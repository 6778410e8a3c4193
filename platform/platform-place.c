/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-place.h"

char *
platform_beside_program (const char *relative)
{
  g_autofree char *program = platform_program_path ();
  g_autofree char *bin = program != NULL ? g_path_get_dirname (program) : NULL;
  g_autofree char *prefix = bin != NULL ? g_path_get_dirname (bin) : NULL;
  g_autofree char *path = prefix != NULL ? g_build_filename (prefix, relative, NULL) : NULL;

  return path != NULL && g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}

char *
platform_broker_address (void)
{
  const char *named = g_getenv ("DAEMONEYE_BROKER_SOCKET");

  return named != NULL && *named != '\0' ? g_strdup (named) : platform_default_address ();
}
