/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-policy.h"

#include "wire-topic.h"

/* The peers that a column of the table allows: a peer has the right if it has one of these flags for the topic. */
typedef enum
{
  NOBODY = 0,
  AGENT = 1 << 0,     /* roles agent and tool */
  COLLECTOR = 1 << 1, /* every collector */
  OWNER = 1 << 2,     /* collectors whose type has the row's {type} or {domain} */
  ADDRESSEE = 1 << 3, /* the collector whose id is the row's {id} */
  SELF = 1 << 4,      /* the peer of any role whose id is the row's {id} */
  HOLDER = 1 << 5,    /* the collector whose type and id are the row's {type} and {id} */
  ALL = AGENT | COLLECTOR,
} PolicyWho;

typedef enum
{
  SLOT_END = 0,
  SLOT_WORD,
  SLOT_ID,     /* any one segment, compared with an id */
  SLOT_TYPE,   /* any one segment, compared with a collector's type */
  SLOT_DOMAIN, /* any one segment, compared with the domain of a collector's type */
  SLOT_WORK,   /* any one segment, compared with both */
  SLOT_REST,   /* last: zero or more segments */
} PolicySlotKind;

typedef struct
{
  PolicySlotKind kind;
  WireSpan word;
} PolicySlot;

#define ROW_SLOTS 6u

typedef struct
{
  const char *rule;
  PolicySlot slots[ROW_SLOTS]; /* up to the first SLOT_END */
  guint publish;
  guint request;
  guint subscribe;
  guint serve;
} PolicyRow;

#define WORD(text)                                                                                                     \
  {                                                                                                                    \
    SLOT_WORD,                                                                                                         \
    {                                                                                                                  \
      (const guint8 *) ("" text), sizeof (text) - 1                                                                    \
    }                                                                                                                  \
  }
#define ID                                                                                                             \
  {                                                                                                                    \
    SLOT_ID,                                                                                                           \
    {                                                                                                                  \
      NULL, 0                                                                                                          \
    }                                                                                                                  \
  }
#define TYPE                                                                                                           \
  {                                                                                                                    \
    SLOT_TYPE,                                                                                                         \
    {                                                                                                                  \
      NULL, 0                                                                                                          \
    }                                                                                                                  \
  }
#define DOMAIN                                                                                                         \
  {                                                                                                                    \
    SLOT_DOMAIN,                                                                                                       \
    {                                                                                                                  \
      NULL, 0                                                                                                          \
    }                                                                                                                  \
  }
#define WORK                                                                                                           \
  {                                                                                                                    \
    SLOT_WORK,                                                                                                         \
    {                                                                                                                  \
      NULL, 0                                                                                                          \
    }                                                                                                                  \
  }
#define REST                                                                                                           \
  {                                                                                                                    \
    SLOT_REST,                                                                                                         \
    {                                                                                                                  \
      NULL, 0                                                                                                          \
    }                                                                                                                  \
  }
#define TOPIC(...)                                                                                                     \
  {                                                                                                                    \
    __VA_ARGS__                                                                                                        \
  }

/* clang-format off */
#define ANOMALY(domain)                                                                                                \
  { "events-anomaly", TOPIC (WORD ("events"), WORD (domain), WORD ("anomaly")), ALL, ALL, ALL, ALL }

/*
 * The rights. The order of the rows does not matter: the longest row that lists a topic decides, and of two equally long rows the
 * one with more words. A row lists longer topics only if it ends with REST.
 *
 * { rule, topic, who may publish, request, subscribe and get, serve }
 */
