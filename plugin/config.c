/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "account.h"
#include "platform-place.h"
#include "wire-topic.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

G_DEFINE_QUARK (bus_config_error, bus_config_error)

/* The key to read, and the result. */
typedef struct
{
  GKeyFile *file;
  const char *path;
  const char *group;
  const char *key;
  BusConfig *config;
  gboolean is_set[BUS_N_LIMITS]; /* the limits that the file contains */
} ConfigEntry;

G_GNUC_PRINTF (3, 4)
static gboolean
config_fail (GError **error, const ConfigEntry *entry, const char *format, ...)
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
config_read_text (const ConfigEntry *entry, char **value, GError **error)
{
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);

  if (text == NULL || *text == '\0')
    return config_fail (error, entry, _ ("the value is empty"));
  g_free (*value);
  *value = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
config_read_accounts (const ConfigEntry *entry, guint32 **accounts, gsize *n_accounts, GError **error)
{
  gsize n = 0;
  g_auto (GStrv) list = g_key_file_get_string_list (entry->file, entry->group, entry->key, &n, NULL);
  g_autofree guint32 *values = g_new0 (guint32, MAX (n, 1));

  if (list == NULL || n == 0)
    return config_fail (error, entry, _ ("the value must be a list of numbers separated by ;, such as 0;1000"));
  for (gsize i = 0; i < n; i++)
    if (!account_parse (g_strstrip (list[i]), &values[i]))
      return config_fail (error, entry, _ ("%s is not a uid"), list[i]);
  g_free (*accounts);
  *accounts = g_steal_pointer (&values);
  *n_accounts = n;
  return TRUE;
}

static gboolean
config_read_address (const ConfigEntry *entry, GError **error)
{
  return config_read_text (entry, &entry->config->address, error);
}

static gboolean
config_read_group (const ConfigEntry *entry, GError **error)
{
  return config_read_text (entry, &entry->config->socket_group, error);
}

static gboolean
config_read_allowed_accounts (const ConfigEntry *entry, GError **error)
{
  return config_read_accounts (entry, &entry->config->accounts, &entry->config->n_accounts, error);
}

static gboolean
config_read_tool_accounts (const ConfigEntry *entry, GError **error)
{
  return config_read_accounts (entry, &entry->config->tool_accounts, &entry->config->n_tool_accounts, error);
}

static const struct
{
  const char *key;
  gboolean (*read) (const ConfigEntry *entry, GError **error);
} config_socket_keys[] = {
  { "address", config_read_address },
  { "group", config_read_group },
  { "uids", config_read_allowed_accounts },
  { "tool-uids", config_read_tool_accounts },
};

static gboolean
config_read_socket_key (ConfigEntry *entry, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (config_socket_keys); i++)
    if (g_str_equal (entry->key, config_socket_keys[i].key))
      return config_socket_keys[i].read (entry, error);
  return config_fail (error, entry, _ ("unknown key"));
}

/* The file spells settings with dashes, the messages of the broker with underscores. Both are accepted here. */
static BusLimit
config_find_limit (const char *key)
{
  g_autofree char *name = g_strdelimit (g_strdup (key), "-", '_');
  BusLimit limit = 0;

  while (limit < BUS_N_LIMITS && !g_str_equal (bus_limit_name (limit), name))
    limit++;
  return limit;
}

static gboolean
config_read_limit_key (ConfigEntry *entry, GError **error)
{
  BusLimit limit = config_find_limit (entry->key);
  const BusLimitSpec *spec;
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);
  guint64 value;

  if (limit == BUS_N_LIMITS)
    return config_fail (error, entry, _ ("unknown key"));
  spec = bus_limit_spec (limit);
  if (text == NULL || !g_ascii_string_to_unsigned (g_strstrip (text), 10, 0, G_MAXUINT64, &value, NULL))
    return config_fail (error, entry, _ ("%s is not a number"), text != NULL ? text : "?");
  if (value < spec->floor || value > spec->ceiling)
    return config_fail (error, entry, _ ("%s is not between %" PRIu64 " and %" PRIu64), text, spec->floor,
                        spec->ceiling);
  G_STRUCT_MEMBER (guint64, &entry->config->limits, spec->offset) = value;
  entry->is_set[limit] = TRUE;
  return TRUE;
}

