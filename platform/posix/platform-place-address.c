/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-place-address.h"

/* Reads XDG_RUNTIME_DIR from the environment each time. If it is missing, g_get_user_runtime_dir() would return a directory that
 * other programs do not use. */
char *
platform_place_address (uid_t uid)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  if (uid == 0)
    return g_strdup ("/run/daemoneye/eventbus.sock");
  return runtime != NULL && g_path_is_absolute (runtime)
             ? g_build_filename (runtime, "daemoneye", "eventbus.sock", NULL)
             : NULL;
}