static const PolicyRow rows[] = {
  { "events-own-domain", TOPIC (WORD ("events"), DOMAIN, REST), OWNER, OWNER, ALL, NOBODY },
  ANOMALY ("process"),
  ANOMALY ("network"),
  ANOMALY ("filesystem"),
  ANOMALY ("performance"),

  { "tasks", TOPIC (WORD ("tasks"), TYPE), AGENT, AGENT, ALL, COLLECTOR },
  { "results-own-type", TOPIC (WORD ("results"), TYPE), OWNER, OWNER, ALL, NOBODY },
  { "health", TOPIC (WORD ("health"), REST), ALL, ALL, ALL, ALL },
  { "health-own-properties", TOPIC (WORD ("health"), WORD ("properties"), ID), SELF, SELF, ALL, NOBODY },

  { "health-heartbeat", TOPIC (WORD ("control"), WORD ("health"), WORD ("heartbeat")), ALL, ALL, ALL, ALL },
  { "health-status", TOPIC (WORD ("control"), WORD ("health"), WORD ("status")), ALL, ALL, ALL, ALL },
  { "health-diagnostics", TOPIC (WORD ("control"), WORD ("health"), WORD ("diagnostics")), ALL, ALL, ALL, ALL },
  { "health-own-heartbeat", TOPIC (WORD ("control"), WORD ("health"), WORD ("heartbeat"), ID), SELF, SELF, ALL, SELF },

  { "health-own-status", TOPIC (WORD ("control"), WORD ("health"), WORD ("status"), ID), SELF, SELF, ALL, NOBODY },

  { "agent-orchestration", TOPIC (WORD ("control"), WORD ("agent"), WORD ("orchestration")),
    AGENT, AGENT, AGENT, AGENT },
  { "agent-policy", TOPIC (WORD ("control"), WORD ("agent"), WORD ("policy")), AGENT, AGENT, AGENT, AGENT },

  { "collector-one", TOPIC (WORD ("control"), WORD ("collector"), ID), AGENT, AGENT, AGENT | ADDRESSEE, SELF },
  { "collector-lifecycle", TOPIC (WORD ("control"), WORD ("collector"), WORD ("lifecycle")),
    AGENT, AGENT, ALL, NOBODY },
  { "collector-registration", TOPIC (WORD ("control"), WORD ("collector"), WORD ("registration")),
    ALL, ALL, AGENT, AGENT },
  { "collector-config-one", TOPIC (WORD ("control"), WORD ("collector"), WORD ("config"), ID),
    AGENT, AGENT, AGENT | ADDRESSEE, ADDRESSEE },
  { "collector-config", TOPIC (WORD ("control"), WORD ("collector"), WORD ("config")), AGENT, AGENT, ALL, COLLECTOR },
  { "collector-config-reload", TOPIC (WORD ("control"), WORD ("collector"), WORD ("config"), WORD ("reload")),
    AGENT, AGENT, ALL, COLLECTOR },
  { "collector-task", TOPIC (WORD ("control"), WORD ("collector"), WORD ("task")), AGENT, AGENT, ALL, COLLECTOR },
  { "collector-task-type", TOPIC (WORD ("control"), WORD ("collector"), WORD ("task"), WORK),
    AGENT, AGENT, ALL, OWNER },
  { "collector-task-one", TOPIC (WORD ("control"), WORD ("collector"), WORD ("task"), TYPE, ID),
    AGENT, AGENT, AGENT | ADDRESSEE, ADDRESSEE },

  { "collector-standing", TOPIC (WORD ("control"), WORD ("collector"), WORD ("standing"), ID),
    NOBODY, NOBODY, ADDRESSEE, ADDRESSEE },

  { "shutdown", TOPIC (WORD ("control"), WORD ("shutdown")), AGENT, AGENT, ALL, NOBODY },
  { "shutdown-one", TOPIC (WORD ("control"), WORD ("shutdown"), ID), AGENT, AGENT, AGENT | ADDRESSEE, ADDRESSEE },

  { "bus-clear", TOPIC (WORD ("control"), WORD ("bus"), WORD ("clear")), NOBODY, AGENT, NOBODY, NOBODY },
  { "bus-gather", TOPIC (WORD ("control"), WORD ("bus"), WORD ("gather")), NOBODY, AGENT, NOBODY, NOBODY },
  { "bus-calls", TOPIC (WORD ("control"), WORD ("bus"), REST), NOBODY, ALL, NOBODY, NOBODY },
  { "system-broker-only", TOPIC (WORD ("system"), REST), NOBODY, NOBODY, AGENT, NOBODY },
  { "debug-reserved", TOPIC (WORD ("debug"), REST), NOBODY, NOBODY, NOBODY, NOBODY },
};