/* --- queue groups --- */

#define CONFIG_GROUP "group "

static gboolean
config_read_number (const ConfigEntry *entry, const char *text, guint32 most, guint32 *number, GError **error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 1, most, &value, NULL))
    return config_fail (error, entry, _ ("%s is not a number between 1 and %u"), text, most);
  *number = (guint32) value;
  return TRUE;
}

static gboolean
config_read_strategy (const ConfigEntry *entry, BusGroupRule *rule, GError **error)
{
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);

  if (text != NULL && bus_strategy_parse (g_strstrip (text), &rule->strategy))
    return TRUE;
  return config_fail (error, entry, _ ("%s is not one of round-robin, least-loaded, random, first-available"),
                      text != NULL ? text : "?");
}

static gboolean
config_read_in_flight (const ConfigEntry *entry, BusGroupRule *rule, GError **error)
{
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);

  return config_read_number (entry, text != NULL ? g_strstrip (text) : "?",
                             (guint32) bus_limit_spec (BUS_LIMIT_receive_window_messages)->ceiling, &rule->in_flight,
                             error);
}

/* One element of the list: "ID:WEIGHT". */
static gboolean
config_read_weight (const ConfigEntry *entry, char *text, BusGroupRule *rule, GError **error)
{
  char *colon = strchr (text, ':');
  BusGroupWeight *weight = &rule->weights[rule->n_weights];

  if (colon == NULL || !wire_segment_is_valid (wire_span (text, (gsize) (colon - text)), G_MAXUINT))
    return config_fail (
        error, entry, _ ("the value must be a list of IDs and weights separated by ;, such as worker-1:3;worker-2:1"));
  if (!config_read_number (entry, colon + 1, BUS_WEIGHT_MAX, &weight->weight, error))
    return FALSE;
  weight->peer = g_strndup (text, (gsize) (colon - text));
  rule->n_weights++;
  return TRUE;
}

static gboolean
config_read_weights (const ConfigEntry *entry, BusGroupRule *rule, GError **error)
{
  gsize n = 0;
  g_auto (GStrv) list = g_key_file_get_string_list (entry->file, entry->group, entry->key, &n, NULL);

  rule->weights = g_new0 (BusGroupWeight, MAX (n, 1));
  for (gsize i = 0; i < n; i++)
    if (!config_read_weight (entry, g_strstrip (list[i]), rule, error))
      return FALSE;
  return n > 0 || config_fail (error, entry, _ ("the value is empty"));
}

static const struct
{
  const char *key;
  gboolean (*read) (const ConfigEntry *entry, BusGroupRule *rule, GError **error);
} config_rule_keys[] = {
  { "strategy", config_read_strategy },
  { "in-flight", config_read_in_flight },
  { "weights", config_read_weights },
};

static BusGroupRule *
config_get_rule (const ConfigEntry *entry)
{
  const char *name = entry->group + strlen (CONFIG_GROUP);
  BusGroupRule rule = { .name = g_strdup (name) };

  for (guint i = 0; i < entry->config->groups->len; i++)
    if (g_str_equal (g_array_index (entry->config->groups, BusGroupRule, i).name, name))
      {
        bus_group_rule_clear (&rule);
        return &g_array_index (entry->config->groups, BusGroupRule, i);
      }
  g_array_append_val (entry->config->groups, rule);
  return &g_array_index (entry->config->groups, BusGroupRule, entry->config->groups->len - 1);
}

