/* SPDX-License-Identifier: Apache-2.0 */
#include "net-pack.h"
#include "net-watch.h"
#include "network.pb-c.h"
#include "wire-guard.h"

#include <string.h>

/* Tests of the tables, their bound and filter, and of the changes between two of them. */

#define LIMIT 8u

/* A short description of a socket for these tests. */
typedef struct
{
  guint64 cookie; /* 0: the end of a list */
  guint16 local_port;
  guint16 peer_port;
  guint8 state;
  guint8 protocol; /* 0: TCP */
  guint32 inode;
} Brief;

static NetSocket
brief_socket (const Brief *brief)
{
  return (NetSocket){ .cookie = brief->cookie,
                      .protocol = brief->protocol != 0 ? brief->protocol : NET_TCP,
                      .family = NET_IPV4,
                      .state = brief->state != 0 ? brief->state : NET_ESTABLISHED,
                      .local_port = brief->local_port,
                      .peer_port = brief->peer_port,
                      .inode = brief->inode };
}

static NetTable *
brief_table (const Brief *list, guint limit, const NetTable *before)
{
  NetTable *table = net_table_new (limit, before);

  for (; list->cookie != 0; list++)
    {
      NetSocket socket = brief_socket (list);

      net_table_add (table, before, &socket);
    }
  net_table_seal (table);
  return table;
}

/* Returns the cookies of a table: "1 3". */
static char *
list_cookies (const NetTable *table)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < table->sockets->len; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? " " : "",
                            g_array_index (table->sockets, NetSocket, i).cookie);
  return g_string_free (text, FALSE);
}

static void
assert_table (const NetTable *table, const char *wanted)
{
  g_autofree char *found = list_cookies (table);

  g_assert_cmpstr (found, ==, wanted);
}

/* Compares with the next table and notices. @wanted: "+1 -2 !3": sockets that appeared, vanished, and ended unseen. */
static void
assert_compared (NetWatch *watch, const Brief *now, const Brief *ended, const char *wanted)
{
  g_autoptr (GArray) notices = g_array_new (FALSE, FALSE, sizeof (NetSocket));
  g_autoptr (GArray) events = NULL;
  g_autoptr (GString) found = g_string_new (NULL);

  for (; ended != NULL && ended->cookie != 0; ended++)
    {
      NetSocket socket = brief_socket (ended);

      g_array_append_val (notices, socket);
    }
  events = net_watch_compare (watch, brief_table (now, LIMIT, net_watch_last (watch)), notices);
  for (guint i = 0; i < events->len; i++)
    {
      const NetEvent *event = &g_array_index (events, NetEvent, i);

      g_string_append_printf (found, "%s%c%" G_GUINT64_FORMAT, i > 0 ? " " : "", " +-!"[event->kind],
                              event -> socket.cookie);
    }
  g_assert_cmpstr (found->str, ==, wanted);
}

#define LIST(...) ((const Brief[]){ __VA_ARGS__, { 0 } })
#define NOTHING   ((const Brief[]){ { 0 } })

/* --- tables --- */

static void
test_sealed (void)
{
  g_autoptr (NetTable) table = brief_table (LIST ({ .cookie = 3, .local_port = 30 }, { .cookie = 1, .local_port = 10 },
                                                  { .cookie = 3, .local_port = 31 }, { .cookie = 2, .local_port = 20 },
                                                  { .cookie = 3, .local_port = 32 }, { .cookie = 1, .local_port = 11 }),
                                            LIMIT, NULL);

  assert_table (table, "1 2 3");
  g_assert_cmpuint (net_table_find (table, 1)->local_port, ==, 11);
  g_assert_cmpuint (net_table_find (table, 3)->local_port, ==, 32);
  g_assert_null (net_table_find (table, 4));
}

