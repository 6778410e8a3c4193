/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "driver.h"

/*
 * A role is the task of one process in a measurement: `bench-NAME ROLE ADDRESS [KEY=VALUE]...`. The harness (tests/bench/suite)
 * starts the processes and controls them by lines: a role prints READY and SYNCED, waits for a line before it begins, and prints
 * one JSON object at the end. A role that fails prints the reason on standard error and ends with status 1.
 *
 * Clocks are CLOCK_MONOTONIC, which all processes share, so that times of different processes can be subtracted.
 */

#define MOST_PUBLISHERS 64

typedef enum
{
  MESSAGE_PROBE = 1, /* sent until every subscriber has received one: all subscriptions are in effect */
  MESSAGE_DATA,
  MESSAGE_END, /* in place of a sequence: the number of data messages that were sent */
} MessageType;

/* The first bytes of every payload. */
typedef struct
{
  uint64_t sent_ns;
  uint64_t due_ns; /* when it should have been sent */
  uint32_t type;
  uint32_t publisher;
  uint64_t sequence;
} MessageHead;

typedef struct
{
  long size;         /* bytes of a payload */
  long count;        /* messages at most */
  long id;           /* of this publisher */
  long publishers;   /* all of them */
  long filters;      /* topics of the workload; 0: one */
  long first_filter; /* a subscriber has filters first_filter to first_filter + own_filters - 1 */
  long own_filters;  /* 0: all */
  long clients;      /* connections of this process */
  long samples;      /* latencies to keep */
  long depth;        /* pings in flight */
  long window;       /* DriverSettings.window */
  long pauses;       /* 1: measure the longest time without a message */
  double rate;       /* messages a second; 0: as many as possible */
  double seconds;    /* at most */
  const char *group;
  const char *kind; /* of filters: "wild" or "exact" */
  const char *mode; /* DriverSettings.mode */
} RoleOptions;

extern RoleOptions role;

uint64_t role_now_ns (void);
double role_cpu_s (void);
void role_sleep_until (uint64_t due_ns);
void role_die (const char *what) __attribute__ ((noreturn));
void role_print (const char *line);
void role_wait_line (void);      /* ends the process at the end of standard input */
int role_has_line (int wait_ms); /* 1: a line can be read */
void *role_open (const char *address, int flush_each, int listens_only, DriverMessage fn);
void role_send (void *client, const char *topic, void *payload, size_t len, MessageHead head);
void *role_payload (void); /* zeros, of role.size */
/* Sorts @ns, and prints its quantiles as members of a JSON object. */
void role_print_latency (const char *prefix, uint32_t *ns, size_t n);

void role_publish (const char *address);
void role_subscribe (const char *address);
void role_ping (const char *address);
void role_pong (const char *address);
void role_idle (const char *address);
void role_burst (const char *address);
void role_crowd (const char *address);
void role_ask (const char *addresses);
void role_answer (const char *addresses);
