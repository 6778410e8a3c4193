/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-describe.h"

#include "ctl-json-text.h"
#include "terminal-text.h"

#include <glib/gi18n.h>

#define STANDARD_SERVICE "daemoneye.eventbus.Peer"

/* --- values --- */

static char *
describe_value_text (const Daemoneye__Eventbus__V1__Value *value)
{
  char real[CTL_JSON_REAL_SIZE];

  switch (value != NULL ? value->kind_case : DAEMONEYE__EVENTBUS__V1__VALUE__KIND__NOT_SET)
    {
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TEXT:
      return g_strdup_printf ("\"%s\"", value->text);
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_INTEGER:
      return g_strdup_printf ("%" G_GINT64_FORMAT, value->integer);
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NATURAL:
      return g_strdup_printf ("%" G_GUINT64_FORMAT, value->natural);
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TRUTH:
      return g_strdup (value->truth ? "true" : "false");
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NUMBER:
      return g_strdup (ctl_json_real_text (value->number, real));
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND__NOT_SET:
    default:
      return g_strdup ("?");
    }
}

/* D-Bus signatures. */
static const char *
describe_value_signature (const Daemoneye__Eventbus__V1__Value *value)
{
  switch (value != NULL ? value->kind_case : DAEMONEYE__EVENTBUS__V1__VALUE__KIND__NOT_SET)
    {
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TEXT:
      return "s";
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_INTEGER:
      return "x";
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NATURAL:
      return "t";
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TRUTH:
      return "b";
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NUMBER:
      return "d";
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND__NOT_SET:
    default:
      return "v";
    }
}

/* --- tree --- */

typedef struct
{
  const char *branch, *last_branch, *bar, *blank, *arrow;
} TreeMarks;

static const TreeMarks *
tree_marks (void)
{
  static const TreeMarks utf8 = { "├─ ", "└─ ", "│  ", "   ", "→" };
  static const TreeMarks ascii = { "|- ", "`- ", "|  ", "   ", "->" };

  return g_get_charset (NULL) ? &utf8 : &ascii;
}

static const char *
tree_last_segment (const char *type_name)
{
  const char *dot = strrchr (type_name, '.');

  return dot != NULL ? dot + 1 : type_name;
}

static void
tree_show_leaf (Ctl *ctl, const char *indent, gboolean last, const char *text, const char *doc)
{
  g_autofree char *safe = terminal_text_safe (text);
  g_autofree char *safe_doc = terminal_text_safe (doc);

  ctl_output_line (&ctl->output, "%s%s%s", indent, last ? tree_marks ()->last_branch : tree_marks ()->branch, safe);
  if (doc != NULL && *doc != '\0')
    ctl_output_line (&ctl->output, "%s%s    %s", indent, last ? tree_marks ()->blank : tree_marks ()->bar, safe_doc);
}

static char *
tree_method_text (const CtlMethod *method)
{
  g_autofree char *where = *method->topic != '\0' ? g_strdup_printf (_ ("topic %s"), method->topic) : NULL;
  g_autofree char *group = *method->group != '\0' ? g_strdup_printf (_ (", group %s"), method->group) : NULL;

  return g_strdup_printf (_ ("method %s (%s) %s (%s)%s%s%s"), method->name, tree_last_segment (method->request_type),
                          tree_marks ()->arrow, tree_last_segment (method->reply_type), where != NULL ? "  " : "",
                          where != NULL ? where : "", group != NULL ? group : "");
}

static void
tree_show_methods (Ctl *ctl, const CtlService *service, const char *indent, size_t *left, gboolean with_docs)
{
  for (size_t i = 0; i < service->n_methods; i++)
    {
      g_autofree char *text = tree_method_text (service->methods[i]);

      tree_show_leaf (ctl, indent, --*left == 0, text, with_docs ? service->methods[i]->doc : NULL);
    }
}

static void
tree_show_events (Ctl *ctl, const CtlService *service, const char *indent, size_t *left, gboolean with_docs)
{
  for (size_t i = 0; i < service->n_events; i++)
    {
      const CtlEvent *event = service->events[i];
      g_autofree char *text = g_strdup_printf (_ ("event %s  topic %s  type %s"), event->name, event->topic,
                                               tree_last_segment (event->type_name));

      tree_show_leaf (ctl, indent, --*left == 0, text, with_docs ? event->doc : NULL);
    }
}

static void
tree_show_properties (Ctl *ctl, const CtlService *service, const char *indent, size_t *left, gboolean with_docs)
{
  for (size_t i = 0; i < service->n_properties; i++)
    {
      const CtlProperty *property = service->properties[i];
      g_autofree char *value = describe_value_text (property->value);
      g_autofree char *text = g_strdup_printf (
          property->writable ? _ ("property %s = %s (can be set)") : _ ("property %s = %s"), property->name, value);

      tree_show_leaf (ctl, indent, --*left == 0, text, with_docs ? property->doc : NULL);
    }
}

