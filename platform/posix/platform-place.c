/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-place.h"

#include "platform-place-address.h"

#include <dlfcn.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#elif defined(__FreeBSD__)
#include <sys/types.h>
#include <sys/sysctl.h>
#endif

#if defined(__APPLE__)

char *
platform_program_path (void)
{
  char name[4096];
  guint32 size = sizeof name;

  return _NSGetExecutablePath (name, &size) == 0 ? g_canonicalize_filename (name, NULL) : NULL;
}

#elif defined(__FreeBSD__)

char *
platform_program_path (void)
{
  int query[] = { CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1 };
  char name[4096];
  size_t size = sizeof name;

  return sysctl (query, G_N_ELEMENTS (query), name, &size, NULL, 0) == 0 ? g_strdup (name) : NULL;
}

#else

char *
platform_program_path (void)
{
  return g_file_read_link ("/proc/self/exe", NULL);
}

#endif

char *
platform_library_path (gconstpointer symbol)
{
  g_autofree char *program = platform_program_path ();
  Dl_info info;

  /* For the program itself dli_fname is argv[0], which the caller of exec() chose, often without a directory. */
  if (dladdr (symbol, &info) == 0 || info.dli_fname == NULL || !g_path_is_absolute (info.dli_fname)
      || g_strcmp0 (info.dli_fname, program) == 0)
    return NULL;
  return g_strdup (info.dli_fname);
}

char *
platform_program_for_child (void)
{
#ifdef __linux__
  return g_strdup ("/proc/self/exe");
#else
  return platform_program_path ();
#endif
}

char *
platform_default_address (void)
{
  return platform_place_address (geteuid ());
}
