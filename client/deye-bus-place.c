/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-place.h"

char *
deye_bus_place_beside_program (const char *relative)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *bin = program != NULL ? g_path_get_dirname (program) : NULL;
  g_autofree char *prefix = bin != NULL ? g_path_get_dirname (bin) : NULL;
  g_autofree char *path = prefix != NULL ? g_build_filename (prefix, relative, NULL) : NULL;

  return path != NULL && g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}