static void
test_owned_twice (void)
{
  g_autoptr (NetTable) table = net_table_new (LIMIT, NULL);

  for (guint i = 0; i < 3; i++)
    {
      NetSocket socket = { .cookie = 7, .path = g_strdup_printf ("/%u", i), .owners = net_owners_new () };

      net_table_add (table, NULL, &socket);
    }
  net_table_seal (table);
  assert_table (table, "7");
  g_assert_cmpstr (net_table_find (table, 7)->path, ==, "/2");
}

static void
test_limit (void)
{
  g_autoptr (NetTable) table = brief_table (
      LIST ({ .cookie = 5 }, { .cookie = 6 }, { .cookie = 7 }, { .cookie = 8 }, { .cookie = 9 }), 3, NULL);
  g_autoptr (NetTable) next = NULL;

  assert_table (table, "5 6 7");
  g_assert_cmpuint (table->beyond, ==, 2);
  /* New sockets do not replace known ones, in any order of the table. */
  next = brief_table (LIST ({ .cookie = 1 }, { .cookie = 2 }, { .cookie = 7 }, { .cookie = 6 }, { .cookie = 5 }), 3,
                      table);
  assert_table (next, "5 6 7");
  g_assert_cmpuint (next->beyond, ==, 2);
}

static void
test_filter (void)
{
  static const struct
  {
    NetFilter filter;
    Brief socket;
    gboolean matches;
  } rows[] = {
    { { 0 }, { .cookie = 4 }, TRUE },
    { { .protocol = NET_TCP }, { .cookie = 4 }, TRUE },
    { { .protocol = NET_UDP }, { .cookie = 4 }, FALSE },
    { { .state = NET_LISTENING }, { .cookie = 4, .state = NET_LISTENING }, TRUE },
    { { .state = NET_LISTENING }, { .cookie = 4 }, FALSE },
    { { .local_port = 80 }, { .cookie = 4, .local_port = 80 }, TRUE },
    { { .local_port = 80 }, { .cookie = 4, .local_port = 8080, .peer_port = 80 }, FALSE },
    { { .shard = 1, .shards = 3 }, { .cookie = 4 }, TRUE },
    { { .shard = 1, .shards = 3 }, { .cookie = 5 }, FALSE },
    { { .shards = 1 }, { .cookie = 5 }, TRUE },
    { { .after = 4 }, { .cookie = 4 }, FALSE },
    { { .after = 4 }, { .cookie = 5 }, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      NetSocket socket = brief_socket (&rows[i].socket);

      g_test_message ("row %u", (guint) i);
      g_assert_cmpint (net_filter_matches (&rows[i].filter, &socket), ==, rows[i].matches);
    }
}

static void
test_filter_inodes (void)
{
  g_autoptr (GHashTable) inodes = g_hash_table_new (NULL, NULL);
  const NetFilter filter = { .inodes = inodes };
  NetSocket mine = { .cookie = 1, .inode = 77 }, other = { .cookie = 2, .inode = 78 }, none = { .cookie = 3 };

  g_hash_table_add (inodes, GUINT_TO_POINTER (77));
  g_assert_true (net_filter_matches (&filter, &mine));
  g_assert_false (net_filter_matches (&filter, &other));
  g_assert_false (net_filter_matches (&filter, &none));
}

static void
test_pages (void)
{
  g_autoptr (NetTable) whole = brief_table (LIST ({ .cookie = 1 }, { .cookie = 2 }, { .cookie = 3 }), LIMIT, NULL);
  g_autoptr (NetTable) two = brief_table (LIST ({ .cookie = 1 }, { .cookie = 2 }, { .cookie = 3 }), LIMIT, NULL);
  g_autoptr (NetTable) one = brief_table (LIST ({ .cookie = 1 }, { .cookie = 2 }, { .cookie = 3 }), LIMIT, NULL);

  net_table_page (whole, 3, 10000);
  assert_table (whole, "1 2 3");
  g_assert_cmpuint (whole->next, ==, 0);
  net_table_page (two, 2, 10000);
  assert_table (two, "1 2");
  g_assert_cmpuint (two->next, ==, 2);
  net_table_page (one, 0, 0); /* a requester with pages makes progress */
  assert_table (one, "1");
  g_assert_cmpuint (one->next, ==, 1);
}

/* Sockets with the longest names and owners, and sockets with the fewest data: the receiver can unpack an answer of the largest
 * size. */
static void
test_largest_answer (gconstpointer data)
{
  gboolean is_full = GPOINTER_TO_INT (data) != 0;
  g_autoptr (NetTable) table = net_table_new (20000, NULL);
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GBytes) packed = NULL;
  gsize len;
  gconstpointer bytes;
  WireGuardError error;

  for (guint i = 1; i <= 20000; i++)
    {
      NetSocket socket = { .cookie = is_full ? G_MAXUINT64 - i : i, .protocol = NET_TCP, .family = NET_IPV4 };
      NetOwner owner = { .start_time = is_full ? G_MAXUINT64 : 1 };

      socket.owners = net_owners_new ();
      socket.ownership = NET_OWNER_KNOWN;
      if (is_full)
        {
          memset ((guint8 *) &socket + G_STRUCT_OFFSET (NetSocket, local_port), 0xff,
                  G_STRUCT_OFFSET (NetSocket, ownership) - G_STRUCT_OFFSET (NetSocket, local_port));
          socket.family = NET_IPV6;
          memset (owner.name, 'n', NET_NAME_BYTES - 1);
        }
      for (owner.pid = 1; owner.pid <= NET_OWNERS_MAX; owner.pid++)
        net_owners_add (socket.owners, &owner);
      net_table_add (table, NULL, &socket);
    }
  net_table_seal (table);
  net_table_page (table, 0, 1u << 20);
  g_assert_cmpuint (table->sockets->len, >, 400);
  packed = net_pack_table (table);
  bytes = g_bytes_get_data (packed, &len);
  g_assert_cmpuint (len, <=, (1u << 20) + 64);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__socket_table__descriptor, wire_span (bytes, len), 0, &error);
  g_test_message ("%u sockets, %u bytes: %s", table->sockets->len, (guint) len, guard == NULL ? error.problem : "");
  g_assert_nonnull (guard);
}

