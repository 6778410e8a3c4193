/* SPDX-License-Identifier: Apache-2.0 */
#include "net-parse.h"

#include <string.h>

/* Tests of the parser with messages that were recorded from a kernel (6.18, x86-64), and with bytes that no kernel sends. */

typedef struct
{
  const char *name;
  NetProtocol protocol;
  const char *hex;
  NetSocket socket; /* without its addresses, which follow */
  const char *local;
  const char *peer; /* NULL for a Unix socket */
} Recorded;

#define TAIL "050008000000000008000f00000000000c0015000100000000000000"

static const Recorded recorded[] = {
  { "tcp-listener",
    NET_TCP,
    "020a0000232900007f000001000000000000000000000000000000000000000000000000000000000000000014000000000000000000000001"
    "00000005000000"
    "000000004ef76002" TAIL "0600160052000000",
    { .cookie = 0x14,
      .family = NET_IPV4,
      .state = NET_LISTENING,
      .local_port = 9001,
      .inode = 0x0260f74e,
      .receive_queue = 1,
      .send_queue = 5 },
    "127.0.0.1",
    "0.0.0.0" },
  { "tcp-connection",
    NET_TCP,
    "020100002329ad327f0000010000000000000000000000007f0000010000000000000000000000000000000016000000000000000000000000"
    "00000000000000"
    "0000000051f76002" TAIL "0600160052000000",
    { .cookie = 0x16,
      .family = NET_IPV4,
      .state = NET_ESTABLISHED,
      .local_port = 9001,
      .peer_port = 44338,
      .inode = 0x0260f751 },
    "127.0.0.1",
    "127.0.0.1" },
  { "tcp-closed-by-its-process",
    NET_TCP,
    "02040100ad3c23297f0000010000000000000000000000007f000001000000000000000000000000000000001900000000000000cc00000000"
    "00000001000000"
    "0000000000000000"
    "050008000300000008000f00000000000c00150001000000000000000600160052000000",
    { .cookie = 0x19,
      .family = NET_IPV4,
      .state = 4,
      .local_port = 44348,
      .peer_port = 9001,
      .uid = NET_UID_UNKNOWN,
      .send_queue = 1 },
    "127.0.0.1",
    "127.0.0.1" },
  { "tcp6-not-accepted",
    NET_TCP,
    "0a010000232a945e0000000000000000000000000000000100000000000000000000000000000001000000001e000000000000000000000000"
    "00000000000000"
    "0000000000000000"
    "050008000000000008000f00000000000c00150001000000000000000600160012000000",
    { .cookie = 0x1e,
      .family = NET_IPV6,
      .state = NET_ESTABLISHED,
      .local_port = 9002,
      .peer_port = 37982,
      .uid = NET_UID_UNKNOWN },
    "::1",
    "::1" },
  { "tcp6-mapped",
    NET_TCP,
    "0a010000232addac00000000000000000000ffff7f00000100000000000000000000ffff7f000001000000001d000000000000000000000000"
    "00000000000000"
    "0000000055f76002"
    "050008000000000008000f00000000000c00150001000000000000000600160012000000",
    { .cookie = 0x1d,
      .family = NET_IPV6,
      .state = NET_ESTABLISHED,
      .local_port = 9002,
      .peer_port = 56748,
      .inode = 0x0260f755 },
    "::ffff:127.0.0.1",
    "::ffff:127.0.0.1" },
  { "udp-connected",
    NET_UDP,
    "02010000232b23297f0000010000000000000000000000007f0000010000000000000000000000000000000020000000000000000000000000"
    "00000000000000"
    "0000000057f76002"
    "050008000000000008000f00000000000c00150001000000000000000600160050000000",
    { .cookie = 0x20,
      .family = NET_IPV4,
      .state = NET_ESTABLISHED,
      .local_port = 9003,
      .peer_port = 9001,
      .inode = 0x0260f757 },
    "127.0.0.1",
    "127.0.0.1" },
  { "udp6",
    NET_UDP,
    "0a070000232c000000000000000000000000000000000001000000000000000000000000000000000000000021000000000000000000000000"
    "000000"
    "000000000000000058f76002050008000000000005000b000100000008000f00000000000c00150001000000000000000600160010000000",
    { .cookie = 0x21, .family = NET_IPV6, .state = NET_UNCONNECTED, .local_port = 9004, .inode = 0x0260f758 },
    "::1",
    "::" },
  { "unix-pair",
    NET_UNIX,
    "010101005af7600222000000000000000800020059f760020c000400000000000000000005000600000000000800070000000000",
    { .cookie = 0x22,
      .family = NET_LOCAL,
      .state = NET_ESTABLISHED,
      .type = 1,
      .inode = 0x0260f75a,
      .peer_inode = 0x0260f759 },
    NULL,
    NULL },
  { "unix-path",
    NET_UNIX,
    "010207005cf760022300000000000000170000002f746d702f6e65746d6f6e642d7472792f7300000c00040000000000000000000500060000"
    "00"
    "00000800070000000000",
    { .cookie = 0x23, .family = NET_LOCAL, .state = NET_UNCONNECTED, .type = 2, .inode = 0x0260f75c },
    "/tmp/netmond-try/s",
    NULL },
  { "unix-abstract",
    NET_UNIX,
    "01010a005bf7600225000000000000000c000000007265632dff00780c000400000000000500000005000600000000000800070000000000",
    { .cookie = 0x25, .family = NET_LOCAL, .state = NET_LISTENING, .type = 1, .inode = 0x0260f75b, .send_queue = 5 },
    "@rec-\\xff\\x00x",
    NULL },
};

