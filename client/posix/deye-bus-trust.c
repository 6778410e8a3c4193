/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-trust.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <unistd.h>

DeyeBusTrust
deye_bus_trust_judge (uid_t server, uid_t own, PlatformTrustProblem place, const struct stat *file)
{
  if (server == 0 || server == own)
    return DEYE_BUS_TRUST_GOOD;
  if (own == 0)
    return DEYE_BUS_TRUST_ROOT_ONLY;
  if (place != PLATFORM_TRUST_GOOD)
    return DEYE_BUS_TRUST_PLACE;
  return file != NULL && S_ISSOCK (file->st_mode) && file->st_uid == server ? DEYE_BUS_TRUST_GOOD
                                                                            : DEYE_BUS_TRUST_SOCKET;
}

static gboolean
trust_read_server (int fd, uid_t *uid)
{
#if defined(__linux__)
  struct ucred who;
  socklen_t len = sizeof who;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
    return FALSE;
  *uid = who.uid;
  return TRUE;
#else
  gid_t gid;

  return getpeereid (fd, uid, &gid) == 0;
#endif
}

/* The directory of @path; a relative path is below the working directory. */
static char *
trust_directory (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *here = NULL;

  if (g_path_is_absolute (directory))
    return g_steal_pointer (&directory);
  here = g_get_current_dir ();
  return g_build_filename (here, directory, NULL);
}

static void
trust_set_place_error (const PlatformTrustVerdict *place, const char *path, guint server, GError **error)
{
  if (place->shown)
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED,
                 _ ("The server at “%s” runs as user %u, which is neither root nor the current user, and other users "
                    "could have created the socket: “%s” belongs to user %u and has mode %04o. Check the address"),
                 path, server, place->path, place->owner, place->mode);
  else
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED,
                 _ ("The server at “%s” runs as user %u, which is neither root nor the current user, and its directory "
                    "“%s” can't be examined: check the address"),
                 path, server, place->path);
}

/* Examines the path only if the result depends on it. */
static DeyeBusTrust
trust_judge_path (const char *path, uid_t server, PlatformTrustVerdict *place)
{
  DeyeBusTrust trust = deye_bus_trust_judge (server, geteuid (), PLATFORM_TRUST_UNKNOWN, NULL);
  g_autofree char *directory = trust_directory (path);
  struct stat file;
  gboolean is_there;

  if (trust != DEYE_BUS_TRUST_PLACE)
    return trust;
  *place = platform_trust_check (directory, (guint32) server);
  is_there = lstat (path, &file) == 0;
  return deye_bus_trust_judge (server, geteuid (), place->problem, is_there ? &file : NULL);
}

gboolean
deye_bus_trust_check (int fd, const char *path, GError **error)
{
  g_auto (PlatformTrustVerdict) place = { .problem = PLATFORM_TRUST_GOOD };
  uid_t server = 0;

  if (!trust_read_server (fd, &server))
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED,
                   _ ("The system does not report which user runs the server at “%s”"), path);
      return FALSE;
    }
  switch (trust_judge_path (path, server, &place))
    {
    case DEYE_BUS_TRUST_GOOD:
      return TRUE;
    case DEYE_BUS_TRUST_ROOT_ONLY:
      g_set_error (
          error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED,
          _ ("The server at “%s” runs as user %u, and root trusts only servers of root: check the address, or run "
             "this program as that user"),
          path, (guint) server);
      return FALSE;
    case DEYE_BUS_TRUST_PLACE:
      trust_set_place_error (&place, path, (guint) server, error);
      return FALSE;
    case DEYE_BUS_TRUST_SOCKET:
      g_set_error (
          error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED,
          _ ("The server at “%s” runs as user %u, which is neither root nor the current user, and “%s” is not a "
             "socket of that user: check the address"),
          path, (guint) server, path);
      return FALSE;
    }
  return FALSE;
}