static void
test_owners (void)
{
  g_autoptr (NetOwners) owners = net_owners_new ();
  const NetOwner *list;
  guint n, more;

  for (guint i = 12; i > 0; i--)
    for (guint twice = 0; twice < 2; twice++)
      {
        NetOwner owner = { .pid = i * 10 };

        if (i > 4 || twice == 0) /* one that is listed is not counted twice */
          net_owners_add (owners, &owner);
      }
  list = net_owners_get (owners, &n, &more);
  g_assert_cmpuint (n, ==, NET_OWNERS_MAX);
  g_assert_cmpuint (more, ==, 4);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (list[i].pid, ==, (i + 1) * 10);
}

static void
test_addresses (void)
{
  static const struct
  {
    guint8 bytes[16];
    const char *text;
  } rows[] = {
    { { 0 }, "::" },
    { { [15] = 1 }, "::1" },
    { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, "2001:db8::1" },
    { { 0xfe, 0x80, [8] = 0, 0, 0, 0xff, 0xfe, 0, 0, 1 }, "fe80::ff:fe00:1" },
    { { 0x20, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 }, "2001:0:1::1:0:1" },
    { { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0 }, "1:2:3:4:5:6:7:0" },
    { { 0, 1, [12] = 0, 7, 0, 0 }, "1::7:0" },
    { { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 0 }, "1:2:3:4:5:6::" },
    { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    { { [10] = 0xff, 0xff, 192, 0, 2, 255 }, "::ffff:192.0.2.255" },
  };
  char text[NET_ADDRESS_BYTES];

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      net_address_format (NET_IPV6, rows[i].bytes, text);
      g_assert_cmpstr (text, ==, rows[i].text);
    }
  net_address_format (NET_LOCAL, rows[1].bytes, text);
  g_assert_cmpstr (text, ==, "");
}