/* The rows for peers with the feature TASKS: the broker itself serves the first two topics, and only the broker sends tasks to a
 * collector. The table above has a row for each of these topics as well, for peers without the feature. */
static const PolicyRow task_rows[] = {
  { "task-registration", TOPIC (WORD ("control"), WORD ("collector"), WORD ("registration")),
    NOBODY, COLLECTOR, NOBODY, NOBODY },
  { "task-submit", TOPIC (WORD ("control"), WORD ("collector"), WORD ("task")), NOBODY, AGENT, NOBODY, NOBODY },
  { "task-execute", TOPIC (WORD ("control"), WORD ("collector"), WORD ("task"), TYPE, ID),
    NOBODY, NOBODY, HOLDER, HOLDER },
};
/* clang-format on */

/* Ids that clients cannot use: words that some topics have where other topics have an id (otherwise the own topic of a client with
 * this id would be a topic of all clients), and the names of broker and agent. */
static const char *const reserved_ids[] = {
  "bus",    "config", "task",       "lifecycle",  "registration", "reload",    "standing", "daemoneye-agent",
  "health", "status", "collectors", "registered", "suspect",      "set-aside", "draining", "gone",
};

/* Types whose domain has another name. No other type has one of these domains, even if the type has the name of the domain. */
static const struct
{
  WireSpan type;
  WireSpan domain;
} domains[] = {
#define DOMAIN_OF(type, domain)                                                                                        \
  {                                                                                                                    \
    { (const guint8 *) ("" type), sizeof (type) - 1 },                                                                 \
    {                                                                                                                  \
      (const guint8 *) ("" domain), sizeof (domain) - 1                                                                \
    }                                                                                                                  \
  }
  DOMAIN_OF ("procmond", "process"),
  DOMAIN_OF ("netmond", "network"),
  DOMAIN_OF ("fsmond", "filesystem"),
  DOMAIN_OF ("perfmond", "performance"),
#undef DOMAIN_OF
};

/* A topic or pattern, split into its segments. */
#define PATH_SEGMENTS (WIRE_TOPIC_SEGMENTS_CEILING + ROW_SLOTS)

typedef struct
{
  WireSpan segments[PATH_SEGMENTS];
  guint n;
  gboolean wildcard;
} PolicyPath;

static const BusVerdict no_rule
    = { FALSE, "no-rule", "no rule lists this topic: use one that the table of daemoneye-eventbus(7) lists" };

static gboolean
policy_path_is (WireSpan segment, char wildcard)
{
  return segment.len == 1 && segment.data[0] == (guint8) wildcard;
}

static gboolean
policy_path_init (PolicyPath *path, WireSpan text)
{
  WireSegments segments;
  WireSpan segment;

  path->n = 0;
  path->wildcard = FALSE;
  wire_segments_init (&segments, text);
  while (wire_segments_next (&segments, &segment))
    {
      if (path->n > WIRE_TOPIC_SEGMENTS_CEILING || segment.len == 0)
        return FALSE;
      path->wildcard = path->wildcard || policy_path_is (segment, '+') || policy_path_is (segment, '#');
      path->segments[path->n++] = segment;
    }
  return TRUE;
}

static WireSpan
policy_domain_of_type (WireSpan type)
{
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    if (wire_span_equal (domains[i].type, type))
      return domains[i].domain;
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    if (wire_span_equal (domains[i].domain, type))
      return WIRE_SPAN_LITERAL ("");
  return type;
}