/* Returns the bytes in a block of exactly their size, so that a sanitizer finds a read beyond them. */
static guint8 *
parse_hex (const char *hex, gsize *len)
{
  guint8 *bytes = g_malloc (strlen (hex) / 2);

  *len = strlen (hex) / 2;
  for (gsize i = 0; i < *len; i++)
    bytes[i] = (guint8) (g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
  return bytes;
}

static gboolean
parse_any (NetProtocol protocol, const guint8 *bytes, gsize len, NetSocket *socket)
{
  return protocol == NET_UNIX ? net_parse_unix (bytes, len, socket) : net_parse_inet (bytes, len, protocol, socket);
}

static void
assert_numbers (const NetSocket *socket, const Recorded *row)
{
  const NetSocket *wanted = &row->socket;

  g_assert_cmphex (socket->cookie, ==, wanted->cookie);
  g_assert_cmpuint (socket->protocol, ==, row->protocol);
  g_assert_cmpuint (socket->family, ==, wanted->family);
  g_assert_cmpuint (socket->state, ==, wanted->state);
  g_assert_cmpuint (socket->type, ==, wanted->type);
  g_assert_cmpuint (socket->local_port, ==, wanted->local_port);
  g_assert_cmpuint (socket->peer_port, ==, wanted->peer_port);
  g_assert_cmpuint (socket->inode, ==, wanted->inode);
  g_assert_cmpuint (socket->peer_inode, ==, wanted->peer_inode);
  g_assert_cmpuint (socket->uid, ==, wanted->uid);
  g_assert_cmpuint (socket->receive_queue, ==, wanted->receive_queue);
  g_assert_cmpuint (socket->send_queue, ==, wanted->send_queue);
}

static void
test_recorded (gconstpointer data)
{
  const Recorded *row = data;
  gsize len;
  g_autofree guint8 *bytes = parse_hex (row->hex, &len);
  char text[NET_ADDRESS_BYTES];
  NetSocket socket;

  g_assert_true (parse_any (row->protocol, bytes, len, &socket));
  assert_numbers (&socket, row);
  if (row->protocol == NET_UNIX)
    g_assert_cmpstr (socket.path, ==, row->local);
  else
    {
      net_address_format (socket.family, socket.local, text);
      g_assert_cmpstr (text, ==, row->local);
      net_address_format (socket.family, socket.peer, text);
      g_assert_cmpstr (text, ==, row->peer);
    }
  net_socket_clear (&socket);
}

/* The end of a connection: the attribute, not the caller, names the protocol. */
static void
test_notice (void)
{
  const char *fixed = "0207000095ce a113"
                      "7f000001000000000000000000000000"
                      "7f000001000000000000000000000000";
  g_autoptr (GString) hex = g_string_new (fixed);
  g_autofree guint8 *bytes = NULL;
  NetSocket socket;
  gsize len;

  g_string_replace (hex, " ", "", 0);
  g_string_append (hex, "00000000"
                        "4e2f000001000000"
                        "0000000000000000000000000000000000000000"
                        "05000a0011000000");
  bytes = parse_hex (hex->str, &len);
  g_assert_cmpuint (len, ==, 80);
  g_assert_true (net_parse_inet (bytes, len, NET_PROTOCOL_ANY, &socket));
  g_assert_cmpuint (socket.protocol, ==, NET_UDP);
  g_assert_cmphex (socket.cookie, ==, G_GUINT64_CONSTANT (0x100002f4e));
  g_assert_cmpuint (socket.local_port, ==, 0x95ce);
  g_assert_true (net_parse_inet (bytes, len, NET_TCP, &socket));
  g_assert_cmpuint (socket.protocol, ==, NET_TCP);
  bytes[76] = 132; /* SCTP */
  g_assert_false (net_parse_inet (bytes, len, NET_PROTOCOL_ANY, &socket));
  g_assert_false (net_parse_inet (bytes, 72, NET_PROTOCOL_ANY, &socket));
}

/* A message that is cut anywhere is either invalid, or valid without its last attributes. */
static void
test_cut (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (recorded); i++)
    {
      gsize len, fixed = recorded[i].protocol == NET_UNIX ? 16 : 72;
      g_autofree guint8 *all = parse_hex (recorded[i].hex, &len);

      for (gsize cut = 0; cut < len; cut++)
        {
          g_autofree guint8 *bytes = g_memdup2 (all, MAX (cut, 1));
          NetSocket socket;

          g_assert_cmpint (parse_any (recorded[i].protocol, bytes, cut, &socket), ==, cut >= fixed);
          net_socket_clear (&socket);
        }
    }
}