static void
test_escapes (void)
{
  char text[12];

  net_text_escape ("a\\b", 3, text, sizeof text);
  g_assert_cmpstr (text, ==, "a\\x5cb");
  net_text_escape ("\xc3\xa4\n\xff", 4, text, sizeof text);
  g_assert_cmpstr (text, ==, "\xc3\xa4\\x0a\\xff");
  net_text_escape ("\0\0\0\0", 4, text, sizeof text); /* cut between two escapes */
  g_assert_cmpstr (text, ==, "\\x00\\x00");
}

/* --- changes --- */

static void
test_appear_and_vanish (void)
{
  g_autoptr (NetWatch) watch = net_watch_new (LIMIT);

  assert_compared (watch, LIST ({ .cookie = 1, .local_port = 80, .state = NET_LISTENING }), NULL, "");
  assert_compared (watch,
                   LIST ({ .cookie = 1, .local_port = 80, .state = NET_LISTENING },
                         { .cookie = 2, .local_port = 80, .peer_port = 5000 }),
                   NULL, "+2");
  assert_compared (watch,
                   LIST ({ .cookie = 1, .local_port = 80, .state = NET_LISTENING },
                         { .cookie = 2, .local_port = 80, .peer_port = 5000, .state = 8 }),
                   NULL, "");
  assert_compared (watch, LIST ({ .cookie = 1, .local_port = 80, .state = NET_LISTENING }),
                   LIST ({ .cookie = 2, .local_port = 80, .peer_port = 5000 }), "-2");
  assert_compared (watch, NOTHING, LIST ({ .cookie = 1, .local_port = 80 }), "-1");
  assert_compared (watch, NOTHING, NULL, "");
}

/* Without a notice a socket has vanished only when it is absent twice. */
static void
test_absent_twice (void)
{
  g_autoptr (NetWatch) watch = net_watch_new (LIMIT);

  assert_compared (
      watch, LIST ({ .cookie = 1, .local_port = 1, .peer_port = 1 }, { .cookie = 2, .local_port = 1, .peer_port = 2 }),
      NULL, "");
  assert_compared (watch, LIST ({ .cookie = 2, .local_port = 1, .peer_port = 2 }), NULL, "");
  assert_compared (
      watch, LIST ({ .cookie = 1, .local_port = 1, .peer_port = 1 }, { .cookie = 2, .local_port = 1, .peer_port = 2 }),
      NULL, "");
  assert_compared (watch, LIST ({ .cookie = 2, .local_port = 1, .peer_port = 2 }), NULL, "");
  assert_compared (watch, LIST ({ .cookie = 2, .local_port = 1, .peer_port = 2 }), NULL, "-1");
  assert_compared (watch, LIST ({ .cookie = 2, .local_port = 1, .peer_port = 2 }), NULL, "");
  /* The process still has the socket, and closes it now. */
  assert_compared (watch, LIST ({ .cookie = 2, .local_port = 1, .peer_port = 2 }),
                   LIST ({ .cookie = 1, .local_port = 1, .peer_port = 1 }), "");
}

static void
test_unseen (void)
{
  g_autoptr (NetWatch) watch = net_watch_new (LIMIT);

  assert_compared (watch, NOTHING, LIST ({ .cookie = 1, .local_port = 1, .peer_port = 1 }),
                   ""); /* before the baseline */
  assert_compared (watch, NOTHING,
                   LIST ({ .cookie = 2, .local_port = 40000, .peer_port = 53, .protocol = NET_UDP },
                         { .cookie = 3, .local_port = 40001, .peer_port = 443 }),
                   "!2 !3");
  /* A TCP socket that was only bound, and a UDP socket that was not even bound. */
  assert_compared (watch, NOTHING, LIST ({ .cookie = 4, .local_port = 8080 }, { .cookie = 5, .protocol = NET_UDP }),
                   "");
  assert_compared (watch, LIST ({ .cookie = 6, .local_port = 1, .peer_port = 1 }),
                   LIST ({ .cookie = 6, .local_port = 1, .peer_port = 1 }), "+6 -6"); /* it ended after it was listed */
  assert_compared (watch, NOTHING, NULL, "");
}

