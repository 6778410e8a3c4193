# SPDX-License-Identifier: Apache-2.0
"""Text of the page that no run can write: why a floor is not met, and what it would take. The key is the workload of floors.py."""

NOTES = {
    "ping p99 beside 16 hostile subscribers":
        "Each ping and each answer is offered to 16 x 1,024 subscriptions. Every one of them has a window of its own, and all of them are "
        "closed, because the crowd cannot run 33 million handlers a second: each offer drops the oldest waiting message of a subscription, "
        "about 70 ns, or 2.4 ms of the broker's CPU for a round trip. The crowd itself takes the other CPU. Equal subscriptions of a peer "
        "share an entry of the index, which bounds matching, but not this. It would take one queue for equal subscriptions of a peer, with "
        "a place for each member, and a CREDIT that names several subscriptions, so that members at one place stay together.",
}