/* Random bytes cause no access out of bounds, and the text is valid. */
static void
test_hostile (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (recorded); i++)
    {
      gsize len;
      g_autofree guint8 *all = parse_hex (recorded[i].hex, &len);

      for (gsize at = 0; at < len; at++)
        for (guint value = 0; value < 256; value += 15)
          {
            g_autofree guint8 *bytes = g_memdup2 (all, len);
            NetSocket socket;

            bytes[at] = (guint8) value;
            (void) parse_any (recorded[i].protocol, bytes, len, &socket);
            g_assert_true (socket.path == NULL || g_utf8_validate (socket.path, -1, NULL));
            net_socket_clear (&socket);
          }
    }
}

static void
test_random (void)
{
  for (guint round = 0; round < 20000; round++)
    {
      gsize len = (gsize) g_test_rand_int_range (1, 200);
      g_autofree guint8 *bytes = g_malloc (len);
      NetSocket socket;

      for (gsize i = 0; i < len; i++)
        bytes[i] = (guint8) g_test_rand_int_range (0, 256);
      bytes[0] = (guint8) (round % 2 == 0 ? 2 : 1);
      (void) parse_any (round % 2 == 0 ? NET_TCP : NET_UNIX, bytes, len, &socket);
      net_socket_clear (&socket);
    }
}

/* A name that occurs twice in a message is not leaked; the longest name fits. */
static void
test_names (void)
{
  guint8 bytes[16 + 4 + 108 + 4 + 4] = { 1, 1, 10, 0, 9, 0, 0, 0, 9 };
  NetSocket socket;

  bytes[16] = 112; /* of length and type, in the order of this machine */
  memset (bytes + 20, 0xff, 108);
  bytes[128] = 6;
  bytes[132] = 'a';
  if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
    {
      g_test_skip ("the bytes are those of a little-endian machine");
      return;
    }
  g_assert_true (net_parse_unix (bytes, 128, &socket));
  g_assert_cmpuint (strlen (socket.path), ==, 4 * 108);
  net_socket_clear (&socket);
  g_assert_true (net_parse_unix (bytes, sizeof bytes, &socket));
  g_assert_cmpstr (socket.path, ==, "a");
  net_socket_clear (&socket);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (recorded) && G_BYTE_ORDER == G_LITTLE_ENDIAN; i++)
    {
      g_autofree char *path = g_strconcat ("/netmond/parse/recorded/", recorded[i].name, NULL);

      g_test_add_data_func (path, &recorded[i], test_recorded);
    }
  g_test_add_func ("/netmond/parse/notice", test_notice);
  g_test_add_func ("/netmond/parse/cut", test_cut);
  g_test_add_func ("/netmond/parse/hostile", test_hostile);
  g_test_add_func ("/netmond/parse/random", test_random);
  g_test_add_func ("/netmond/parse/names", test_names);
  return g_test_run ();
}