/* The same socket with other addresses is another connection. */
static void
test_used_again (void)
{
  g_autoptr (NetWatch) watch = net_watch_new (LIMIT);

  assert_compared (watch, LIST ({ .cookie = 1, .local_port = 500, .protocol = NET_UDP, .state = NET_UNCONNECTED }),
                   NULL, "");
  assert_compared (watch, LIST ({ .cookie = 1, .local_port = 500, .peer_port = 53, .protocol = NET_UDP }), NULL,
                   "-1 +1");
  assert_compared (watch, LIST ({ .cookie = 1, .local_port = 500, .peer_port = 53, .protocol = NET_UDP }), NULL, "");
}

/* More sockets than the table can have: known sockets do not vanish, and ended ones make room. */
static void
test_beyond (void)
{
  g_autoptr (NetWatch) watch = net_watch_new (LIMIT);
  const Brief many[] = { { .cookie = 11, .local_port = 1, .peer_port = 1 },
                         { .cookie = 12, .local_port = 1, .peer_port = 2 },
                         { .cookie = 13, .local_port = 1, .peer_port = 3 },
                         { .cookie = 14, .local_port = 1, .peer_port = 4 },
                         { .cookie = 15, .local_port = 1, .peer_port = 5 },
                         { .cookie = 16, .local_port = 1, .peer_port = 6 },
                         { .cookie = 17, .local_port = 1, .peer_port = 7 },
                         { .cookie = 18, .local_port = 1, .peer_port = 8 },
                         { .cookie = 1, .local_port = 1, .peer_port = 9 },
                         { .cookie = 2, .local_port = 1, .peer_port = 10 },
                         { 0 } };
  const Brief turned[]
      = { { .cookie = 1, .local_port = 1, .peer_port = 9 },  { .cookie = 2, .local_port = 1, .peer_port = 10 },
          { .cookie = 18, .local_port = 1, .peer_port = 8 }, { .cookie = 17, .local_port = 1, .peer_port = 7 },
          { .cookie = 16, .local_port = 1, .peer_port = 6 }, { .cookie = 15, .local_port = 1, .peer_port = 5 },
          { .cookie = 14, .local_port = 1, .peer_port = 4 }, { .cookie = 13, .local_port = 1, .peer_port = 3 },
          { .cookie = 12, .local_port = 1, .peer_port = 2 }, { 0 } };

  assert_compared (watch, many, NULL, "");
  g_assert_cmpuint (net_watch_last (watch)->beyond, ==, 2);
  assert_compared (watch, turned, LIST ({ .cookie = 11, .local_port = 1, .peer_port = 1 }), "-11");
  g_assert_cmpuint (net_watch_last (watch)->beyond, ==, 2);
  assert_compared (watch, turned, NULL, "+1");
  g_assert_cmpuint (net_watch_last (watch)->beyond, ==, 1);
}

