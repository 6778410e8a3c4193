/* SPDX-License-Identifier: Apache-2.0 */
#include "transport-creds.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

gboolean
transport_creds_read (int fd, TransportCreds *creds)
{
#ifdef SO_PEERCRED
  struct ucred peer;
  socklen_t size = sizeof peer;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return FALSE;
  *creds = (TransportCreds){ .uid = peer.uid, .pid = peer.pid > 0 ? (guint32) peer.pid : 0 };
#else
  uid_t uid;
  gid_t gid;

  if (getpeereid (fd, &uid, &gid) != 0)
    return FALSE;
  *creds = (TransportCreds){ .uid = uid };
#endif
  return TRUE;
}