/* TRUE if @row lists @topic, which has no wildcard. */
static gboolean
policy_row_lists (const PolicyRow *row, const PolicyPath *topic)
{
  guint i;

  for (i = 0; i < ROW_SLOTS && row->slots[i].kind != SLOT_END; i++)
    {
      if (row->slots[i].kind == SLOT_REST)
        return TRUE;
      if (i == topic->n)
        return FALSE;
      if (row->slots[i].kind == SLOT_WORD && !wire_span_equal (row->slots[i].word, topic->segments[i]))
        return FALSE;
    }
  return i == topic->n;
}

/* The rank of a row among those that list a topic: a longer row has a larger rank, and of equally long rows the one with more
 * words. */
static guint
policy_row_rank (const PolicyRow *row)
{
  guint rank = 0;

  for (guint i = 0; i < ROW_SLOTS; i++)
    {
      if (row->slots[i].kind == SLOT_END || row->slots[i].kind == SLOT_REST)
        break;
      rank += ROW_SLOTS + 1;
      if (row->slots[i].kind == SLOT_WORD)
        rank++;
    }
  return rank;
}

static const PolicyRow *
policy_find_row (const BusPrincipal *who, const PolicyPath *topic)
{
  const PolicyRow *best = NULL;

  for (guint i = 0; who->has_tasks && i < G_N_ELEMENTS (task_rows); i++)
    if (policy_row_lists (&task_rows[i], topic))
      return &task_rows[i];
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (policy_row_lists (&rows[i], topic) && (best == NULL || policy_row_rank (&rows[i]) > policy_row_rank (best)))
      best = &rows[i];
  return best;
}

/* The text of the peer with which a slot is compared. Empty: no segment matches. */
static WireSpan
policy_own_word (const BusPrincipal *who, PolicySlotKind kind)
{
  switch (kind)
    {
    case SLOT_ID:
      return who->id;
    case SLOT_TYPE:
    case SLOT_WORK:
      return who->role == BUS_ROLE_COLLECTOR ? who->type : WIRE_SPAN_LITERAL ("");
    case SLOT_DOMAIN:
      return who->role == BUS_ROLE_COLLECTOR ? policy_domain_of_type (who->type) : WIRE_SPAN_LITERAL ("");
    case SLOT_END:
    case SLOT_WORD:
    case SLOT_REST:
      break;
    }
  return WIRE_SPAN_LITERAL ("");
}

/* TRUE if @segment is the id, type or domain of the peer, as the slot requires. A type with the name of the domain of another type
 * does not match SLOT_WORK, where it could be taken for that domain. */
static gboolean
policy_is_own (const BusPrincipal *who, PolicySlotKind kind, WireSpan segment)
{
  if (kind == SLOT_WORK && policy_own_word (who, SLOT_DOMAIN).len == 0)
    return FALSE;
  return wire_span_equal (policy_own_word (who, kind), segment)
         || (kind == SLOT_WORK && wire_span_equal (policy_own_word (who, SLOT_DOMAIN), segment));
}

/* The flags of the peer for a topic that @row lists. */
static guint
policy_flags_of (const BusPrincipal *who, const PolicyRow *row, const PolicyPath *topic)
{
  gboolean is_collector = who->role == BUS_ROLE_COLLECTOR;
  guint flags = is_collector ? COLLECTOR : AGENT;

  if (!is_collector && who->role != BUS_ROLE_AGENT && who->role != BUS_ROLE_TOOL)
    return NOBODY;

  for (guint i = 0; i < ROW_SLOTS && i < topic->n; i++)
    {
      PolicySlotKind kind = row->slots[i].kind;

      if (kind == SLOT_END || kind == SLOT_REST)
        break;
      if (kind == SLOT_WORD || !policy_is_own (who, kind, topic->segments[i]))
        continue;
      if (kind != SLOT_ID)
        flags |= OWNER;
      else
        flags |= is_collector ? SELF | ADDRESSEE : SELF;
    }
  if ((flags & OWNER) && (flags & ADDRESSEE))
    flags |= HOLDER;
  return flags;
}

