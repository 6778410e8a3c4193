/* SPDX-License-Identifier: Apache-2.0 */
#include "peer-creds.h"

#include "account.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

gboolean
peer_creds_read (LinkHandle handle, TransportCreds *creds)
{
#ifdef __linux__
  struct ucred peer;
  socklen_t size = sizeof peer;

  if (getsockopt ((int) handle, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return FALSE;
  *creds = (TransportCreds){ .account = peer.uid, .pid = peer.pid > 0 ? (guint32) peer.pid : 0 };
#else
  uid_t uid;
  gid_t gid;

  if (getpeereid ((int) handle, &uid, &gid) != 0)
    return FALSE;
  *creds = (TransportCreds){ .account = uid };
#endif
  return TRUE;
}

TransportCreds
peer_creds_of_agent (void)
{
  return (TransportCreds){ .account = account_own (), .pid = (guint32) getpid (), .agent = TRUE };
}
