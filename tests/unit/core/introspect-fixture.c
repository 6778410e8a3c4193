/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect-fixture.h"

const IntrospectReply *
introspect_reply (const WireGuard *guard)
{
  return wire_guard_message (guard);
}

void
introspect_add_keys (GPtrArray *keys, const IntrospectReply *reply)
{
  for (gsize i = 0; i < reply->n_peers; i++)
    g_ptr_array_add (keys, g_strdup (reply->peers[i]->id));
  for (gsize i = 0; i < reply->n_subscriptions; i++)
    g_ptr_array_add (
        keys, g_strdup_printf ("%s\x01%010u", reply->subscriptions[i]->peer, reply->subscriptions[i]->subscription));
  for (gsize i = 0; i < reply->n_groups; i++)
    g_ptr_array_add (keys, g_strdup (reply->groups[i]->name));
  for (gsize i = 0; i < reply->n_topics; i++)
    g_ptr_array_add (keys, g_strdup (reply->topics[i]->topic));
}

void
introspect_expect_ascending (const GPtrArray *keys)
{
  for (guint i = 1; i < keys->len; i++)
    g_assert_cmpstr (g_ptr_array_index (keys, i - 1), <, g_ptr_array_index (keys, i));
}

GPtrArray *
introspect_all_pages (Client *asker,
                      guint section,
                      guint limit,
                      const char *peer,
                      void (*between) (Client *asker, guint page))
{
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *after = g_strdup ("");
  gboolean more = TRUE;

  for (guint page = 0; more; page++)
    {
      g_autoptr (WireGuard) guard = client_introspect (asker, section, after, limit, peer, WIRE_STATUS_OK);
      guint before = keys->len;

      introspect_add_keys (keys, introspect_reply (guard));
      g_assert_cmpuint (introspect_reply (guard)->epoch, ==, 77);
      g_assert_cmpuint (keys->len - before, <=, limit > 0 ? limit : 500);
      g_free (after);
      after = g_strdup (introspect_reply (guard)->next);
      more = after[0] != '\0';
      if (more)
        g_assert_cmpuint (keys->len, >, before);
      if (between != NULL)
        between (asker, page);
    }
  introspect_expect_ascending (keys);
  return keys;
}
