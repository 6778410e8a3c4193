/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "platform-place.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <unistd.h>

G_DEFINE_QUARK (bus_config_error, bus_config_error)

/* What a key's reader works on. */
typedef struct
{
  GKeyFile *file;
  const char *path;
  const char *group;
  const char *key;
  BusConfig *config;
} Entry;

G_GNUC_PRINTF (3, 4)
static gboolean
fail (GError **error, const Entry *entry, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE, "%s: [%s] %s: %s", entry->path, entry->group,
               entry->key, text);
  return FALSE;
}

/* --- readers --- */

static gboolean
read_text (const Entry *entry, char **value, GError **error)
{
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);

  if (text == NULL || *text == '\0')
    return fail (error, entry, _ ("it is empty"));
  g_free (*value);
  *value = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
read_uids (const Entry *entry, guint32 **uids, gsize *n_uids, GError **error)
{
  gsize n = 0;
  g_auto (GStrv) list = g_key_file_get_string_list (entry->file, entry->group, entry->key, &n, NULL);
  g_autofree guint32 *values = g_new0 (guint32, MAX (n, 1));

  if (list == NULL || n == 0)
    return fail (error, entry, _ ("it is a list of numbers with ; between, such as 0;1000"));
  for (gsize i = 0; i < n; i++)
    {
      guint64 value;

      if (!g_ascii_string_to_unsigned (g_strstrip (list[i]), 10, 0, G_MAXUINT32 - 1, &value, NULL))
        return fail (error, entry, _ ("%s is no uid"), list[i]);
      values[i] = (guint32) value;
    }
  g_free (*uids);
  *uids = g_steal_pointer (&values);
  *n_uids = n;
  return TRUE;
}

static gboolean
read_address (const Entry *entry, GError **error)
{
  return read_text (entry, &entry->config->address, error);
}

static gboolean
read_group (const Entry *entry, GError **error)
{
  return read_text (entry, &entry->config->socket_group, error);
}

static gboolean
read_who_may_connect (const Entry *entry, GError **error)
{
  return read_uids (entry, &entry->config->uids, &entry->config->n_uids, error);
}

static gboolean
read_who_is_a_tool (const Entry *entry, GError **error)
{
  return read_uids (entry, &entry->config->tool_uids, &entry->config->n_tool_uids, error);
}

static const struct
{
  const char *key;
  gboolean (*read) (const Entry *entry, GError **error);
} socket_keys[] = {
  { "address", read_address },
  { "group", read_group },
  { "uids", read_who_may_connect },
  { "tool-uids", read_who_is_a_tool },
};

static gboolean
read_socket_key (const Entry *entry, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (socket_keys); i++)
    if (g_str_equal (entry->key, socket_keys[i].key))
      return socket_keys[i].read (entry, error);
  return fail (error, entry, _ ("unknown key"));
}

/* Settings are spelt with dashes in the file and with underscores in the broker's refusals; both are understood. */
static const BusLimitSpec *
find_limit (const char *key)
{
  g_autofree char *name = g_strdelimit (g_strdup (key), "-", '_');

  for (guint i = 0; i < BUS_N_LIMITS; i++)
    if (g_str_equal (bus_limit_spec (i)->name, name))
      return bus_limit_spec (i);
  return NULL;
}

static gboolean
read_limit_key (const Entry *entry, GError **error)
{
  const BusLimitSpec *spec = find_limit (entry->key);
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);
  guint64 value;

  if (spec == NULL)
    return fail (error, entry, _ ("unknown key"));
  if (text == NULL || !g_ascii_string_to_unsigned (g_strstrip (text), 10, 0, G_MAXUINT64, &value, NULL))
    return fail (error, entry, _ ("%s is no number"), text != NULL ? text : "?");
  if (value < spec->floor || value > spec->ceiling)
    return fail (error, entry, _ ("%s is not between %" PRIu64 " and %" PRIu64), text, spec->floor, spec->ceiling);
  G_STRUCT_MEMBER (guint64, &entry->config->limits, spec->offset) = value;
  return TRUE;
}

static const struct
{
  const char *group;
  gboolean (*read) (const Entry *entry, GError **error);
} groups[] = {
  { "socket", read_socket_key },
  { "limits", read_limit_key },
};

/* --- the file --- */

static gboolean
read_group_of_keys (Entry *entry, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (entry->file, entry->group, NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    if (g_str_equal (groups[i].group, entry->group))
      {
        for (char **key = keys; *key != NULL; key++)
          {
            entry->key = *key;
            if (!groups[i].read (entry, error))
              return FALSE;
          }
        return TRUE;
      }
  g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE, _ ("%s: [%s]: unknown group"), entry->path,
               entry->group);
  return FALSE;
}

static gboolean
read_file (Entry *entry, GError **error)
{
  g_auto (GStrv) names = g_key_file_get_groups (entry->file, NULL);
  const char *contradiction;

  for (char **name = names; *name != NULL; name++)
    {
      entry->group = *name;
      if (!read_group_of_keys (entry, error))
        return FALSE;
    }
  contradiction = bus_limits_contradiction (&entry->config->limits);
  if (contradiction == NULL)
    return TRUE;
  g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE, "%s: [limits]: %s", entry->path, contradiction);
  return FALSE;
}

BusConfig *
bus_config_new (void)
{
  BusConfig *config = g_new0 (BusConfig, 1);
  guint32 own = (guint32) geteuid ();

  bus_limits_init (&config->limits);
  config->uids = g_memdup2 (&own, sizeof own);
  config->n_uids = 1;
  config->tool_uids = g_memdup2 (&own, sizeof own);
  config->n_tool_uids = 1;
  return config;
}

BusConfig *
bus_config_load (const char *path, GError **error)
{
  g_autoptr (BusConfig) config = bus_config_new ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) reason = NULL;
  Entry entry = { .file = file, .path = path, .config = config };

  if (path == NULL)
    return g_steal_pointer (&config);
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason))
    {
      g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_READ, _ ("can't read the configuration %s: %s"), path,
                   reason->message);
      return NULL;
    }
  return read_file (&entry, error) ? g_steal_pointer (&config) : NULL;
}

void
bus_config_free (BusConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->address);
  g_free (config->socket_group);
  g_free (config->uids);
  g_free (config->tool_uids);
  g_free (config);
}

char *
bus_config_resolve_address (const BusConfig *config, const char *host_address)
{
  if (host_address != NULL)
    return g_strdup (host_address);
  if (config->address != NULL)
    return g_strdup (config->address);
  return platform_broker_address ();
}