static void
test_concerns (void)
{
  static const struct
  {
    Brief socket;
    gboolean concerns;
  } rows[] = {
    { { .cookie = 1, .local_port = 80, .state = NET_LISTENING }, TRUE },
    { { .cookie = 1, .local_port = 80, .peer_port = 1, .state = NET_ESTABLISHED }, TRUE },
    { { .cookie = 1, .local_port = 80, .peer_port = 1, .state = NET_TIME_WAIT }, FALSE },
    { { .cookie = 1, .local_port = 80, .peer_port = 1, .state = NET_SYN_RECEIVED }, FALSE },
    { { .cookie = 1, .local_port = 80, .peer_port = 1, .state = NET_UNCONNECTED }, FALSE },
    { { .cookie = 1, .local_port = 80, .peer_port = 0, .state = 13 }, FALSE },
    { { .cookie = 1, .local_port = 0, .peer_port = 0, .state = NET_UNCONNECTED, .protocol = NET_UDP }, FALSE },
    { { .cookie = 1, .local_port = 53, .peer_port = 0, .state = NET_UNCONNECTED, .protocol = NET_UDP }, TRUE },
    { { .cookie = 1, .local_port = 0, .peer_port = 0, .state = NET_LISTENING, .protocol = NET_UNIX }, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      NetSocket socket = brief_socket (&rows[i].socket);

      g_test_message ("row %u", (guint) i);
      g_assert_cmpint (net_watch_concerns (&socket), ==, rows[i].concerns);
    }
}

static void
test_keeps_owners (void)
{
  g_autoptr (NetOwners) owners = net_owners_new ();
  g_autoptr (NetTable) before = brief_table (
      LIST ({ .cookie = 1, .inode = 10 }, { .cookie = 2, .inode = 20 }, { .cookie = 3, .inode = 0 }), LIMIT, NULL);
  g_autoptr (NetTable) now
      = brief_table (LIST ({ .cookie = 1, .inode = 10 }, { .cookie = 2, .inode = 0 }, { .cookie = 3, .inode = 30 },
                           { .cookie = 4, .inode = 40 }, { .cookie = 5, .inode = 0 }),
                     LIMIT, before);

  for (guint64 cookie = 1; cookie <= 2; cookie++)
    net_socket_set_owners (net_table_find (before, cookie), NET_OWNER_KNOWN, owners);
  net_socket_set_owners (net_table_find (before, 3), NET_OWNER_NONE, NULL);
  g_assert_cmpuint (net_watch_keep_owners (before, now), ==, 2);
  g_assert_true (net_table_find (now, 1)->owners == owners);
  g_assert_true (net_table_find (now, 2)->owners == owners);                    /* its process has closed it */
  g_assert_cmpuint (net_table_find (now, 3)->ownership, ==, NET_OWNER_UNASKED); /* accepted between the two tables */
  g_assert_cmpuint (net_table_find (now, 5)->ownership, ==, NET_OWNER_NONE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/netmond/table/sealed", test_sealed);
  g_test_add_func ("/netmond/table/owned-twice", test_owned_twice);
  g_test_add_func ("/netmond/table/limit", test_limit);
  g_test_add_func ("/netmond/table/filter", test_filter);
  g_test_add_func ("/netmond/table/filter-inodes", test_filter_inodes);
  g_test_add_func ("/netmond/table/pages", test_pages);
  g_test_add_data_func ("/netmond/table/largest-answer/small", GINT_TO_POINTER (0), test_largest_answer);
  g_test_add_data_func ("/netmond/table/largest-answer/full", GINT_TO_POINTER (1), test_largest_answer);
  g_test_add_func ("/netmond/socket/owners", test_owners);
  g_test_add_func ("/netmond/socket/addresses", test_addresses);
  g_test_add_func ("/netmond/socket/escapes", test_escapes);
  g_test_add_func ("/netmond/watch/appear-and-vanish", test_appear_and_vanish);
  g_test_add_func ("/netmond/watch/absent-twice", test_absent_twice);
  g_test_add_func ("/netmond/watch/unseen", test_unseen);
  g_test_add_func ("/netmond/watch/used-again", test_used_again);
  g_test_add_func ("/netmond/watch/beyond", test_beyond);
  g_test_add_func ("/netmond/watch/concerns", test_concerns);
  g_test_add_func ("/netmond/watch/keeps-owners", test_keeps_owners);
  return g_test_run ();
}