static void
tree_show_service (Ctl *ctl, const CtlService *service, gboolean last, gboolean with_docs)
{
  size_t left = service->n_methods + service->n_events + service->n_properties;
  const char *indent = last ? tree_marks ()->blank : tree_marks ()->bar;

  tree_show_leaf (ctl, "", last, service->name, with_docs ? service->doc : NULL);
  tree_show_methods (ctl, service, indent, &left, with_docs);
  tree_show_events (ctl, service, indent, &left, with_docs);
  tree_show_properties (ctl, service, indent, &left, with_docs);
}

/* The tree of all peers leaves out the standard service, which every peer has. */
static gboolean
tree_is_shown (const CtlService *service, gboolean with_docs)
{
  return with_docs || !g_str_equal (service->name, STANDARD_SERVICE);
}

void
ctl_describe_tree (Ctl *ctl, const char *title, const CtlServices *services, gboolean with_docs)
{
  size_t left = 0;

  ctl_output_title (&ctl->output, title);
  if (services == NULL)
    {
      tree_show_leaf (ctl, "", TRUE, _ ("the peer does not answer introspection requests"), NULL);
      return;
    }
  for (size_t i = 0; i < services->n_services; i++)
    left += tree_is_shown (services->services[i], with_docs);
  if (left == 0)
    tree_show_leaf (ctl, "", TRUE, _ ("the standard methods: Ping, GetInfo, Introspect, ..."), NULL);
  for (size_t i = 0; i < services->n_services; i++)
    if (tree_is_shown (services->services[i], with_docs))
      tree_show_service (ctl, services->services[i], --left == 0, with_docs);
}

/* --- XML --- */

G_GNUC_PRINTF (3, 4)
static void
xml_line (GString *text, guint depth, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  line = g_markup_vprintf_escaped (format, args);
  va_end (args);
  for (guint i = 0; i < depth; i++)
    g_string_append (text, "  ");
  g_string_append (text, line);
  g_string_append_c (text, '\n');
}

static void
xml_annotation (GString *text, guint depth, const char *name, const char *value)
{
  if (value != NULL && *value != '\0')
    xml_line (text, depth, "<annotation name=\"%s\" value=\"%s\"/>", name, value);
}

static void
xml_argument (GString *text, guint depth, const char *name, const char *direction, const char *type_name)
{
  if (*type_name == '\0')
    return;
  if (direction != NULL)
    xml_line (text, depth, "<arg name=\"%s\" type=\"ay\" direction=\"%s\">", name, direction);
  else
    xml_line (text, depth, "<arg name=\"%s\" type=\"ay\">", name);
  xml_annotation (text, depth + 1, "org.daemoneye.Protobuf.Type", type_name);
  xml_line (text, depth, "</arg>");
}

static void
xml_method (GString *text, const CtlMethod *method)
{
  xml_line (text, 2, "<method name=\"%s\">", method->name);
  xml_annotation (text, 3, "org.gtk.GDBus.DocString", method->doc);
  xml_annotation (text, 3, "org.daemoneye.Topic", method->topic);
  xml_annotation (text, 3, "org.daemoneye.Group", method->group);
  xml_argument (text, 3, "request", "in", method->request_type);
  xml_argument (text, 3, "reply", "out", method->reply_type);
  xml_line (text, 2, "</method>");
}

static void
xml_event (GString *text, const CtlEvent *event)
{
  xml_line (text, 2, "<signal name=\"%s\">", event->name);
  xml_annotation (text, 3, "org.gtk.GDBus.DocString", event->doc);
  xml_annotation (text, 3, "org.daemoneye.Topic", event->topic);
  xml_argument (text, 3, "payload", NULL, event->type_name);
  xml_line (text, 2, "</signal>");
}

static void
xml_property (GString *text, const CtlProperty *property)
{
  xml_line (text, 2, "<property name=\"%s\" type=\"%s\" access=\"%s\">", property->name,
            describe_value_signature (property->value), property->writable ? "readwrite" : "read");
  xml_annotation (text, 3, "org.gtk.GDBus.DocString", property->doc);
  xml_line (text, 2, "</property>");
}

void
ctl_describe_xml (Ctl *ctl, const CtlServices *services)
{
  g_autoptr (GString) text = g_string_new (NULL);

  xml_line (text, 0, "<node name=\"%s\">", services->id);
  for (size_t i = 0; i < services->n_services; i++)
    {
      const CtlService *service = services->services[i];

      xml_line (text, 1, "<interface name=\"%s\">", service->name);
      xml_annotation (text, 2, "org.gtk.GDBus.DocString", service->doc);
      for (size_t k = 0; k < service->n_methods; k++)
        xml_method (text, service->methods[k]);
      for (size_t k = 0; k < service->n_events; k++)
        xml_event (text, service->events[k]);
      for (size_t k = 0; k < service->n_properties; k++)
        xml_property (text, service->properties[k]);
      xml_line (text, 1, "</interface>");
    }
  xml_line (text, 0, "</node>");
  ctl_output_xml (&ctl->output, text->str);
}

/* --- JSON --- */

JsonNode *
ctl_describe_json (const CtlServices *services)
{
  JsonNode *node = ctl_message_json (&services->base);

  json_object_remove_member (json_node_get_object (node), "types");
  return node;
}