static gboolean
config_read_rule_key (ConfigEntry *entry, GError **error)
{
  if (!wire_segment_is_valid (wire_span_str (entry->group + strlen (CONFIG_GROUP)), G_MAXUINT))
    return config_fail (error, entry, _ ("the name of a queue group is one segment of a-z 0-9 - _"));
  for (guint i = 0; i < G_N_ELEMENTS (config_rule_keys); i++)
    if (g_str_equal (entry->key, config_rule_keys[i].key))
      return config_rule_keys[i].read (entry, config_get_rule (entry), error);
  return config_fail (error, entry, _ ("unknown key"));
}

/* --- peers --- */

static gboolean
config_read_failed_action (const ConfigEntry *entry, GError **error)
{
  g_autofree char *text = g_key_file_get_string (entry->file, entry->group, entry->key, NULL);
  const char *action = text != NULL ? g_strstrip (text) : "?";

  entry->config->closes_failed = g_str_equal (action, "close");
  if (entry->config->closes_failed || g_str_equal (action, "report"))
    return TRUE;
  return config_fail (error, entry, _ ("%s is not one of report, close"), action);
}

static gboolean
config_read_peers_key (ConfigEntry *entry, GError **error)
{
  if (g_str_equal (entry->key, "health-failed-action"))
    return config_read_failed_action (entry, error);
  return config_fail (error, entry, _ ("unknown key"));
}

static const struct
{
  const char *group; /* its name; with a space at the end: the beginning of its name */
  gboolean (*read) (ConfigEntry *entry, GError **error);
} config_groups[] = {
  { "socket", config_read_socket_key },
  { "limits", config_read_limit_key },
  { CONFIG_GROUP, config_read_rule_key },
  { "peers", config_read_peers_key },
};

static gboolean
config_is_group (const char *group, const char *wanted)
{
  return g_str_has_suffix (wanted, " ") ? g_str_has_prefix (group, wanted) : g_str_equal (group, wanted);
}

/* --- the file --- */

static gboolean
config_read_group_of_keys (ConfigEntry *entry, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (entry->file, entry->group, NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (config_groups); i++)
    if (config_is_group (entry->group, config_groups[i].group))
      {
        for (char **key = keys; *key != NULL; key++)
          {
            entry->key = *key;
            if (!config_groups[i].read (entry, error))
              return FALSE;
          }
        return TRUE;
      }
  g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE, _ ("%s: [%s]: unknown group"), entry->path,
               entry->group);
  return FALSE;
}

static gboolean
config_read_file (ConfigEntry *entry, GError **error)
{
  g_auto (GStrv) names = g_key_file_get_groups (entry->file, NULL);
  g_autofree char *contradiction = NULL;

  for (char **name = names; *name != NULL; name++)
    {
      entry->group = *name;
      if (!config_read_group_of_keys (entry, error))
        return FALSE;
    }
  contradiction = bus_limits_settle (&entry->config->limits, entry->is_set);
  if (contradiction == NULL)
    return TRUE;
  g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE, "%s: [limits]: %s", entry->path, contradiction);
  return FALSE;
}

BusConfig *
bus_config_new (void)
{
  BusConfig *config = g_new0 (BusConfig, 1);
  guint32 own = account_own ();

  bus_limits_init (&config->limits);
  config->groups = bus_group_rules_copy (NULL, 0);
  config->accounts = g_memdup2 (&own, sizeof own);
  config->n_accounts = 1;
  config->tool_accounts = g_memdup2 (&own, sizeof own);
  config->n_tool_accounts = 1;
  return config;
}

BusConfig *
bus_config_load (const char *path, GError **error)
{
  g_autoptr (BusConfig) config = bus_config_new ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) reason = NULL;
  ConfigEntry entry = { .file = file, .path = path, .config = config };

  if (path == NULL)
    return g_steal_pointer (&config);
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason))
    {
      g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_READ, _ ("can't read the configuration %s: %s"), path,
                   reason->message);
      return NULL;
    }
  return config_read_file (&entry, error) ? g_steal_pointer (&config) : NULL;
}

void
bus_config_free (BusConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->address);
  g_free (config->socket_group);
  g_free (config->accounts);
  g_free (config->tool_accounts);
  g_array_unref (config->groups);
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