static guint
policy_allowed_flags (const PolicyRow *row, BusRight operation)
{
  switch (operation)
    {
    case BUS_OP_PUBLISH:
      return row->publish;
    case BUS_OP_REQUEST:
      return row->request;
    case BUS_OP_SUBSCRIBE:
    case BUS_OP_DELIVER:
      return row->subscribe;
    case BUS_OP_SERVE:
      return row->serve;
    case BUS_OP_BLOCK: /* no row has this right: see policy_authorize_block() */
      return NOBODY;
    }
  return NOBODY;
}

/* A text for the ERROR to a peer that was denied: the peers that the row allows. @allowed: the column of the operation */
static const char *
policy_needs (const PolicyRow *row, guint allowed)
{
  static const struct
  {
    guint allowed;
    const char *text;
  } needs[] = {
    { NOBODY, "no peer may" },
    { AGENT, "only the agent and tools may" },
    { COLLECTOR, "only collectors may" },
    { SELF, "only the peer with the id in the topic may" },
    { HOLDER, "only the collector with the type and the id in the topic may" },
    { ADDRESSEE, "only the collector with the id in the topic may" },
    { AGENT | ADDRESSEE, "only the agent, tools and the collector with the id in the topic may" },
  };

  if (allowed == OWNER && row->slots[3].kind == SLOT_WORK)
    return "only collectors with the type or the domain in the topic may";
  if (allowed == OWNER)
    return row->slots[1].kind == SLOT_DOMAIN ? "only collectors with the domain in the topic may"
                                             : "only collectors of the type in the topic may";
  for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
    if (needs[i].allowed == allowed)
      return needs[i].text;
  return "";
}

static BusVerdict
policy_authorize_topic (const BusPrincipal *who, BusRight operation, const PolicyPath *topic)
{
  const PolicyRow *row = policy_find_row (who, topic);

  if (row == NULL)
    return no_rule;
  return (BusVerdict){ (policy_flags_of (who, row, topic) & policy_allowed_flags (row, operation)) != 0, row->rule,
                       policy_needs (row, policy_allowed_flags (row, operation)) };
}

/* The segment of an example topic at a place where the pattern has a wildcard: the word of the row, or the text of the peer. */
static WireSpan
policy_open_segment (const PolicySlot *slot, const BusPrincipal *who)
{
  WireSpan segment = WIRE_SPAN_LITERAL ("");

  if (slot != NULL)
    segment = slot->kind == SLOT_WORD ? slot->word : policy_own_word (who, slot->kind);
  return segment.len > 0 ? segment : WIRE_SPAN_LITERAL ("any");
}

/* Makes an example of a topic that @row lists and @pattern matches; where both leave a segment open, it takes the text of the
 * peer, which is most likely to be allowed. FALSE: there is none. */
static gboolean
policy_common_topic (const PolicyRow *row, const PolicyPath *pattern, const BusPrincipal *who, PolicyPath *topic)
{
  gboolean row_has_rest = FALSE; /* its REST was reached */
  gboolean pattern_has_rest = FALSE;

  topic->n = 0;
  topic->wildcard = FALSE;
  for (guint i = 0;; i++)
    {
      const PolicySlot *slot = !row_has_rest && i < ROW_SLOTS && row->slots[i].kind != SLOT_END ? &row->slots[i] : NULL;
      const WireSpan *segment = !pattern_has_rest && i < pattern->n ? &pattern->segments[i] : NULL;
      gboolean is_open;

      if (slot != NULL && slot->kind == SLOT_REST)
        {
          row_has_rest = TRUE;
          slot = NULL;
        }
      if (segment != NULL && policy_path_is (*segment, '#'))
        {
          pattern_has_rest = TRUE;
          segment = NULL;
        }
      if (slot == NULL && segment == NULL)
        return TRUE;
      if ((slot == NULL && !row_has_rest) || (segment == NULL && !pattern_has_rest))
        return FALSE;

      is_open = segment == NULL || policy_path_is (*segment, '+');
      if (slot != NULL && slot->kind == SLOT_WORD)
        {
          /* The first segment system is matched by its name only. */
          if (is_open && i == 0 && wire_span_equal (slot->word, WIRE_SPAN_LITERAL ("system")))
            return FALSE;
          if (!is_open && !wire_span_equal (slot->word, *segment))
            return FALSE;
        }
      topic->segments[topic->n++] = is_open ? policy_open_segment (slot, who) : *segment;
    }
}

