/* SPDX-License-Identifier: Apache-2.0 */
#include "net-socket.h"

#include <string.h>

struct NetOwners
{
  guint n;
  guint more;
  guint32 newest; /* pid of the process that was added last; 0: none */
  NetOwner *list; /* room for n: most sockets have one owner */
};

NetOwners *
net_owners_new (void)
{
  return g_atomic_rc_box_new0 (NetOwners);
}

NetOwners *
net_owners_ref (NetOwners *owners)
{
  return g_atomic_rc_box_acquire (owners);
}

static void
owners_clear (gpointer data)
{
  g_free (((NetOwners *) data)->list);
}

void
net_owners_unref (NetOwners *owners)
{
  g_atomic_rc_box_release_full (owners, owners_clear);
}

/* If there are more processes than room, those with the lowest numbers are kept. */
void
net_owners_add (NetOwners *owners, const NetOwner *owner)
{
  guint at = owners->n;

  if (owners->newest == owner->pid)
    return;
  owners->newest = owner->pid;
  for (guint i = 0; i < owners->n; i++)
    if (owners->list[i].pid == owner->pid)
      return;
  while (at > 0 && owners->list[at - 1].pid > owner->pid)
    at--;
  if (owners->n == NET_OWNERS_MAX)
    owners->more++;
  else
    owners->list = g_renew (NetOwner, owners->list, ++owners->n);
  if (at == NET_OWNERS_MAX)
    return;
  memmove (&owners->list[at + 1], &owners->list[at], (owners->n - 1 - at) * sizeof (NetOwner));
  owners->list[at] = *owner;
}

const NetOwner *
net_owners_get (const NetOwners *owners, guint *n, guint *more)
{
  *n = owners->n;
  *more = owners->more;
  return owners->list;
}

void
net_socket_clear (NetSocket *socket)
{
  g_clear_pointer (&socket->owners, net_owners_unref);
  g_clear_pointer (&socket->path, g_free);
}

void
net_socket_copy (const NetSocket *socket, NetSocket *copy)
{
  *copy = *socket;
  copy->owners = socket->owners != NULL ? net_owners_ref (socket->owners) : NULL;
  copy->path = g_strdup (socket->path);
}

void
net_socket_set_owners (NetSocket *socket, NetOwnership ownership, NetOwners *owners)
{
  NetOwners *mine = owners != NULL ? net_owners_ref (owners) : NULL;

  g_clear_pointer (&socket->owners, net_owners_unref);
  socket->ownership = (guint8) ownership;
  socket->owners = mine;
}

gboolean
net_socket_has_peer (const NetSocket *socket)
{
  return socket->peer_port != 0;
}

/* --- text --- */

static void
net_format_ipv4 (const guint8 *bytes, char *text)
{
  g_snprintf (text, NET_ADDRESS_BYTES, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static guint
net_group (const guint8 *bytes, guint i)
{
  return (guint) bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The longest run of at least two groups that are zero (RFC 5952); @len: 0 if there is none. */
static guint
net_find_zeros (const guint8 *bytes, guint *len)
{
  guint best = 0;

  *len = 0;
  for (guint i = 0, run = 0; i < 8; i++)
    {
      run = net_group (bytes, i) == 0 ? run + 1 : 0;
      if (run >= 2 && run > *len)
        {
          best = i + 1 - run;
          *len = run;
        }
    }
  return best;
}

static void
net_format_ipv6 (const guint8 *bytes, char *text)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  guint zeros, n = 0, at = net_find_zeros (bytes, &zeros);

  if (memcmp (bytes, mapped, sizeof mapped) == 0)
    {
      n = (guint) g_snprintf (text, NET_ADDRESS_BYTES, "::ffff:");
      net_format_ipv4 (bytes + 12, text + n);
      return;
    }
  for (guint i = 0; i < 8; i++)
    if (zeros > 0 && i == at)
      {
        n += (guint) g_snprintf (text + n, NET_ADDRESS_BYTES - n, "::");
        i += zeros - 1;
      }
    else
      n += (guint) g_snprintf (text + n, NET_ADDRESS_BYTES - n, "%s%x", n > 0 && text[n - 1] != ':' ? ":" : "",
                               net_group (bytes, i));
}

void
net_address_format (NetFamily family, const guint8 *address, char *text)
{
  *text = '\0';
  if (family == NET_IPV4)
    net_format_ipv4 (address, text);
  else if (family == NET_IPV6)
    net_format_ipv6 (address, text);
}

/* Returns the length of the character at @text if it is not escaped; 0: it is escaped. */
static gsize
net_plain_length (const char *text, gsize len)
{
  gunichar c = g_utf8_get_char_validated (text, (gssize) len);

  if (c == (gunichar) -1 || c == (gunichar) -2 || c == '\\' || !g_unichar_isprint (c))
    return 0;
  return (gsize) g_unichar_to_utf8 (c, NULL);
}

void
net_text_escape (const char *bytes, gsize len, char *text, gsize size)
{
  gsize n = 0;

  for (gsize i = 0; i < len;)
    {
      gsize plain = net_plain_length (bytes + i, len - i);
      gsize need = plain > 0 ? plain : 4;

      if (n + need >= size)
        break;
      if (plain > 0)
        memcpy (text + n, bytes + i, plain);
      else
        g_snprintf (text + n, 5, "\\x%02x", (guint) (guint8) bytes[i]);
      n += need;
      i += plain > 0 ? plain : 1;
    }
  text[n] = '\0';
}