/* A pattern is allowed if the peer may read one topic that the pattern matches. Otherwise the verdict names the rule of the
 * longest row with such a topic. */
static BusVerdict
policy_authorize_pattern (const BusPrincipal *who, const PolicyPath *pattern)
{
  const PolicyRow *longest = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      BusVerdict verdict;
      PolicyPath topic;

      if (!policy_common_topic (&rows[i], pattern, who, &topic))
        continue;
      /* The example is checked as a topic, because a longer row may list it too. */
      verdict = policy_authorize_topic (who, BUS_OP_SUBSCRIBE, &topic);
      if (verdict.allowed)
        return verdict;
      if (longest == NULL || policy_row_rank (&rows[i]) > policy_row_rank (longest))
        longest = &rows[i];
    }
  return longest != NULL ? (BusVerdict){ FALSE, longest->rule, policy_needs (longest, longest->subscribe) } : no_rule;
}

/* A collector must not slow down the publishers of events, because that would delay detection. Publishers of tasks and results may
 * wait for a collector. */
static BusVerdict
policy_authorize_block (const BusPrincipal *who, const PolicyPath *path)
{
  gboolean is_work = wire_span_equal (path->segments[0], WIRE_SPAN_LITERAL ("tasks"))
                     || wire_span_equal (path->segments[0], WIRE_SPAN_LITERAL ("results"));

  return (BusVerdict){ who->role != BUS_ROLE_COLLECTOR || is_work, "block-needs-right",
                       "collectors may use the policy block for tasks and results only" };
}

BusVerdict
bus_policy_authorize (const BusPrincipal *who, BusRight operation, WireSpan topic)
{
  PolicyPath path;

  if (!policy_path_init (&path, topic))
    return no_rule;
  if (operation == BUS_OP_BLOCK)
    return policy_authorize_block (who, &path);
  if (!path.wildcard)
    return policy_authorize_topic (who, operation, &path);
  /* Only a pattern may have wildcards; in a topic they would be taken for names. */
  if (operation == BUS_OP_SUBSCRIBE)
    return policy_authorize_pattern (who, &path);
  return (BusVerdict){ FALSE, "not-a-topic", "only a subscription may have wildcards" };
}

gboolean
bus_policy_lets_all_receive (WireSpan topic)
{
  const BusPrincipal anyone = { .has_tasks = FALSE };
  const PolicyRow *row;
  PolicyPath path;

  if (!policy_path_init (&path, topic) || path.wildcard)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (task_rows); i++)
    if (policy_row_lists (&task_rows[i], &path))
      return FALSE; /* the row that decides depends on the features of the peer */
  row = policy_find_row (&anyone, &path);
  return row != NULL && (row->subscribe & ALL) == ALL;
}

const char *
bus_right_name (BusRight operation)
{
  static const char *const names[] = {
    [BUS_OP_PUBLISH] = "publish", [BUS_OP_REQUEST] = "request", [BUS_OP_SUBSCRIBE] = "subscribe",
    [BUS_OP_SERVE] = "serve",     [BUS_OP_BLOCK] = "block",     [BUS_OP_DELIVER] = "deliver",
  };

  return names[operation];
}

gboolean
bus_policy_id_is_reserved (WireSpan id)
{
  for (guint i = 0; i < G_N_ELEMENTS (reserved_ids); i++)
    if (wire_span_equal (id, wire_span_str (reserved_ids[i])))
      return TRUE;
  return FALSE;
}
